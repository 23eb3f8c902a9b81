package cel

import (
	"maps"
	"slices"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

var relations = map[string]pdp.Relation{
	operators.Equals: pdp.Equal, operators.NotEquals: pdp.Equal,
	operators.Less: pdp.Ordered, operators.LessEquals: pdp.Ordered, operators.Greater: pdp.Ordered, operators.GreaterEquals: pdp.Ordered,
	operators.In: pdp.In,
}

var textRelations = map[string]pdp.Relation{
	"startsWith": pdp.HasPrefix, "endsWith": pdp.HasSuffix, "contains": pdp.Contains, "matches": pdp.Matches,
}

// A dissection takes the conditions of one policy apart.
type dissection struct {
	*definitions
	globals map[string]any
	parts   []pdp.Part
	global  bool // one of the globals was met with
}

// Dissect takes a condition apart that sees some definitions, and reports whether it
// reads globals.
func Dissect(c *runtimev1.Condition, params *runtimev1.RuleTable_RuleRow_Params, globals map[string]any) (parts []pdp.Part, read bool) {
	d := &dissection{definitions: definitionsOf(params), globals: globals}
	WalkCondition(c, func(x *runtimev1.Expr) {
		parsed, err := expr.Parse(x.GetOriginal())
		if err != nil {
			d.parts = append(d.parts, pdp.Part{})
			return
		}
		if !d.fits(parsed) {
			opaque := pdp.Part{}
			d.mentioned(parsed, &opaque)
			d.parts = append(d.parts, opaque)
			return
		}
		d.combination(parsed)
	})
	return d.parts, d.global
}

// combination goes down what combines parts.
func (d *dissection) combination(e ast.Expr) {
	if definition, ok := d.variable(e); ok {
		d.combination(definition)
		return
	}
	if e.Kind() == ast.CallKind {
		c := e.AsCall()
		switch c.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional:
			for _, a := range c.Args() {
				d.combination(a)
			}
			return
		}
	}
	if p, ok := d.part(e); ok {
		d.parts = append(d.parts, p)
		return
	}
	opaque := pdp.Part{}
	d.mentioned(e, &opaque)
	d.parts = append(d.parts, opaque)
}

// part recognises an expression that is none of the combinations.
func (d *dissection) part(e ast.Expr) (pdp.Part, bool) {
	if t, ok := d.term(e); ok {
		return pdp.Part{Relation: pdp.True, Terms: []pdp.Term{t}}, true
	}
	if e.Kind() != ast.CallKind {
		return pdp.Part{}, false
	}
	c := e.AsCall()
	operands := c.Args()
	relation, known := relations[c.FunctionName()]
	if c.IsMemberFunction() {
		relation, known = textRelations[c.FunctionName()]
		operands = append([]ast.Expr{c.Target()}, c.Args()...)
	}
	p := pdp.Part{Relation: relation}
	if c.FunctionName() == operators.Has {
		p.Relation, known = pdp.Has, true
	}
	for _, x := range operands {
		t, ok := d.term(x)
		if !ok {
			return pdp.Part{}, false
		}
		p.Terms = append(p.Terms, t)
	}
	wanted := 2
	if p.Relation == pdp.Has {
		wanted = 1
	}
	return p, known && len(p.Terms) == wanted
}

