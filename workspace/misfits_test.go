package workspace_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestMisfits has schemas of strangers, good and bad, say what they hold against
// arguments: none of them ends the run.
func TestMisfits(t *testing.T) {
	t.Parallel()
	doubling := `{"$ref": "#/$defs/d40", "$defs": {"d0": {}` // 2 to the 40th references
	for i := 1; i <= 40; i++ {
		doubling += strings.NewReplacer("N", strconv.Itoa(i), "M", strconv.Itoa(i-1)).Replace(`, "dN": {"allOf": [{"$ref": "#/$defs/dM"}, {"$ref": "#/$defs/dM"}]}`)
	}
	for name, test := range map[string]struct {
		schema string
		want   []string // each a part of one line
	}{
		"nothing":                   {`{"type": "object"}`, nil},
		"a number for a text":       {`{"properties": {"shelf": {"type": "string"}}}`, []string{`at /shelf: expected string, but got number`}},
		"something that is missing": {`{"required": ["aisle"]}`, []string{`at /: missing properties: 'aisle'`}},
		"of two branches":           {`{"anyOf": [{"required": ["aisle"]}, {"properties": {"shelf": {"maximum": 2}}}]}`, []string{"aisle", "at /shelf"}},
		"a foreign reference":       {`{"$ref": "https://schemas.example/stock.json"}`, []string{`cannot be used`}},
		"a foreign dialect":         {`{"$schema": "https://schemas.example/dialect"}`, []string{`it refers to https://schemas.example/dialect, which is not loaded`}},
		"no schema at all":          {`{"type": 7}`, []string{`cannot be used`}},
		"references without end":    {doubling + "}}", []string{`cannot be used: it refers to something else, or to too much`}},
		"what the library trips on": {`{"$id": "%zz", "$ref": "#"}`, []string{`cannot be used`}},
	} {
		list, err := manifest.Parse("stock.json", []byte(`{"tools": [{"name": "count", "inputSchema": `+test.schema+`}]}`))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := workspace.Misfits(list[0].Items[0], map[string]any{"shelf": 3.0})
		if len(got) != len(test.want) {
			t.Errorf("%s: %q, want %d lines", name, got, len(test.want))
			continue
		}
		for i, part := range test.want {
			if !strings.Contains(got[i], part) {
				t.Errorf("%s: %q, want it to have %q", name, got[i], part)
			}
		}
	}
}
