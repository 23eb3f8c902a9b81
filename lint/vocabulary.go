package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

func names(servers []*matrix.Server) []string {
	list := make([]string, len(servers))
	for i, s := range servers {
		list[i] = s.Name
	}
	return list
}

// A vocabulary is the actions that a rule may be about: those that are sent,
// and the shapes of those that would be sent about further items.
type vocabulary struct {
	rule    *policy.Rule
	targets []*coverage.Target
	shapes  []shape
}

// A shape is an action as an enforcement point makes it of an item's name.
type shape struct {
	server         *matrix.Server
	itemType       authz.ItemType
	operation      authz.Operation
	prefix, suffix string
	named          bool // there is a name between the two
}

func newVocabulary(p *Pass, r *policy.Rule, targets []*coverage.Target) *vocabulary {
	v := &vocabulary{rule: r, targets: targets}
	for _, s := range p.Matrix.Servers {
		for _, t := range authz.ItemTypes() {
			for _, op := range []authz.Operation{authz.List, t.Use()} {
				for _, q := range coverage.AskAbout(s.Profile, t, op) {
					if !p.index.Address(&q.Resource).Reaches(r) {
						continue
					}
					prefix, suffix, named := strings.Cut(q.Action, witness.AnyName)
					v.shapes = append(v.shapes, shape{s, t, op, prefix, suffix, named})
				}
			}
		}
	}
	return v
}

// matches reports whether an action of the rule matches one that is sent.
func (v *vocabulary) matches(action string) bool {
	return slices.ContainsFunc(v.targets, func(t *coverage.Target) bool { return v.matchesAt(t, action) })
}

func (v *vocabulary) matchesAt(t *coverage.Target, action string) bool {
	if !v.rule.IsGlob(action) {
		_, found := slices.BinarySearch(t.Actions, action)
		return found
	}
	return slices.ContainsFunc(t.Actions, func(sent string) bool {
		ok, err := v.rule.MatchAction(action, sent)
		return ok && err == nil
	})
}

// fits reports whether an action of a rule may be of the shape.
func (s *shape) fits(r *policy.Rule, action string) bool {
	if !s.named {
		ok, err := r.MatchAction(action, s.prefix)
		return ok && err == nil
	}
	return len(action) >= len(s.prefix)+len(s.suffix) &&
		strings.HasPrefix(action, s.prefix) && strings.HasSuffix(action, s.suffix)
}

// excuses reports whether an action may match nothing: it lists what the
// server has none of, or may mean an item that the inventory is silent about.
func (v *vocabulary) excuses(action string) bool {
	return slices.ContainsFunc(v.shapes, func(s shape) bool {
		if !s.fits(v.rule, action) {
			return false
		}
		for _, gap := range s.server.Inventory.Gaps {
			if gap.Types == 0 || gap.Types.Has(s.itemType) {
				return true
			}
		}
		return !s.server.Inventory.HasType(s.itemType) || s.operation == authz.List && len(s.server.Inventory.Of(s.itemType)) == 0
	})
}

// meant returns the action that was likely meant, or "".
func (v *vocabulary) meant(action string) string {
	for _, candidate := range v.candidates(action) {
		if v.matches(candidate) {
			return candidate
		}
	}
	return ""
}

// correction returns the edit that makes an action the one that was meant,
// where that is beyond doubt: it is spelt out, one slip away from the only
// action that is sent and so near, and the rule does not have that one too.
func (v *vocabulary) correction(action policy.Text, meant string) []fix.Edit {
	var sent []string
	for _, t := range v.targets {
		sent = append(sent, t.Actions...)
	}
	if meant == "" || v.rule.IsGlob(action.Value) || v.rule.IsGlob(meant) || onlySlip(action.Value, sent) != meant || slices.Contains(values(v.rule.Actions), meant) {
		return nil
	}
	return []fix.Edit{{Pos: action.Pos, Old: action.Value, New: meant}}
}

// candidates lists what an action may be a slip of, the likeliest first.
func (v *vocabulary) candidates(action string) []string {
	list := []string{doubleColons(action), wider(action), wider(doubleColons(action))}
	var prefixes []string
	for _, s := range v.shapes {
		if !s.named {
			continue
		}
		prefixes = append(prefixes, strings.TrimRight(s.prefix, ":"))
		if !s.fits(v.rule, action) || v.rule.IsGlob(action) {
			continue
		}
		var items []string
		for _, t := range v.targets {
			for _, sent := range t.Actions {
				if s.fits(v.rule, sent) {
					items = append(items, s.cut(sent))
				}
			}
		}
		if near := source.Nearest(s.cut(action), items); near != "" {
			list = append(list, s.prefix+near+s.suffix)
		}
	}
	if i := strings.LastIndex(action, "::"); i > 0 {
		if near := source.Nearest(action[:i], prefixes); near != "" {
			list = append(list, near+action[i:])
		}
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == action })
}

// cut takes the name of the item out of an action of the shape.
func (s *shape) cut(action string) string {
	return strings.TrimSuffix(strings.TrimPrefix(action, s.prefix), s.suffix)
}

// pitfalls explains what about patterns, and about the enforcement point, is
// easily taken for something else.
func (v *vocabulary) pitfalls(action string) []string {
	var lines []string
	isGlob := v.rule.IsGlob(action)
	switch {
	case v.matches(doubleColons(action)) && doubleColons(action) != action:
		lines = append(lines, "The colon is doubled in what is sent: "+doubleColons(action)+".")
	case isGlob && (v.matches(wider(action)) || v.matches(wider(doubleColons(action)))):
		lines = append(lines, `An asterisk stops at ":"; two of them go on.`)
	case !isGlob && strings.ContainsAny(action, "?[]{}"):
		lines = append(lines, "Without an asterisk Cerbos takes this for a plain name, not for a pattern.")
	}
	for _, method := range pep.Endpoints() {
		rest, ok := strings.CutPrefix(action, method)
		if !ok || rest != "" && !strings.HasPrefix(rest, ":") {
			continue
		}
		for _, name := range v.unasked(method) {
			lines = append(lines, fmt.Sprintf("%s asks nothing on %s.", name, method))
		}
	}
	return lines
}

// unasked names the enforcement points in front of the rule's servers that
// never make a request about a method.
func (v *vocabulary) unasked(method string) []string {
	var list []string
	for _, t := range v.targets {
		for _, s := range t.Servers {
			if !asks(s.Profile, method) && !slices.Contains(list, s.Profile.Name) {
				list = append(list, s.Profile.Name)
			}
		}
	}
	return list
}

func asks(profile *pep.Profile, method string) bool {
	for _, t := range authz.ItemTypes() {
		for _, op := range []authz.Operation{authz.List, t.Use()} {
			if pep.Endpoint(t, op) == method {
				return len(coverage.AskAbout(profile, t, op)) > 0
			}
		}
	}
	return false
}

// doubleColons doubles the colons that stand alone.
func doubleColons(action string) string {
	var b strings.Builder
	for i := range len(action) {
		b.WriteByte(action[i])
		alone := action[i] == ':' && (i == 0 || action[i-1] != ':') && (i+1 == len(action) || action[i+1] != ':')
		if alone {
			b.WriteByte(':')
		}
	}
	return b.String()
}

// wider returns the pattern with asterisks that also match colons: ** for *.
func wider(pattern string) string {
	return strings.ReplaceAll(strings.ReplaceAll(pattern, "**", "*"), "*", "**")
}
