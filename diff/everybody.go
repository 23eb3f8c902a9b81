package diff

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// anybody is the id of those whose id does not matter.
const anybody = "anybody"

// A cohort is everybody with some roles, and with an id where a policy is about it.
type cohort struct {
	roles []string
	id    string // "" for any that no principal policy is about
}

func (x cohort) principal() *authz.Principal {
	p := &authz.Principal{Key: x.id + "\x00" + strings.Join(x.roles, "\x00"), ID: x.id, Roles: x.roles}
	if x.id == "" {
		p.ID = anybody
	}
	return p
}

// everybody compares what anybody may do by roles, and says what no declared principal
// shows.
func (c *comparer) everybody(ctx context.Context, r *Result) error {
	var lost []Role
	for _, p := range c.pairs {
		if p.same && sameSchemas(p.baseSchema, p.headSchema) {
			continue
		}
		found, err := c.byRole(ctx, p)
		if err != nil {
			return fmt.Errorf("compare %s of %s for everybody: %w", p.column().Operation, p.column().Item.Name, err)
		}
		for _, x := range found {
			if x.Kind.Gains() {
				r.Roles = append(r.Roles, x)
			} else {
				lost = append(lost, x)
			}
		}
	}
	r.Roles = append(r.Roles, lost...)
	return nil
}

// byRole returns how the cells of a pair differ by role.
func (c *comparer) byRole(ctx context.Context, p *pair) ([]Role, error) {
	list, roles, open := c.cohorts(p)
	base, err := c.look(ctx, c.in.Base, p.base, p, list)
	if err != nil {
		return nil, err
	}
	head, err := c.look(ctx, c.in.Head, p.head, p, list)
	if err != nil {
		return nil, err
	}
	var found []Role
	for i, x := range list {
		q := &question{pair: p, baseCell: base[i], headCell: head[i], everybody: true, fixedID: x.id != "", alike: p.same}
		if p.base != nil {
			q.baseWho = x.principal()
		}
		if p.head != nil {
			q.headWho = x.principal()
		}
		answer, err := c.compare(ctx, q)
		if err != nil {
			return nil, err
		}
		if answer.isEqual() || c.isShown(p, x, roles, answer.Kind) || slices.ContainsFunc(found, func(y Role) bool { return y.covers(x, answer.Kind) }) {
			continue
		}
		found = append(found, Role{
			Comparison: answer, Roles: x.roles, ID: x.id, Column: p.column(), Base: base[i], Head: head[i],
			Causes: distinct(c.causes(p, base[i], head[i], answer.Kind)),
		})
	}
	for i := range found {
		found[i].Roles = roleNames(found[i].Roles, roles)
	}
	if len(open) > 0 {
		found = append(found, Role{Comparison: Comparison{Open: open}, Roles: []string{"*"}, Column: p.column()})
	}
	return found, nil
}

// covers reports whether what is said of some roles says it of more of them.
func (y *Role) covers(x cohort, kind Kind) bool {
	return y.Kind == kind && (y.ID == "" || y.ID == x.id) && !slices.ContainsFunc(y.Roles, func(role string) bool { return !slices.Contains(x.roles, role) })
}

// isShown reports whether a declared principal shows what becomes of a cohort.
func (c *comparer) isShown(p *pair, x cohort, of universe.Roles, kind Kind) bool {
	return !slices.ContainsFunc(kind.directions(), func(gain bool) bool { return !c.showsThat(p, x, of, gain) })
}

// showsThat reports whether a declared principal shows that a cohort gains, or loses.
func (c *comparer) showsThat(p *pair, x cohort, of universe.Roles, gain bool) bool {
	by := c.shown[showing{p, gain}]
	if x.id != "" && by.ids[x.id] {
		return true
	}
	for role := range by.roles {
		if slices.Contains(x.roles, of.Stands(role)) {
			return true
		}
	}
	return false
}

// cohorts returns those that stand for everybody on both sides, those of fewer roles first.
func (c *comparer) cohorts(p *pair) (list []cohort, of universe.Roles, open []string) {
	var ids []string
	together := 1
	for i, col := range []*matrix.Column{p.base, p.head} {
		if col == nil || !col.Question.Guarded() {
			continue
		}
		side := c.in.Head
		if i == 0 {
			side = c.in.Base
		}
		of = of.And(universe.Of(side.Policies, col))
		ids = append(ids, universe.IDs(side.Policies, col)...)
		together = max(together, len(col.Question.Requests))
		if side.Config.Engine.StrictEvaluation {
			together = max(2, together)
		}
	}
	if len(of.Single) == 0 {
		of.Single = []string{universe.Other}
	}
	sets, open := of.Sets(nil, together)
	slices.Sort(ids)
	for _, set := range sets {
		for _, id := range append([]string{""}, ordered.Distinct(ids)...) {
			list = append(list, cohort{set, id})
		}
	}
	return list, of, open
}

// look decides a column of a side for cohorts, nil for each where it is absent.
func (c *comparer) look(ctx context.Context, s *Side, col *matrix.Column, p *pair, list []cohort) ([]*matrix.Cell, error) {
	if col == nil {
		return make([]*matrix.Cell, len(list)), nil
	}
	who := make([]*authz.Principal, len(list))
	for i, x := range list {
		who[i] = x.principal()
	}
	return s.Matrix.Look(ctx, col.Open(true, p.timed), who)
}

// roleNames returns roles as policies name them.
func roleNames(list []string, of universe.Roles) []string {
	var names []string
	for _, role := range list {
		switch patterns := of.Patterns[role]; {
		case strings.HasPrefix(role, universe.Other):
			names = append(names, "*")
		case len(patterns) > 0:
			names = append(names, strings.Join(patterns, " and "))
		default:
			names = append(names, role)
		}
	}
	return ordered.Distinct(names)
}
