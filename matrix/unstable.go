package matrix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/policy"
)

// An Unstable is cells that hang on which policy of a scope the engine loaded
// last, because those disagree on scopePermissions: the next load may decide
// them otherwise.
type Unstable struct {
	*policy.Disagreement
	Cells int      // that hang on it
	Of    int      // guarded cells that were looked at
	Named []string // the first few: sally call get_sales_data on crm
}

// Unstable returns what hangs on the order of loading among the cells of some
// columns, which must be decided. Without the policies nothing is found.
func (m *Matrix) Unstable(columns []*Column) []Unstable {
	if m.input.Policies == nil {
		return nil
	}
	disagreements := m.input.Policies.Disagreements()
	if len(disagreements) == 0 {
		return nil
	}
	list := make([]Unstable, len(disagreements))
	for i, d := range disagreements {
		list[i].Disagreement = d
	}
	for _, col := range columns {
		if !col.Question.Guarded() {
			continue
		}
		for _, class := range m.Classes {
			on := HangsOn(disagreements, m.Cell(class, col).Rules)
			for i := range list {
				u := &list[i]
				u.Of += len(class.Principals)
				if u.Disagreement != on {
					continue
				}
				for _, p := range class.Principals[:min(len(class.Principals), namedCells)] {
					u.Named = append(u.Named, fmt.Sprintf("%s %v %s on %s", p.Key, col.Operation, col.Item.Name, col.Server.Name))
				}
				u.Named = u.Named[:min(len(u.Named), namedCells)]
				u.Cells += len(class.Principals)
			}
		}
	}
	return slices.DeleteFunc(list, func(u Unstable) bool { return u.Cells == 0 })
}

// HangsOn returns the disagreement that a decision depends on, by the rules that took
// part, or nil. The engine looks at a scope's permissions where a rule of the scope
// allows. A conditional ALLOW that needs the parent's consent does not count: it is
// compiled into a DENY.
func HangsOn(disagreements []*policy.Disagreement, rules []Rule) *policy.Disagreement {
	for _, d := range disagreements {
		if slices.ContainsFunc(rules, func(r Rule) bool {
			return r.Effect == authz.Allow && r.Met != authz.Unmet && r.Syntax != nil && grantsIn(r.Syntax, d)
		}) {
			return d
		}
	}
	return nil
}

// MayHangOn returns the disagreement that the decision on a request depends on for
// some principal, declared or not, or nil.
func MayHangOn(set *policy.Set, r *authz.Request, defaultVersion, defaultScope string) *policy.Disagreement {
	version := cmp.Or(r.Resource.PolicyVersion, defaultVersion, "default")
	scope := cmp.Or(r.Resource.Scope, defaultScope)
	for _, d := range set.Disagreements() {
		if !r.MakesRoute("scope") && d.Scope != "" && d.Scope != scope && !strings.HasPrefix(scope, d.Scope+".") {
			continue
		}
		for rule := range set.Rules() {
			if rule.Effect == authz.Allow && grantsIn(rule, d) && (rule.Policy.Version == version || r.MakesRoute("policyVersion")) &&
				(rule.CoversKind(r.Resource.Kind) || r.MakesRoute("kind")) && (rule.CoversAction(r.Action) || r.MakesRoute("action")) {
				return d
			}
		}
	}
	return nil
}

// grantsIn reports whether the engine sees a rule as an ALLOW in a scope.
func grantsIn(r *policy.Rule, d *policy.Disagreement) bool {
	p := r.Policy
	if p.Scope != d.Scope || p.Kind != policy.ResourcePolicy && p.Kind != policy.PrincipalPolicy {
		return false
	}
	return r.Condition == nil || !strings.HasSuffix(p.ScopePermissions, "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS")
}

// String says how many cells hang on it, and names some.
func (u *Unstable) String() string {
	names := strings.Join(u.Named, ", ")
	if more := u.Cells - len(u.Named); more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	if u.Of == 1 {
		return names
	}
	return fmt.Sprintf("%d of %d cells (%s)", u.Cells, u.Of, names)
}
