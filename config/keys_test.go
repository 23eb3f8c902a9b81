package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/source"
)

// The methods and each set of words are the same in the schema as in the types.
func TestSchemaHasTheWordsOfTheTypes(t *testing.T) {
	type object struct {
		Enum       []string       `json:"enum"`
		Properties map[string]any `json:"properties"`
	}
	var doc struct {
		Defs map[string]object `json:"$defs"`
	}
	text := schema.Text("config.json")
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var methods []string
	for _, m := range Methods() {
		methods = append(methods, string(m))
	}
	methods = append(methods, source.Keys[writtenAnswers]()...)
	slices.Sort(methods)
	if diff := cmp.Diff(methods, slices.Sorted(maps.Keys(doc.Defs["profile"].Properties))); diff != "" {
		t.Errorf("methods (-type +schema):\n%s", diff)
	}
	for _, words := range []struct {
		def   string
		names []string
	}{
		{"incomplete", incompletes},
		{"schemaEnforcement", authz.SchemaEnforcements()},
		{"severity", authz.Severities()},
		{"confidence", authz.Confidences()},
		{"diffFailOn", DiffFailOns()},
	} {
		if diff := cmp.Diff(words.names, doc.Defs[words.def].Enum); diff != "" {
			t.Errorf("%s (-type +schema):\n%s", words.def, diff)
		}
	}
	for what, names := range map[string][]string{"filter": authz.Filters(), "fallback": authz.Fallbacks()} {
		for _, name := range names {
			if !slices.Contains(doc.Defs[what].Enum, name) {
				t.Errorf("%s: the schema does not know %s", what, name)
			}
		}
	}
	for _, name := range authz.BuiltIn() {
		if !strings.Contains(string(text), `"`+name+`"`) {
			t.Errorf("the schema does not know %s", name)
		}
	}
}
