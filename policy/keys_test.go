package policy_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// everyKey is a folder of policies that has every key which a policy may have,
// but for scripts, which Cerbos refuses.
var everyKey = map[string]string{
	"resource.yaml": `{
		"$schema": "s", "apiVersion": "api.cerbos.dev/v1", "disabled": false, "description": "d", "variables": {"old": "true"},
		"metadata": {"sourceFile": "f", "annotations": {"a": "b"}, "hash": 1, "storeIdentifer": "s", "storeIdentifier": "s", "sourceAttributes": {"attributes": {"a": 1}}},
		"resourcePolicy": {
			"resource": "desk", "version": "default", "scope": "", "scopePermissions": "SCOPE_PERMISSIONS_UNSPECIFIED", "importDerivedRoles": ["staff"],
			"schemas": {"principalSchema": {"ref": "cerbos:///s.json", "ignoreWhen": {"actions": ["x"]}}, "resourceSchema": {"ref": "cerbos:///s.json", "ignoreWhen": {"actions": ["x"]}}},
			"variables": {"import": ["shared"], "local": {"v": "1"}}, "constants": {"import": ["fixed"], "local": {"c": {"any": 1}}},
			"rules": [{
				"name": "r", "actions": ["use"], "effect": "EFFECT_ALLOW", "roles": ["a"], "derivedRoles": ["clerk"],
				"condition": {"match": {"all": {"of": [{"expr": "true"}, {"any": {"of": [{"expr": "true"}]}}, {"none": {"of": [{"expr": "false"}]}}]}}},
				"output": {"expr": "1", "when": {"ruleActivated": "1", "conditionNotMet": "2"}}
			}]
		}
	}`,
	"principal.yaml": `{"apiVersion": "api.cerbos.dev/v1", "principalPolicy": {
		"principal": "ian", "version": "default", "scope": "", "scopePermissions": "SCOPE_PERMISSIONS_UNSPECIFIED",
		"variables": {"import": [], "local": {"v": "1"}}, "constants": {"import": [], "local": {"c": 1}},
		"rules": [{"resource": "desk", "actions": [{"name": "a", "action": "use", "effect": "EFFECT_DENY", "condition": {"match": {"expr": "true"}}, "output": {"when": {"ruleActivated": "1"}}}]}]
	}}`,
	"role.yaml": `{"apiVersion": "api.cerbos.dev/v1", "rolePolicy": {
		"role": "guest", "version": "default", "scope": "", "scopePermissions": "SCOPE_PERMISSIONS_UNSPECIFIED", "parentRoles": ["a"],
		"variables": {"local": {"v": "1"}}, "constants": {"local": {"c": 1}},
		"rules": [{"name": "n", "resource": "desk", "allowActions": ["use"], "condition": {"match": {"expr": "true"}}, "output": {"when": {"ruleActivated": "1"}}}]
	}}`,
	"derived.yaml": `{"apiVersion": "api.cerbos.dev/v1", "derivedRoles": {
		"name": "staff", "variables": {"local": {"v": "1"}}, "constants": {"local": {"c": 1}},
		"definitions": [{"name": "clerk", "parentRoles": ["a"], "condition": {"match": {"expr": "true"}}}]
	}}`,
	"variables.yaml":  `{"apiVersion": "api.cerbos.dev/v1", "exportVariables": {"name": "shared", "definitions": {"x": "1"}}}`,
	"constants.yaml":  `{"apiVersion": "api.cerbos.dev/v1", "exportConstants": {"name": "fixed", "definitions": {"y": {"z": 1}}}}`,
	"_schemas/s.json": `{}`,
	"otherwise.yaml":  `{"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": {"resource": "till", "version": "default", "scopePermissions": "SCOPE_PERMISSIONS_UNSPECIFIED", "rules": [{"actions": ["use"], "effect": "EFFECT_DENY", "roles": ["*"]}]}}`,
}

// A change is the JSON of one file with one key added or spelt in another way.
type change struct{ name, text string }

