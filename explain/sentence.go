package explain

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
)

// sentence says the outcome and its reason.
func (x *Explanation) sentence() string {
	if reason := x.Cell.Reason(); reason != "" {
		return x.Cell.Access.String() + ": " + reason + "."
	}
	switch x.Cell.Access {
	case matrix.Unguarded:
		if x.Cell.NoPolicy {
			return fmt.Sprintf("unguarded: no policy covers %s, and %s lets pass what no policy covers.",
				x.Requests[0].address(), x.Column.Server.Profile.Name)
		}
		return fmt.Sprintf("unguarded: %s asks nothing on %s, so no policy has a say and anyone who connects may do it.",
			x.Column.Server.Profile.Name, pep.Endpoint(x.Column.Item.Type, x.Column.Operation))
	case matrix.Allowed:
		return "allowed: " + x.allowed() + "."
	case matrix.Conditional:
		if x.Cell.Grant != nil {
			return "conditional: it shows " + x.Cell.Condition.When() + "; no policy is asked."
		}
		return "conditional: " + x.conditional() + " " + x.Cell.Condition.When() + "."
	case matrix.Denied, matrix.Refused:
	}
	return "denied: " + x.denial()
}

// allowed says which rules allow what is allowed whatever is open.
func (x *Explanation) allowed() string {
	var names, between []string
	for i := range x.Requests {
		r := &x.Requests[i]
		alone := r.rolesThat(authz.Allow)
		for _, d := range alone {
			names = append(names, r.named(d, func(o *Rule) bool { return o.allows() && o.Result == Applies })...)
		}
		if len(names) == 0 {
			for _, d := range append(alone, r.rolesThat(authz.Conditional)...) {
				between = append(between, r.allowing(d)...)
			}
		}
	}
	switch names, between := ordered.Distinct(names), ordered.Distinct(between); {
	case len(names) > 0 && len(between) == 0:
		return plural(names, "rule %s allows it", "rules %s allow it")
	case len(between) > 0:
		return plural(ordered.Distinct(append(names, between...)), "rule %s allows it, whatever the arguments", "rules %s allow it between them, whatever the arguments")
	}
	return "the policies allow it"
}

// conditional says which rules allow what is allowed on a condition.
func (x *Explanation) conditional() string {
	var names []string
	for i := range x.Requests {
		r := &x.Requests[i]
		for _, d := range append(r.rolesThat(authz.Allow), r.rolesThat(authz.Conditional)...) {
			names = append(names, r.allowing(d)...)
		}
	}
	if names = ordered.Distinct(names); len(names) == 0 {
		return "the policies allow it"
	}
	return plural(names, "rule %s allows it", "rules %s allow it")
}

// rolesThat returns the roles that alone come to an effect, as far as they are
// tried.
func (x *Request) rolesThat(effect authz.Effect) []*pdp.RoleDecision {
	var list []*pdp.RoleDecision
	for i := range x.Roles {
		if d := &x.Roles[i]; d.Effect == effect && !d.Skipped {
			list = append(list, d)
		}
	}
	return list
}

// allows reports whether the rule can allow something. An ALLOW of a role policy
// cannot: it only limits what other rules allow.
func (r *Rule) allows() bool { return r.Effect == authz.Allow && !r.limits() }

// allowing names the rules that allow, or may allow, for a role.
func (x *Request) allowing(d *pdp.RoleDecision) []string {
	return x.named(d, func(r *Rule) bool { return r.allows() && (r.Result == Applies || r.Result == Depends) })
}

// named names those of the rules that the engine looks at for a role.
func (x *Request) named(d *pdp.RoleDecision, ok func(*Rule) bool) []string {
	return named(x.Rules, func(r *Rule) bool { return x.reaches(d, r) && ok(r) })
}

func named(rules []Rule, ok func(*Rule) bool) []string {
	var names []string
	for i := range rules {
		if ok(&rules[i]) {
			names = append(names, fmt.Sprintf("%q", rules[i].Label()))
		}
	}
	return names
}

func plural(names []string, one, many string) string {
	if len(names) == 1 {
		return fmt.Sprintf(one, names[0])
	}
	return fmt.Sprintf(many, enumerated(names))
}

// enumerated joins names: a, b and c; of many, the first.
func enumerated(names []string) string {
	switch n := len(names); {
	case n > 3:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), n-2)
	case n > 1:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// dependsOn says what a result depends on.
func dependsOn(names []string) string {
	if len(names) == 0 {
		return "depends on the arguments"
	}
	return "depends on " + enumerated(ordered.Distinct(names))
}

// Outcome says what came of a rule, in a few words.
func (r *Rule) Outcome() string {
	if r.Result == Depends {
		return dependsOn(r.DependsOn)
	}
	return r.Result.String()
}
