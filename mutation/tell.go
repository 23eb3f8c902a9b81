package mutation

import (
	"context"
	"errors"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"

	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// tell says what tells those mutants apart that no case kills: first in the cells that are
// declared, then anywhere.
func (r *runner) tell(ctx context.Context) error {
	of := r.matrixEngine()
	reached := make([]reached, len(r.Mutants))
	for i := range r.Mutants {
		if !r.judged[i] {
			reached[i] = r.reached(of.changed[i])
		}
	}
	declared := func(ctx context.Context, f *apart.Finder, number int, d pdp.Decider) error {
		f.ByChance = r.chance(of, number, r.opened[number])
		found, err := f.Any(ctx, d, reached[number].cells)
		switch {
		case err != nil:
			return err
		case found.Verdict == solver.Possible:
			r.end(number, Outcome{Status: Survived, Difference: found})
		case found.Verdict == solver.Unknown:
			r.end(number, Outcome{Status: Unknown, Difference: found})
		}
		return nil
	}
	anywhere := func(ctx context.Context, f *apart.Finder, number int, d pdp.Decider) error {
		f.ByChance, f.Touches = r.chance(of, number, r.opened[number]), nil
		if c := of.changed[number]; c != nil {
			f.Touches = c.Touches
		}
		return r.anywhere(ctx, f, number, d, reached[number].columns)
	}
	err := r.together(ctx, of, r.left(), func(number int) []string { return reached[number].actions }, declared)
	if err != nil {
		return err
	}
	if err := r.together(ctx, of, r.left(), func(int) []string { return nil }, anywhere); err != nil {
		return err
	}
	var list []int
	for i, o := range r.opened {
		if o != nil && !r.judged[i] {
			list = append(list, i)
		}
	}
	return r.parallel(ctx, len(list), func(ctx context.Context, f *apart.Finder, n int) error {
		number := list[n]
		d := r.opened[number]
		if err := declared(ctx, f, number, d); err != nil || r.judged[number] {
			return err
		}
		return anywhere(ctx, f, number, d)
	})
}

// matrixEngine returns the engine that decides the matrix.
func (r *runner) matrixEngine() *engine {
	return r.engines[slices.IndexFunc(r.engines, func(e *engine) bool { return e.matrix })]
}

// anywhere says of a mutant that no declared cell tells apart whether anything does.
func (r *runner) anywhere(ctx context.Context, f *apart.Finder, number int, d pdp.Decider, columns []*matrix.Column) error {
	change, rules, err := r.changeOf(number)
	var invalid *LoadError
	if errors.As(err, &invalid) {
		r.end(number, Outcome{Status: Invalid, Err: invalid.Err})
		return nil
	}
	if err != nil {
		return err
	}
	found, err := f.Outside(ctx, d, columns, change)
	if err != nil {
		return err
	}
	if found.Verdict == solver.Possible {
		r.end(number, Outcome{Status: Outside, Difference: found})
		return nil
	}
	o := Outcome{Status: Equivalent, Difference: found}
	if found.Verdict == solver.Impossible {
		bare, err := f.Bare(ctx, d, change, rules...)
		switch {
		case err != nil:
			return err
		case bare.Verdict == solver.Possible:
			o = Outcome{Status: Bare, Difference: bare}
		case bare.ByChance():
			o.Difference = bare
		}
	}
	if o.Difference.ByChance() {
		o.Status = Unknown
	}
	r.end(number, o)
	return nil
}

// reached is what a mutant may decide otherwise.
type reached struct {
	cells   []apart.Cell
	columns []*matrix.Column // for anybody
	actions []string         // of the requests of both; not nil
}

// reached returns what a change may decide otherwise, which is everything if it is nil.
func (r *runner) reached(c *pdp.Changed) reached {
	touches := func(*authz.Request) bool { return true }
	if c != nil {
		touches = c.Touches
	}
	of := reached{actions: []string{}}
	for _, col := range r.Matrix.Columns {
		if !slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool { return touches(&r) }) {
			continue
		}
		of.columns = append(of.columns, col)
		for _, r := range col.Question.Requests {
			of.actions = append(of.actions, pdp.ActionOf(&r))
		}
		for _, class := range r.Matrix.Classes {
			if slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool {
				r.Principal = class.First()
				return touches(&r)
			}) {
				of.cells = append(of.cells, apart.Cell{Principal: class.First(), Column: col})
			}
		}
	}
	of.actions = ordered.Distinct(of.actions)
	return of
}

// changeOf says what was changed, for what could exist: of the rules as they were, and as
// they are.
func (r *runner) changeOf(number int) (apart.Change, []*policy.Rule, error) {
	m := r.Mutants[number]
	var c apart.Change
	var after *policy.Set // where more than a rule may be another
	if m.Change == nil || m.Change.File != "" {
		var err error
		if after, err = r.Policies(m); err != nil {
			return c, nil, err
		}
	}
	var rules []*policy.Rule
	take := func(r *policy.Rule, set *policy.Set) {
		for _, a := range r.Actions {
			c.Actions = append(c.Actions, a.Value)
		}
		for _, role := range r.Roles {
			c.Roles = append(c.Roles, role.Value)
		}
		for _, name := range r.DerivedRoles {
			if d := set.DerivedRole(r.Policy, name.Value); d != nil {
				for _, role := range d.ParentRoles {
					c.Roles = append(c.Roles, role.Value)
				}
			}
		}
	}
	is := r.Matrix.Policies()
	for _, id := range m.Rules {
		if rule := is.Rule(id); rule != nil {
			rules = append(rules, rule)
			take(rule, is)
		}
		if after != nil {
			if rule := after.Rule(id); rule != nil {
				take(rule, after)
			}
		}
	}
	if m.Change != nil && m.Change.Says != nil {
		c.Actions, c.Roles = append(c.Actions, m.Change.Says.Actions...), append(c.Roles, m.Change.Says.Roles...)
	}
	c.Actions, c.Roles = ordered.Distinct(c.Actions), ordered.Distinct(c.Roles)
	return c, rules, nil
}
