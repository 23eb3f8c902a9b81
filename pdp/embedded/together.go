package embedded

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// Cerbos collects garbage whenever it has loaded a table, so that loading one for each
// change takes longer than all else. Together loads one for many: a change is a policy
// version of its own, to which the requests about it are sent.

// versionMark begins the policy versions of changes. No policy that compiles has it: names
// of versions are words.
const versionMark = "mcpolicychange"

// A versioned decider sends requests about some kinds of resources to versions of the policies
// about them.
type versioned struct {
	pdp.Evaluable // of the engine of the policies as they are
	over          *Engine
	base          *Engine
	kinds         map[string]bool   // folded; nil for all
	versions      map[string]string // by the versions that requests have
}

// versionsOf returns a decider of a change without rows yet, in versions of its own.
func (e *Engine) versionsOf(of *changedRows, number int) *versioned {
	v := &versioned{Evaluable: e, base: e, kinds: map[string]bool{}, versions: map[string]string{}}
	all := false
	for _, row := range slices.Concat(of.before, of.after) {
		v.kinds[folded(row.Resource)] = true
		all = all || strings.Contains(row.Resource, "*")
		if v.versions[row.Version] == "" {
			v.versions[row.Version] = fmt.Sprintf("%s%dx%dx", versionMark, number, len(v.versions))
		}
	}
	if all {
		v.kinds = nil
	}
	return v
}

// about reports whether a kind is one that the decider sends to its versions.
func (v *versioned) about(kind string) bool { return v.kinds == nil || v.kinds[folded(kind)] }

// Together returns a decider for each change.
func (e *Engine) Together(changes []pdp.Wanted) ([]pdp.Decider, error) {
	deciders := make([]pdp.Decider, len(changes))
	var shared []pdp.Wanted
	var at []int
	permits := permitsOf(e.tables.Rows)
	for i, c := range changes {
		if !e.apart() && maps.Equal(permitsOf(c.Rows.(*changedRows).all()), permits) {
			shared, at = append(shared, c), append(at, i)
			continue
		}
		d, err := c.For(c.Actions)
		if err != nil {
			return nil, err
		}
		deciders[i] = d
	}
	if len(shared) == 0 {
		return deciders, nil
	}
	made, err := e.asOne(shared)
	for i, d := range made {
		deciders[at[i]] = d
	}
	return deciders, err
}

// permitsOf returns what scopes permit by a table of some rows: for each, its last row has
// the word.
func permitsOf(rows []*runtimev1.RuleTable_RuleRow) map[string]policyv1.ScopePermissions {
	permits := map[string]policyv1.ScopePermissions{}
	for _, row := range rows {
		if row.ScopePermissions != policyv1.ScopePermissions_SCOPE_PERMISSIONS_UNSPECIFIED {
			permits[row.Scope] = row.ScopePermissions
		}
	}
	return permits
}

// asOne loads an engine for changes with which scopes permit what they do without them, and makes deciders of them.
func (e *Engine) asOne(changes []pdp.Wanted) ([]pdp.Decider, error) {
	var rows []*runtimev1.RuleTable_RuleRow
	names, versions := map[string]string{}, map[string]string{}
	wanted := map[string]bool{}
	all := false
	made, deciders := make([]*versioned, len(changes)), make([]pdp.Decider, len(changes))
	for i := range changes {
		of := changes[i].Rows.(*changedRows)
		v := e.versionsOf(of, i)
		for _, row := range v.rows(of, changes[i].Actions) {
			rows = append(rows, row)
			if name := row.OriginFqn; versions[name] == "" {
				versions[name], names[name] = row.Version, v.plain(name)
			}
		}
		made[i], deciders[i] = v, v
		all = all || changes[i].Actions == nil
		for _, a := range changes[i].Actions {
			wanted[a] = true
		}
	}
	var actions []string // of requests about other policies
	if !all {
		actions = slices.AppendSeq(make([]string, 0, len(wanted)), maps.Keys(wanted))
	}
	rows = append(rows, e.reachedBy(e.tables.Rows, actions)...) // last, for what scopes permit
	over, err := e.part(rows, tables.WithVersions(e.tables.Whole(e.schemas.table), names, versions))
	if err != nil {
		return nil, err
	}
	for _, v := range made {
		v.over = over
	}
	return deciders, nil
}

// rows returns the rows that requests about some actions get to of the policy of a change,
// in its version.
func (v *versioned) rows(of *changedRows, actions []string) []*runtimev1.RuleTable_RuleRow {
	var rows []*runtimev1.RuleTable_RuleRow
	for _, row := range v.base.reachedBy(of.policyRows(v), actions) {
		to := v.versions[row.Version]
		marked, plain := ".v"+to, ".v"+row.Version
		c := tables.CloneRow(row)
		c.Version = to
		c.OriginFqn = strings.Replace(row.OriginFqn, plain, marked, 1)
		c.EvaluationKey = strings.ReplaceAll(row.EvaluationKey, plain, marked)
		if t := row.EvaluationKeyTuple; t != nil {
			c.EvaluationKeyTuple = &runtimev1.EvaluationKeyTuple{
				Prefix: t.Prefix, Resource: t.Resource, Principal: t.Principal, Role: t.Role, DerivedRole: t.DerivedRole,
				Version: to, Scope: t.Scope, RuleName: t.RuleName, RuleId: t.RuleId,
			}
		}
		if slices.Contains(of.after, row) {
			tables.Mark(c, to)
		}
		rows = append(rows, c)
	}
	return rows
}

