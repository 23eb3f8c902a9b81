package solver

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// lookups returns an expression with a name for what a place looks up in a mapping, which
// is a place below it like others: principal.roles[arguments.team]. Where a key is known, it
// is the name.
func (a *analysis) lookups(e ast.Expr, request int) ast.Expr {
	return expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		name, operands := called(x)
		if name != operators.Index && name != operators.OptIndex || operands[1].Kind() == ast.LiteralKind {
			return nil, false
		}
		of := a.lookups(operands[0], request)
		in, isPlace := a.optional(of, request)
		if !isPlace || in.up == nil {
			return nil, false
		}
		key, known := a.text(operands[1], request)
		if !known {
			by, isPlace := a.placeOf(operands[1], request)
			if !isPlace {
				return nil, false
			}
			key = "\x00" + by.key
			a.at(in, key).index = by
		}
		return fact.NewCall(0, name, of, fact.NewLiteral(0, types.String(key))), true
	})
}

// lookedUp returns the place above, or the place itself, that is looked up by another.
func (p *place) lookedUp() *place {
	for ; p != nil; p = p.up {
		if p.index != nil {
			return p
		}
	}
	return nil
}

// isOnlyLookup reports whether nothing else is asked of a mapping than what one place looks
// up, and its schemas say the same of all keys: then the mapping need have no other key.
func (p *place) isOnlyLookup() bool {
	named := func(s *jsonschema.Schema) bool { return len(s.Properties)+len(s.PatternProperties) > 0 }
	return len(p.up.below) == 1 && p.up.lookedUp() == nil && plainObjects(p.up.schemas) && !slices.ContainsFunc(narrowed(p.up.schemas, "object"), named)
}

// looksUpOnce reports whether all that a leaf looks up is all that is asked of the mappings.
func (l *leaf) looksUpOnce() bool {
	return !slices.ContainsFunc(l.places, func(p *place) bool {
		x := p.lookedUp()
		return x != nil && !x.isOnlyLookup()
	})
}

// keyOfLookup is place in mapping, where the place looks something up in the mapping, too.
func keyOfLookup(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if name != operators.In {
		return false
	}
	by, isKey := a.placeOf(operands[0], l.request)
	in, isPlace := a.placeOf(operands[1], l.request)
	if !isKey || !isPlace || len(in.below) != 1 || in.below[0].index != by || !in.below[0].isOnlyLookup() {
		return false
	}
	l.loose = "array"
	return l.covered()
}

// looksIntoList reports whether a leaf looks something up in what is a list, which has no keys.
func (l *leaf) looksIntoList(r row) bool {
	for i, p := range l.vars {
		if typeOf(p.domain[r.at[i]]) == "array" && slices.ContainsFunc(l.places, func(q *place) bool { x := q.lookedUp(); return x != nil && x.up == p }) {
			return true
		}
	}
	return false
}
