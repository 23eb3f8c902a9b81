package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A Rule is a policy rule that is about a request.
type Rule struct {
	*policy.Rule
	Via    string // how the principal comes under it: "role SALES", "derived role owner"; "" if not at all
	Result Result
	// DependsOn is what the result depends on, if it does: arguments.region.
	// It may be empty where that has no name.
	DependsOn []string
	Note      string // what else there is to say about the result, or ""
	Exprs     []Expr // of its condition; evaluated if the principal comes under it

	grounds  []ground
	truth    pdp.Truth // of its condition
	inactive bool      // none of the derived roles that it is reached by is active
}

// A ground is how the principal comes under a rule.
type ground struct {
	pdp.Ground
	by *DerivedRole // nil if the rule names the role itself
}

// truth is that of the derived role's condition.
func (g ground) truth() pdp.Truth {
	if g.by == nil {
		return pdp.Always
	}
	return g.by.truth
}

// A Result says what came of a rule.
type Result uint8

// The results.
const (
	NotHeld    Result = iota // it is for other roles
	NotReached               // something else settled it first, or its derived role is not active
	Applies
	Unmet   // its condition is not met
	Depends // on what is open
	Failed  // its condition cannot be evaluated, and evaluation is strict
)

// String returns the result in the words of reports.
func (r Result) String() string {
	return [...]string{"role not held", "not reached", "applies", "condition not met", "depends on the arguments", "condition could not be evaluated"}[r]
}

// An Expr is one expression of a condition, and what it came to.
type Expr struct {
	policy.Text
	Inlined string // the text with the policy's variables and constants replaced
	// Open is set if what it comes to depends on what is left open. It has no
	// value then.
	Open  bool
	Value pdp.Value
	Parts []Part // of Inlined
}

// A Part is something that an expression reads.
type Part struct {
	Text   string
	Name   string // as conditions spell it: arguments.region
	Offset int    // of its first mention in the expression, in bytes
	Value  pdp.Value
	Open   bool // it depends on arguments that are left open
}

// limits reports whether the rule is a role policy's, which allows nothing that
// another rule does not allow.
func (r *Rule) limits() bool { return r.Policy.Kind == policy.RolePolicy }

// consents reports whether the rule's scope needs the consent of its parent.
func (r *Rule) consents() bool {
	return r.Policy.ScopePermissions == "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"
}

// heldBy reports whether the principal comes under the rule by a role.
func (r *Rule) heldBy(role string) bool {
	return slices.ContainsFunc(r.grounds, func(g ground) bool {
		return (g.Held == "" || g.Held == role) && g.truth() != pdp.Never
	})
}

// both returns the truth of two conditions that both have to be met.
func both(a, b pdp.Truth) pdp.Truth {
	switch {
	case a == pdp.Never || b == pdp.Never:
		return pdp.Never
	case a == pdp.Fails || b == pdp.Fails:
		return pdp.Fails
	case a == pdp.Always && b == pdp.Always:
		return pdp.Always
	}
	return pdp.Varies
}

// judge says what came of a rule.
func (x *Request) judge(r *Rule) {
	if len(r.grounds) == 0 {
		return
	}
	preferred := []pdp.Truth{pdp.Always, pdp.Varies, pdp.Fails, pdp.Never}
	best := slices.MinFunc(r.grounds, func(a, b ground) int {
		return slices.Index(preferred, both(a.truth(), r.truth)) - slices.Index(preferred, both(b.truth(), r.truth))
	})
	r.Via = x.via(r, best)
	r.inactive = !slices.ContainsFunc(r.grounds, func(g ground) bool { return g.truth() != pdp.Never })
	reached := slices.ContainsFunc(x.Roles, func(d pdp.RoleDecision) bool { return x.reaches(&d, r) })
	switch truth := both(best.truth(), r.truth); {
	case r.inactive || !reached:
		r.Result = NotReached
	case truth == pdp.Always:
		r.Result = Applies
	case truth == pdp.Never:
		r.Result = Unmet
	case truth == pdp.Fails:
		r.Result = Failed
	default:
		r.Result = Depends
		if r.truth == pdp.Varies {
			r.DependsOn = openNames(r.Exprs)
		}
		if best.truth() == pdp.Varies {
			r.DependsOn = append(r.DependsOn, openNames(best.by.Exprs)...)
		}
		slices.Sort(r.DependsOn)
		r.DependsOn = slices.Compact(r.DependsOn)
	}
}

