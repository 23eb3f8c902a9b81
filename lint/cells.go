package lint

import (
	"cmp"
	"iter"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// where returns the classes whose cell in a column is such.
func (p *Pass) where(col *matrix.Column, such func(*matrix.Cell) bool) []*matrix.Class {
	return p.among(p.Matrix.Classes, col, such)
}

// among returns those of the classes whose cell in a column is such.
func (p *Pass) among(classes []*matrix.Class, col *matrix.Column, such func(*matrix.Cell) bool) []*matrix.Class {
	var list []*matrix.Class
	for _, c := range classes {
		if such(p.Matrix.Cell(c, col)) {
			list = append(list, c)
		}
	}
	return list
}

// all reports whether the cells of every class are such, and whether there is
// any.
func (p *Pass) all(col *matrix.Column, such func(*matrix.Cell) bool) bool {
	for _, c := range p.Matrix.Classes {
		if !such(p.Matrix.Cell(c, col)) {
			return false
		}
	}
	return len(p.Matrix.Classes) > 0
}

func allowed(c *matrix.Cell) bool  { return c.Access == matrix.Allowed }
func denied(c *matrix.Cell) bool   { return !c.Access.Possible() }
func possible(c *matrix.Cell) bool { return c.Access.Possible() }

// granted reports whether rules make it possible.
func granted(c *matrix.Cell) bool {
	return c.Access == matrix.Allowed || c.Access == matrix.Conditional
}

// twins yields the columns about using an item which can be held against the
// item's list: those of tools, and of others where the enforcement point asks
// about both.
func (p *Pass) twins() iter.Seq[*matrix.Column] {
	return func(yield func(*matrix.Column) bool) {
		for _, use := range p.Matrix.Columns {
			if use.Operation == authz.List {
				continue
			}
			both := use.Question.Guarded() && use.Twin.Question.Guarded()
			if (use.Item.Type == authz.ToolItem || both) && !yield(use) {
				return
			}
		}
	}
}

// decisive returns the rules that made the cells of classes what they are, by
// position: those about the item itself, or without any those about a whole
// list.
func (p *Pass) decisive(classes []*matrix.Class, col *matrix.Column) []matrix.Rule {
	var rules []matrix.Rule
	seen := map[string]bool{}
	for _, c := range classes {
		for _, r := range p.cell(c, col).Decisive() {
			if !seen[r.ID] {
				seen[r.ID] = true
				rules = append(rules, r)
			}
		}
	}
	general := func(r matrix.Rule) bool {
		return r.Syntax != nil && !slices.ContainsFunc(p.index.Asked(col), func(a coverage.Asked) bool { return !a.Gate && coverage.Covers(r.Syntax, a.Request) })
	}
	if slices.ContainsFunc(rules, func(r matrix.Rule) bool { return !general(r) }) {
		rules = slices.DeleteFunc(rules, general)
	}
	slices.SortFunc(rules, func(a, b matrix.Rule) int {
		return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.ID, b.ID))
	})
	return rules
}

// passBy returns the classes that a rule lets do something, if alone is set
// those that no other rule does.
func passBy(p *Pass, r *policy.Rule, col *matrix.Column, req *authz.Request, alone bool) []*matrix.Class {
	var list []*matrix.Class
	for _, c := range p.Matrix.Classes {
		cell := p.cell(c, col)
		if !granted(cell) {
			continue
		}
		by, others := false, false
		for _, other := range cell.Rules {
			switch {
			case other.Effect != authz.Allow || other.Met == authz.Unmet:
			case other.Syntax == r:
				by = true
			case other.Syntax == nil || coverage.Covers(other.Syntax, req):
				others = true
			}
		}
		if by && (!alone || !others) {
			list = append(list, c)
		}
	}
	return list
}

// forEverybody reports whether a rule is for the role "*", and whether that is
// without a condition.
func forEverybody(p *Pass, r *policy.Rule) (wild, unconditional bool) {
	if r.Policy.Kind != policy.ResourcePolicy {
		return false, false
	}
	anybody := func(role policy.Text) bool { return role.Value == "*" }
	if slices.ContainsFunc(r.Roles, anybody) {
		return true, r.Condition == nil
	}
	for _, name := range r.DerivedRoles {
		if d := p.Policies.DerivedRole(r.Policy, name.Value); d != nil && slices.ContainsFunc(d.ParentRoles, anybody) {
			wild = true
			unconditional = unconditional || r.Condition == nil && d.Condition == nil
		}
	}
	return wild, unconditional
}

// placeOfAll is where a rule is for the role "*", or else the rule.
func placeOfAll(r *policy.Rule) source.Pos {
	for _, role := range r.Roles {
		if role.Value == "*" {
			return role.Pos
		}
	}
	return r.Pos
}
