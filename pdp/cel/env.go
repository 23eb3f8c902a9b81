package cel

import (
	"sync"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// typeEnv is Cerbos's CEL environment as far as types go: the same libraries
// and the same functions, without implementations of Cerbos's own. Nothing is
// evaluated in it.
var typeEnv = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals()),
		cel.OptionalTypes(),
		ext.Bindings(), ext.Encoders(), ext.Lists(), ext.Math(), ext.Network(), ext.Regex(), ext.Sets(), ext.Strings(), ext.TwoVarComprehensions(),
	}
	options = append(options, requestVariables()...)
	for _, name := range append([]string{"constants", "C", "variables", "V", "globals", "G"}, expr.ShortNames()...) {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	for _, k := range kindTypes {
		options = append(options, cel.Variable(k.name, k.of))
	}
	options = append(options, listFunctions()...)
	options = append(options, textFunctions()...)
	options = append(options, hierarchyFunctions()...)
	options = append(options, spiffeFunctions()...)
	return cel.NewEnv(options...)
})

// requestVariables declares what Cerbos has messages for.
func requestVariables() []cel.EnvOption {
	messages := map[string]proto.Message{
		"request": &enginev1.Request{}, "P": &enginev1.Request_Principal{}, "R": &enginev1.Request_Resource{}, "runtime": &enginev1.Runtime{},
	}
	var options []cel.EnvOption
	for name, m := range messages {
		options = append(options, cel.Types(m), cel.Variable(name, cel.ObjectType(string(m.ProtoReflect().Descriptor().FullName()))))
	}
	return append(options, func(env *cel.Env) (*cel.Env, error) {
		return cel.CustomTypeProvider(jsonNames{env.CELTypeProvider()})(env)
	})
}

// jsonNames lets fields of messages be called as JSON calls them, too.
type jsonNames struct{ types.Provider }

// FindStructFieldType returns the type of a field by either of its names.
func (p jsonNames) FindStructFieldType(structType, name string) (*types.FieldType, bool) {
	if f, ok := p.Provider.FindStructFieldType(structType, name); ok {
		return f, true
	}
	m, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(structType))
	if err != nil {
		return nil, false
	}
	field := m.Descriptor().Fields().ByJSONName(name)
	if field == nil {
		return nil, false
	}
	return p.Provider.FindStructFieldType(structType, string(field.Name()))
}

// A signature is the types of a function's operands and, last, of its result.
type signature []*cel.Type

func overload(id string, s signature) cel.FunctionOpt {
	return cel.Overload(id, s[:len(s)-1], s[len(s)-1])
}

func member(id string, s signature) cel.FunctionOpt {
	return cel.MemberOverload(id, s[:len(s)-1], s[len(s)-1])
}

// either declares a function that can be called as a member, too.
func either(name string, s signature) cel.EnvOption {
	return cel.Function(name, overload(name+"_overload", s), member(name+"_member_overload", s))
}

func listFunctions() []cel.EnvOption {
	list := cel.ListType(cel.TypeParamType("A"))
	var options []cel.EnvOption
	for _, name := range []string{"except", "intersect"} {
		options = append(options, either(name, signature{list, list, list}))
	}
	for _, name := range []string{"hasIntersection", "has_intersection", "isSubset", "is_subset"} {
		options = append(options, either(name, signature{list, list, cel.BoolType}))
	}
	return options
}

func textFunctions() []cel.EnvOption {
	text, texts := cel.StringType, cel.ListType(cel.StringType)
	options := []cel.EnvOption{
		cel.Function("now", overload("now", signature{cel.TimestampType})),
		either("timeSince", signature{cel.TimestampType, cel.DurationType}),
		cel.Function("inIPAddrRange", member("inIPAddrRange_string", signature{text, text, cel.BoolType})),
		cel.Function("joinPath", overload("joinPath_stringarray", signature{texts, text})),
		cel.Function("relPath", overload("relPath_string_string", signature{text, text, text})),
		either("pathHasPrefix", signature{text, text, cel.BoolType}),
		either("pathMatch", signature{text, text, cel.BoolType}),
		either("pathMatchAnyOf", signature{text, texts, cel.BoolType}),
	}
	for _, name := range []string{"basePath", "dirPath", "extPath", "volumeName"} {
		options = append(options, cel.Function(name, overload(name+"_string", signature{text, text})))
	}
	return options
}

