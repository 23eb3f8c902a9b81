package solver

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// mostChoices is how many values of a place are put into a leaf one by one.
const mostChoices = 24

// listed is a leaf all of whose places have no other values than those that their schemas list.
func listed(_ *analysis, l *leaf) bool {
	if len(l.places) == 0 || slices.ContainsFunc(l.places, func(p *place) bool { return !p.isListed() }) {
		return false
	}
	return l.covered("string", "number", "boolean")
}

// isListed reports whether the schemas list all values of a place, which are scalars.
func (p *place) isListed() bool {
	return slices.ContainsFunc(p.schemas, func(s *jsonschema.Schema) bool {
		of := slices.Concat(s.Enum, s.Constant)
		return len(of) > 0 && !slices.ContainsFunc(of, func(v any) bool { return isComposite(normal(v)) })
	}) || !slices.ContainsFunc(typeNames, func(t string) bool { return p.allows(t) && t != "boolean" && t != "null" })
}

// finite is a leaf that is covered once a value is put in for one of its places: it is
// covered for each scalar that the place is compared with, or that its schemas list. For all
// else that may stand there it is as far covered as it was.
func (a *analysis) finite(l *leaf) {
	if l.cover == covered || l.foreign || l.partly || !l.looksUpOnce() || len(l.places) < 2 {
		return
	}
	for _, p := range l.places {
		choices := p.choices()
		if len(choices) == 0 || len(choices) > mostChoices || p.kind == isClock || p.isObject() {
			continue
		}
		if tells, ok := a.choose(l, p, choices); ok {
			l.chooser, l.chosen, l.otherwise = p, choices, l.cover
			l.cover, l.tells = covered, tells
			return
		}
	}
}

// choices lists the scalars that a place is compared with, or that its schemas list.
func (p *place) choices() []any {
	n, _ := schemaNeeds(p.schemas)
	n.add(p.needs)
	var list []any
	for _, v := range slices.Concat(anys(n.texts), anys(n.points)) {
		if !slices.ContainsFunc(list, func(x any) bool { return keyOf(x) == keyOf(v) }) {
			list = append(list, v)
		}
	}
	return list
}

// choose notes what the leaf needs with each choice put in, if all are covered then.
func (a *analysis) choose(l *leaf, p *place, choices []any) (tells []string, ok bool) {
	shallow := true
	for _, v := range choices {
		e := expr.Rewrite(l.expr, func(x ast.Expr) (ast.Expr, bool) {
			if q, isPlace := a.placeOf(x, l.request); isPlace && q == p {
				return literalOf(v), true
			}
			return nil, false
		})
		one := &leaf{expr: e, request: l.request, reads: a.readsOf(e, l.request)}
		if slices.Contains(one.places, p) || !a.isKind(one) || one.cover != covered || one.loose != "" {
			return nil, false
		}
		shallow = shallow && one.shallow
		tells = append(tells, one.tells...)
		if one.tells == nil {
			tells = append(tells, typeNames...)
		}
	}
	l.shallow = shallow
	return tells, true
}

func literalOf(v any) ast.Expr {
	if s, ok := v.(string); ok {
		return fact.NewLiteral(0, types.String(s))
	}
	f, _ := v.(float64)
	return fact.NewLiteral(0, types.Double(f))
}

// coverOf says how far a leaf is covered for one row.
func (l *leaf) coverOf(r row) cover {
	if l.looksIntoList(r) {
		return uncovered
	}
	if l.cover == covered && l.chooser != nil {
		i := slices.Index(l.vars, l.chooser)
		if i >= 0 && !slices.ContainsFunc(l.chosen, func(v any) bool { return keyOf(v) == l.chooser.keys[r.at[i]] }) {
			return l.otherwise
		}
	}
	if l.cover == covered && (l.unsure(r) || l.isLoose(r)) {
		return uncovered
	}
	return l.cover
}

// isLoose reports whether a place has a value of a type for which the leaf is not covered.
func (l *leaf) isLoose(r row) bool {
	for i, p := range l.vars {
		if l.loose != "" && slices.Contains(l.places, p) && typeOf(p.domain[r.at[i]]) == l.loose {
			return true
		}
	}
	return false
}