// policyRows returns the rows, after the change, that have a say about the kinds and the
// versions of the rows that are changed: Cerbos looks for rows of principal policies by the
// version of the resource, too.
func (c *changedRows) policyRows(v *versioned) []*runtimev1.RuleTable_RuleRow {
	var rows []*runtimev1.RuleTable_RuleRow
	for _, row := range c.all() {
		if v.versions[row.Version] != "" && (row.FromRolePolicy || v.about(row.Resource) || strings.Contains(row.Resource, "*")) {
			rows = append(rows, row)
		}
	}
	return rows
}

// aboutVersion matches what is read of a resource that is the same in each version.
var aboutVersion = regexp.MustCompile(`^\s*\.\s*(attr|id|kind|scope)\b`)

// readsResource matches what reads a resource.
var readsResource = regexp.MustCompile(`\b(R|resource)\b`)

// apart reports whether each change has to have an engine of its own, because an expression
// could tell a version of a policy from another.
func (e *Engine) apart() bool {
	e.changing.apartOnce.Do(func() { e.changing.apart = e.toldApart() })
	return e.changing.apart
}

func (e *Engine) toldApart() bool {
	if !tables.KnowsMeta(e.tables.Base) {
		return true
	}
	for _, row := range e.tables.Rows {
		texts := []string{}
		for _, p := range []*runtimev1.RuleTable_RuleRow_Params{row.Params, row.DerivedRoleParams} {
			for _, v := range p.GetOrderedVariables() {
				texts = append(texts, v.GetExpr().GetOriginal())
			}
		}
		texts = append(texts, tables.ShapeOf(row.Condition), tables.ShapeOf(row.DerivedRoleCondition))
		if slices.ContainsFunc(texts, readsVersion) {
			return true
		}
	}
	return false
}

func readsVersion(text string) bool {
	for _, at := range readsResource.FindAllStringIndex(text, -1) {
		if !aboutVersion.MatchString(text[at[1]:]) {
			return true
		}
	}
	return false
}

// Decide answers each request.
func (v *versioned) Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error) {
	if slices.ContainsFunc(requests, func(r authz.Request) bool { return routed(&r) }) {
		return each(ctx, v, requests)
	}
	sent := slices.Clone(requests)
	for i := range sent {
		v.send(&sent[i])
	}
	decisions, err := v.over.Decide(ctx, sent)
	for i := range decisions {
		decisions[i] = *v.told(&decisions[i])
	}
	return decisions, err
}

// Each answers each request for several principals.
func (v *versioned) Each(ctx context.Context, requests []pdp.SharedRequest) ([][]*authz.Decision, error) {
	if routed := route(requests, v.over.destinations); routed != nil {
		answers, err := v.Each(ctx, routed.requests)
		if err != nil {
			return nil, err
		}
		return routed.answers(requests, answers), nil
	}
	sent := slices.Clone(requests)
	for i := range sent {
		v.send(&sent[i].Request)
	}
	answers, err := v.over.Each(ctx, sent)
	if err != nil {
		return nil, err
	}
	known := map[*authz.Decision]*authz.Decision{}
	for _, of := range answers {
		for i, d := range of {
			if known[d] == nil {
				known[d] = v.told(d)
			}
			of[i] = known[d]
		}
	}
	return answers, nil
}

// ByRole decides a request by the rules for each of its principal's roles alone.
func (v *versioned) ByRole(ctx context.Context, r authz.Request) ([]pdp.RoleDecision, error) {
	r, refusal := r.Sent()
	if refusal != nil {
		return nil, nil
	}
	v.send(&r)
	list, err := v.over.ByRole(ctx, r)
	for i := range list {
		list[i].Decision = *v.told(&list[i].Decision)
		for _, names := range [][]string{list[i].Policies, list[i].Limits} {
			for k := range names {
				names[k] = v.plain(names[k])
			}
		}
	}
	return list, err
}

// Holds evaluates conditions that decisions came to.
func (v *versioned) Holds(ctx context.Context, list []pdp.Given) ([]authz.Effect, error) {
	sent := slices.Clone(list)
	for i := range sent {
		v.send(&sent[i].Request)
	}
	return v.over.Holds(ctx, sent)
}

// send puts the version into a request about the policy.
func (v *versioned) send(r *authz.Request) {
	version := cmp.Or(r.Resource.PolicyVersion, v.base.options.DefaultPolicyVersion, tables.DefaultVersion)
	if to := v.versions[version]; to != "" && v.about(r.Resource.Kind) {
		r.Resource.PolicyVersion = to
	}
}

// plain returns the name of a policy or a rule without the version of the change.
func (v *versioned) plain(name string) string {
	for from, to := range v.versions {
		name = strings.Replace(name, ".v"+to, ".v"+from, 1)
	}
	return name
}

// told returns a decision as one of the policy as it is called.
func (v *versioned) told(d *authz.Decision) *authz.Decision {
	if !slices.ContainsFunc(d.Rules, func(r authz.RuleRef) bool { return v.plain(r.ID) != r.ID }) {
		return d
	}
	copied := *d
	copied.Rules = slices.Clone(d.Rules)
	for i := range copied.Rules {
		copied.Rules[i].ID = v.plain(copied.Rules[i].ID)
	}
	return &copied
}
