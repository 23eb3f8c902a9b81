package testrunner

import (
	_ "embed"
	"flag"
	"reflect"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/schemafile"
)

//go:embed schema_rules.json
var schemaRules []byte

// JSONSchemaAlias is how options are written.
func (Options) JSONSchemaAlias() any { return writtenOptions{} }

// JSONSchemaAlias is how a test is written.
func (Test) JSONSchemaAlias() any { return writtenTest{} }

// JSONSchemaAlias is how a selector is written.
func (PrincipalSelector) JSONSchemaAlias() any { return writtenSelector{} }

// JSONSchemaAlias is how a population is written.
func (Population) JSONSchemaAlias() any { return writtenPopulation{} }

// TestSchemaFile holds docs/schema/suite.json to the types.
func TestSchemaFile(t *testing.T) {
	schemafile.Hold(t, "suite.json", flag.Lookup("update").Value.String() == "true", schemafile.Source{
		Tag: "yaml", Root: writtenSuite{}, Rules: schemaRules,
		Also: []any{
			writtenPrompts{},
			writtenResources{},
			writtenSelector{},
			toolList{},
			toolCalls{},
			promptList{},
			promptGets{},
			resourceList{},
			resourceReads{},
			listedTool{},
			calledTool{},
			listedPrompt{},
			gottenPrompt{},
			listedResource{},
			readResource{},
			basedTool{},
			basedPrompt{},
			basedResource{},
			toolWhen{},
			promptWhen{},
			resourceWhen{},
			toolTable{},
			promptTable{},
			resourceTable{},
			writtenItems{},
			writtenTools{},
			listedItems{},
			toolsKey{},
			promptsKey{},
			resourcesKey{},
			writtenSelections{},
			writtenProperty{},
			writtenClaims{},
			writtenClaim{},
			writtenNeeds{},
			writtenImplies{},
			writtenWithin{},
			writtenDelegated{},
		},
		Names: map[reflect.Type]string{reflect.TypeFor[writtenSelector](): "principalSelector"},
	})
}
