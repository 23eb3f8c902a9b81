package explain

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// sentence says the outcome and its reason.
func (x *Explanation) sentence() string {
	switch x.Cell.Access {
	case matrix.Unguarded:
		return fmt.Sprintf("unguarded: %s asks nothing on %s, so no policy has a say and anyone who connects may do it.",
			x.Column.Server.Profile.Name, pep.Endpoint(x.Column.Item.Type, x.Column.Operation))
	case matrix.Allowed:
		return "allowed: " + x.because(authz.Allow, "rule %s allows it", "rules %s allow it") + "."
	case matrix.Conditional:
		return "conditional: " + x.because(authz.Allow, "rule %s allows it", "rules %s allow it") + " when " + x.Cell.Condition + "."
	case matrix.Denied:
	}
	return "denied: " + x.denial()
}

func (x *Explanation) denial() string {
	for i := range x.Requests {
		r := &x.Requests[i]
		if r.Decision.Effect != authz.Deny {
			continue
		}
		switch {
		case r.Decision.NoPolicy:
			return fmt.Sprintf("no policy covers %s, so nobody decided.", r.Resource.Kind)
		case len(r.Decision.Validation) > 0 && len(r.Decision.Rules) == 0:
			return fmt.Sprintf("the schema refuses the request: %s.", r.Decision.Validation[0].Message)
		}
		if names := named(r.Rules, authz.Deny, func(r *Rule) bool { return r.Reached && r.Met != authz.Unmet }); len(names) > 0 {
			return plural(names, "rule %s denies it", "rules %s deny it") + "."
		}
		if names := named(r.Rules, authz.Allow, func(r *Rule) bool { return r.Reached && r.Met == authz.Unmet }); len(names) > 0 {
			return "no rule allows it. " + plural(names, "%s would, but its condition is not met", "%s would, but their conditions are not met") + "."
		}
		if names := named(r.Rules, authz.Allow, func(r *Rule) bool { return !r.Reached && strings.HasPrefix(r.Via, "derived role ") }); len(names) > 0 {
			return "no rule allows it. " + plural(names, "%s would, but its derived role is not active", "%s would, but their derived roles are not active") + "."
		}
		if names := named(r.Rules, authz.Allow, func(r *Rule) bool { return r.Via == "" }); len(names) > 0 {
			return "no rule allows it. " + plural(names, "%s would, but for other roles", "%s would, but for other roles") + "."
		}
	}
	return "no rule is about it."
}

func (x *Explanation) because(effect authz.Effect, one, many string) string {
	var names []string
	for i := range x.Requests {
		names = append(names, named(x.Requests[i].Rules, effect, func(r *Rule) bool { return r.Reached && r.Met != authz.Unmet })...)
	}
	if len(names) == 0 {
		return "the policies allow it"
	}
	return plural(names, one, many)
}

func named(rules []Rule, effect authz.Effect, ok func(*Rule) bool) []string {
	var names []string
	for i := range rules {
		if rules[i].Effect == effect && ok(&rules[i]) {
			names = append(names, fmt.Sprintf("%q", rules[i].Label()))
		}
	}
	return names
}

func plural(names []string, one, many string) string {
	switch n := len(names); {
	case n == 1:
		return fmt.Sprintf(one, names[0])
	case n > 3:
		return fmt.Sprintf(many, fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), n-2))
	default:
		return fmt.Sprintf(many, strings.Join(names[:n-1], ", ")+" and "+names[n-1])
	}
}
