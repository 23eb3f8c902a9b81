package testcoverage

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A side is one of those of a column.
type side struct {
	column *matrix.Column
	what   string
}

// cells adds a point for each side that a column has for declared principals.
func (m *measurer) cells() {
	asserted := map[side]Evidence{}
	note := func(col *matrix.Column, list []string, e Evidence) {
		for _, what := range list {
			if _, known := asserted[side{col, what}]; !known {
				asserted[side{col, what}] = e
			}
		}
	}
	for _, w := range m.list {
		for _, c := range w.Cases {
			col, _ := c.Column()
			note(col, assertedSides(c), caseOf(c))
		}
		for _, c := range w.Claims {
			m.claimedSides(c, note)
		}
	}
	for _, col := range m.in.Matrix.Columns {
		if !col.Question.Guarded() {
			continue
		}
		possible := map[string]*Case{}
		for _, class := range m.in.Matrix.Classes {
			cell := m.in.Matrix.Cell(class, col)
			for _, what := range sidesOf(cell) {
				if p := possible[what]; p == nil || p.Expect == authz.Conditional.String() {
					possible[what] = &Case{Principal: class.First(), Column: col, Expect: expected(cell.Access)}
				}
			}
		}
		for _, what := range []string{Allowed, DeniedByRule, DeniedByDefault, Conditional} {
			p := Point{Kind: Cell, Pos: col.Item.Pos, Column: col, What: what, State: Impossible}
			if e, ok := asserted[side{col, what}]; ok {
				p.State, p.By = Covered, []Evidence{e}
			} else if want := possible[what]; want != nil {
				p.State, p.Want = Uncovered, []Case{*want}
			}
			m.add(p)
		}
	}
}

// claimedSides notes what is proved of all cells of a column.
func (m *measurer) claimedSides(c *testrunner.Case, note func(*matrix.Column, []string, Evidence)) {
	s := c.Claimed()
	if _, ok := quantified(s); !ok {
		return
	}
	for _, class := range m.in.Matrix.Classes {
		if cell := m.in.Matrix.Cell(class, s.Of); cell.Access != matrix.Conditional {
			note(s.Of, sidesOf(cell), caseOf(c))
		}
	}
}

// assertedSides returns the sides that a passed case asserts.
func assertedSides(c *testrunner.Case) []string {
	list := sidesOf(c.Cell)
	if c.Cell.Access == matrix.Conditional && c.Want != matrix.Conditional.String() {
		return list[:1] // that it is possible
	}
	return list
}

// sidesOf returns the sides that a cell has. Of a conditional one it is only said whether a
// rule or the default denies where there is no doubt about it.
func sidesOf(c *matrix.Cell) []string {
	switch c.Access {
	case matrix.Allowed:
		return []string{Allowed}
	case matrix.Denied:
		if len(fired(c, authz.Deny)) > 0 {
			return []string{DeniedByRule}
		}
		return []string{DeniedByDefault}
	case matrix.Conditional:
		list := []string{Allowed, Conditional}
		granted, granting := len(fired(c, authz.Allow)) > 0, len(with(c, authz.Allow, authz.Depends)) > 0
		switch denying := len(with(c, authz.Deny, authz.Depends)) > 0; {
		case granting && !granted && !denying:
			list = append(list, DeniedByDefault)
		case granted && denying && !granting:
			list = append(list, DeniedByRule)
		}
		return list
	case matrix.Unguarded, matrix.Refused:
	}
	return nil
}