// changes are those of every mapping of a file.
func changes(t *testing.T, text string) []change {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	var list []change
	add := func(name string) {
		b, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, change{name, string(b)})
	}
	var walk func(v any, at string)
	walk = func(v any, at string) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x, at+"[]")
			}
		case map[string]any:
			v["zebra"] = "1"
			add(at + "+zebra")
			delete(v, "zebra")
			for _, key := range slices.Sorted(maps.Keys(v)) {
				value := v[key]
				delete(v, key)
				for _, spelling := range []string{snake(key), strings.ToUpper(key), key + "s"} {
					v[spelling] = value
					add(at + "." + key + "=" + spelling)
					delete(v, spelling)
				}
				v[key] = value
				walk(value, at+"."+key)
			}
		}
	}
	walk(root, "")
	return list
}

func snake(key string) string {
	var b strings.Builder
	for _, r := range key {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// A key is refused if and only if Cerbos does not know it there.
func TestUnknownKeysAsCerbos(t *testing.T) {
	folder := func(file, text string) fstest.MapFS {
		fsys := fstest.MapFS{}
		for name, content := range everyKey {
			fsys[name] = &fstest.MapFile{Data: []byte(content)}
		}
		if file != "" {
			fsys[file] = &fstest.MapFile{Data: []byte(text)}
		}
		return fsys
	}
	if _, err := compileTable(t.Context(), folder("", "")); err != nil {
		t.Fatal(err)
	}
	refused, taken := 0, 0
	for _, file := range slices.Sorted(maps.Keys(everyKey)) {
		if file == "_schemas/s.json" {
			continue
		}
		for _, c := range changes(t, everyKey[file]) {
			_, err := policy.Load(folder(file, c.text), "")
			_, engine := compileTable(t.Context(), folder(file, c.text))
			ours := err != nil && strings.Contains(err.Error(), "unknown key")
			theirs := engine != nil && strings.Contains(engine.Error(), "unknown field")
			// A key in the place of the one that says what kind of policy it is
			// leaves no policy, which is said instead.
			if ours != theirs && (err == nil || !strings.Contains(err.Error(), "not a Cerbos policy")) {
				t.Errorf("%s %s:\nhave %v\nthe engine says %v", file, c.name, err, engine)
			}
			if theirs {
				refused++
			} else {
				taken++
			}
		}
	}
	t.Logf("%d refused, %d taken", refused, taken)
}

// everyKey has every key that each message of Cerbos has.
func TestEveryKey(t *testing.T) {
	root := (&policyv1.Policy{}).ProtoReflect().Descriptor()
	have := map[string]bool{"Condition.script": true}
	var gather func(v any, m protoreflect.MessageDescriptor)
	gather = func(v any, m protoreflect.MessageDescriptor) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				gather(x, m)
			}
		case map[string]any:
			for key, value := range v {
				if f := m.Fields().ByJSONName(key); f != nil {
					have[string(m.Name())+"."+key] = true
					if f.Message() != nil {
						gather(value, f.Message())
					}
				}
			}
		}
	}
	for _, text := range everyKey {
		var doc any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		gather(doc, root)
	}
	seen := map[protoreflect.FullName]bool{}
	var walk func(m protoreflect.MessageDescriptor)
	walk = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] || m.ParentFile().Package() != "cerbos.policy.v1" || m.IsMapEntry() {
			return
		}
		seen[m.FullName()] = true
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if name := string(m.Name()) + "." + f.JSONName(); !have[name] {
				t.Errorf("no policy has %s", name)
			}
			if f.Message() != nil {
				walk(f.Message())
			}
		}
	}
	walk(root)
}

