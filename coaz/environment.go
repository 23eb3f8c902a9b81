package coaz

import (
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
)

// Limits on the expressions of a mapping. They are far above anything sensible.
const (
	maxText    = 8 << 10 // of all of them, in bytes
	maxLength  = 2 << 10 // of one
	maxNesting = 100     // of an expression
	maxDepth   = 20      // of the objects of a mapping
	maxEntries = 100     // evaluations of a mapping
	maxCost    = 200_000 // of making the evaluations for a request, as CEL counts
)

// Both variables hold what JSON can: their numbers are doubles.
func variables() []cel.EnvOption {
	return []cel.EnvOption{
		cel.OptionalTypes(),
		cel.Variable(paramsName, cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable(tokenName, cel.MapType(cel.StringType, cel.DynType)),
	}
}

const (
	paramsName    = "params"
	tokenName     = "token"
	argumentsName = "arguments" // of the params
)

// plainEnv is the language that the binding names: CEL with optional values.
var plainEnv = sync.OnceValues(func() (*cel.Env, error) { return cel.NewEnv(variables()...) })

// wideEnv has what an implementation may have besides. What compiles only here works at
// some points and not at others.
var wideEnv = sync.OnceValues(func() (*cel.Env, error) { return cel.NewEnv(append(variables(), wide()...)...) })

func wide() []cel.EnvOption {
	return []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true), cel.EnableIdentifierEscapeSyntax(),
		ext.Bindings(), ext.Encoders(), ext.Lists(), ext.Math(), ext.Regex(), ext.Sets(), ext.Strings(), ext.TwoVarComprehensions(),
	}
}

// The variables of typedEnv, by the types of JSON schemas.
var typedNames = map[string]*cel.Type{
	"string": cel.StringType, "number": cel.DoubleType, "integer": cel.DoubleType, "boolean": cel.BoolType,
	"array": cel.ListType(cel.DynType), "object": cel.MapType(cel.StringType, cel.DynType),
}

func typedName(jsonType string, optional bool) string {
	if optional {
		return "mcpolicy_optional_" + jsonType
	}
	return "mcpolicy_" + jsonType
}

// typedEnv is wideEnv with variables of known types, which stand for arguments whose
// types the inputSchema declares.
var typedEnv = sync.OnceValues(func() (*cel.Env, error) {
	options := append(variables(), wide()...)
	for name, t := range typedNames {
		options = append(options, cel.Variable(typedName(name, false), t), cel.Variable(typedName(name, true), cel.OptionalType(t)))
	}
	return cel.NewEnv(options...)
})
