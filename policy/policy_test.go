package policy_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const policyFolder = "testdata/policies"

func load(t testing.TB, fsys fs.FS, prefix string) *policy.Set {
	t.Helper()
	set, err := policy.Load(fsys, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// files makes a file system of name and content, in turn.
func files(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for pair := range slices.Chunk(pairs, 2) {
		fsys[pair[0]] = &fstest.MapFile{Data: []byte(pair[1])}
	}
	return fsys
}

func ExampleLoad() {
	set, err := policy.Load(files("crm.yaml", `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: "mcp::crm"
  version: default
  rules:
    - actions: ["tools/list::*"]
      effect: EFFECT_ALLOW
      roles: ["*"]
    - name: sales
      actions: ["tools/call::get_sales_data"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition:
        match:
          expr: R.attr.arguments.region == P.attr.region
`), "policies")
	if err != nil {
		fmt.Println(err)
		return
	}
	for r := range set.Rules() {
		fmt.Println(r.Pos, r.ID)
	}
	fmt.Println(set.Rule("resource.mcp::crm.vdefault#sales").Condition)
	// Output:
	// policies/crm.yaml:6:7 resource.mcp::crm.vdefault#rule-001
	// policies/crm.yaml:9:7 resource.mcp::crm.vdefault#sales
	// R.attr.arguments.region == P.attr.region
}

// TestLoad reads a directory with everything that a policy may have and
// compares all that was read, with positions, to a golden file.
func TestLoad(t *testing.T) {
	set := load(t, os.DirFS(policyFolder), "p")
	var got bytes.Buffer
	for _, p := range set.Policies {
		describe(&got, p)
	}
	for _, name := range slices.Sorted(maps.Keys(set.Schemas)) {
		fmt.Fprintf(&got, "schema %s: %s\n", name, set.Schemas[name].File)
	}
	golden(t, filepath.Join("testdata", "policies.golden"), got.Bytes())
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func describe(w *bytes.Buffer, p *policy.Policy) {
	fmt.Fprintf(w, "%v: %v %s\n", p.Pos, p.Kind, p.Key())
	text := func(what string, t policy.Text) {
		if t.Value != "" {
			fmt.Fprintf(w, "    %v: %s %q\n", t.Pos, what, t.Value)
		}
	}
	texts := func(what string, list []policy.Text) {
		for _, t := range list {
			text(what, t)
		}
	}
	condition := func(c *policy.Condition) {
		if c != nil {
			fmt.Fprintf(w, "    %v: %v condition %s\n", c.Pos, c.Op, c)
		}
		for t := range c.Exprs() {
			text("expression", t)
		}
	}
	schema := func(what string, s *policy.SchemaRef) {
		if s != nil {
			text(what, s.Ref)
			texts("not for", s.IgnoreWhen)
		}
	}

	if p.Disabled {
		fmt.Fprintln(w, "    disabled")
	}
	text("name", policy.Text{Value: p.Name, Pos: p.NamePos})
	text("permissions", policy.Text{Value: p.ScopePermissions, Pos: p.ScopePermissionsPos})
	schema("principal schema", p.PrincipalSchema)
	schema("resource schema", p.ResourceSchema)
	texts("derived roles", p.ImportDerivedRoles)
	texts("parent role", p.ParentRoles)
	texts("import", p.Variables.Imports)
	for _, v := range p.Variables.Local {
		text("variable", v.Name)
		text("is", v.Expr)
	}
	texts("import", p.Constants.Imports)
	for _, c := range p.Constants.Local {
		text("constant", c.Name)
		fmt.Fprintf(w, "    is %v\n", c.Value)
	}
	for _, r := range p.Rules {
		fmt.Fprintf(w, "  %v: %s: %v %s\n", r.Pos, r.Label(), r.Effect, r.ID)
		text("resource", policy.Text{Value: r.Resource, Pos: r.ResourcePos})
		texts("action", r.Actions)
		texts("role", r.Roles)
		texts("derived role", r.DerivedRoles)
		condition(r.Condition)
		texts("output", r.Outputs)
	}
	for _, d := range p.DerivedRoles {
		fmt.Fprintf(w, "  %v: derived role %s of %s\n", d.Pos, d.Name, d.Set.Name)
		texts("parent role", d.ParentRoles)
		condition(d.Condition)
	}
}

func TestLookups(t *testing.T) {
	set := load(t, os.DirFS(policyFolder), "p")

	var names []string
	for _, r := range set.Named("role.acme_hr.vdefault/acme.hr#") {
		names = append(names, r.Label())
	}
	if diff := cmp.Diff([]string{"mcp_crm_rule-001", "mcp*_rule-001", "mcp_crm_rule-002"}, names); diff != "" {
		t.Errorf("unnamed rules of a role policy (-want +got):\n%s", diff)
	}
	if r := set.RuleFor("principal.sally_crm.example.com.vdefault#never", "mcp:crm", "tools/call::wipe"); r == nil || r.Pos.Line != 21 {
		t.Errorf("rule for a shared name: got %+v", r)
	}
	if r := set.RuleFor("principal.sally_crm.example.com.vdefault#never", "mcp:crm", "tools/call::else"); r != nil {
		t.Errorf("rule for an action that none of that name covers: got %v", r.Pos)
	}
	for _, id := range []string{"", "resource.mcp_crm.vdefault#rule-009", "resource.mcp_crm.vdefault"} {
		if r := set.Rule(id); r != nil {
			t.Errorf("rule %q: got %v, want none", id, r.Pos)
		}
	}

	crm := set.Policy("resource.mcp_crm.vdefault")
	if crm == nil || crm.File != "p/mcp.yaml" {
		t.Fatalf("policy by key: got %+v, want the enabled one", crm)
	}
	if s := set.Schema(crm.PrincipalSchema); s == nil || s.File != "p/_schemas/principal.json" {
		t.Errorf("principal schema: got %+v", s)
	}
	s := set.Schema(crm.ResourceSchema)
	if s == nil || s.Path != "mcp/crm.json" {
		t.Fatalf("resource schema: got %+v", s)
	}
	if root, err := s.Parse(); err != nil || root.Get("properties").Get("tool") == nil {
		t.Errorf("parsed schema: got %v, %v", root, err)
	}
	if d := set.DerivedRole(crm, "suspended"); d == nil || d.Pos.String() != "p/roles.yaml:8:7" {
		t.Errorf("derived role: got %+v", d)
	}
	if d := set.DerivedRole(crm, "SALES"); d != nil {
		t.Errorf("derived role that nobody defines: got %v", d.Pos)
	}
	if p := set.Import(policy.ExportVariables, "shared"); p == nil || p.File != "p/shared.yaml" {
		t.Errorf("import: got %+v", p)
	}
	if p := set.Import(policy.ResourcePolicy, "mcp:crm"); p != nil {
		t.Errorf("import of a resource policy: got %v", p.Pos)
	}
	want := []string{
		"p/_schemas/mcp/crm.json", "p/_schemas/principal.json",
		"p/limits.yaml", "p/mcp.yaml", "p/mcp2.json", "p/off.yaml", "p/roles.yaml", "p/sally.yaml",
		"p/scoped/acme.yml", "p/scoped/hr.yaml", "p/scoped/role.yaml", "p/scoped/sally.yaml", "p/shared.yaml",
	}
	if diff := cmp.Diff(want, set.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestConditionString(t *testing.T) {
	leaf := func(expr string) *policy.Condition { return &policy.Condition{Expr: expr} }
	for want, c := range map[string]*policy.Condition{
		"true":                nil,
		"a":                   leaf(" a\n"),
		"!(a)":                {Op: policy.None, Of: []*policy.Condition{leaf("a")}},
		"!((a) || (b))":       {Op: policy.None, Of: []*policy.Condition{leaf("a"), leaf("b")}},
		"(a) && (b || c)":     {Op: policy.All, Of: []*policy.Condition{leaf("a"), leaf("b || c")}},
		"(a) || ((b) && (c))": {Op: policy.Any, Of: []*policy.Condition{leaf("a"), {Op: policy.All, Of: []*policy.Condition{leaf("b"), leaf("c")}}}},
	} {
		if got := c.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		name string
		fsys fstest.MapFS
		want []string
	}{
		{
			"every file's mistakes at once",
			files(
				"a.yaml", "a: [1, 2\n",
				"b.json", `{"resourcePolicy": `+"\n]",
				"c.yaml", head+"resourcePolicy:\n  resource: [a]\n  version: 1.5\n  rules: 5\n",
			),
			[]string{
				"p/a.yaml:1:1: not valid YAML: did not find expected ',' or ']'",
				"p/b.json:2:1: not valid JSON: invalid character ']' at start of value",
				"p/c.yaml:3:13: resource must be a string, not a list",
				"p/c.yaml:4:12: version must be a string, not a number",
				"p/c.yaml:5:10: rules must be a list, not a number",
			},
		},
		{
			"rules",
			files("a.yaml", head+`disabled: "no"
resourcePolicy:
  resource: a
  version: default
  schemas: x
  rules:
    - actions: read
      effect: EFFECT_ALOW
      roles: [r, {}]
    - actions: [read]
      roles: [r]
    - actions: [read]
      effect:
    - actions: [read]
      effect: true
    - text
    - actions: [read]
      effect: 3
      condition: x
      output: y
`),
			[]string{
				"p/a.yaml:2:11: disabled must be true or false, not a string",
				"p/a.yaml:6:12: schemas must be a mapping, not a string",
				"p/a.yaml:8:16: actions must be a list, not a string",
				`p/a.yaml:9:15: unknown effect "EFFECT_ALOW" (did you mean EFFECT_ALLOW?)`,
				"p/a.yaml:10:18: each item of roles must be a string, not a mapping",
				"p/a.yaml:11:7: a rule needs an effect, EFFECT_ALLOW or EFFECT_DENY",
				"p/a.yaml:14:14: a rule needs an effect, EFFECT_ALLOW or EFFECT_DENY",
				"p/a.yaml:16:15: effect must be a string, not a boolean",
				"p/a.yaml:17:7: each item of rules must be a mapping, not a string",
				`p/a.yaml:19:15: unknown effect "3"; want EFFECT_ALLOW or EFFECT_DENY`,
				"p/a.yaml:20:18: condition must be a mapping, not a string",
				"p/a.yaml:21:15: output must be a mapping, not a string",
			},
		},
		{
			"conditions",
			files("a.yaml", head+`derivedRoles:
  name: a
  definitions:
    - {name: a, parentRoles: [r], condition: {script: x}}
    - {name: b, parentRoles: [r], condition: {}}
    - {name: c, parentRoles: [r], condition: {match: {}}}
    - {name: d, parentRoles: [r], condition: {match: {expr: "true", any: {of: []}}}}
    - {name: e, parentRoles: [r], condition: {match: {all: {of: [{none: 1}, {expr: []}, 2]}}}}
    - {name: f, parentRoles: [r], condition: {match: "true"}}
`),
			[]string{
				"p/a.yaml:6:46: a condition needs a match",
				"p/a.yaml:7:54: a match needs one of all, any, none and expr",
				"p/a.yaml:8:69: a match has one of all, any, none and expr, and expr stands here already",
				"p/a.yaml:9:73: none must be a mapping, not a number",
				"p/a.yaml:9:84: expr must be a string, not a list",
				"p/a.yaml:9:89: each item of of must be a mapping, not a number",
				"p/a.yaml:10:54: match must be a mapping, not a string",
			},
		},
		{
			"no policy",
			files(
				"a.yaml", "resourcePolice:\n  resource: a\n",
				"b.yaml", "- a\n",
				"c.yaml", head+"rolePolicy: {role: a, rules: []}\nresourcePolicy: {resource: b}\n",
				"d.yaml", head+"exportVariables: x\n",
				"e.yaml", head+"exportVariables: {name: a, definitions: {x: {}}}\n",
			),
			[]string{
				"p/a.yaml:1:1: not a Cerbos policy: there is no resourcePolicy, principalPolicy, rolePolicy, derivedRoles, exportVariables or exportConstants (did you mean resourcePolicy?)",
				"p/b.yaml:1:1: not a Cerbos policy: it must be a mapping, not a list",
				"p/c.yaml:2:1: rolePolicy: the file has a resource policy already, and Cerbos reads one policy a file",
				"p/d.yaml:2:18: exportVariables must be a mapping, not a string",
				"p/e.yaml:2:45: x must be a string, not a mapping",
			},
		},
		{
			"documents",
			files(
				"a.yaml", head+"rolePolicy: {role: a}\n---\n"+head+"rolePolicy: {role: b}\n",
				"b.yaml", head+"rolePolicy: {role: a}\n---\n",
				"c.yaml", head+"rolePolicy: {role: a}\n--- # comment\n",
			),
			[]string{
				"p/a.yaml:4:1: a second YAML document: Cerbos reads one policy a file",
				`p/b.yaml:3:1: the YAML document that begins here is empty, which Cerbos cannot read: remove the "---"`,
				`p/c.yaml:3:1: the YAML document that begins here is empty, which Cerbos cannot read: remove the "---"`,
			},
		},
		{
			"schemas in the wrong place",
			files("x/_schemas/a.json", "{}"),
			[]string{"p/x/_schemas: schemas are read from p/_schemas only"},
		},
		{
			"too large and not UTF-8",
			files("a.yaml", strings.Repeat("#", source.MaxBytes+1), "b.yaml", "a: \xff\n"),
			[]string{
				"p/a.yaml: the file is 32 MiB, more than the 32 MiB that are read",
				"p/b.yaml:1:4: byte 0xff is not valid UTF-8",
			},
		},
		{"no files", files(), []string{"p: no Cerbos policies"}},
		{"only tests", files("a_test.yaml", "", ".b.yaml", "", "testdata/c.yaml", ""), []string{"p: no Cerbos policies"}},
		{"all disabled", files("a.yaml", head+"disabled: true\nrolePolicy: {role: a}\n"), []string{"p: no Cerbos policies: every one is disabled"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, err := policy.Load(test.fsys, "p")
			if set != nil {
				t.Errorf("got a set besides the error")
			}
			var got []string
			for _, m := range source.Mistakes(err) {
				got = append(got, m.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMissingFolder(t *testing.T) {
	_, err := policy.Load(os.DirFS("testdata/nowhere"), "policies")
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "policies: ") {
		t.Errorf("got %v", err)
	}
	_, err = policy.Load(files(), "policies")
	if !errors.Is(err, policy.ErrNoPolicies) {
		t.Errorf("got %v, want ErrNoPolicies", err)
	}
}

func FuzzLoad(f *testing.F) {
	err := fs.WalkDir(os.DirFS(policyFolder), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(policyFolder, name))
		f.Add(data)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("---\n---"))
	f.Add([]byte(waived))
	f.Add([]byte("resourcePolicy: {rules: [&a {condition: {match: {all: {of: [*a]}}}}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := policy.Load(fstest.MapFS{"p.yaml": {Data: data}}, "")
		if err != nil {
			for _, m := range source.Mistakes(err) {
				var positioned *source.Error
				if !errors.As(m, &positioned) {
					t.Errorf("%v: no position", m)
				}
			}
			return
		}
		for r := range set.Rules() {
			if r.Pos.Line == 0 || !slices.Contains(set.Named(r.ID), r) {
				t.Errorf("%v: rule %q is not found", r.Pos, r.ID)
			}
			_ = r.Condition.String()
			_ = r.CoversKind(r.Resource) && r.CoversAction("a")
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	fsys := manyRules(500)
	size := len(fsys["p.yaml"].Data)
	b.SetBytes(int64(size))
	for b.Loop() {
		load(b, fsys, "policies")
	}
}

func manyRules(n int) fstest.MapFS {
	var data bytes.Buffer
	data.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp\n  version: default\n  rules:\n")
	for i := range n {
		fmt.Fprintf(&data, `    - actions: ["tools/list::tool_%[1]d", "tools/call::tool_%[1]d"]
      effect: EFFECT_ALLOW
      roles: [reader, writer]
      condition:
        match:
          all:
            of:
              - expr: R.attr.arguments.owner == P.id
              - expr: P.attr.level > %[1]d
`, i)
	}
	return fstest.MapFS{"p.yaml": {Data: data.Bytes()}}
}