// reaches reports whether the engine looks at a rule for one of the principal's
// roles.
func (x *Request) reaches(d *pdp.RoleDecision, r *Rule) bool {
	return !x.refused() && !d.Skipped && r.heldBy(d.Role) && slices.Contains(d.Policies, r.Policy.Key())
}

func openNames(exprs []Expr) []string {
	var names []string
	for i := range exprs {
		for _, p := range exprs[i].Parts {
			if exprs[i].Open && p.Open {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// via says how the principal comes under a rule.
func (x *Request) via(r *Rule, g ground) string {
	switch {
	case g.Held == "":
		return "principal " + x.Principal.ID
	case g.DerivedRole != "":
		return "derived role " + g.DerivedRole
	case g.Role == "*":
		return "everyone"
	}
	if ok, err := policy.MatchRole(g.Role, g.Held); err != nil || !ok {
		return fmt.Sprintf("role %s, by its parent role %s", g.Held, g.Role)
	}
	var held []string
	for _, role := range x.Principal.Roles {
		if slices.ContainsFunc(r.grounds, func(g ground) bool { return g.Held == role && g.DerivedRole == "" }) {
			held = append(held, role)
		}
	}
	return roles(held)
}

// roles names roles: role A; roles A and B.
func roles(list []string) string {
	if len(list) == 1 {
		return "role " + list[0]
	}
	return "roles " + enumerated(list)
}

// sort puts the rules that apply or may apply before those that do not, each in
// the order of the policies.
func (x *Request) sort() {
	order := [...]int{Applies: 0, Depends: 0, Failed: 0, Unmet: 1, NotReached: 2, NotHeld: 3}
	slices.SortStableFunc(x.Rules, func(a, b Rule) int { return order[a.Result] - order[b.Result] })
}

// note says what settles a request instead of a rule, or besides it.
func (x *Request) note(r *Rule) string {
	switch r.Result {
	case NotReached:
		return x.before(r)
	case Failed:
		return "evaluation is strict, so that denies"
	case Unmet:
		if r.consents() && r.Effect == authz.Allow {
			return "its scope requires the consent of the parent scope, so that denies"
		}
		return ""
	case NotHeld:
		return ""
	case Applies, Depends:
	}
	if r.Effect == authz.Deny {
		return x.beside(r)
	}
	if r.Result == Depends {
		return ""
	}
	var held []*pdp.RoleDecision
	for i := range x.Roles {
		if d := &x.Roles[i]; x.reaches(d, r) {
			held = append(held, d)
		}
	}
	if slices.ContainsFunc(held, func(d *pdp.RoleDecision) bool { return d.Effect != authz.Deny }) {
		return ""
	}
	switch text := x.hard(held[0]); {
	case r.limits():
		return "a role policy only limits: another rule has to allow it"
	case text != "":
		return "but " + text
	}
	return ""
}

// before says what settles the request before the engine looks at a rule.
func (x *Request) before(r *Rule) string {
	if r.inactive {
		var names []string
		for _, g := range r.grounds {
			names = append(names, g.DerivedRole)
		}
		slices.Sort(names)
		return plural(slices.Compact(names), "derived role %s is not active", "derived roles %s are not active")
	}
	if x.refused() {
		return "the schema refuses the request first"
	}
	for i := range x.Roles {
		d := &x.Roles[i]
		if !r.heldBy(d.Role) {
			continue
		}
		if d.Skipped {
			return "evaluation is strict, and a role before " + d.Role + " settles it"
		}
		if text := x.limited(d); text != "" {
			return text
		}
		for _, first := range []func(*Rule) bool{
			func(o *Rule) bool { return o.Result == Applies && !o.limits() },
			func(o *Rule) bool { return o.Result == Depends || o.Result == Unmet && o.consents() },
		} {
			if names := x.named(d, first); len(names) > 0 {
				return plural(names, "rule %s decides first", "rules %s decide first")
			}
		}
	}
	return ""
}

// beside says for which other roles of the principal a DENY does not count.
func (x *Request) beside(r *Rule) string {
	var list []string
	for i := range x.Roles {
		d := &x.Roles[i]
		if d.Skipped || r.heldBy(d.Role) || d.Effect == authz.Deny {
			continue
		}
		text, one, many := "is allowed", "rule %s allows it", "rules %s allow it"
		if d.Effect == authz.Conditional {
			text, one, many = "may be allowed", "rule %s may allow it", "rules %s may allow it"
		}
		if names := x.allowing(d); len(names) > 0 {
			text = plural(names, one, many)
		}
		list = append(list, "role "+d.Role+" is decided separately, and "+text)
	}
	return strings.Join(list, "; ")
}
