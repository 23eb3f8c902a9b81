package embedded

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// Loading a table takes time for each of its rows, and a request only gets to those
// that are about its kind. So where policies are about many kinds, a table is loaded
// with the rows for kinds that requests are about, and loaded again with more of them
// when a request is about another: see narrowed.check, which is the only way to an
// evaluator of such a table.

// manyKinds is how many kinds of resources policies are about for narrowing to pay.
const manyKinds = 8

// maxWidened is how often a set of kinds grows before it is of all.
const maxWidened = 2

// A resourceKinds is a set of kinds of resources. It does not change.
type resourceKinds struct {
	all   bool
	names map[string]bool // as folded
	reach *reach
}

// folded returns the same for all kinds that Cerbos may take for one: it writes some
// characters of some kinds as underscores. Others may come to the same too, which only
// makes a set larger.
func folded(kind string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r > 127 {
			return r
		}
		return '_'
	}, kind)
}

// has reports whether a kind is in the set. The empty kind is every kind to Cerbos.
func (k *resourceKinds) has(kind string) bool { return k.all || kind != "" && k.names[folded(kind)] }

// A reach is the kinds that an engine has been asked about. It grows.
type reach struct {
	narrow bool // there are kinds enough for tables to be loaded in part
	// confused are rows that may decide in the place of others, see [tables.Confused].
	confused map[tables.Behaviour]bool

	mu      sync.Mutex
	set     *resourceKinds
	widened int
}

// with returns the set of kinds with some more.
func (r *reach) with(kinds ...string) *resourceKinds {
	r.mu.Lock()
	defer r.mu.Unlock()
	grown := map[string]bool{}
	whole := false
	for _, kind := range kinds {
		if !r.set.has(kind) {
			grown[folded(kind)] = true
			whole = whole || kind == ""
		}
	}
	switch {
	case len(grown) == 0:
	case whole || r.widened > maxWidened:
		r.set = &resourceKinds{all: true, reach: r}
	default:
		maps.Copy(grown, r.set.names)
		r.set = &resourceKinds{names: grown, reach: r}
		r.widened++
	}
	return r.set
}

// newReach returns the reach that an engine begins with: nothing, or everything if
// that is wanted or its policies are about few kinds.
func newReach(rows []*runtimev1.RuleTable_RuleRow, whole bool) *reach {
	seen := map[string]bool{}
	for _, row := range rows {
		seen[row.Resource] = true
	}
	r := &reach{narrow: len(seen) > manyKinds && !whole, confused: map[tables.Behaviour]bool{}}
	if r.narrow {
		for _, group := range tables.HashesOf(rows).Confused() {
			for _, row := range group {
				r.confused[tables.BehaviourOf(row)] = true
			}
		}
	}
	r.set = &resourceKinds{all: !r.narrow, reach: r}
	return r
}

// again returns a reach for another engine of the same policies.
func (r *reach) again() *reach {
	set, again := r.with(), &reach{narrow: r.narrow, confused: r.confused}
	again.set = &resourceKinds{all: set.all, names: set.names, reach: again}
	return again
}

// A narrowed table is the part of a table that requests get to.
type narrowed struct {
	reach *reach
	load  func(*resourceKinds) (checkFunc, error)

	mu     sync.RWMutex // for writing while it is loaded
	loaded *resourceKinds
	inner  checkFunc
}

// narrow returns the check of a table of which only what requests get to is loaded.
// What load loads has to be its own: the engine writes to it, while other tables are in
// use.
func (e *Engine) narrow(load func(*resourceKinds) (checkFunc, error)) (checkFunc, error) {
	if set := e.reach.with(); set.all {
		return load(set)
	}
	n := &narrowed{reach: e.reach, load: load, loaded: &resourceKinds{reach: e.reach}}
	return n.check, nil
}

// check asks the part of the table that is loaded, after loading more of it if an
// input is about a kind that it is without.
func (n *narrowed) check(ctx context.Context, inputs []*enginev1.CheckInput) ([]*enginev1.CheckOutput, error) {
	n.mu.RLock()
	for !n.covers(inputs) {
		n.mu.RUnlock()
		if err := n.widen(inputs); err != nil {
			return nil, err
		}
		n.mu.RLock()
	}
	defer n.mu.RUnlock()
	return n.inner(ctx, inputs)
}

func (n *narrowed) covers(inputs []*enginev1.CheckInput) bool {
	for _, in := range inputs {
		if !n.loaded.has(in.GetResource().GetKind()) {
			return false
		}
	}
	return n.inner != nil
}

func (n *narrowed) widen(inputs []*enginev1.CheckInput) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.covers(inputs) {
		return nil // somebody else was first
	}
	kinds := make([]string, len(inputs))
	for i, in := range inputs {
		kinds[i] = in.GetResource().GetKind()
	}
	set := n.reach.with(kinds...)
	inner, err := n.load(set)
	if err != nil {
		return err
	}
	n.loaded, n.inner = set, inner
	return nil
}

