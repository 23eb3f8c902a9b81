package testcoverage

import (
	"encoding/json"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A candidate is a case in which a rule may have activated.
type candidate struct {
	*world
	*testrunner.Case
}

// activations notes in which cases which rules activated with the effect of what is
// asserted.
func (m *measurer) activations() {
	m.active, m.maybe = map[*policy.Rule]Evidence{}, map[*policy.Rule][]candidate{}
	for _, w := range m.list {
		for _, c := range w.Cases {
			allowed, denied := sides(c)
			if allowed {
				m.activated(w, c, c.Cell, authz.Allow)
			}
			if denied {
				m.activated(w, c, c.Cell, authz.Deny)
			}
		}
		for _, d := range w.decisions {
			for _, ref := range d.Rules {
				r := m.in.Matrix.Policies().RuleFor(ref.ID, d.Request.Resource.Kind, d.Request.Action)
				if _, known := m.active[r]; r != nil && !known && ref.Effect == d.Effect && ref.Met == authz.Fired {
					m.active[r] = d.Evidence
				}
			}
		}
		for _, c := range w.Claims {
			m.claimed(c)
		}
	}
}

// sides says what a passed case asserts: that some request is allowed, and that some is
// denied. One that is listed under exactly asserts that it is possible.
func sides(c *testrunner.Case) (allowed, denied bool) {
	switch c.Cell.Access {
	case matrix.Allowed:
		return true, false
	case matrix.Denied:
		return false, true
	case matrix.Conditional:
		return true, c.Want == matrix.Conditional.String()
	case matrix.Unguarded, matrix.Refused:
	}
	return false, false
}

// activated notes the rules of an effect that are active where that is the outcome. One
// whose condition is open is, if it is the only one and without it nothing comes to that.
func (m *measurer) activated(w *world, c *testrunner.Case, cell *matrix.Cell, effect authz.Effect) {
	plainly, open := with(cell, effect, authz.Fired), with(cell, effect, authz.Depends)
	sole := len(open) == 1 && len(plainly) == 0 && cell.Access == matrix.Conditional &&
		(effect == authz.Allow || len(with(cell, authz.Allow, authz.Depends)) == 0)
	if sole {
		plainly, open = open, nil
	}
	for _, r := range plainly {
		if _, known := m.active[r.Syntax]; !known && r.Syntax != nil {
			m.active[r.Syntax] = caseOf(c)
		}
	}
	for _, r := range open {
		if r.Syntax != nil {
			m.maybe[r.Syntax] = append(m.maybe[r.Syntax], candidate{w, c})
		}
	}
}

// claimed notes the rules that activate in what is proved of everybody: each cell of a
// declared principal is among that.
func (m *measurer) claimed(c *testrunner.Case) {
	s := c.Claimed()
	effect, ok := quantified(s)
	if !ok {
		return
	}
	for _, class := range m.in.Matrix.Classes {
		for _, r := range fired(m.in.Matrix.Cell(class, s.Of), effect) {
			if _, known := m.active[r.Syntax]; !known && r.Syntax != nil {
				m.active[r.Syntax] = caseOf(c)
			}
		}
	}
}

// quantified returns what is proved of all cells of a column, if it is that.
func quantified(s *prove.Sentence) (authz.Effect, bool) {
	switch {
	case s.Who != nil:
		return authz.Deny, false
	case s.Kind == prove.Never:
		return authz.Deny, true
	case s.Kind == prove.Always:
		return authz.Allow, true
	}
	return authz.Deny, false
}

// caseOf returns a case as reports name it.
func caseOf(c *testrunner.Case) Evidence {
	if c.Sentence != "" {
		return Evidence{c.Pos, c.Sentence}
	}
	text := fmt.Sprintf("%s %s %s", c.Principals[0].Key, c.Operation, c.Item.Name)
	if c.Arguments != nil {
		if data, err := json.Marshal(c.Arguments); err == nil {
			text += " " + string(data)
		}
	}
	return Evidence{c.Pos, text + ": " + c.Got}
}
