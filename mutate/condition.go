package mutate

import (
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// A site is where expressions stand: in a condition, or in the definition of a variable.
type site struct {
	of    string
	rules []string
	rule  *policy.Rule // nil if it is not of one rule

	node *source.Node // the expression
	text string
	// becomes returns the condition of the rule with another expression in its place.
	becomes func(text string) *pdp.Match
}

// mutant returns a mutant of what stands at a site; becomes is the rule's condition then,
// and nil where it has none any more.
func (m *maker) mutant(s *site, op Operator, pos source.Pos, before, after string, e edit, becomes *pdp.Match) *Mutant {
	if s.rule == nil {
		return &Mutant{Operator: op, Pos: pos, Of: s.of, Rules: s.rules, Before: before, After: after, edit: e}
	}
	return m.of(s.rule, op, pos, before, after, e, func(r *pdp.Rule) { r.Condition = becomes })
}

// condition makes the mutants of the condition of a rule or a derived role, which stands in
// a mapping.
func (m *maker) condition(s *site, c *policy.Condition, n *source.Node) {
	whole := field(n, "condition")
	match := field(whole, "match")
	if c == nil || match == nil {
		return
	}
	op := ConditionRemoved
	if s.rule == nil {
		op = DerivedConditionRemoved
	}
	m.add(m.mutant(s, op, keyPos(n, "condition"), c.String(), "", edit{node: whole, removed: true}, nil))
	m.match(s, c, match, func(x *pdp.Match) *pdp.Match { return x }, true)
}

// match makes the mutants of a part of a condition; within puts another in its place.
func (m *maker) match(s *site, c *policy.Condition, n *source.Node, within func(*pdp.Match) *pdp.Match, whole bool) {
	if c.Op == policy.Expr {
		of := *s
		of.node, of.text = field(n, "expr"), c.Expr
		of.becomes = func(text string) *pdp.Match { return within(&pdp.Match{Expr: text}) }
		if of.node != nil {
			m.expression(&of)
			m.negated(&of, whole)
		}
		return
	}
	key := c.Op.String()
	held := field(n, key)
	list := field(held, "of")
	if list == nil || len(list.Items) != len(c.Of) {
		return
	}
	for _, op := range []policy.Op{policy.All, policy.Any, policy.None} {
		if op != c.Op && (len(c.Of) > 1 || op == policy.None || c.Op == policy.None) {
			swapped := matchOf(c)
			swapped.Op = opOf[op]
			m.add(m.mutant(s, AllAnyNoneSwapped, keyPos(n, key), key, op.String(), edit{node: held, rename: op.String()}, within(swapped)))
		}
	}
	for i, item := range list.Items {
		put := func(x *pdp.Match) *pdp.Match {
			of := matchOf(c)
			of.Of[i] = x
			return within(of)
		}
		if len(list.Items) > 1 {
			left := matchOf(c)
			left.Of = append(left.Of[:i:i], left.Of[i+1:]...)
			m.add(m.mutant(s, PartRemoved, item.Pos, c.Of[i].String(), "", edit{node: item, removed: true}, within(left)))
		}
		m.match(s, c.Of[i], item, put, false)
	}
}

// negated negates an expression: the whole condition, or one of its parts.
func (m *maker) negated(s *site, whole bool) {
	op := PartNegated
	switch {
	case whole && s.rule == nil:
		op = DerivedConditionNegated
	case whole:
		op = ConditionNegated
	}
	text := "!(" + s.text + ")"
	m.add(m.mutant(s, op, s.node.Pos, s.text, text, edit{node: s.node, value: text}, s.becomes(text)))
}
