package principals

import (
	_ "embed"
	"encoding/json"
	"flag"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/schemafile"
)

var update = flag.Bool("update", false, "write the schema in docs/schema")

//go:embed schema_rules.json
var schemaRules []byte

// TestSchemaFile holds docs/schema/principals.json to the types.
func TestSchemaFile(t *testing.T) {
	schemafile.Hold(t, "principals.json", *update, schemafile.Source{Tag: "yaml", Root: writtenFixture{}, Rules: schemaRules})
}

// The rules name the keys and words that the parser knows.
func TestSchemaHasTheWordsOfTheParser(t *testing.T) {
	type names struct {
		Enum []string `json:"enum"`
	}
	var rules struct {
		Then struct {
			PropertyNames names `json:"propertyNames"`
		} `json:"then"`
		Else struct {
			PropertyNames names `json:"propertyNames"`
		} `json:"else"`
		Defs struct {
			Kind names `json:"kind"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(schemaRules, &rules); err != nil {
		t.Fatal(err)
	}
	for _, words := range []struct{ want, have []string }{
		{append(slices.Clone(fixtureKeys), suiteKeys...), rules.Then.PropertyNames.Enum},
		{fixtureKeys, rules.Else.PropertyNames.Enum},
		{authz.Kinds(), rules.Defs.Kind.Enum},
	} {
		if diff := cmp.Diff(words.want, words.have); diff != "" {
			t.Errorf("words (-parser +schema):\n%s", diff)
		}
	}
}