func TestMisspeltKeys(t *testing.T) {
	fsys := fstest.MapFS{"a.yaml": &fstest.MapFile{Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: till
  verison: default
  rules:
    - action: [open]
      efect: EFFECT_ALLOW
      role: [clerk]
    - actions: [close]
      effect: EFFECT_ALOW
      roles: [clerk]
      conditions: {match: {expr: "true"}}
    - actions: [count]
      effect: allow
      roles: [clerk]
      condition: {match: {exp: "true"}}
    - actions: [count]
      effect: permit
      roles: [clerk]
      condition: {mach: {expr: "true"}}
    - actions: [lock]
      when: always
`)}}
	_, err := policy.Load(fsys, "p")
	var got []string
	for _, m := range source.Mistakes(err) {
		got = append(got, m.Error())
	}
	want := []string{
		`p/a.yaml:4:3: unknown key "verison" (did you mean version?)`,
		`p/a.yaml:6:7: unknown key "action" (did you mean actions?)`,
		`p/a.yaml:7:7: unknown key "efect" (did you mean effect?)`,
		`p/a.yaml:8:7: unknown key "role" (did you mean roles?)`,
		`p/a.yaml:10:15: unknown effect "EFFECT_ALOW" (did you mean EFFECT_ALLOW?)`,
		`p/a.yaml:12:7: unknown key "conditions" (did you mean condition?)`,
		`p/a.yaml:14:15: unknown effect "allow" (did you mean EFFECT_ALLOW?)`,
		`p/a.yaml:16:27: unknown key "exp" (did you mean expr?)`,
		`p/a.yaml:18:15: unknown effect "permit"; want EFFECT_ALLOW or EFFECT_DENY`,
		`p/a.yaml:20:19: unknown key "mach" (did you mean match?)`,
		`p/a.yaml:21:7: a rule needs an effect, EFFECT_ALLOW or EFFECT_DENY`,
		`p/a.yaml:22:7: unknown key "when"; known here: actions, condition, derivedRoles, effect, name, output, roles`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestNearSchema(t *testing.T) {
	text := func(resource, head, ref string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\n" + head + "resourcePolicy:\n  resource: " + resource +
			"\n  version: default\n  rules: [{actions: [a], effect: EFFECT_ALLOW, roles: [b]}]\n  schemas:\n    resourceSchema: {ref: " + ref + "}\n")}
	}
	set, err := policy.Load(fstest.MapFS{
		"a.yaml":                 text("a", "", "cerbos:///till.json"),
		"b.yaml":                 text("b", "", "sub/dsk.json"),
		"c.yaml":                 text("c", "", "cerbos:///til.json"),
		"d.yaml":                 text("d", "", "cerbos:///yard.json"),
		"e.yaml":                 text("e", "disabled: true\n", "cerbos:///til.json"),
		"_schemas/till.json":     {Data: []byte("{}")},
		"_schemas/sub/desk.json": {Data: []byte("{}")},
	}, "p")
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"a": "", "b": "sub/desk.json", "c": "till.json", "d": "", "e": "", "f": ""} {
		for line := range 10 {
			expect := ""
			if line == 7 {
				expect = want
			}
			if got := set.NearSchema("p/"+file+".yaml", line); got != expect {
				t.Errorf("%s.yaml:%d: %q, want %q", file, line, got, expect)
			}
		}
	}
}

func TestSetCoversKind(t *testing.T) {
	const head = "apiVersion: api.cerbos.dev/v1\n"
	fsys := fstest.MapFS{
		"a.yaml": &fstest.MapFile{Data: []byte(head + "resourcePolicy: {resource: \"mcp:till\", version: v2}\n")},
		"b.yaml": &fstest.MapFile{Data: []byte(head + "principalPolicy: {principal: ian, version: default, rules: [{resource: \"desk*\", actions: [{action: a, effect: EFFECT_DENY}]}]}\n")},
		"c.yaml": &fstest.MapFile{Data: []byte(head + "rolePolicy: {role: guest, rules: [{resource: yard, allowActions: [a]}]}\n")},
		"d.yaml": &fstest.MapFile{Data: []byte(head + "disabled: true\nresourcePolicy: {resource: attic, version: default}\n")},
	}
	set, err := policy.Load(fsys, "p")
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]bool{
		"mcp:till": true, "mcp_till": true, "desk": true, "desk_2": true, "yard": true, "attic": false, "till": false, "": false,
	} {
		if got := set.CoversKind(kind); got != want {
			t.Errorf("%q: %v, want %v", kind, got, want)
		}
	}
}