// narrowedTable is narrow for a table that is there as a whole.
func (e *Engine) narrowedTable(table *runtimev1.RuleTable, enforcement pdp.Enforcement) (checkFunc, error) {
	return e.narrow(func(set *resourceKinds) (checkFunc, error) {
		if e.reach.narrow {
			return e.evaluator(set.part(table), enforcement)
		}
		return e.evaluator(table, enforcement)
	})
}

// loadNarrow is load where tables are loaded in part, as far as requests reach.
func (e *Engine) loadNarrow(r *reach) (err error) {
	e.reach = r
	if e.options.Schemas != pdp.EnforceNone {
		// Schemas that cannot be loaded are no matter of who asks.
		table := &runtimev1.RuleTable{Schemas: e.schemas.table.Schemas, JsonSchemas: e.schemas.table.JsonSchemas, CompilerVersion: e.tables.Base.CompilerVersion}
		if _, err := e.evaluator(table, e.options.Schemas); err != nil {
			return fmt.Errorf("load policies: %w", err)
		}
	}
	e.shape = &structureTable{
		engine: e, mayMatter: e.tables.MayMatter(e.options.DefaultPolicyVersion),
		cohorts: map[string]*cohort{}, decisions: map[string]*authz.Decision{},
	}
	e.decide, err = e.narrow(func(set *resourceKinds) (checkFunc, error) {
		check, err := e.evaluator(set.part(e.tables.Whole(e.schemas.table)), e.options.Schemas)
		if err != nil {
			return nil, fmt.Errorf("load policies: %w", err)
		}
		return check, nil
	})
	if err != nil {
		return err
	}
	e.shape.check, err = e.narrow(func(set *resourceKinds) (checkFunc, error) {
		check, err := e.loaded(e.tables.Structure(set.rows(e.tables.Rows)), pdp.EnforceNone, pdp.Matching)
		if err != nil {
			return nil, fmt.Errorf("load the structure of the policies: %w", err)
		}
		return check, nil
	})
	return err
}

// part copies the part of a table that requests about kinds get to.
func (k *resourceKinds) part(table *runtimev1.RuleTable) *runtimev1.RuleTable {
	return partOf(k.rows(table.Rules), table)
}

// partOf copies a table with some of its rows.
func partOf(rows []*runtimev1.RuleTable_RuleRow, table *runtimev1.RuleTable) *runtimev1.RuleTable {
	c := copier{conditions: map[*runtimev1.Condition]*runtimev1.Condition{}, outputs: map[*runtimev1.Output]*runtimev1.Output{}}
	part := &runtimev1.RuleTable{
		Meta: map[uint64]*runtimev1.RuleTableMetadata{}, PolicyDerivedRoles: map[uint64]*runtimev1.RuleTable_PolicyDerivedRoles{},
		ScopeParentRoles: tables.CloneParentRoles(table.ScopeParentRoles), CompilerVersion: table.CompilerVersion,
		Schemas: table.Schemas, JsonSchemas: table.JsonSchemas,
	}
	policies := map[string]bool{}
	for _, row := range rows {
		policies[row.OriginFqn] = true
		part.Rules = append(part.Rules, c.row(row))
	}
	for id, m := range table.Meta {
		if !policies[m.GetFqn()] {
			continue
		}
		part.Meta[id] = m
		if roles := table.PolicyDerivedRoles[id]; roles != nil {
			part.PolicyDerivedRoles[id] = c.derivedRoles(roles)
		}
	}
	part.Meta = tables.CloneMeta(part.Meta)
	return part
}

// rows returns those rows that requests about kinds get to, and what is needed of others.
func (k *resourceKinds) rows(list []*runtimev1.RuleTable_RuleRow) []*runtimev1.RuleTable_RuleRow {
	if k.all {
		return list
	}
	return reachable(list, k.reaches, bareRow)
}

// reachable returns those rows that are reached. Of the others it leaves what has a say
// everywhere, as bare rows: which scopes and versions there are, and what the scopes
// permit, of which the last row of a scope has the last word.
func reachable(list []*runtimev1.RuleTable_RuleRow, reaches func(*runtimev1.RuleTable_RuleRow) bool, bare func(*runtimev1.RuleTable_RuleRow) *runtimev1.RuleTable_RuleRow) []*runtimev1.RuleTable_RuleRow {
	type place struct {
		kind                                        policyv1.Kind
		policy, scope, version, resource, principal string
	}
	var rows []*runtimev1.RuleTable_RuleRow
	seen := map[place]bool{}
	permits := map[string]policyv1.ScopePermissions{} // by scope
	for _, row := range list {
		reached := reaches(row)
		left := bare(row)
		at := place{row.PolicyKind, left.OriginFqn, row.Scope, row.Version, left.Resource, left.Principal}
		if !reached && seen[at] && permits[row.Scope] == row.ScopePermissions {
			continue
		}
		seen[at] = true
		if row.ScopePermissions != policyv1.ScopePermissions_SCOPE_PERMISSIONS_UNSPECIFIED {
			permits[row.Scope] = row.ScopePermissions
		}
		if !reached {
			row = left
		}
		rows = append(rows, row)
	}
	return rows
}

