package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// otherActions begins the cause of a finding about actions that are sent with another
// prefix than a policy has.
const otherActions = "prefix | "

// A prefixing is how the actions of a policy begin, and how those begin that are sent in
// their place.
type prefixing struct{ has, sent string }

// A respelt is an action of a rule and the one that is sent with another prefix.
type respelt struct {
	rule   *policy.Rule
	action policy.Text
	sent   string
}

// reportPrefixes reports the policies whose actions are all sent with another prefix, once
// each, and returns the places of those actions.
func reportPrefixes(p *Pass) map[source.Pos]bool {
	places := map[source.Pos]bool{}
	for _, t := range p.index.Targets {
		idle := idleActions(p, t)
		unmatched := filter(t.Actions, func(sent string) bool { return len(t.Rules(sent)) == 0 })
		by := map[prefixing][]respelt{}
		for _, x := range idle {
			seen := map[prefixing]bool{}
			for _, sent := range unmatched {
				if q, ok := prefixesOf(x.action.Value, sent); ok && !seen[q] {
					seen[q] = true
					by[q] = append(by[q], respelt{x.rule, x.action, sent})
				}
			}
		}
		for _, q := range likeliest(by) {
			if len(by[q]) < 2 || len(by[q]) < len(idle) || !allUnmatched(t, q.sent, unmatched) {
				continue
			}
			for _, x := range by[q] {
				places[x.action.Pos] = true
				reportPrefix(p, t, q, x)
			}
			break
		}
	}
	return places
}

// idleActions lists the actions of a target's rules, spelt out, that nothing sends.
func idleActions(p *Pass, t *coverage.Target) []respelt {
	var list []respelt
	for r := range p.Policies.Rules() {
		if !t.Reaches(r) {
			continue
		}
		for _, a := range r.Actions {
			if _, sent := slices.BinarySearch(t.Actions, a.Value); !sent && !r.IsGlob(a.Value) {
				list = append(list, respelt{rule: r, action: a})
			}
		}
	}
	return list
}

// prefixesOf returns what two actions begin with that end alike, up to a colon, a slash or
// a dot.
func prefixesOf(has, sent string) (prefixing, bool) {
	n := 0
	for n < min(len(has), len(sent)) && has[len(has)-1-n] == sent[len(sent)-1-n] {
		n++
	}
	for ; n > 0; n-- {
		q := prefixing{has[:len(has)-n], sent[:len(sent)-n]}
		if ends(q.has) && ends(q.sent) && q.has != q.sent {
			return q, true
		}
	}
	return prefixing{}, false
}

// ends reports whether a prefix is none or ends where a name begins.
func ends(prefix string) bool {
	return prefix == "" || strings.ContainsAny(prefix[len(prefix)-1:], ":/.")
}

// likeliest sorts the prefixes by how many actions they explain.
func likeliest(by map[prefixing][]respelt) []prefixing {
	var list []prefixing
	for q := range by {
		list = append(list, q)
	}
	slices.SortFunc(list, func(a, b prefixing) int {
		return cmp.Or(len(by[b])-len(by[a]), cmp.Compare(a.sent, b.sent), cmp.Compare(a.has, b.has))
	})
	return list
}

// allUnmatched reports whether no rule is about any action that is sent with a prefix.
func allUnmatched(t *coverage.Target, prefix string, unmatched []string) bool {
	for _, sent := range t.Actions {
		if strings.HasPrefix(sent, prefix) && !slices.Contains(unmatched, sent) {
			return false
		}
	}
	return true
}

func reportPrefix(p *Pass, t *coverage.Target, q prefixing, x respelt) {
	begin := fmt.Sprintf("begin with %q", q.has)
	if q.has == "" {
		begin = "do not"
	}
	f := Finding{
		Pos: x.action.Pos, Policy: x.rule.ID, Evidence: []string{cite(x.rule)},
		Cause: otherActions + causeOf(keyOfPolicy(x.rule.Policy), q.has, q.sent),
		Fix:   fmt.Sprintf("Write %s in place of %s, and the others likewise; or have the enforcement point send what the policy says.", x.sent, x.action.Value),
	}
	say := func(e *effects) string {
		return fmt.Sprintf("the actions that %s sends begin with %q, and those of %s %s: none of %d is ever asked about",
			senderOf(t), q.sent, t, begin, len(e.subjects))
	}
	d := draft{Finding: f, servers: names(t.Servers), subject: x.action.Value, say: say}
	about := columnsAsking(p, t, x.sent)
	if len(about) == 0 {
		p.report(d)
	}
	for _, col := range about {
		d.Server, d.Type, d.Name = col.Server.Name, col.Item.Type, col.Item.Name
		p.report(d)
	}
}

// senderOf names the enforcement point whose requests go to a target.
func senderOf(t *coverage.Target) string {
	var list []string
	for _, s := range t.Servers {
		if !slices.Contains(list, s.Profile.Name) {
			list = append(list, s.Profile.Name)
		}
	}
	return listing(list, named)
}

// columnsAsking lists the operations for which an action of a target is sent: none where it
// is about no item in particular.
func columnsAsking(p *Pass, t *coverage.Target, action string) []*matrix.Column {
	var list []*matrix.Column
	for _, col := range p.Matrix.Columns {
		if col.Operation != authz.List && slices.ContainsFunc(p.index.Asked(col), func(a coverage.Asked) bool {
			return a.Target == t && a.Action == action && !a.Gate && !a.General
		}) {
			list = append(list, col)
		}
	}
	return list
}
