package schema_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mcpolicy/mcpolicy/docs/schema"
)

// TestReports holds the schema to each report that the tests of package report go by, and
// finds that it knows all of their keys.
func TestReports(t *testing.T) {
	t.Parallel()
	open, closed := compile(t, "report.json"), compileClosed(t, "report.json")
	files, err := filepath.Glob(filepath.Join("..", "..", "report", "testdata", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".codequality.json") || strings.HasSuffix(file, ".page.json") { // formats of others, and of the page
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		report := again(t, data)
		for _, s := range []*jsonschema.Schema{open, closed} {
			if err := s.Validate(report); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		// What is to come is allowed, and what is missing is not.
		of := report.(map[string]any) //nolint:errcheck // it is valid
		of["a key of the future"] = 1.0
		if err := open.Validate(of); err != nil {
			t.Errorf("%s: the schema refuses a key that it does not know: %v", file, err)
		}
		if closed.Validate(of) == nil {
			t.Errorf("%s: nothing tells a key that the schema does not know", file)
		}
		delete(of, "version")
		if open.Validate(of) == nil {
			t.Errorf("%s: the schema takes a report without a version", file)
		}
	}
	if seen < 7 {
		t.Errorf("only %d reports were looked at", seen)
	}
}

// compileClosed compiles a schema so that it takes no keys but those that it knows.
func compileClosed(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	return compileValue(t, name, shut(again(t, schema.Text(name))))
}

// shut adds to each object with known keys that there are no others.
func shut(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Collect(maps.Keys(v)) {
			v[key] = shut(v[key])
		}
		if _, isMap := v["properties"].(map[string]any); isMap && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		return v
	case []any:
		for i := range v {
			v[i] = shut(v[i])
		}
	}
	return v
}

// Each schema is there and compiles, and each key in it has a description.
func TestDescriptions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d schemas, %v", len(files), err)
	}
	for _, name := range files {
		compile(t, name)
		var doc map[string]any
		if err := json.Unmarshal(schema.Text(name), &doc); err != nil {
			t.Fatal(err)
		}
		defs, _ := doc["$defs"].(map[string]any)
		keys := undescribed(t, name, doc, defs)
		if keys < 3 {
			t.Errorf("%s has %d keys", name, keys)
		}
	}
}

// undescribed reports the keys of a schema that have no description, and returns how many
// keys there are. What a condition says of keys that are described elsewhere needs none.
func undescribed(t *testing.T, at string, v any, defs map[string]any) (keys int) {
	t.Helper()
	m, ok := v.(map[string]any)
	if !ok {
		return 0
	}
	properties, _ := m["properties"].(map[string]any)
	for key, below := range properties {
		keys++
		property, _ := below.(map[string]any)
		ref, _ := property["$ref"].(string)
		def, _ := defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		if property["description"] == nil && def["description"] == nil {
			t.Errorf("%s.%s has no description", at, key)
		}
		keys += undescribed(t, at+"."+key, below, defs)
	}
	for _, key := range []string{"items", "additionalProperties"} {
		keys += undescribed(t, at, m[key], defs)
	}
	if below, ok := m["$defs"].(map[string]any); ok {
		for name, def := range below {
			keys += undescribed(t, at+":"+name, def, defs)
		}
	}
	return keys
}
