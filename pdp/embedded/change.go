package embedded

import (
	"context"
	"slices"
	"strings"
	"sync"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// A changing is what an engine knows about its policies that is needed to change them.
type changing struct {
	once    sync.Once
	changer *tables.Changer
	err     error
	rules   map[string][]*runtimev1.RuleTable_RuleRow // rows, by rule
	alone   map[string]string                         // the only rule of a policy
	// identities are those of all rows.
	identities []string

	apartOnce sync.Once
	apart     bool // changes have to have engines of their own
}

// changedRows are the rows of a rule or a file, as they are and as they would be.
type changedRows struct {
	engine        *Engine
	before, after []*runtimev1.RuleTable_RuleRow
	gone          map[*runtimev1.RuleTable_RuleRow]bool // those of before
}

// all returns the rows of the policies with the change.
func (c *changedRows) all() []*runtimev1.RuleTable_RuleRow {
	rows := make([]*runtimev1.RuleTable_RuleRow, 0, len(c.engine.tables.Rows)+len(c.after))
	for _, row := range c.engine.tables.Rows {
		switch {
		case !c.gone[row]:
			rows = append(rows, row)
		case row == c.before[0]: // in its place: which rule the engine names may depend on the order
			rows = append(rows, c.after...)
		}
	}
	if len(c.before) == 0 {
		rows = append(rows, c.after...)
	}
	return rows
}

// Change returns engines of which one rule or file says something else. A change of a rule
// that is not of a resource policy, or that has a say in what others come to, is not made; nor
// is one of a file that more hangs on than what rules say.
func (e *Engine) Change(ctx context.Context, changes []pdp.Change) ([]*pdp.Changed, error) {
	changed := make([]*pdp.Changed, len(changes))
	if e.source == nil || e.derivedRolesRead() {
		return changed, nil
	}
	c := &e.changing
	c.once.Do(func() { c.read(e) })
	if c.err != nil {
		return nil, c.err
	}
	if err := e.rewrite(ctx, changes, changed); err != nil {
		return nil, err
	}
	list, err := c.changer.Compile(ctx, changes)
	if err != nil {
		return nil, err
	}
	for i, r := range list {
		if changes[i].File != "" {
			continue
		}
		switch rule := changes[i].Rule; {
		case r.Unfit, r.Err == nil && c.last(rule, r.Rows):
		case r.Err != nil:
			changed[i] = &pdp.Changed{Err: r.Err}
		default:
			changed[i] = e.changed(c.rules[rule], r.Rows, tables.Effects)
		}
	}
	return changed, nil
}

// read reads the policies once more, as their authors wrote them.
func (c *changing) read(e *Engine) {
	c.rules, c.alone = map[string][]*runtimev1.RuleTable_RuleRow{}, map[string]string{}
	c.changer, c.err = tables.NewChanger(e.source)
	c.identities = tables.Identities(e.tables.Rows)
	for _, row := range e.tables.Rows {
		id := tables.RuleID(row)
		c.rules[id] = append(c.rules[id], row)
		if only, known := c.alone[row.OriginFqn]; known && only != id {
			id = ""
		}
		c.alone[row.OriginFqn] = id
	}
}

// last reports whether a change does more than change a rule: the policy is left without
// rules.
func (c *changing) last(rule string, rows []*runtimev1.RuleTable_RuleRow) bool {
	before := c.rules[rule]
	return len(before) == 0 || len(rows) == 0 && c.alone[before[0].OriginFqn] == rule
}

// changed returns what becomes of the engine with other rows for some, which decide alike if
// they have the same effect.
func (e *Engine) changed(before, after []*runtimev1.RuleTable_RuleRow, effects func([]*runtimev1.RuleTable_RuleRow) []string) *pdp.Changed {
	rows := &changedRows{e, before, after, make(map[*runtimev1.RuleTable_RuleRow]bool, len(before))}
	for _, row := range before {
		rows.gone[row] = true
	}
	onlyBefore, onlyAfter := apartBy(before, after, effects(before), effects(after))
	different := targetsOf(slices.Concat(onlyBefore, onlyAfter))
	tables.SetOutputs(after)
	confused := targetsOf(e.hashes().With(after, rows.gone))
	return &pdp.Changed{
		Rows:     rows,
		Touches:  func(r *authz.Request) bool { return e.mayReachAny(different, r) },
		ByChance: func(r *authz.Request) bool { return e.ByChance(r) || e.mayReachAny(confused, r) },
		For:      func(actions []string) (pdp.Decider, error) { return e.about(rows.all(), actions) },
	}
}

// A target is a row that requests may get to.
type target struct {
	*runtimev1.RuleTable_RuleRow
	kind string // folded; "" for any
}

func targetsOf(rows []*runtimev1.RuleTable_RuleRow) []target {
	list := make([]target, len(rows))
	for i, row := range rows {
		list[i].RuleTable_RuleRow = row
		if !strings.Contains(row.Resource, "*") {
			list[i].kind = folded(row.Resource)
		}
	}
	return list
}

// mayReachAny reports whether a request may get to one of some rows. It errs on the side
// of too many.
func (e *Engine) mayReachAny(rows []target, r *authz.Request) bool {
	if len(rows) == 0 {
		return false
	}
	if r.By != nil {
		sent, refusal := asSent(r)
		if refusal != nil {
			return false
		}
		r = &sent
	}
	kind := folded(r.Resource.Kind)
	if r.MakesRoute("kind") {
		kind = ""
	}
	anyAction := r.MakesRoute("action")
	return slices.ContainsFunc(rows, func(row target) bool {
		return (kind == "" || row.kind == "" || row.kind == kind) && e.mayReach(row, r, anyAction)
	})
}

// asSent returns a request as it goes out for its principal; for anybody, with whatever roles
// they are shown, if it is about anybody or has no principal.
func asSent(r *authz.Request) (authz.Request, *authz.Refusal) {
	if r.Principal != nil && !r.AnyPrincipal {
		return r.Sent()
	}
	anybody := *r
	anybody.Principal = nil
	return anybody, r.By.Refuses()
}

// mayReach reports whether a request may get to a row about its kind. A row of a role policy
// has a say in all actions: it denies those that it does not allow.
func (e *Engine) mayReach(row target, r *authz.Request, anyAction bool) bool {
	if !anyAction && !row.FromRolePolicy && !mayMatch(row.GetAction(), r.Action) {
		return false
	}
	switch {
	case r.Principal == nil:
		return true
	case row.Principal != "":
		return r.AnyPrincipal || row.Principal == r.Principal.ID
	}
	return slices.ContainsFunc(r.Principal.Roles, func(role string) bool {
		return slices.ContainsFunc(e.tables.Lineage(role), func(role string) bool { return mayMatch(row.Role, role) })
	})
}

// mayMatch reports whether a name or glob may match a text, by what comes before its
// first special character.
func mayMatch(pattern, text string) bool {
	i := strings.IndexAny(pattern, `*?[{\`)
	if i < 0 {
		return pattern == text
	}
	return strings.HasPrefix(text, pattern[:i])
}

// about returns an engine of the same options, and of those of some rows that requests
// about some actions get to, nil for all.
func (e *Engine) about(rows []*runtimev1.RuleTable_RuleRow, actions []string) (*Engine, error) {
	return e.part(e.reachedBy(rows, actions), e.tables.Whole(e.schemas.table))
}

// part returns an engine of the same options, of some rows and what a table says besides.
func (e *Engine) part(rows []*runtimev1.RuleTable_RuleRow, table *runtimev1.RuleTable) (*Engine, error) {
	table = partOf(rows, table)
	of := newEngine(e.options, tables.New(table), table, e)
	of.leaves, of.whole = e.leaves, true
	return of, of.load(table)
}

// reachedBy returns those of some rows that requests about some actions get to, nil for
// all, and what has a say in spite of that.
func (e *Engine) reachedBy(rows []*runtimev1.RuleTable_RuleRow, actions []string) []*runtimev1.RuleTable_RuleRow {
	if actions == nil || slices.Contains(actions, pdp.AnyAction) {
		return rows
	}
	return reachable(rows, func(row *runtimev1.RuleTable_RuleRow) bool {
		return row.GetAction() == "" || slices.ContainsFunc(actions, func(a string) bool { return mayMatch(row.GetAction(), a) }) ||
			len(e.reach.confused) > 0 && e.reach.confused[tables.BehaviourOf(row)]
	}, func(row *runtimev1.RuleTable_RuleRow) *runtimev1.RuleTable_RuleRow {
		bare := bareRow(row) // that there is a policy about a kind or a principal has a say, too
		bare.OriginFqn, bare.Resource, bare.Principal = row.OriginFqn, row.Resource, row.Principal
		return bare
	})
}
