package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mcpolicy/mcpolicy/docs/schema"
)

// TestJSONSchemas holds what commands write as JSON about the fixtures to the schemas in
// docs/schema, and finds that these know each key of it.
func TestJSONSchemas(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	in := func(fixture string) []string { return []string{"-C", filepath.Join("..", "..", "fixtures", fixture)} }
	changes := filepath.Join("..", "..", "fixtures", "changes")
	type call struct {
		schema string
		args   []string
	}
	calls := []call{
		{"report.json", []string{"diff", filepath.Join(changes, "before"), filepath.Join(changes, "after")}},
		{"report.json", append([]string{"test", "--coverage"}, in("insecure")...)},
		{"report.json", append([]string{"prove"}, in("github")...)},
		{"explanation.json", append([]string{"explain", "sally", "get_sales_data", "call", "--args", `{"region": "APAC"}`}, in("fastmcp")...)},
		{"explanation.json", append([]string{"explain", "sally", "get_sales_data"}, in("fastmcp")...)},
		{"who-can.json", append([]string{"who-can", "call", "*"}, in("fastmcp")...)},
		{"who-can.json", append([]string{"who-can", "call", "*", "--summary"}, in("insecure")...)},
		{"mutants.json", append([]string{"mutate", "--sample", "10"}, in("quickstart")...)},
		{"review.json", append([]string{"report", "access"}, in("quickstart")...)},
	}
	for _, point := range []string{"cerbos-fastmcp", "coaz", "voltagent"} {
		calls = append(calls, call{"enforcement-points.json", []string{"explain", "--enforcement-point", point}})
	}
	for _, fixture := range []string{"quickstart", "fastmcp", "coaz", "insecure", "github", "bank"} {
		calls = append(calls, call{"report.json", append([]string{"check"}, in(fixture)...)}, call{"report.json", append([]string{"matrix"}, in(fixture)...)},
			call{"report.json", append([]string{"matrix", "--summary"}, in(fixture)...)}, call{"report.json", append([]string{"lint", "--summary"}, in(fixture)...)},
			call{"validation.json", append([]string{"validate"}, in(fixture)...)})
	}
	for _, c := range calls {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), append(c.args, "--format", "json"), &stdout, &stderr); status >= exitUsage {
				t.Fatalf("status %d: %s", status, stderr.String())
			}
			var report any
			if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
				t.Fatal(err)
			}
			for _, of := range []*jsonschema.Schema{compileSchema(t, c.schema, false), compileSchema(t, c.schema, true)} {
				if err := of.Validate(report); err != nil {
					t.Errorf("%s: %v", c.schema, err)
				}
			}
		})
	}
}

// compileSchema compiles a schema, closed so that it takes no keys but those that it knows.
func compileSchema(t *testing.T, name string, closed bool) *jsonschema.Schema {
	t.Helper()
	var doc any
	if err := json.Unmarshal(schema.Text(name), &doc); err != nil {
		t.Fatal(err)
	}
	if closed {
		closeSchema(doc)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeSchema(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Collect(maps.Keys(v)) {
			closeSchema(v[key])
		}
		if _, isMap := v["properties"].(map[string]any); isMap && v["type"] == "object" {
			v["additionalProperties"] = false
		}
	case []any:
		for _, below := range v {
			closeSchema(below)
		}
	}
}
