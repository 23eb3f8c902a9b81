package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// denial says why the operation is denied: why the first denied request is.
func (x *Explanation) denial() string {
	for i := range x.Requests {
		if r := &x.Requests[i]; r.Decision.Effect == authz.Deny {
			return r.denial()
		}
	}
	return "no rule is about it."
}

func (x *Request) denial() string {
	switch {
	case x.Decision.NoPolicy:
		return fmt.Sprintf("no policy covers %s, so nobody decided.", x.address())
	case x.refused():
		return fmt.Sprintf("the schema refuses the request: %s.", x.Decision.Validation[0].Message)
	}
	for i := range x.Roles {
		if d := &x.Roles[i]; d.Failed == authz.Fired {
			return x.failed(d) + "."
		}
	}
	var left []*pdp.RoleDecision // for which nothing denies, but nothing allows either
	var reasons []string
	by := map[string][]string{} // the roles, by reason
	for i := range x.Roles {
		d := &x.Roles[i]
		text := x.hard(d)
		if text == "" {
			left = append(left, d)
			continue
		}
		if by[text] == nil {
			reasons = append(reasons, text)
		}
		by[text] = append(by[text], d.Role)
	}
	switch {
	case len(reasons) == 0:
		return x.soft(left)
	case len(reasons) == 1 && len(left) == 0:
		return reasons[0] + "."
	}
	var parts []string
	for _, text := range reasons {
		parts = append(parts, "for "+roles(by[text])+", "+text)
	}
	if len(left) > 0 {
		var names []string
		for _, d := range left {
			names = append(names, d.Role)
		}
		parts = append(parts, "for "+roles(names)+", "+strings.Replace(strings.TrimSuffix(x.soft(left), "."), ". ", ": ", 1))
	}
	return strings.Join(parts, "; ") + "."
}

// address names what the policies are chosen by.
func (x *Request) address() string {
	s := x.Resource.Kind
	if x.Resource.PolicyVersion != "" {
		s += " in version " + x.Resource.PolicyVersion
	}
	if x.Resource.Scope != "" {
		s += " in scope " + x.Resource.Scope
	}
	return s
}

// failed says which condition could not be evaluated.
func (x *Request) failed(d *pdp.RoleDecision) string {
	names := x.named(d, func(r *Rule) bool { return r.Result == Failed })
	if len(names) == 0 {
		return "a condition could not be evaluated, and evaluation is strict"
	}
	text := plural(names, "the condition of rule %s could not be evaluated", "the conditions of rules %s could not be evaluated")
	for i := range x.Rules {
		if r := &x.Rules[i]; x.reaches(d, r) && r.Result == Failed {
			if why := r.failure(); why != "" {
				text += " (" + why + ")"
				break
			}
		}
	}
	return text + ", and evaluation is strict"
}

// failure returns the first error in a rule's condition, or in those of its
// derived roles.
func (r *Rule) failure() string {
	exprs := slices.Clone(r.Exprs)
	for _, g := range r.grounds {
		if g.truth() == pdp.Fails {
			exprs = append(slices.Clone(g.by.Exprs), exprs...)
		}
	}
	for i := range exprs {
		if exprs[i].Value.Error != "" {
			return exprs[i].Value.Error
		}
	}
	return ""
}

// hard says what denies a request for a role. It returns "" if no rule denies it: then
// it is denied because no rule allows it.
func (x *Request) hard(d *pdp.RoleDecision) string {
	if d.Failed == authz.Fired {
		return x.failed(d)
	}
	if names := x.named(d, func(r *Rule) bool { return r.Effect == authz.Deny && r.Result == Applies }); len(names) > 0 {
		return plural(names, "rule %s denies it", "rules %s deny it")
	}
	if text := x.limited(d); text != "" {
		return text
	}
	consents := func(result Result) []string {
		return x.named(d, func(r *Rule) bool { return r.allows() && r.consents() && r.Result == result })
	}
	if names := consents(Unmet); len(names) > 0 {
		return plural(names, "the condition of %s is not met, which denies", "the conditions of %s are not met, which denies") +
			" where a scope requires the consent of its parent"
	}
	if names := consents(Applies); len(names) > 0 {
		return "the consent of the parent scope is missing, which " + plural(names, "rule %s requires", "rules %s require")
	}
	may := x.allowing(d)
	if names := x.named(d, func(r *Rule) bool { return r.Effect == authz.Deny && r.Result == Depends }); len(names) > 0 && len(may) > 0 {
		return plural(names, "rule %s denies", "rules %s deny") + " whatever " + plural(may, "rule %s allows", "rules %s allow")
	}
	if len(may) > 0 {
		return "no arguments meet all the conditions that it takes"
	}
	return ""
}

// limited says which role policy denies a request to a role, or returns "".
func (x *Request) limited(d *pdp.RoleDecision) string {
	for _, key := range d.Limits {
		role := strings.TrimPrefix(key[:strings.LastIndex(key, ".v")], "role.")
		i := slices.IndexFunc(x.Rules, func(r Rule) bool { return r.Policy.Key() == key && r.limits() })
		switch {
		case i < 0:
			return fmt.Sprintf("the role policy of %s does not list %s", role, x.Action)
		case x.Rules[i].Result != Depends:
			return fmt.Sprintf("rule %q of the role policy of %s lists it on a condition that is not met", x.Rules[i].Label(), role)
		}
	}
	return ""
}

// soft says why no rule allows it for some roles.
func (x *Request) soft(of []*pdp.RoleDecision) string {
	would := func(one, many string, ok func(*Rule) bool) string {
		names := named(x.Rules, func(r *Rule) bool { return r.allows() && ok(r) })
		if len(names) == 0 {
			return ""
		}
		return "no rule allows it. " + plural(names, one, many) + "."
	}
	held := func(r *Rule) bool {
		return slices.ContainsFunc(of, func(d *pdp.RoleDecision) bool {
			return slices.ContainsFunc(r.grounds, func(g ground) bool { return g.Held == "" || g.Held == d.Role })
		})
	}
	for _, text := range []string{
		would("%s would, but its condition is not met", "%s would, but their conditions are not met", func(r *Rule) bool {
			return r.Result == Unmet && held(r)
		}),
		would("%s would, but its condition could not be evaluated", "%s would, but their conditions could not be evaluated", func(r *Rule) bool {
			return r.Result == Failed && held(r)
		}),
		would("%s would, but its derived role is not active", "%s would, but their derived roles are not active", func(r *Rule) bool {
			return r.inactive && held(r)
		}),
		would("%s would, but for other roles", "%s would, but for other roles", func(r *Rule) bool { return !held(r) }),
	} {
		if text != "" {
			return text
		}
	}
	if len(x.Rules) == 0 {
		return "no rule is about it."
	}
	return "no rule allows it."
}
