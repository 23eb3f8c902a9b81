package diff

import (
	"reflect"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// involved is what there is of policies that can decide about some requests.
type involved struct {
	digest string // the same for the same files
	timed  bool   // they look at the clock
}

// involved returns what can decide about a column: all policies but those of resources of
// other kinds. It is more than decides, never less.
func (c *comparer) involved(s *Side, col *matrix.Column) involved {
	if s == nil || col == nil {
		return involved{}
	}
	var kinds []string
	for _, r := range col.Question.Requests {
		kinds = append(kinds, r.Resource.Kind)
	}
	slices.Sort(kinds)
	key := strings.Join(slices.Compact(kinds), "\x00")
	if s == c.in.Base {
		key = "base\x01" + key
	}
	known, ok := c.files[key]
	if !ok {
		known = s.deciding(kinds)
		c.files[key] = known
	}
	return known
}

func (s *Side) deciding(kinds []string) involved {
	var of involved
	var digests []string
	for _, p := range s.Policies.Policies {
		if p.Disabled || p.Kind == policy.ResourcePolicy && !slices.ContainsFunc(kinds, func(kind string) bool { return covers(p, kind) }) {
			continue
		}
		digests = append(digests, s.Digest(p.File))
		of.timed = of.timed || looksAtClock(p)
	}
	for name, schema := range s.Policies.Schemas {
		digests = append(digests, name+"\x00"+s.Digest(schema.File))
	}
	slices.Sort(digests)
	of.digest = strings.Join(digests, "\x01")
	return of
}

func covers(p *policy.Policy, kind string) bool {
	ok, err := policy.MatchResource(p.Name, kind)
	return ok || err != nil
}

// looksAtClock reports whether an expression of a policy may look at the clock.
func looksAtClock(p *policy.Policy) bool {
	reads := func(text string) bool { return strings.Contains(text, "now") || strings.Contains(text, "timeSince") }
	condition := func(c *policy.Condition) bool {
		if c == nil {
			return false
		}
		for t := range c.Exprs() {
			if reads(t.Value) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(p.Rules, func(r *policy.Rule) bool { return condition(r.Condition) }) ||
		slices.ContainsFunc(p.DerivedRoles, func(d *policy.DerivedRole) bool { return condition(d.Condition) }) ||
		slices.ContainsFunc(p.Variables.Local, func(v policy.Variable) bool { return reads(v.Expr.Value) })
}

// sameSettings reports whether both engines are set alike.
func sameSettings(in *Input) bool {
	if in.Base == nil {
		return false
	}
	base, head := in.Base.Config.Engine, in.Head.Config.Engine
	base.Pos = head.Pos
	return reflect.DeepEqual(base, head)
}

// sameRequests reports whether the enforcement points ask the same.
func sameRequests(base, head *matrix.Column) bool {
	return reflect.DeepEqual(base.Question, head.Question)
}
