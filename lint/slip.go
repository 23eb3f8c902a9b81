package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/policy"
)

// shortestSlip is how long a word has to be for one letter to make it a slip
// of another: hr and pr are two departments.
const shortestSlip = 4

// isSlip reports whether a kind is spelt like another but for one slip in one
// word, or but for what stands between the words. It is strict, because
// companies have many kinds with similar names: digits are never a slip.
func isSlip(a, b string) bool {
	x, y := words(a), words(b)
	if strings.Join(x, "") == strings.Join(y, "") {
		return a != b
	}
	if len(x) != len(y) {
		return false
	}
	slips := 0
	for i := range x {
		if x[i] == y[i] {
			continue
		}
		slips++
		if min(len(x[i]), len(y[i])) < shortestSlip || !oneApart(x[i], y[i]) {
			return false
		}
	}
	return slips == 1
}

// onlySlip returns the one of the names that a word is a slip of, or "" if it is
// a slip of none or of several.
func onlySlip(word string, names []string) string {
	only := ""
	for _, name := range names {
		if name == only || !isSlip(word, name) {
			continue
		}
		if only != "" {
			return ""
		}
		only = name
	}
	return only
}

// didYouMean suggests what was meant, if there is something.
func didYouMean(meant string) string {
	if meant == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", meant)
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune(":_-./ @", r) })
}

// oneApart reports whether two words differ in one letter that is missing,
// wrong or exchanged with its neighbour.
func oneApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if i < len(b) && isDigit(b[i]) || i < len(a) && isDigit(a[i]) {
		return false
	}
	switch len(b) - len(a) {
	case 1:
		return a[i:] == b[i+1:]
	case 0:
		exchanged := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		return exchanged || a[i+1:] == b[i+1:]
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// reportKind reports that a rule is about a kind that no server sends, if the
// kind looks like a slip of one that is; once for a resource policy.
func reportKind(p *Pass, r *policy.Rule, misspelt map[*policy.Policy]bool) {
	once := r.Policy.Kind == policy.ResourcePolicy
	if once && misspelt[r.Policy] {
		return
	}
	misspelt[r.Policy] = true
	for _, t := range p.index.Targets {
		if !isSlip(r.Resource, t.Kind) || r.CoversKind(t.Kind) {
			continue
		}
		d := draft{Finding: Finding{
			Pos: r.ResourcePos, Server: names(t.Servers)[0], Confidence: authz.ConfidenceMedium,
			Message:  fmt.Sprintf("no server sends the kind %s (did you mean %s?): its rules match nothing", r.Resource, t.Kind),
			Evidence: []string{fmt.Sprintf("%s is asked about for %s", t.Kind, listing(names(t.Servers), people))},
		}}
		if len(t.Servers) > 1 {
			d.Server, d.servers = "", names(t.Servers)
		}
		if !once {
			d.Policy = r.ID
		}
		p.report(d)
		return
	}
}

// A slipped is an action of a rule that is likely a slip of another.
type slipped struct {
	rule  *policy.Rule
	at    string // its place
	meant string // "" where that is not known
}

// dividedBySlips marks what comes of slips: what somebody whom a rule is for may not do with
// an item that the rule would be about as it was meant.
func dividedBySlips(p *Pass) {
	for _, s := range p.slips {
		concerned := s.items(p)
		if len(concerned) == 0 {
			continue
		}
		is := func(who *authz.Principal) bool { return isFor(p, s.rule, p.Matrix.ClassOf(who.Key)) }
		var drafts []*draft
		for _, d := range p.drafts {
			if d.Waived || !comesOfSlip(d.Rule) || len(d.Items) == 0 || !concerned[d.Items[0]] {
				drafts = append(drafts, d)
				continue
			}
			parts := []*draft{d}
			if isOfEach(d.Rule) {
				parts = d.divide(is)
			}
			for _, part := range parts {
				if !isOfEach(d.Rule) || is(part.who[0].list[0]) {
					part.slip = s.at
				}
			}
			drafts = append(drafts, parts...)
		}
		p.drafts = drafts
	}
}

// comesOfSlip reports whether findings of a rule may come of an ALLOW that names nothing.
func comesOfSlip(rule string) bool {
	return rule == "listed-not-callable" || rule == "tool-without-rule" || rule == "tool-unreachable"
}

// items are those that an ALLOW would be about as it was meant.
func (s *slipped) items(p *Pass) map[Item]bool {
	items := map[Item]bool{}
	if s.meant == "" || s.rule.Effect != authz.Allow {
		return items
	}
	for _, col := range p.Matrix.Columns {
		if slices.ContainsFunc(p.index.Asked(col), func(a coverage.Asked) bool { return a.Action == s.meant && !a.Gate && !a.General }) {
			items[Item{col.Server.Name, col.Item.Type, col.Item.Name}] = true
		}
	}
	return items
}
