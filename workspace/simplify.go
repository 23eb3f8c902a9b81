package workspace

import (
	"context"
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/simplify"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// Simplify leaves out of the conditions of a matrix what cannot matter, and tells of those
// that are not written down which rules they hang on, for people to read. No cell is
// decided anew.
func (w *Workspace) Simplify(ctx context.Context, m *matrix.Matrix) error {
	var s simplified
	for _, col := range m.Columns {
		for _, c := range m.Classes {
			if cell := m.Cell(c, col); cell.Access == matrix.Conditional {
				s.add(&cell.Condition, col, c.Principals[0], ruleSyntax(cell.Decisive()))
			}
		}
	}
	return s.put(ctx, w)
}

// simplifyAnswers is Simplify of what who-can says.
func (w *Workspace) simplifyAnswers(ctx context.Context, answers []explain.Answer) error {
	var s simplified
	for i := range answers {
		a := &answers[i]
		for j := range a.Declared {
			s.add(&a.Declared[j].Condition, a.Column, a.Declared[j].Principals[0], ruleSyntax(a.Declared[j].Rules))
		}
		for j := range a.ByRole {
			var rules []*policy.Rule
			for _, ref := range a.ByRole[j].Rules {
				if r := w.Policies.Rule(ref.ID); r != nil && ref.Met != authz.Unmet {
					rules = append(rules, r)
				}
			}
			if !strings.ContainsAny(a.ByRole[j].Role, "*?[{") { // a pattern says less
				a.ByRole[j].Condition = simplify.Held(a.ByRole[j].Condition, a.ByRole[j].Role)
			}
			s.add(&a.ByRole[j].Condition, a.Column, &authz.Principal{ID: "anybody", Roles: []string{a.ByRole[j].Role}}, rules)
		}
	}
	return s.put(ctx, w)
}

// simplified collects conditions, and where each stands.
type simplified struct {
	list []simplify.Asked
	at   []*authz.Condition
	some []some
}

// some is a condition that some arguments meet another one, and that.
type some struct{ whole, of *authz.Condition }

// add takes the condition of somebody in a column, and the rules that it comes from.
func (s *simplified) add(c *authz.Condition, col *matrix.Column, who *authz.Principal, rules []*policy.Rule) {
	if c.IsZero() || len(col.Question.Requests) == 0 {
		return
	}
	r := col.Question.Requests[0]
	if of := c.Met(); !of.IsZero() {
		s.some = append(s.some, some{c, &of})
		s.add(&of, col, who, rules)
		return
	}
	if !c.Written() && len(c.Parts()) == 0 {
		if text := told(rules, r.Unknown); text != "" {
			*c = c.Told(text)
		}
		return
	}
	r.Principal = who
	s.list, s.at = append(s.list, simplify.Asked{Condition: *c, Request: r}), append(s.at, c)
}

// put asks an engine of its own: policies have no say in what an expression comes to.
func (s *simplified) put(ctx context.Context, w *Workspace) error {
	_, end := w.o.Progress.begin("simplifying the conditions")
	defer end()
	shorter, err := simplify.New(solver.New(w.Engine.Leaves())).Conditions(ctx, s.list)
	if err != nil {
		return fmt.Errorf("simplify conditions: %w", err)
	}
	for i, c := range shorter {
		*s.at[i] = c
	}
	for _, x := range s.some {
		*x.whole = authz.Some(*x.of)
	}
	return nil
}