func (d *dissection) term(e ast.Expr) (pdp.Term, bool) {
	if definition, ok := d.variable(e); ok {
		return d.term(definition)
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "size" {
		c := e.AsCall()
		of := c.Args()
		if c.IsMemberFunction() {
			of = append(of, c.Target())
		}
		if len(of) != 1 {
			return pdp.Term{}, false
		}
		t, ok := d.term(of[0])
		if !ok || t.Size || t.Path == nil {
			return pdp.Term{}, false
		}
		t.Size = true
		return t, true
	}
	if v, ok := literalJSON(e); ok {
		return pdp.Term{Value: v}, true
	}
	path, ok := expr.Path(e)
	if !ok || expr.IsOptional(e) {
		return pdp.Term{}, false
	}
	return d.termAt(path)
}

func (d *dissection) termAt(path []string) (pdp.Term, bool) {
	switch path[0] {
	case "P", "R":
		return pdp.Term{Path: path}, len(path) > 2 || len(path) == 2 && path[1] != "attr"
	case "C":
		if len(path) > 1 {
			if c := d.constant(path[1]); c != nil {
				return fixedTerm(c.AsInterface(), path[2:])
			}
		}
	case "G":
		d.global = true
		if len(path) > 1 {
			return fixedTerm(d.globals, path[1:])
		}
	case "request":
		if len(path) > 3 && (path[1] == "auxData" || path[1] == "aux_data") && path[2] == "jwt" {
			return pdp.Term{Path: append([]string{"jwt"}, path[3:]...)}, true
		}
	}
	return pdp.Term{}, false
}

// fixedTerm returns what stands at a path of a value that is the same for all requests.
func fixedTerm(v any, path []string) (pdp.Term, bool) {
	x := pdp.ValueAt(v, path)
	return pdp.Term{Value: x.V}, x.Error == ""
}

// literalJSON returns the value of a literal as JSON has it.
func literalJSON(e ast.Expr) (any, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		return jsonOf(e.AsLiteral())
	case ast.ListKind:
		list := []any{}
		for _, x := range e.AsList().Elements() {
			v, ok := literalJSON(x)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, len(e.AsList().OptionalIndices()) == 0
	case ast.UnspecifiedExprKind, ast.CallKind, ast.ComprehensionKind, ast.IdentKind, ast.MapKind, ast.SelectKind, ast.StructKind:
	}
	return nil, false
}

func jsonOf(v ref.Val) (any, bool) {
	switch v := v.(type) {
	case types.String:
		return string(v), true
	case types.Bool:
		return bool(v), true
	case types.Int:
		return float64(v), v < 1<<53 && v > -1<<53
	case types.Uint:
		return float64(v), v < 1<<53
	case types.Double:
		return structpb.NewNumberValue(float64(v)).AsInterface(), true
	case types.Null:
		return nil, true
	}
	return nil, false
}

// mentioned collects the places and constants below an expression, those of each
// variable once.
func (d *dissection) mentioned(e ast.Expr, into *pdp.Part) {
	d.mentionedIn(e, into, nil, map[string]bool{})
}

// mentionedIn knows the lists whose members variables stand for, and the variables
// of the policy that were seen.
func (d *dissection) mentionedIn(e ast.Expr, into *pdp.Part, members map[string][]string, seen map[string]bool) {
	path, isPath := expr.Path(e)
	if len(path) > 0 && members[path[0]] != nil {
		if isPath {
			into.Elements = append(into.Elements, pdp.Term{Path: slices.Concat(members[path[0]], path[1:])})
		}
		return
	}
	if t, ok := d.term(e); ok {
		into.Terms = append(into.Terms, t)
		return
	}
	if definition, ok := d.variable(e); ok {
		if name, _ := variableOf(e); !seen[name] {
			seen[name] = true
			d.mentionedIn(definition, into, nil, seen)
		}
		return
	}
	if isPath {
		if t, ok := d.termAt(path); ok {
			into.Terms = append(into.Terms, t)
		}
		return
	}
	if e.Kind() == ast.CallKind {
		if name := e.AsCall().FunctionName(); !slices.Contains(into.Functions, name) {
			into.Functions = append(into.Functions, name)
		}
		members = d.membersIn(e.AsCall(), members)
	}
	for _, x := range expr.Children(e) {
		d.mentionedIn(x, into, members, seen)
	}
}

// membersIn adds the variable that a call binds to the members of a list.
func (d *dissection) membersIn(c ast.CallExpr, members map[string][]string) map[string][]string {
	names := expr.Bound(c)
	if len(names) != 1 {
		return members
	}
	inner := maps.Clone(members)
	if inner == nil {
		inner = map[string][]string{}
	}
	delete(inner, names[0])
	list, ok := expr.Path(c.Target())
	if ok && members[list[0]] != nil {
		inner[names[0]] = slices.Concat(members[list[0]], list[1:], []string{""})
	} else if t, isTerm := d.term(c.Target()); isTerm && t.Path != nil && !t.Size {
		inner[names[0]] = append(slices.Clone(t.Path), "")
	}
	return inner
}