// reaches reports whether a request about a kind of the set may get to a row. A role
// policy denies what is not in it, so that it has a say in all kinds.
func (k *resourceKinds) reaches(row *runtimev1.RuleTable_RuleRow) bool {
	return row.FromRolePolicy || row.Resource == "" || strings.Contains(row.Resource, "*") || k.has(row.Resource) ||
		len(k.reach.confused) > 0 && k.reach.confused[tables.BehaviourOf(row)]
}

// policies returns those of which a request about a kind of the set may get to a row.
func (k *resourceKinds) policies(rows []*runtimev1.RuleTable_RuleRow) map[string]bool {
	reached := map[string]bool{}
	for _, row := range rows {
		if !reached[row.OriginFqn] && k.reaches(row) {
			reached[row.OriginFqn] = true
		}
	}
	return reached
}

// bareRow returns a row such as Cerbos makes of a policy without rules, at the place of
// another: no request gets to it.
func bareRow(of *runtimev1.RuleTable_RuleRow) *runtimev1.RuleTable_RuleRow {
	return &runtimev1.RuleTable_RuleRow{
		Scope: of.Scope, ScopePermissions: of.ScopePermissions, Version: of.Version,
		PolicyKind: of.PolicyKind, Params: &runtimev1.RuleTable_RuleRow_Params{}, DerivedRoleParams: &runtimev1.RuleTable_RuleRow_Params{},
	}
}

// A copier copies what the engine writes to when it loads a table: another table of
// the same rows may be in use.
type copier struct {
	conditions map[*runtimev1.Condition]*runtimev1.Condition
	outputs    map[*runtimev1.Output]*runtimev1.Output
}

func (c *copier) row(row *runtimev1.RuleTable_RuleRow) *runtimev1.RuleTable_RuleRow {
	copied := tables.CloneRow(row)
	copied.Condition, copied.DerivedRoleCondition = c.condition(row.Condition), c.condition(row.DerivedRoleCondition)
	copied.Params, copied.DerivedRoleParams = c.params(row.Params), c.params(row.DerivedRoleParams)
	if o := row.EmitOutput; o != nil {
		if c.outputs[o] == nil {
			when := &runtimev1.Output_When{RuleActivated: copyExpr(o.GetWhen().GetRuleActivated()), ConditionNotMet: copyExpr(o.GetWhen().GetConditionNotMet())}
			c.outputs[o] = &runtimev1.Output{When: when}
		}
		copied.EmitOutput = c.outputs[o]
	}
	return copied
}

func (c *copier) params(p *runtimev1.RuleTable_RuleRow_Params) *runtimev1.RuleTable_RuleRow_Params {
	if p == nil {
		return nil
	}
	return &runtimev1.RuleTable_RuleRow_Params{OrderedVariables: copyVariables(p.OrderedVariables), Constants: p.Constants}
}

func (c *copier) derivedRoles(of *runtimev1.RuleTable_PolicyDerivedRoles) *runtimev1.RuleTable_PolicyDerivedRoles {
	copied := &runtimev1.RuleTable_PolicyDerivedRoles{DerivedRoles: map[string]*runtimev1.RunnableDerivedRole{}}
	for name, role := range of.GetDerivedRoles() {
		copied.DerivedRoles[name] = &runtimev1.RunnableDerivedRole{
			Name: role.Name, ParentRoles: role.ParentRoles, OriginFqn: role.OriginFqn, Condition: c.condition(role.Condition),
			OrderedVariables: copyVariables(role.OrderedVariables), Constants: role.Constants,
		}
	}
	return copied
}

func copyVariables(list []*runtimev1.Variable) []*runtimev1.Variable {
	copied := make([]*runtimev1.Variable, len(list))
	for i, v := range list {
		copied[i] = &runtimev1.Variable{Name: v.GetName(), Expr: copyExpr(v.GetExpr())}
	}
	return copied
}

func copyExpr(x *runtimev1.Expr) *runtimev1.Expr {
	if x == nil {
		return nil
	}
	return &runtimev1.Expr{Original: x.Original, Checked: x.Checked}
}

func (c *copier) condition(of *runtimev1.Condition) *runtimev1.Condition {
	if of == nil {
		return nil
	}
	copied := c.conditions[of]
	if copied == nil {
		copied = &runtimev1.Condition{}
		switch op := of.Op.(type) {
		case *runtimev1.Condition_All:
			copied.Op = &runtimev1.Condition_All{All: c.list(op.All)}
		case *runtimev1.Condition_Any:
			copied.Op = &runtimev1.Condition_Any{Any: c.list(op.Any)}
		case *runtimev1.Condition_None:
			copied.Op = &runtimev1.Condition_None{None: c.list(op.None)}
		case *runtimev1.Condition_Expr:
			copied.Op = &runtimev1.Condition_Expr{Expr: copyExpr(op.Expr)}
		}
		c.conditions[of] = copied
	}
	return copied
}

func (c *copier) list(of *runtimev1.Condition_ExprList) *runtimev1.Condition_ExprList {
	copied := &runtimev1.Condition_ExprList{Expr: make([]*runtimev1.Condition, len(of.GetExpr()))}
	for i, x := range of.GetExpr() {
		copied.Expr[i] = c.condition(x)
	}
	return copied
}
