package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/source"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.Text("config.json")))
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
	return s
}

// validate returns what an editor would say about a YAML text.
func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	docs, err := source.ParseYAML("m.yaml", text)
	if err != nil || len(docs) != 1 {
		t.Fatalf("%d documents, %v", len(docs), err)
	}
	return s.Validate(docs[0].Value())
}

// The schema takes what Parse takes.
func TestSchemaTakesConfigs(t *testing.T) {
	editor := compileSchema(t)
	files, err := filepath.Glob(filepath.Join("..", "fixtures", "*", "mcpolicy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, filepath.Join("testdata", "full.yaml")) {
		t.Run(filepath.ToSlash(file), func(t *testing.T) {
			data, err := os.ReadFile(file) //nolint:gosec // files of this repository
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(t, editor, data); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
			if _, err := config.Parse(file, data); err != nil {
				t.Errorf("Parse refuses it: %v", err)
			}
		})
	}
	for _, text := range []string{
		"{}",
		"$schema: ./schema.json\ntests: a\npolicies: .\n",
		"servers: {a: {live: {url: 'HTTP://[::1]:80/a?b'}}, b: {manifest: a#b#c}, c: {live: {command: [a, '']}}}",
		"servers: {a: {manifest: a, with: {fastmcp: 3.0.0b1}}, b: {manifest: a, with: {fastmcp: 4}}}",
		"enforcement: {g: {tools/list: none, tools/call: {requests: [{kind: a, id: b, action: c}]}}}",
		"lint: {baseline: known/a.yaml}",
		"lint: {failOn: off, separationOfDuties: [{name: a, sets: [[a], [b]]}]}",
		"lint: {flows: {untrusted: [fetch_page, 'mail:read_*'], outbound: []}}",
		"engine: {defaultScope: ., globals: {}}",
	} {
		if err := validate(t, editor, []byte(text)); err != nil {
			t.Errorf("the schema refuses %s: %v", text, err)
		}
		if _, err := config.Parse("m.yaml", []byte(text)); err != nil {
			t.Errorf("Parse refuses %s: %v", text, err)
		}
	}
}

// The schema refuses what Parse refuses, but for what it cannot know.
func TestSchemaRefusesConfigs(t *testing.T) {
	editor := compileSchema(t)
	for _, tt := range badConfigs {
		if !tt.schema {
			continue
		}
		if err := validate(t, editor, []byte(tt.text)); err == nil {
			t.Errorf("the schema takes %s", tt.name)
		}
	}
	// One mistake each, where the table above has several.
	for _, text := range []string{
		"principals: ''", "tests: [null]", "tests: [../a]",
		"servers: {'': {manifest: a}}", "servers: {a: {}}", "servers: {a: {manifest: 'a#'}}", "servers: {a: {manifest: a, incomplete: yes}}",
		"servers: {a: {live: {}}}", "servers: {a: {live: {command: []}}}", "servers: {a: {live: {command: ['']}}}",
		"servers: {a: {live: {url: 'https://a', command: [a]}}}", "servers: {a: {live: {command: [a], headers: {}}}}",
		"servers: {a: {live: {url: 'https://a', headers: {A: b}}}}", "servers: {a: {live: {url: 'https://a', headers: {A B: {env: C}}}}}",
		"servers: {a: {live: {url: 'https://a', headers: {A: {env: 1A}}}}}", "servers: {a: {live: {url: 'https://a', headers: {A: {}}}}}",
		"probe: {tokens: {a: b}}", "probe: {tokens: {'': {env: A}}}", "probe: {port: 1}",
		"engine: {schemaEnforcement: deny}", "engine: {strictEvaluation: 1}", "engine: {defaultPolicyVersion: a b}",
		"engine: {defaultScope: a..b}", "engine: {globals: []}", "engine: {x: 1}",
		"enforcement: {tool-as-action: {tools/call: none}}", "enforcement: {a: {}}", "enforcement: {a: {tools/cal: none}}",
		"enforcement: {a: {tools/call: none, refused: []}}", "enforcement: {a: {tools/call: none, refused: [{}]}}", "enforcement: {a: {refused: [{code: 1}]}}",
		"enforcement: {a: {tools/call: none, refused: [{code: 0}]}}", "enforcement: {a: {tools/call: none, refused: [{isError: false}]}}",
		"enforcement: {a: {tools/call: none, admitted: [{status: 302}]}}", "enforcement: {a: {tools/call: none, refused: [{code: 1, isError: true}]}}",
		"enforcement: {a: {tools/call: none, refused: [{code: 1, method: tools/list}]}}",
		"enforcement: {a: {tools/call: none, onNoPolicy: deny}}", "enforcement: {a: {onPDPDown: pass}}",
		"enforcement: {a: {tools/call: []}}", "enforcement: {a: {tools/call: call}}", "enforcement: {a: {tools/call: {}}}",
		"enforcement: {a: {tools/call: [{kind: a, id: b}]}}", "enforcement: {a: {tools/call: [{kind: ' ', id: b, action: c}]}}",
		"enforcement: {a: {tools/call: [{kind: a, id: b, action: c, x: y}]}}",
		"enforcement: {a: {tools/call: {filter: own, requests: [{kind: a, id: b, action: c}]}}}",
		"enforcement: {a: {tools/list: {requests: [{kind: a, id: b, action: c}]}}}", "enforcement: {a: {tools/list: {filter: own}}}",
		"enforcement: {a: {tools/list: {filter: call, requests: [{kind: a, id: b, action: c}]}}}", "enforcement: {a: {tools/list: {filter: x}}}",
		"lint: {failOn: x}", "lint: {baseline: ../a}", "lint: {baseline: ''}", "lint: {baseline: [a]}", "lint: {administrators: {x: []}}", "lint: {rules: {a: off}}", "lint: {rules: {a: {severity: x}}}",
		"lint: {rules: {a: {confidence: x}}}", "lint: {rules: {a: {x: 1}}}", "lint: {rules: {'': {}}}",
		"lint: {separationOfDuties: [{name: a}]}", "lint: {separationOfDuties: [{sets: [[a], [b]]}]}",
		"lint: {separationOfDuties: [{name: a, sets: [[a]]}]}", "lint: {separationOfDuties: [{name: a, sets: [[a], []]}]}",
		"lint: {flows: {}}", "lint: {flows: []}", "lint: {flows: {trusted: []}}", "lint: {flows: {private: a}}", "lint: {flows: {private: ['']}}",
		"waivers: [{rule: wildcard-role}]", "waivers: [{reason: a}]", "waivers: [{rule: wildcard-role, reason: ' '}]", "waivers: [{rule: wildcard-role, reason: b, expires: soon}]",
		"waivers: [{rule: wildcard-role, reason: b, tool: x, prompt: y}]", "waivers: [{rule: wildcard-role, reason: b, item: x, resource: y}]",
		"waivers: [{rule: wildcard-role, reason: b, x: y}]", "waivers: [null]",
	} {
		if err := validate(t, editor, []byte(text)); err == nil {
			t.Errorf("the schema takes %s", text)
		}
		if _, err := config.Parse("m.yaml", []byte(text)); err == nil {
			t.Errorf("Parse takes %s", text)
		}
	}
}

// The schema refuses what stands in braces and is no placeholder. Parse leaves
// that to a check, since package pep knows the placeholders.
func TestSchemaKnowsPlaceholders(t *testing.T) {
	editor := compileSchema(t)
	request := func(part string) []byte {
		return []byte("enforcement: {g: {tools/call: [{kind: k, id: i, " + part + "}]}}")
	}
	for _, part := range []string{
		`action: "{name}"`, `action: "{server}:{type}-{{x}}"`, `action: "{{{name}}}"`, `action: a, scope: "{server}"`,
		`action: a, attr: {a: "{arguments}", b: {c: "{tags}"}, d: ["{tags}", ["{name}", 1, null]], "{{e}}": true}`,
		`action: a, attr: {a: {b: {c: "{arguments}"}}, b: [{c: "x {name}"}], d: null, e: 1.5}`,
		`action: "{arguments.x}", scope: "{principal.scope}"`, `action: a, attr: "{arguments}"`, `action: a, attr: {"...": "{arguments}", tier: gold}`,
		`action: a, attr: {a: "{unknown}", b: {"{unknown}": {type: string}}, c: {by: name, values: {x: 1}, default: 2}, d: "{principal.roles}", e: "{annotations.title}-{_meta.a-b.c}"}`,
	} {
		if err := validate(t, editor, request(part)); err != nil {
			t.Errorf("the schema refuses %s: %v", part, err)
		}
	}
	for _, part := range []string{
		`action: "{nam}"`, `action: "{ name }"`, `action: "{arguments.}"`, `action: "{principal.x}"`, `action: "{unknown}"`, `action: "{}"`, `action: "{"`, `action: "x}"`, `action: "{{name}"`,
		`action: "{arguments}"`, `action: "{tags}"`, `action: a, scope: "{tenant}"`, `action: a, policyVersion: "{v}"`,
		`action: a, attr: {a: "{x}"}`, `action: a, attr: {a: ["{arguments}"]}`, `action: a, attr: {a: [{b: "{arguments}"}]}`,
		`action: a, attr: {"{name}": 1}`, `action: a, attr: {a: [{"{b}": 1}]}`, `action: a, attr: {a: "x{tags}"}`, `action: a, attr: "{tags}"`, `action: a, attr: {a: "x{unknown}"}`,
	} {
		if err := validate(t, editor, request(part)); err == nil {
			t.Errorf("the schema takes %s", part)
		}
	}
	for text, want := range map[string]bool{"mcp_{server}": true, "mcp::{{x}}": true, "mcp_{sever}": false, "}": false} {
		given := []byte("servers: {a: {manifest: m, with: {resourceKind: '" + text + "'}}}")
		if err := validate(t, editor, given); (err == nil) != want {
			t.Errorf("resourceKind %s: %v", text, err)
		}
	}
}
