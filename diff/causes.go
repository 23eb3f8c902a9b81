package diff

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Cause is a line that made access what it is, or that made it what it was.
type Cause struct {
	Base bool // the line is of base
	Pos  source.Pos
	Rule *matrix.Rule // nil of what is no rule
	What string       // of what is no rule: the setting, the item, the principal
}

// maxCauses is how many lines of one kind are named.
const maxCauses = 8

// causes returns the lines that changed a cell: rules first, then what they are asked about.
func (c *comparer) causes(p *pair, base, head *matrix.Cell, kind Kind) []Cause {
	var list []Cause
	if kind.Gains() {
		list = append(list, ruleCauses(head, base, authz.Allow, false)...)
		list = append(list, ruleCauses(base, head, authz.Deny, true)...)
	}
	if kind != Widened {
		list = append(list, ruleCauses(base, head, authz.Allow, true)...)
		list = append(list, ruleCauses(head, base, authz.Deny, false)...)
	}
	list = c.fresh(list)
	if p.base == nil || p.head == nil {
		if len(list) > 0 {
			return list // that the item came or went is said besides
		}
		return append(list, Cause{Base: p.head == nil, Pos: p.column().Item.Pos, What: p.column().Item.Type.String() + " " + p.column().Item.Name})
	}
	grants := grantCauses(base, head)
	list = append(list, grants...)
	if !sameRequests(p.base, p.head) && len(grants) == 0 {
		list = append(list, c.enforcement(p.head.Server.Name))
	}
	if len(list) == 0 {
		list = append(list, c.settings()...)
	}
	if len(list) == 0 && head != nil && !p.same {
		for _, r := range head.Decisive()[:min(maxCauses, len(head.Decisive()))] {
			list = append(list, Cause{Pos: r.Pos, Rule: &r})
		}
	}
	return list
}

// grantCauses returns the grants that name the item, on either side.
func grantCauses(base, head *matrix.Cell) []Cause {
	var list []Cause
	for i, cell := range []*matrix.Cell{base, head} {
		if cell != nil && cell.Grant != nil && cell.Grant.Whose != "" {
			list = append(list, Cause{Base: i == 0, Pos: cell.Grant.Pos, What: "a grant (" + cell.Grant.Whose + ")"})
		}
	}
	return list
}

// ruleCauses returns the rules of an effect that took part in one cell and not, word for
// word, in the other.
func ruleCauses(in, not *matrix.Cell, effect authz.Effect, base bool) []Cause {
	if in == nil {
		return nil
	}
	var list []Cause
	for _, r := range in.Rules {
		if r.Effect != effect || r.Met == authz.Unmet || not != nil && slices.ContainsFunc(not.Rules, func(x matrix.Rule) bool { return x.Met == r.Met && sameRule(&r, &x) }) {
			continue
		}
		list = append(list, Cause{Base: base, Pos: r.Pos, Rule: &r})
	}
	slices.SortStableFunc(list, func(a, b Cause) int { return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.Rule.ID, b.Rule.ID)) })
	return list[:min(maxCauses, len(list))]
}

// fresh leaves out the rules that both sides have word for word, where there are others.
func (c *comparer) fresh(list []Cause) []Cause {
	kept := slices.DeleteFunc(slices.Clone(list), func(x Cause) bool {
		other := c.in.Head
		if !x.Base {
			other = c.in.Base
		}
		return other != nil && other.hasRule(x.Rule)
	})
	if len(kept) == 0 {
		return list
	}
	return kept
}

// hasRule reports whether the policies of a side have a rule word for word.
func (s *Side) hasRule(r *matrix.Rule) bool {
	if r.Syntax == nil {
		return false
	}
	if s.rules == nil {
		s.rules = map[string]bool{}
		for rule := range s.Policies.Rules() {
			s.rules[ruleKey(rule)] = true
		}
	}
	return s.rules[ruleKey(r.Syntax)]
}

// ruleKey is the same for rules that say the same word for word, wherever they stand.
func ruleKey(r *policy.Rule) string {
	parts := []string{r.Policy.Key(), r.Resource, r.Effect.String(), conditionText(r.Condition)}
	for _, list := range [][]policy.Text{r.Actions, r.Roles, r.DerivedRoles} {
		parts = append(parts, strings.Join(sorted(values(list)), "\x00"))
	}
	return strings.Join(parts, "\x01")
}

// sameRule reports whether two rules say the same word for word, wherever they stand.
func sameRule(a, b *matrix.Rule) bool {
	if a.Effect != b.Effect || a.Syntax == nil || b.Syntax == nil {
		return a.Effect == b.Effect && a.ID == b.ID && a.Syntax == b.Syntax
	}
	return ruleKey(a.Syntax) == ruleKey(b.Syntax)
}

func values(list []policy.Text) []string {
	var texts []string
	for _, t := range list {
		texts = append(texts, t.Value)
	}
	return texts
}

func conditionText(c *policy.Condition) string {
	if c == nil {
		return ""
	}
	var list []string
	for t := range c.Exprs() {
		list = append(list, t.Value)
	}
	return strings.Join(list, "\x00")
}

// settings returns the lines of head's config that set the engine otherwise than base's.
func (c *comparer) settings() []Cause {
	if c.in.Base == nil {
		return nil
	}
	var list []Cause
	was, is := reflect.ValueOf(c.in.Base.Config.Engine), reflect.ValueOf(c.in.Head.Config.Engine)
	for i := range is.NumField() {
		name := is.Type().Field(i).Tag.Get("yaml")
		if name == "" || reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) {
			continue
		}
		list = append(list, Cause{Pos: c.in.Head.Config.At("engine", name), What: "engine." + name})
	}
	return list
}

// enforcement returns the line that says what stands in front of a server.
func (c *comparer) enforcement(server string) Cause {
	return Cause{Pos: c.in.Head.Config.At("servers", server, "enforcement"), What: "enforcement of " + server}
}