func hierarchyFunctions() []cel.EnvOption {
	h := cel.ObjectType("cerbos.lib.hierarchy")
	options := []cel.EnvOption{
		cel.Function("hierarchy",
			overload("hierarchy_string", signature{cel.StringType, h}),
			overload("hierarchy_string_string", signature{cel.StringType, cel.StringType, h}),
			overload("hierarchy_stringarray", signature{cel.ListType(cel.StringType), h})),
		cel.Function("commonAncestors", member("commonAncestors", signature{h, h, h})),
		cel.Function("size", member("hierarchy_size", signature{h, cel.IntType})),
		cel.Function("_[_]", overload("hierarchy_index", signature{h, cel.IntType, cel.StringType})),
	}
	for _, name := range []string{"ancestorOf", "descendentOf", "immediateChildOf", "immediateParentOf", "overlaps", "siblingOf"} {
		options = append(options, cel.Function(name, member(name, signature{h, h, cel.BoolType})))
	}
	return options
}

func spiffeFunctions() []cel.EnvOption {
	id, domain, matcher := cel.ObjectType("cerbos.lib.spiffeID"), cel.ObjectType("cerbos.lib.spiffeTrustDomain"), cel.ObjectType("cerbos.lib.spiffeMatcher")
	text := cel.StringType
	return []cel.EnvOption{
		cel.Function("spiffeID", overload("spiffeID_string", signature{text, id})),
		cel.Function("spiffeTrustDomain", overload("spiffeTrustDomain_string", signature{text, domain})),
		cel.Function("spiffeMatchAny", overload("spiffeMatchAny", signature{matcher})),
		cel.Function("spiffeMatchExact",
			overload("spiffeMatchExact_spiffeID", signature{id, matcher}), overload("spiffeMatchExact_string", signature{text, matcher})),
		cel.Function("spiffeMatchOneOf",
			overload("spiffeMatchOneOf_spiffeIDList", signature{cel.ListType(id), matcher}), overload("spiffeMatchOneOf_stringList", signature{cel.ListType(text), matcher})),
		cel.Function("spiffeMatchTrustDomain",
			overload("spiffeMatchTrustDomain_spiffeTrustDomain", signature{domain, matcher}), overload("spiffeMatchTrustDomain_string", signature{text, matcher})),
		cel.Function("isMemberOf", member("isMemberOf", signature{id, domain, cel.BoolType})),
		cel.Function("path", member("path", signature{id, text})),
		cel.Function("trustDomain", member("trustDomain", signature{id, domain})),
		cel.Function("id", overload("id_overload", signature{cel.DynType, cel.DynType}), member("id", signature{domain, text})),
		cel.Function("name", member("name", signature{domain, text})),
		cel.Function("matchesID", member("matchesID_spiffeID", signature{matcher, id, cel.BoolType}), member("matchesID_string", signature{matcher, text, cel.BoolType})),
	}
}

// Compiles reports whether Cerbos would take an expression: its syntax and its
// types are right.
func Compiles(text string) bool {
	env, err := typeEnv()
	if err != nil {
		return false
	}
	_, issues := env.Compile(text)
	return issues.Err() == nil
}

// staticType returns the type that an expression has whatever it reads, or nil
// if it does not compile.
func staticType(text string) *cel.Type {
	env, err := typeEnv()
	if err != nil {
		return nil
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil
	}
	return checked.OutputType()
}
