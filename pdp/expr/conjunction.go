package expr

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// Conjunction joins the texts of expressions of which all have to be met, each once, and
// leaves out what others of them ask for anyway: has(x) beside x > 1, type(x) == string beside
// x.startsWith("a"). What cannot be evaluated is not met.
func Conjunction(list []string) string {
	var all []ast.Expr
	var texts []string
	for _, text := range list {
		e, err := Parse(text)
		if text == "" {
			continue
		}
		if err != nil {
			return Joined(list, operators.LogicalAnd)
		}
		for _, x := range conjuncts(e) {
			if t := Print(x); !slices.Contains(texts, t) {
				all, texts = append(all, x), append(texts, t)
			}
		}
	}
	left := slices.Clone(texts)
	for i, e := range all {
		implied := func(of ast.Expr) bool {
			at := slices.Index(texts, Print(of))
			return at != i && slices.Contains(left, texts[at]) && implies(of, e)
		}
		if slices.ContainsFunc(all, implied) {
			left = slices.DeleteFunc(left, func(t string) bool { return t == texts[i] })
		}
	}
	return Joined(left, operators.LogicalAnd)
}

func conjuncts(e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.LogicalAnd {
		return []ast.Expr{e}
	}
	return append(conjuncts(e.AsCall().Args()[0]), conjuncts(e.AsCall().Args()[1])...)
}

// implies reports whether an expression that is met means that another is.
func implies(e, other ast.Expr) bool {
	if other.Kind() != ast.CallKind {
		return false
	}
	c := other.AsCall()
	switch c.FunctionName() {
	case operators.Has:
		return evaluates(e, Print(c.Args()[0]))
	case operators.NotEquals:
		text, is := literal(c.Args()[1]).(types.String)
		return is && text == "" && isText(e, Print(c.Args()[0]), true)
	case operators.Equals:
		of := c.Args()[0]
		if of.Kind() != ast.CallKind || of.AsCall().FunctionName() != "type" || len(of.AsCall().Args()) != 1 || c.Args()[1].Kind() != ast.IdentKind {
			return false
		}
		x := Print(of.AsCall().Args()[0])
		switch c.Args()[1].AsIdent() {
		case "bool":
			return Print(e) == x
		case "double":
			return isCompared(e, x)
		case "string":
			return isText(e, x, false)
		}
	}
	return false
}

var comparisons = map[string]bool{operators.Less: true, operators.LessEquals: true, operators.Greater: true, operators.GreaterEquals: true}

// evaluates reports whether an expression comes to nothing if a path leads nowhere.
func evaluates(e ast.Expr, path string) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	c := e.AsCall()
	is := func(x ast.Expr) bool { return x.Kind() == ast.SelectKind && Print(x) == path && !IsOptional(x) }
	switch f := c.FunctionName(); {
	case comparisons[f], f == operators.Equals, f == operators.NotEquals, f == operators.In, f == "type":
		return slices.ContainsFunc(c.Args(), func(x ast.Expr) bool { return is(x) || evaluates(x, path) })
	case f == operators.LogicalNot:
		return is(c.Args()[0]) || evaluates(c.Args()[0], path)
	case c.IsMemberFunction() && textMethods[f]:
		return is(c.Target())
	}
	return false
}

// isCompared reports whether a path is compared to a number, either way.
func isCompared(e ast.Expr, path string) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	c := e.AsCall()
	if c.FunctionName() == operators.LogicalNot {
		return isCompared(c.Args()[0], path)
	}
	if !comparisons[c.FunctionName()] || Print(c.Args()[0]) != path {
		return false
	}
	switch literal(c.Args()[1]).(type) {
	case types.Int, types.Double:
		return true
	}
	return false
}

var textMethods = map[string]bool{"startsWith": true, "endsWith": true, "contains": true, "matches": true}

// isText reports whether an expression is met only by a text at a path, and if it is said to
// be filled, not by an empty one.
func isText(e ast.Expr, path string, filled bool) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	c := e.AsCall()
	switch f := c.FunctionName(); {
	case f == operators.Equals && Print(c.Args()[0]) == path:
		text, is := literal(c.Args()[1]).(types.String)
		return is && (!filled || text != "")
	case c.IsMemberFunction() && textMethods[f] && Print(c.Target()) == path:
		text, is := literal(c.Args()[0]).(types.String)
		return is && (!filled || f != "matches" && text != "")
	}
	return false
}

// literal returns the value of a literal, nil of anything else.
func literal(e ast.Expr) any {
	if e.Kind() == ast.LiteralKind {
		return e.AsLiteral()
	}
	return nil
}
