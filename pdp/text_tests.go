package pdp

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// A TextTest is what a condition asks of the text of one argument of a call, against a
// constant.
type TextTest struct {
	// Path is that of the argument, below the call's arguments. [Element] stands for any
	// element of a list.
	Path     []string
	Function string // startsWith, endsWith, contains or matches
	Constant string
}

// TextTests lists what is written down of a condition asks of texts among the arguments,
// anywhere in it, each different test once.
func TextTests(c authz.Condition) []TextTest {
	x := &testsOfText{}
	for clause := range c.Clauses() {
		if e, err := expr.Parse(clause.String()); err == nil {
			x.walk(e, nil)
		}
	}
	return x.list
}

type testsOfText struct{ list []TextTest }

// walk takes down the tests of an expression, in which some variables of macros stand for
// places.
func (x *testsOfText) walk(e ast.Expr, places map[string][]string) {
	if e.Kind() != ast.CallKind {
		for _, below := range expr.Children(e) {
			x.walk(below, places)
		}
		return
	}
	c := e.AsCall()
	if t, ok := textTestOf(c, places); ok && !slices.ContainsFunc(x.list, t.equal) {
		x.list = append(x.list, t)
	}
	if bound := expr.Bound(c); len(bound) > 0 {
		list, _ := argumentAt(c.Target(), places)
		inner := map[string][]string{}
		for name, path := range places {
			inner[name] = path
		}
		for _, name := range bound {
			delete(inner, name)
		}
		if list != nil && len(bound) == 1 && c.FunctionName() != "bind" {
			inner[bound[0]] = append(slices.Clone(list), Element)
		}
		places = inner
	}
	for _, below := range expr.Children(e) {
		x.walk(below, places)
	}
}

func (t TextTest) equal(o TextTest) bool {
	return t.Function == o.Function && t.Constant == o.Constant && slices.Equal(t.Path, o.Path)
}

func textTestOf(c ast.CallExpr, places map[string][]string) (TextTest, bool) {
	if !c.IsMemberFunction() || len(c.Args()) != 1 || !slices.Contains([]string{"startsWith", "endsWith", "contains", "matches"}, c.FunctionName()) {
		return TextTest{}, false
	}
	path, ok := argumentAt(c.Target(), places)
	if !ok || c.Args()[0].Kind() != ast.LiteralKind {
		return TextTest{}, false
	}
	constant, isText := c.Args()[0].AsLiteral().(types.String)
	return TextTest{path, c.FunctionName(), string(constant)}, isText
}

// argumentAt returns the path of an argument below arguments, also in another case or
// without spaces around it.
func argumentAt(e ast.Expr, places map[string][]string) ([]string, bool) {
	for e.Kind() == ast.CallKind && e.AsCall().IsMemberFunction() && len(e.AsCall().Args()) == 0 &&
		slices.Contains([]string{"lowerAscii", "upperAscii", "trim"}, e.AsCall().FunctionName()) {
		e = e.AsCall().Target()
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "dyn" && len(e.AsCall().Args()) == 1 {
		e = e.AsCall().Args()[0]
	}
	path, ok := expr.Path(e)
	switch {
	case !ok || len(path) == 0:
		return nil, false
	case places[path[0]] != nil:
		return slices.Concat(places[path[0]], path[1:]), true
	case path[0] == "arguments" && len(path) > 1:
		return path[1:], true
	}
	return nil, false
}

// Text writes the test in the words of policies, of another constant if one is given, for
// arguments that stand at a path among the resource's attributes. It is not ok of elements
// of lists.
func (t TextTest) Text(arguments []string, function, constant string) (text string, ok bool) {
	if slices.Contains(t.Path, Element) {
		return "", false
	}
	place := fact.NewSelect(0, fact.NewIdent(0, "R"), "attr")
	for _, name := range slices.Concat(arguments, t.Path) {
		place = fact.NewSelect(0, place, name)
	}
	return expr.Print(fact.NewMemberCall(0, function, place, fact.NewLiteral(0, types.String(constant)))), true
}

var fact = ast.NewExprFactory()
