package accesslock_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mcpolicy/mcpolicy/accesslock"
	"github.com/mcpolicy/mcpolicy/source"
)

// office has roles that are named, that match a pattern and that a condition looks at, a
// principal policy, a policy for a scope, and a tool that nobody may use.
var office = map[string]string{
	"mcpolicy.yaml": "servers: {desk: {manifest: tools.json}}\npolicies: policies\nprincipals: people.yaml\n",
	"tools.json": `{"tools": [
		{"name": "file", "annotations": {"readOnlyHint": false, "destructiveHint": false}, "inputSchema": {"type": "object", "properties": {"pages": {"type": "number", "maximum": 10}}}},
		{"name": "shred", "annotations": {"destructiveHint": true}},
		{"name": "lock \"up\": {now}, 'please'"}]}`,
	"policies/desk.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: [tools/list, "tools/list::file"], effect: EFFECT_ALLOW, roles: ["*"]}
    - {actions: ["tools/list::shred"], effect: EFFECT_ALLOW, roles: [ARCHIVE, "team-*"]}
    - {actions: ["tools/call::file"], effect: EFFECT_ALLOW, roles: [ARCHIVE], condition: {match: {expr: "R.attr.arguments.pages < 5"}}}
    - {actions: ["tools/call::shred"], effect: EFFECT_ALLOW, roles: [ARCHIVE]}
    - {actions: ["tools/call::shred"], effect: EFFECT_DENY, roles: ["*"], condition: {match: {expr: "'TEMP' in P.roles"}}}
`,
	"policies/ida.yaml": `apiVersion: api.cerbos.dev/v1
principalPolicy:
  principal: ida
  version: default
  rules:
    - {resource: mcp_server, actions: [{action: "tools/call::shred", effect: EFFECT_DENY}]}
`,
	"people.yaml": `principals:
  ida: {id: ida, roles: [ARCHIVE]}
  bob: {id: bob, roles: [TEMP, ARCHIVE]}
  rob: {id: rob, kind: agent, roles: [team-west]}
`,
}

// with returns files in which texts are replaced.
func with(files map[string]string, pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
		for i := 0; i < len(pairs); i += 3 {
			if pairs[i] == name {
				m[name].Data = bytes.ReplaceAll(m[name].Data, []byte(pairs[i+1]), []byte(pairs[i+2]))
			}
		}
	}
	return m
}

// facts returns the lines that say something.
func facts(l *accesslock.Lock) []string {
	var list []string
	for text := range strings.Lines(string(l.Text())) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(text), "- "); ok && !strings.Contains(text, "hints") {
			list = append(list, text)
		}
	}
	return list
}

func TestLines(t *testing.T) {
	got := facts(lockOf(t, open(t, with(office))))
	want := []string{
		`{server: desk, tool: "lock \"up\": {now}, 'please'"}`,
		`{kind: human, holds: [ARCHIVE]}`,
		`{kind: human, holds: [ARCHIVE, TEMP]}`,
		`{kind: human, holds: [TEMP]}`,
		`{kind: agent, holds: ['team-*']}`,
		`{server: desk, tool: file, may: [list], by: ['*']}`,
		`{server: desk, tool: file, may: [call], by: [ARCHIVE], when: 'arguments.pages < 5'}`,
		`{server: desk, tool: shred, may: [list], by: [ARCHIVE, 'team-*']}`,
		`{server: desk, tool: shred, may: [call], by: [ARCHIVE]}`,
		`{server: desk, tool: shred, mayNot: [call], by: [[ARCHIVE, TEMP]]}`,
		`{server: desk, tool: shred, mayNot: [call], by: [ARCHIVE], id: ida}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("want\n%s\nhave\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

// What is changed, and what is said of it.
func TestVerify(t *testing.T) {
	policy, tools, people := "policies/desk.yaml", "tools.json", "people.yaml"
	deny := `    - {actions: ["tools/call::shred"], effect: EFFECT_DENY, roles: ["*"], condition: {match: {expr: "'TEMP' in P.roles"}}}` + "\n"
	for _, tt := range []struct {
		name  string
		pairs []string
		want  []string // kind, item, roles, line of the lock for what is stale
	}{
		{"nothing", nil, nil},
		{"order of keys", []string{tools, `{"type": "number", "maximum": 10}`, `{"maximum": 1e1, "type": "number"}`}, nil},
		{"a description", []string{tools, `"name": "shred"`, `"name": "shred", "description": "tears"`}, nil},
		{"another tool", []string{tools, `{"name": "shred"`, `{"name": "burn"}, {"name": "shred"`}, []string{"new-item burn"}},
		{"a tool is gone", []string{tools, `{"name": "lock \"up\": {now}, 'please'"}`, `{"name": "shred2"}`}, []string{"new-item shred2", `stale lock "up": {now}, 'please'`}},
		{"a hint", []string{tools, `"destructiveHint": true`, `"destructiveHint": false`}, []string{"changed-item shred"}},
		{"a schema", []string{tools, `"maximum": 10`, `"maximum": 20`}, []string{"changed-item file"}},
		{"another role", []string{policy, `roles: [ARCHIVE]}`, `roles: [ARCHIVE, CLERK]}`}, []string{"access-widened shred [[CLERK]]"}},
		{"everybody", []string{policy, `roles: [ARCHIVE]}`, `roles: ["*"]}`}, []string{"access-widened shred [[*]]"}},
		{"a wider pattern", []string{policy, `"team-*"`, `"t*"`}, []string{"access-widened shred [[t*]]"}},
		{"a wider condition", []string{policy, `pages < 5`, `pages < 6`}, []string{"access-widened file [[ARCHIVE]]"}},
		{"a narrower condition", []string{policy, `pages < 5`, `pages < 4`}, []string{"stale file [[ARCHIVE]]"}},
		{"another condition", []string{policy, `pages < 5`, `pages > 2`}, []string{"access-widened file [[ARCHIVE]]"}},
		{"the same condition", []string{policy, `R.attr.arguments.pages < 5`, `5 > R.attr.arguments.pages`}, nil},
		{"the same within the schema", []string{policy, `pages < 5`, `pages < 5 || R.attr.arguments.pages > 11`}, nil},
		{"a deny is gone", []string{policy, deny, ""}, []string{"access-widened shred [[ARCHIVE TEMP]]"}},
		{"a deny of a person is gone", []string{"policies/ida.yaml", "EFFECT_DENY", "EFFECT_ALLOW"}, []string{"access-widened shred [[*]]"}},
		{"an agent has another role", []string{people, "roles: [team-west]", "roles: [team-west, ARCHIVE]"}, []string{"access-widened  "}},
		{"somebody has another role", []string{people, "roles: [ARCHIVE]", "roles: [ARCHIVE, TEMP]"}, nil},
		{"nobody has a role", []string{people, "kind: agent, roles: [team-west]", "roles: [X]"}, []string{"stale  "}},
		{"another name of a person", []string{people, "rob", "robin"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := lockOf(t, open(t, with(office)))
			r := verify(t, open(t, with(office, tt.pairs...)), l)
			var got []string
			for _, c := range r.Changes {
				text := fmt.Sprintf("%v %s", c.Kind, c.Name)
				if len(c.By) > 0 || c.Holding != nil {
					text += " " + strings.TrimPrefix(fmt.Sprint(c.By), "[]")
				}
				got = append(got, text)
				if c.Kind == accesslock.Stale && c.Line.Line < 2 {
					t.Errorf("%s is at %v", text, c.Line)
				}
				if c.Kind != accesslock.Stale && c.Pos.IsZero() {
					t.Errorf("%s has no place", text)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("want %q, have %q", tt.want, got)
			}
		})
	}
}

// A condition that looks at roles in another way than by their names is not told apart by
// them: each change of the policies is reported.
func TestUnknown(t *testing.T) {
	files := with(office, "policies/desk.yaml", "'TEMP' in P.roles", "P.roles.exists(r, r.endsWith('TEMP'))")
	l := lockOf(t, open(t, files))
	if !strings.Contains(string(l.Text()), "because: ") {
		t.Fatalf("nothing is unknown:\n%s", l.Text())
	}
	if r := verify(t, open(t, files), l); len(r.Changes) > 0 {
		t.Errorf("the lock does not hold: %+v", r.Changes)
	}
	files["policies/desk.yaml"].Data = bytes.ReplaceAll(files["policies/desk.yaml"].Data, []byte("endsWith('TEMP')"), []byte("endsWith('TEMPS')"))
	r := verify(t, open(t, files), l)
	if !slices.ContainsFunc(r.Changes, func(c accesslock.Change) bool { return c.Kind == accesslock.Undetermined }) {
		t.Errorf("a change goes unnoticed: %+v", r.Changes)
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "m.yaml: the lock is empty; remove it and write it with mcpolicy lock"},
		{"items: []\n", "m.yaml:1:1: this is no lock: it does not say its version; write it with mcpolicy lock"},
		{"- a\n", "m.yaml:1:1: this is no lock: it does not say its version; write it with mcpolicy lock"},
		{"version: 2\nfuture: {}\n", `m.yaml:1:10: another version of the lock: want version 1, have "2"; use the mcpolicy that wrote it, or remove the file and write it with mcpolicy lock`},
		{"version: 1\nitems:\n<<<<<<< HEAD\n  - {server: a, tool: b}\n=======\n  - {server: a, tool: c}\n>>>>>>> x\n", "m.yaml:3:1: merge conflict: settle the policies and the inventories, then write the lock anew with mcpolicy lock"},
		{"version: 1\nitem: []\n", `m.yaml:2:1: unknown key "item" (did you mean items?)`},
		{"version: 1\nitems:\n  - {tool: b, prompt: c}\n", "m.yaml:3:5: server is missing\nm.yaml:3:5: want one of tool, prompt, resource and resourceTemplate, have 2"},
		{"version: 1\nkinds:\n  - {kind: robot, holds: []}\n", `m.yaml:3:5: kind: want human, workload, agent, have "robot"` + "\nm.yaml:3:5: holds: want a list of roles"},
		{"version: 1\naccess:\n  - {server: a, tool: b, may: [cal], by: [{}]}\n", `m.yaml:3:5: may: want list, call, get or read, have "cal"` + "\nm.yaml:3:43: by: want a role or a list of roles, have a mapping"},
		{"version: 1\naccess:\n  - {server: a, tool: b, may: [call], mayNot: [list], by: [A]}\n", "m.yaml:3:5: want may or mayNot, have both"},
		{"version: 1\naccess:\n  - {server: a, tool: b, mayNot: [call], by: [A], when: x}\n", "m.yaml:3:5: a condition belongs to may alone"},
		{"version: 1\naccess:\n  - {server: a, tool: b, may: [call], by: [A], when: x, unwritten: true}\n", "m.yaml:3:5: want one of when and unless, any, all and unwritten, have several"},
	} {
		_, err := accesslock.Parse("m.yaml", []byte(tt.text))
		var list []string
		for _, m := range source.Mistakes(err) {
			list = append(list, m.Error())
		}
		if got := strings.Join(list, "\n"); got != tt.want {
			t.Errorf("of %q\nwant %s\nhave %s", tt.text, tt.want, got)
		}
	}
	_, err := accesslock.Parse("m.yaml", []byte("version: 3"))
	if !errors.Is(err, source.ErrOtherVersion) {
		t.Errorf("have %v", err)
	}
}

// The schema takes what is written, and refuses what Parse refuses.
func TestSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(accesslock.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	fixture, err := os.ReadFile("../fixtures/fastmcp4/mcpolicy.lock.yaml")
	if err != nil {
		t.Fatal(err)
	}
	takes := []string{
		string(fixture), string(lockOf(t, open(t, with(office))).Text()),
		"version: 1\naccess: [{server: a, tool: b, may: [call], by: [[A, B], C], id: x, scope: y, policyVersion: z, any: [{when: a}, {all: [{unless: c}, {unwritten: true}]}], depends: d}]",
		"$schema: x\nversion: 1\nunknown: [{server: a, prompt: b, operations: [get], because: c, depends: d}]\naccess: [{server: a, tool: b, may: [list], by: ['*'], unguarded: true}]",
	}
	refuses := []string{
		"items: []", "version: 2", "version: 1\nitem: []", "version: 1\nitems: [{tool: b}]", "version: 1\nitems: [{server: a, tool: b, prompt: c}]",
		"version: 1\nitems: [{server: a, tool: b, hints: {readonly: true}}]", "version: 1\nkinds: [{kind: robot, holds: [A]}]", "version: 1\nkinds: [{kind: agent, holds: []}]",
		"version: 1\naccess: [{server: a, tool: b, by: [A]}]", "version: 1\naccess: [{server: a, tool: b, may: [cal], by: [A]}]", "version: 1\naccess: [{server: a, tool: b, may: [call], by: []}]",
		"version: 1\naccess: [{server: a, tool: b, may: [call], mayNot: [list], by: [A]}]", "version: 1\naccess: [{server: a, tool: b, may: [call], by: [A], any: [{}]}]",
		"version: 1\nschemas: [{schemas: a}]", "version: 1\nunknown: [{server: a, tool: b}]",
	}
	for i, text := range slices.Concat(takes, refuses) {
		docs, err := source.ParseYAML("m.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		bySchema := s.Validate(docs[0].Value())
		if _, err := accesslock.Parse("m.yaml", []byte(text)); (err == nil) != (i < len(takes)) || (bySchema == nil) != (i < len(takes)) {
			t.Errorf("of %s\nParse: %v\nthe schema: %v", text, err, bySchema)
		}
	}
}
