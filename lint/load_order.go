package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/policy"
)

// What of Cerbos 0.55 depends on the order in which policies are loaded, apart
// from what the embedded engine's Confused finds. TestLoadOrder holds it to the engine.

// reportShared reports rules of a principal or role policy that share what
// their conditions come to, though they have different ones.
func reportShared(p *Pass) {
	for _, x := range p.Policies.Policies {
		if x.Disabled || x.Kind != policy.PrincipalPolicy && x.Kind != policy.RolePolicy {
			continue
		}
		shared := map[string][]*policy.Rule{}
		number := map[string]int{} // of the rules of a role policy about a resource
		for _, r := range x.Rules {
			key := r.Name
			if x.Kind == policy.RolePolicy {
				number[r.Resource]++
				key = fmt.Sprint(number[r.Resource])
				if r.Condition == nil && len(r.Outputs) == 0 {
					continue // the engine does not evaluate it
				}
			}
			if key != "" {
				shared[key] = append(shared[key], r)
			}
		}
		for _, rules := range shared { // in any order: whoever called sorts
			rules = slices.DeleteFunc(slices.Clone(rules), func(r *policy.Rule) bool {
				return !slices.ContainsFunc(rules, func(o *policy.Rule) bool { return overlap(p, r, o) })
			})
			reportConfused(p, rules, fmt.Sprintf("the same %s, another condition, and both match one request:",
				map[policy.Kind]string{policy.PrincipalPolicy: "name", policy.RolePolicy: "number"}[x.Kind]))
		}
	}
}

// overlap reports whether some request is about two rules with different
// conditions.
func overlap(p *Pass, a, b *policy.Rule) bool {
	return a.Condition.String() != b.Condition.String() && slices.ContainsFunc(p.index.Targets, func(t *coverage.Target) bool {
		return a.CoversKind(t.Kind) && b.CoversKind(t.Kind) && slices.ContainsFunc(t.Actions, func(action string) bool {
			return a.CoversAction(action) && b.CoversAction(action)
		})
	})
}

// reportParents reports role policies of one role and scope, of different
// versions, that disagree on its parent roles.
func reportParents(p *Pass) {
	type key struct{ role, scope string }
	of := map[key][]*policy.Policy{}
	for _, x := range p.Policies.Policies {
		if !x.Disabled && x.Kind == policy.RolePolicy {
			k := key{x.Name, x.Scope}
			of[k] = append(of[k], x)
		}
	}
	for _, list := range of {
		if !slices.ContainsFunc(list, func(x *policy.Policy) bool { return parents(x) != parents(list[0]) }) {
			continue
		}
		f := Finding{
			Pos:     list[0].NamePos,
			Message: fmt.Sprintf("the versions of the role policy %s disagree on its parent roles: the engine keeps those of one for all", list[0].Name),
			Fix:     "Give all versions of a role policy the same parent roles.",
		}
		for _, x := range list {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s  version %s: %s", x.NamePos, x.Version, cmp.Or(parents(x), "none")))
		}
		p.report(draft{Finding: f})
	}
}

// parents lists the parent roles of a role policy.
func parents(x *policy.Policy) string {
	roles := values(x.ParentRoles)
	slices.Sort(roles)
	return strings.Join(slices.Compact(roles), ", ")
}
