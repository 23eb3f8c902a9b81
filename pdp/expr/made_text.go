package expr

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
)

// expression returns one that is in the words of conditions.
func (m *Making) expression(text string) ast.Expr {
	e, err := Parse(text)
	if err != nil {
		return fact.NewIdent(0, text) // never: it is a text that Print has made
	}
	return Lengthen(e, m.Arguments)
}

// text returns a text that is made of pieces.
func (m *Making) text(pieces []authz.Piece) ast.Expr {
	var all ast.Expr
	for _, p := range pieces {
		x := ast.Expr(fact.NewLiteral(0, types.String(p.Text)))
		if p.From != nil || p.Expr != "" {
			x = m.piece(p, len(pieces) == 1)
		}
		if all == nil {
			all = x
			continue
		}
		all = fact.NewCall(0, operators.Add, all, x)
	}
	if all == nil {
		return fact.NewLiteral(0, types.String(""))
	}
	return all
}

// piece returns a value as it stands in a text: a number as in JSON. Of one that is the
// whole text, which is not to be empty, what is missing need not be known.
func (m *Making) piece(p authz.Piece, whole bool) ast.Expr {
	if p.Expr != "" {
		return m.expression(p.Expr)
	}
	of := m.optional(p.From, types.String(""))
	if whole {
		of = m.origin(p.From)
	}
	call := func(name string, args ...ast.Expr) ast.Expr { return fact.NewCall(0, name, args...) }
	integer := func() ast.Expr { return call("string", call("int", fact.CopyExpr(of))) }
	number := func() ast.Expr {
		return call(operators.Conditional, call(operators.Equals, fact.CopyExpr(of), call("double", call("int", fact.CopyExpr(of)))), integer(), call("string", fact.CopyExpr(of)))
	}
	switch {
	case p.IsText():
		return of
	case whole && p.Type == "integer":
		return integer()
	case whole && p.Type == "number":
		return number()
	}
	kind := func(name string) ast.Expr {
		return call(operators.Equals, call("type", fact.CopyExpr(of)), fact.NewIdent(0, name))
	}
	return call(operators.Conditional, kind("string"), of, call(operators.Conditional, kind("double"), number(), call("string", fact.CopyExpr(of))))
}

// Fits returns what has to hold of what a text is made of, so that there is one and, if it
// has to be, that it is not empty; nil for nothing. Who asks is nil where anybody may.
func (m *Making) Fits(part *authz.Made, who *authz.Principal) ast.Expr {
	var all ast.Expr
	and := func(x ast.Expr) {
		if all == nil {
			all = x
			return
		}
		all = fact.NewCall(0, operators.LogicalAnd, all, x)
	}
	for below := range authz.MadeIn(part.Else) {
		if fits := m.Fits(below, who); fits != nil {
			and(fact.NewCall(0, operators.LogicalOr, m.present(part.From), fits))
		}
	}
	needed := part.At[0] == "kind" || part.At[0] == "id" || part.At[0] == "action"
	whole := needed && len(part.Text) == 1
	for _, p := range part.Text {
		if p.From == nil {
			continue
		}
		switch {
		case p.From.OfPrincipal() && who != nil:
			if v, ok := p.From.Value(who, nil); ok && !isScalar(v) {
				and(fact.NewLiteral(0, types.False))
			}
		case !p.IsText():
			of := m.optional(p.From, types.String(""))
			scalars := fact.NewList(0, []ast.Expr{fact.NewIdent(0, "string"), fact.NewIdent(0, "double"), fact.NewIdent(0, "bool")}, nil)
			and(fact.NewCall(0, operators.In, fact.NewCall(0, "type", of), scalars))
		}
		if whole {
			and(fact.NewCall(0, operators.NotEquals, m.origin(p.From), fact.NewLiteral(0, types.String(""))))
		}
	}
	return all
}

// isScalar reports whether a text is made of a value.
func isScalar(v any) bool {
	switch v.(type) {
	case nil, []any, []string, map[string]any:
		return false
	}
	return true
}

// Choices returns what each of the texts that a piece can come to hangs on, if it names them
// all.
func (m *Making) Choices(p authz.Piece) (texts []string, when []ast.Expr, ok bool) {
	if p.Expr == "" {
		return nil, nil, false
	}
	return choicesOf(m.expression(p.Expr))
}

func choicesOf(e ast.Expr) (texts []string, when []ast.Expr, ok bool) {
	switch e.Kind() { //nolint:exhaustive // others name none
	case ast.LiteralKind:
		text, isText := e.AsLiteral().(types.String)
		return []string{string(text)}, []ast.Expr{fact.NewLiteral(0, types.True)}, isText
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() != operators.Conditional {
			return nil, nil, false
		}
		for i, on := range []ast.Expr{c.Args()[0], Negate(c.Args()[0])} {
			below, because, ok := choicesOf(c.Args()[i+1])
			if !ok {
				return nil, nil, false
			}
			for k, x := range because {
				if x.Kind() == ast.LiteralKind {
					because[k] = on
					continue
				}
				because[k] = fact.NewCall(0, operators.LogicalAnd, on, x)
			}
			texts, when = append(texts, below...), append(when, because...)
		}
		return texts, when, true
	}
	return nil, nil, false
}

// Is returns the condition that a piece of a text is a text.
func (m *Making) Is(p authz.Piece, text string) ast.Expr {
	return fact.NewCall(0, operators.Equals, m.piece(p, text != ""), fact.NewLiteral(0, types.String(text)))
}

// IsNone returns the condition that a piece of a text is none of some texts.
func (m *Making) IsNone(p authz.Piece, texts []string) ast.Expr {
	var list []ast.Expr
	for _, text := range texts {
		list = append(list, fact.NewLiteral(0, types.String(text)))
	}
	return fact.NewCall(0, operators.LogicalNot, fact.NewCall(0, operators.In, m.piece(p, false), fact.NewList(0, list, nil)))
}

// Matches returns the condition that a text matches a regular expression, or does not.
func (m *Making) Matches(pieces []authz.Piece, expression string, is bool) ast.Expr {
	of := m.text(pieces)
	if len(pieces) == 1 {
		of = m.piece(pieces[0], false)
	}
	e := ast.Expr(fact.NewMemberCall(0, "matches", of, fact.NewLiteral(0, types.String(expression))))
	if !is {
		e = fact.NewCall(0, operators.LogicalNot, e)
	}
	return e
}
