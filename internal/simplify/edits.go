package simplify

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// absent begins the place of a leaf that says that something is not there. All others
// that look at it, but for those that ask whether it is there, are unmet then: such a
// leaf neither implies one of them nor is implied.
const absent = "!"

// asksPresence reports whether an expression is has() of something.
func asksPresence(e ast.Expr) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Has
}

// places counts, for each place that expressions look at, how many leaves do.
type places map[string]int

// add counts what the leaves of an expression look at.
func (p places) add(e ast.Expr) {
	if e == nil {
		return
	}
	if operands := skeleton(e); len(operands) > 1 || len(operands) == 1 && !asksPresence(operands[0]) {
		for _, x := range operands {
			p.add(x)
		}
		return
	}
	there, mark := asksPresence(e), ""
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalNot {
		mark = absent
	}
	reads := expr.Clause(expr.Print(e)).Reads()
	seen := map[string]bool{}
	for root, paths := range map[string][][]string{"arguments": reads.Arguments, "principal": reads.Principal, "resource": reads.Resource} {
		for _, path := range paths {
			n := 1
			if root != "arguments" {
				n = 2 // attr x
			}
			place := root + "." + strings.Join(path[:min(n, len(path))], ".")
			seen[mark+place] = true
			if there {
				seen[absent+place] = true
			}
		}
	}
	if reads.Clock {
		seen["now"] = true
	}
	for place := range seen {
		p[place]++
	}
}

func placesOf(list ...ast.Expr) places {
	p := places{}
	for _, e := range list {
		p.add(e)
	}
	return p
}

// matters reports whether a part is taken to matter without asking: none of the others
// looks at a place that it looks at, nor do two of its own leaves. Whoever writes such a
// part hardly writes one that is always met.
func (p places) matters(part places) bool {
	for place, n := range part {
		if p[place] > n || n > 1 {
			return false
		}
	}
	return len(part) > 0
}

// skeleton returns what && and || join, the operand of !, or the three of a ternary; nil
// for a leaf.
func skeleton(e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind {
		return nil
	}
	switch c := e.AsCall(); c.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		return chain(e, c.FunctionName())
	case operators.LogicalNot, operators.Conditional:
		return c.Args()
	}
	return nil
}

// chain lists what an operator joins, through any depth of itself.
func chain(e ast.Expr, operator string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operator {
		return []ast.Expr{e}
	}
	args := e.AsCall().Args()
	return append(chain(args[0], operator), chain(args[1], operator)...)
}

// rebuilt puts operands in the place of those of an expression.
func rebuilt(e ast.Expr, operands []ast.Expr) ast.Expr {
	name := e.AsCall().FunctionName()
	if name != operators.LogicalAnd && name != operators.LogicalOr {
		return fact.NewCall(0, name, operands...)
	}
	joined := operands[0]
	for _, x := range operands[1:] {
		joined = fact.NewCall(0, name, joined, x)
	}
	return joined
}

// without lists what an expression may be without one of its operands, the last first.
func without(e ast.Expr, all places) []ast.Expr {
	if e == nil {
		return nil
	}
	operands := skeleton(e)
	var list []ast.Expr
	if len(operands) > 1 && e.AsCall().FunctionName() != operators.Conditional {
		for i := len(operands) - 1; i >= 0; i-- {
			if !all.matters(placesOf(operands[i])) {
				list = append(list, rebuilt(e, slices.Delete(slices.Clone(operands), i, i+1)))
			}
		}
	}
	for i, x := range operands {
		for _, shorter := range without(x, all) {
			with := slices.Clone(operands)
			with[i] = shorter
			list = append(list, rebuilt(e, with))
		}
	}
	return list
}

// expressions lists those of a draft.
func (d *draft) expressions() []ast.Expr {
	var list []ast.Expr
	for _, x := range d.all {
		list = append(list, x.expressions()...)
	}
	for _, a := range d.alternatives {
		list = append(list, a.allows, a.denies)
	}
	return list
}

// edits lists what the draft may be without one of its parts, large ones first.
func (d *draft) edits() []*draft { return d.without(placesOf(d.expressions()...)) }

func (d *draft) without(all places) []*draft {
	var list []*draft
	for i := len(d.all) - 1; i >= 0 && len(d.all) > 1; i-- {
		if !all.matters(placesOf(d.all[i].expressions()...)) {
			list = append(list, &draft{all: slices.Delete(slices.Clone(d.all), i, i+1)})
		}
	}
	for i, x := range d.all {
		for _, shorter := range x.without(all) {
			with := slices.Clone(d.all)
			with[i] = shorter
			list = append(list, &draft{all: with})
		}
	}
	for i := len(d.alternatives) - 1; i >= 0 && len(d.alternatives) > 1; i-- {
		if a := d.alternatives[i]; !all.matters(placesOf(a.allows, a.denies)) {
			list = append(list, &draft{alternatives: slices.Delete(slices.Clone(d.alternatives), i, i+1)})
		}
	}
	for i, a := range d.alternatives {
		for _, shorter := range a.without(all) {
			with := slices.Clone(d.alternatives)
			with[i] = shorter
			list = append(list, &draft{alternatives: with})
		}
	}
	return list
}

func (a alternative) without(all places) []alternative {
	var list []alternative
	if a.allows != nil && a.denies != nil {
		if !all.matters(placesOf(a.denies)) {
			list = append(list, alternative{allows: a.allows})
		}
		if !all.matters(placesOf(a.allows)) {
			list = append(list, alternative{denies: a.denies})
		}
	}
	for _, e := range without(a.allows, all) {
		list = append(list, alternative{e, a.denies})
	}
	for _, e := range without(a.denies, all) {
		list = append(list, alternative{a.allows, e})
	}
	return list
}
