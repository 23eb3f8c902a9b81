package cel

import (
	"math/bits"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// A kindSet is kinds of values: those that an expression can come to. It may
// hold too many, never too few. Where it is empty, the expression errs,
// whatever it reads.
type kindSet uint16

// The kinds of values.
const (
	kindNull kindSet = 1 << iota
	kindTrue
	kindFalse
	kindInt
	kindUint
	kindDouble
	kindString
	kindBytes
	kindList
	kindMap
	kindTimestamp
	kindDuration
	kindType
	kindOptional
	kindOther // whatever is none of the others

	kindBool  = kindTrue | kindFalse
	numeric   = kindInt | kindUint | kindDouble
	jsonKinds = kindNull | kindBool | kindDouble | kindString | kindList | kindMap
	anyKind   = kindOther<<1 - 1
)

// kinds are what an expression can come to, and what can be inside of it:
// elements of a list, values of a map, the value of an optional.
type kinds struct{ set, inside kindSet }

var (
	anything = kinds{anyKind, anyKind}
	jsonAny  = kinds{jsonKinds, jsonKinds}
	jsonMap  = kinds{kindMap, jsonKinds}
)

func (k kinds) or(o kinds) kinds { return kinds{k.set | o.set, k.inside | o.inside} }

func (k kinds) can(set kindSet) bool { return k.set&set != 0 }

// only keeps some of the kinds.
func (k kinds) only(set kindSet) kinds { return kinds{k.set & set, k.inside} }

// element returns what an element is. What is inside of JSON is JSON.
func (k kinds) element() kinds {
	if k.inside&^jsonKinds == 0 {
		return kinds{k.inside, jsonKinds}
	}
	return kinds{k.inside, anyKind}
}

// kindTypes are the kinds as the type checker knows them, by variables of
// their types. Null is none of the types that the checker lets it pass for.
var kindTypes = []struct {
	set  kindSet
	name string
	of   *cel.Type
}{
	{kindNull, "kind_null", cel.OpaqueType("mcpolicy.null")},
	{kindBool, "kind_bool", cel.BoolType},
	{kindInt, "kind_int", cel.IntType},
	{kindUint, "kind_uint", cel.UintType},
	{kindDouble, "kind_double", cel.DoubleType},
	{kindString, "kind_string", cel.StringType},
	{kindBytes, "kind_bytes", cel.BytesType},
	{kindList, "kind_list", cel.ListType(cel.DynType)},
	{kindMap, "kind_map", cel.MapType(cel.DynType, cel.DynType)},
	{kindTimestamp, "kind_timestamp", cel.TimestampType},
	{kindDuration, "kind_duration", cel.DurationType},
	{kindType, "kind_type", cel.TypeType},
	{kindOptional, "kind_optional", cel.OptionalType(cel.DynType)},
	{kindOther, "kind_other", cel.DynType},
}

// kindsOfType returns what a value of a static type can be.
func kindsOfType(t *cel.Type) kinds {
	switch t.Kind() { //nolint:exhaustive // the others are kept in general terms
	case types.BoolKind:
		return kinds{set: kindBool}
	case types.IntKind:
		return kinds{set: kindInt}
	case types.UintKind:
		return kinds{set: kindUint}
	case types.DoubleKind:
		return kinds{set: kindDouble}
	case types.StringKind:
		return kinds{set: kindString}
	case types.BytesKind:
		return kinds{set: kindBytes}
	case types.TimestampKind:
		return kinds{set: kindTimestamp}
	case types.DurationKind:
		return kinds{set: kindDuration}
	case types.TypeKind:
		return kinds{set: kindType}
	case types.ListKind:
		return kinds{kindList, kindsOfType(t.Parameters()[0]).set}
	case types.MapKind:
		return kinds{kindMap, anyKind}
	case types.OpaqueKind:
		if isOptionalKind(t) {
			return kinds{kindOptional, anyKind}
		}
		return kinds{kindOther, anyKind}
	case types.StructKind:
		return kinds{kindOther, anyKind}
	}
	return anything
}

// maxCombinations bounds the kinds of operands that are tried with a function.
const maxCombinations = 512

type application struct {
	name     string
	operands string
}

var applications sync.Map // of kinds, by application

// applied returns what a function comes to for operands of some kinds.
func applied(name string, sets []kindSet) kinds {
	key := application{name: name}
	n := 1
	for _, s := range sets {
		key.operands += string(rune(s))
		n *= max(1, len(candidates(s)))
	}
	if n > maxCombinations {
		return anything
	}
	if k, ok := applications.Load(key); ok {
		return k.(kinds)
	}
	var k kinds
	combine(sets, nil, func(operands []string) bool {
		k = k.or(result(name, operands))
		return k != anything
	})
	applications.Store(key, k)
	return k
}

// candidates are the variables of the kinds in a set.
func candidates(set kindSet) []string {
	// Some functions look into an optional, or at the name of a type.
	if set&(kindOther|kindOptional|kindType) != 0 || bits.OnesCount16(uint16(set)) > bits.OnesCount16(uint16(jsonKinds)) {
		return []string{"kind_other"}
	}
	var names []string
	for _, k := range kindTypes {
		if k.set&set != 0 {
			names = append(names, k.name)
		}
	}
	return names
}

// combine calls f with each combination of operands, while it wants more.
func combine(sets []kindSet, chosen []string, f func([]string) bool) bool {
	if len(sets) == 0 {
		return f(chosen)
	}
	for _, name := range candidates(sets[0]) {
		if !combine(sets[1:], append(slices.Clone(chosen), name), f) {
			return false
		}
	}
	return true
}

// noOverload is how the type checker begins to say that a function does not
// take its operands.
const noOverload = "found no matching overload"

// result returns what a function comes to for operands of static types.
func result(name string, operands []string) kinds {
	env, err := typeEnv()
	if err != nil {
		return anything
	}
	text := name + "(" + strings.Join(operands, ", ") + ")"
	if function, ok := strings.CutPrefix(name, "."); ok {
		text = operands[0] + "." + function + "(" + strings.Join(operands[1:], ", ") + ")"
	}
	if symbol, ok := operators.FindReverseBinaryOperator(name); ok && len(operands) == 2 {
		text = operands[0] + " " + symbol + " " + operands[1]
	}
	checked, issues := env.Compile(text)
	if issues.Err() == nil {
		return kindsOfType(checked.OutputType())
	}
	for _, e := range issues.Errors() {
		if !strings.HasPrefix(e.Message, noOverload) {
			return anything
		}
	}
	return kinds{}
}

func isOptionalKind(t *cel.Type) bool { return t.TypeName() == "optional_type" }
