// Package universe says which principals stand for everybody who could exist, in what
// policies decide about columns: which sets of roles, and which ids.
package universe

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// Roles are those that make a difference to a column, and how.
//
// The engine decides for one role after the other and allows what it allows for one
// of them, while conditions see all. So whatever a set of roles may, one of the roles
// may, with those beside it that conditions ask about: sets of these and one more for
// each request stand for all sets. A property test holds that to the engine.
type Roles struct {
	Single []string // one by one; the last is one that no policy names
	Asked  []string // that conditions look for among all of a principal's
	More   int      // how many more roles can matter to what conditions count
	Open   []string // why sets of these are not enough
	// Patterns has, for a role of these that policies do not name, the patterns that it
	// stands for.
	Patterns map[string][]string

	names, asked []string // names and patterns, as they stand in policies
	patterns     []string // those that Patterns are about, sorted
	open         []string // expressions that may tell sets of other roles apart
}

// maxAsked bounds the roles of which all sets are considered.
const maxAsked = 10

// Other is a role that no policy names.
const Other = "role-that-no-policy-names"

// Of returns the roles that make a difference to columns.
func Of(set *policy.Set, columns ...*matrix.Column) Roles {
	var r Roles
	var names []string
	var looks rolesRead
	for rule := range RulesAbout(set, columns) {
		for _, t := range coverage.Roles(set, rule) {
			names = append(names, t.Value)
		}
		looks.condition(rule.Condition)
		for _, name := range rule.DerivedRoles {
			if d := set.DerivedRole(rule.Policy, name.Value); d != nil {
				looks.condition(d.Condition)
			}
		}
	}
	for _, col := range columns {
		if g := col.Question.Grant; g != nil {
			names = append(names, g.RolesNamed()...)
		}
	}
	if slices.ContainsFunc(set.Policies, func(p *policy.Policy) bool { return p.Kind == policy.RolePolicy && !p.Disabled }) {
		names = append(names, coverage.RolesNamed(set)...) // they narrow what others allow
	}
	for _, p := range set.Policies {
		for _, v := range p.Variables.Local {
			looks.text(v.Expr.Value)
		}
	}
	if looks.derived {
		for _, p := range set.Policies {
			for _, d := range p.DerivedRoles {
				looks.condition(d.Condition)
				for _, t := range d.ParentRoles {
					looks.names = append(looks.names, t.Value)
				}
			}
		}
	}
	r.More, r.open, r.names, r.asked = looks.most, looks.open, names, looks.names
	r.choose()
	return r
}

// RulesAbout returns the rules that are about what columns ask, each once.
func RulesAbout(set *policy.Set, columns []*matrix.Column) map[*policy.Rule]bool {
	list := map[*policy.Rule]bool{}
	for _, col := range columns {
		for i := range col.Question.Requests {
			for rule := range coverage.About(set, &col.Question.Requests[i]) {
				list[rule] = true
			}
		}
	}
	return list
}

// Sets returns sets of roles that stand for all sets, as far as a sentence about the
// roles of mentioned, and of as many requests as together, can tell.
func (r *Roles) Sets(mentioned []string, together int) (list [][]string, open []string) {
	asked := ordered.Distinct(slices.Concat(r.Asked, mentioned))
	slices.Sort(asked)
	if len(asked) > maxAsked {
		return nil, []string{fmt.Sprintf("combinations of %d roles: %s", len(asked), strings.Join(asked, ", "))}
	}
	seen := map[string]bool{}
	add := func(first []string, beside []string, more int) {
		one := ordered.Distinct(slices.Concat(first, beside))
		for i := range more {
			one = append(one, Other+"-"+strconv.Itoa(i+1))
		}
		if key := strings.Join(one, "\x00"); len(one) > 0 && !seen[key] {
			seen[key] = true
			list = append(list, one)
		}
	}
	for subset := range 1 << len(asked) {
		var beside []string
		for i, name := range asked {
			if subset&(1<<i) != 0 {
				beside = append(beside, name)
			}
		}
		for more := range r.More + 1 {
			for first := range tuples(r.Single, together) {
				add(first, beside, more)
			}
			for i := range beside {
				add(beside[i:i+1], beside, more)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b []string) int { return len(a) - len(b) })
	return list, r.Open
}

// tuples yields the ways to take up to n of a list, in any order.
func tuples(list []string, n int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		var extend func(taken []string) bool
		extend = func(taken []string) bool {
			for _, x := range list {
				if slices.Contains(taken, x) {
					continue
				}
				next := append(slices.Clone(taken), x)
				if !yield(next) || len(next) < n && !extend(next) {
					return false
				}
			}
			return true
		}
		extend(nil)
	}
}

// IDs returns the ids that principal policies about columns are for, sorted, each once.
func IDs(set *policy.Set, columns ...*matrix.Column) []string {
	var list []string
	for rule := range RulesAbout(set, columns) {
		if rule.Policy.Kind == policy.PrincipalPolicy {
			list = append(list, rule.Policy.Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// And returns the roles that make a difference to what either of two is of.
func (r Roles) And(other Roles) Roles {
	both := Roles{
		More: max(r.More, other.More), open: slices.Concat(r.open, other.open),
		names: slices.Concat(r.names, other.names), asked: slices.Concat(r.asked, other.asked),
	}
	both.choose()
	return both
}

// choose chooses the roles.
func (r *Roles) choose() {
	r.Open = slices.Clone(r.open)
	r.Asked = r.examples(r.asked)
	r.Single = append(r.examples(r.names), Other)
}
