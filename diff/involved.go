package diff

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// involved is what there is of policies that can decide about some requests.
type involved struct {
	frame string // all but the rules of resource policies; the same for the same text
	timed bool   // they look at the clock
	known bool   // all of it could be read
}

// involved returns what can decide about a column: all policies but those of resources of
// other kinds. It is more than decides, never less.
func (c *comparer) involved(s *Side, col *matrix.Column) involved {
	if s == nil || col == nil {
		return involved{}
	}
	kinds := coverage.Kinds(col.Question.Requests)
	key := strings.Join(kinds, "\x00")
	if slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool { return r.MakesRoute("kind") }) {
		key += "\x00any"
	}
	if s == c.in.Base {
		key = "base\x01" + key
	}
	known, ok := c.files[key]
	if !ok {
		known = s.deciding(col.Question.Requests)
		c.files[key] = known
	}
	return known
}

func (s *Side) deciding(requests []authz.Request) involved {
	of := involved{known: true}
	var frames []string
	for p := range coverage.Deciding(s.Policies, requests) {
		frame, known := s.frame(p.File, p.Kind == policy.ResourcePolicy)
		frame += strings.Join(effective(p), "\x00")
		frames, of.known = append(frames, frame), of.known && known
		of.timed = of.timed || looksAtClock(p)
	}
	for name, schema := range s.Policies.Schemas {
		frame, known := s.frame(schema.File, false)
		frames, of.known = append(frames, name+"\x00"+frame), of.known && known
	}
	slices.Sort(frames)
	of.frame = strings.Join(frames, "\x01")
	return of
}

// effective lists the derived roles that the rules of a policy name: conditions find no
// others in runtime.effectiveDerivedRoles, whatever the rules are about that name them.
func effective(p *policy.Policy) []string {
	var list []string
	for _, r := range p.Rules {
		list = append(list, values(r.DerivedRoles)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// frame returns what stands in a file, whatever its layout, and without the rules of a
// resource policy.
func (s *Side) frame(file string, resource bool) (text string, known bool) {
	if s.frames == nil {
		s.frames = map[string]string{}
	}
	text, known = s.frames[file]
	if known {
		return text, true
	}
	root := s.File(file)
	if root == nil {
		return "", false
	}
	var b strings.Builder
	for _, f := range root.Fields {
		b.WriteString(strconv.Quote(f.Name))
		if resource && f.Name == "resourcePolicy" {
			for _, g := range f.Value.Fields {
				if g.Name != "rules" {
					b.WriteString(strconv.Quote(g.Name))
					b.WriteString(g.Value.Canonical())
				}
			}
			continue
		}
		b.WriteString(f.Value.Canonical())
	}
	s.frames[file] = b.String()
	return s.frames[file], true
}

// sameRules reports whether the same rules in the same order can be about a column on both
// sides. All other rules of resource policies are about other actions.
func (c *comparer) sameRules(base, head *matrix.Column) bool {
	return slices.Equal(c.in.Base.rulesAbout(base), c.in.Head.rulesAbout(head))
}

func (s *Side) rulesAbout(col *matrix.Column) []string {
	var keys []string
	for i := range col.Question.Requests {
		for r := range coverage.About(s.Policies, &col.Question.Requests[i]) {
			if r.Policy.Kind == policy.ResourcePolicy {
				keys = append(keys, ruleKey(r))
			}
		}
		keys = append(keys, "")
	}
	return keys
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
	plain := func(q pep.Question) (pep.Question, []string) {
		var by []string
		q.Requests = slices.Clone(q.Requests)
		for i, r := range q.Requests {
			if r.By != nil {
				by = append(by, r.By.Key())
			}
			q.Requests[i].By = nil
		}
		return q, by
	}
	of, by := plain(base.Question)
	other, byOther := plain(head.Question)
	return reflect.DeepEqual(of, other) && slices.Equal(by, byOther)
}
