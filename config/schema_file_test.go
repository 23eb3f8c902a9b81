package config

import (
	_ "embed"
	"flag"
	"reflect"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/schemafile"
)

var update = flag.Bool("update", false, "write the schema in docs/schema")

//go:embed schema_rules.json
var schemaRules []byte

// JSONSchemaAlias is how a waiver is written.
func (Waiver) JSONSchemaAlias() any { return writtenWaiver{} }

// JSONSchemaAlias is how a variable of the environment is written.
func (Env) JSONSchemaAlias() any { return writtenEnv{} }

// TestSchemaFile holds docs/schema/config.json to the types.
func TestSchemaFile(t *testing.T) {
	schemafile.Hold(t, "config.json", *update, schemafile.Source{
		Tag: "yaml", Root: file{}, Rules: schemaRules,
		Also: []any{Server{}, writtenProfile{}, writtenRule{}, writtenUse{}, writtenGrant{}, Request{}, RuleSetting{}, writtenEnv{}, Answer{}},
		Names: map[reflect.Type]string{
			reflect.TypeFor[RuleSetting](): "rule", reflect.TypeFor[SeparationOfDuties](): "separation",
			reflect.TypeFor[writtenRule](): "filtered", reflect.TypeFor[writtenUse](): "asked",
		},
	})
}
