package tables_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
)

const schemaPolicy = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: barn
  version: default
  schemas:
    principalSchema: {ref: "PRINCIPAL"}
    resourceSchema: {ref: "cerbos:///barn/in.json"}
  rules:
    - actions: [feed]
      effect: EFFECT_ALLOW
      roles: [hand]
      condition: CONDITION
`

// TestMistakesBesideSchemas holds that a mistake is reported for what it is in a
// policy whose schemas are fine, and that schemas that do not load are named.
func TestMistakesBesideSchemas(t *testing.T) {
	const fine, bad = `{match: {expr: "true"}}`, `{match: {expr: "V.hay > 1"}}`
	tests := map[string]struct {
		ref, condition string
		files          map[string]string
		want           []string
	}{
		"another mistake": {
			"cerbos:///farm%20hand.json", bad,
			map[string]string{"_schemas/farm hand.json": `{"$ref": "barn/in.json"}`},
			[]string{"policies/p.yaml:12:27: Undefined variable 'hay'"},
		},
		"a script": {
			"cerbos:///barn/in.json", `{script: "x"}`, nil,
			[]string{"policies/p.yaml:12:7: scripts in conditions are no longer supported; write it as match"},
		},
		"no such schema": {
			"cerbos:///dog.json", fine, nil,
			[]string{`policies/p.yaml:6:23: Failed to load principal schema "cerbos:///dog.json": there is no _schemas/dog.json`},
		},
		"a schema refers to none": {
			"cerbos:///cat.json", bad,
			map[string]string{"_schemas/cat.json": `{"$ref": "claw.json"}`},
			[]string{`policies/p.yaml:6:23: Failed to load principal schema "cerbos:///cat.json": there is no _schemas/claw.json`},
		},
		"a file of the machine": {
			"barn/in.json", bad, nil,
			[]string{`policies/p.yaml:6:23: Failed to load principal schema "barn/in.json": schemas are files below _schemas, named cerbos:///FILE; no others are read`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text := strings.NewReplacer("PRINCIPAL", tt.ref, "CONDITION", tt.condition).Replace(schemaPolicy)
			fsys := fstest.MapFS{"p.yaml": {Data: []byte(text)}, "_schemas/barn/in.json": {Data: []byte(`{"type": "object"}`)}}
			for file, data := range tt.files {
				fsys[file] = &fstest.MapFile{Data: []byte(data)}
			}
			_, err := embedded.Open(t.Context(), fsys, pdp.Options{Prefix: "policies"})
			if diff := cmp.Diff(tt.want, mistakes(err)); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDisabledPolicies holds that a policy that others need and that is disabled
// is named where it says so.
func TestDisabledPolicies(t *testing.T) {
	policy := func(head, scope string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(head + "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: barn\n  version: default\n  scope: \"" + scope +
			"\"\n  rules:\n    - {actions: [feed], effect: EFFECT_ALLOW, roles: [hand]}\n")}
	}
	_, err := embedded.Open(t.Context(), fstest.MapFS{
		"base.yaml": policy("", ""), "north.yaml": policy("disabled: true\n", "north"), "hill.yaml": policy("", "north.hill"),
	}, pdp.Options{Prefix: "policies"})
	want := []string{"policies/north.yaml:1:9: resource.barn.vdefault/north is disabled, and resource.barn.vdefault/north.hill needs it"}
	if diff := cmp.Diff(want, mistakes(err)); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func mistakes(err error) []string {
	var list []string
	for _, e := range source.Mistakes(err) {
		list = append(list, e.Error())
	}
	return list
}
