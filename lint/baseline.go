package lint

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Baseline is findings that are known and do not count for now, as a file has them: by
// rule and cause, with all that they affect. Names in it are names, never globs.
type Baseline struct {
	// File is its name, in positions. Empty for one that no file has yet.
	File string

	known map[effect]entered
}

// An entered is how often an effect is known, and where the file says so.
type entered struct {
	times int
	pos   source.Pos
}

// NewBaseline returns the baseline that knows all that the findings affect that are not
// waived. What is found of waivers is never known: it says that something else is not
// what its author meant it to be.
func NewBaseline(findings []Finding) *Baseline {
	b := &Baseline{known: map[effect]entered{}}
	for e, n := range KnownOf(findings).times {
		if subjectOf(e.identity).cause != "" {
			n = 1 // however often it is reported, it is one finding
		}
		if !isAboutWaivers(e.rule()) {
			b.known[e] = entered{times: n}
		}
	}
	return b
}

func isAboutWaivers(id string) bool {
	r, err := Find(id)
	return err == nil && r.aboutWaivers
}

// rule returns the ID of the rule that an effect is of.
func (e *effect) rule() string {
	id, _, _ := strings.Cut(e.identity, "\x00")
	return id
}

// Known returns what the baseline knows, for [Options].
func (b *Baseline) Known() *Known {
	if b == nil {
		return nil
	}
	k := &Known{times: make(map[effect]int, len(b.known))}
	for e, n := range b.known {
		k.times[e] = n.times
	}
	return k
}

// Renewed returns the baseline that knows what the findings affect and, of rules that did
// not run, what this one does.
func (b *Baseline) Renewed(findings []Finding, ran func(rule string) bool) *Baseline {
	all := NewBaseline(findings)
	for e, n := range b.known {
		if !ran(e.rule()) {
			all.known[e] = n
		}
	}
	return all
}

// Pruned returns the baseline without what the findings do not affect any more, as far as
// rules ran.
func (b *Baseline) Pruned(findings []Finding, ran func(rule string) bool) *Baseline {
	now := NewBaseline(findings)
	left := &Baseline{File: b.File, known: map[effect]entered{}}
	for e, n := range b.known {
		if ran(e.rule()) {
			n.times = min(n.times, now.known[e].times)
		}
		if n.times > 0 {
			left.known[e] = n
		}
	}
	return left
}

// A Gone is a finding that a baseline knows and that is not there, or is waived now: all of
// it, or some of what it affects.
type Gone struct {
	Rule, Cause, Message string
	Pos                  source.Pos // in the baseline
	All                  bool       // nothing is left of it
	Affected             []Affected // what is gone
}

// Gone lists what the baseline knows and the findings do not affect, as far as rules ran.
func (b *Baseline) Gone(findings []Finding, ran func(rule string) bool) []Gone {
	left := b.Pruned(findings, ran)
	had, still := b.byIdentity(), left.byIdentity()
	var list []Gone
	for id, effects := range had {
		var lost []effect
		for _, e := range effects {
			if left.known[e].times < b.known[e].times {
				lost = append(lost, e)
			}
		}
		if len(lost) == 0 {
			continue
		}
		s := subjectOf(id)
		list = append(list, Gone{
			Rule: s.rule, Cause: s.cause, Message: s.message, Pos: b.known[lost[0]].pos, All: len(still[id]) == 0, Affected: affectedBy(lost),
		})
	}
	slices.SortFunc(list, func(a, b Gone) int {
		return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Message, b.Message))
	})
	return list
}

// Findings counts what is known by rule and cause, whatever it affects.
func (b *Baseline) Findings() int { return len(b.byIdentity()) }

// byIdentity returns the effects of each finding, in order.
func (b *Baseline) byIdentity() map[string][]effect {
	by := map[string][]effect{}
	for e := range b.known {
		by[e.identity] = append(by[e.identity], e)
	}
	for _, list := range by {
		slices.SortFunc(list, compareEffects)
	}
	return by
}

func compareEffects(a, b effect) int {
	return cmp.Or(cmp.Compare(a.item.Server, b.item.Server), cmp.Compare(a.item.Type, b.item.Type), cmp.Compare(a.item.Name, b.item.Name), cmp.Compare(a.principal, b.principal))
}

// affectedBy puts sorted effects together: the items of a server about the same principals.
func affectedBy(effects []effect) []Affected {
	who := map[Item][]string{}
	for _, e := range effects {
		if e.principal != "" {
			who[e.item] = append(who[e.item], e.principal)
		} else if who[e.item] == nil {
			who[e.item] = []string{}
		}
	}
	items := slices.SortedFunc(maps.Keys(who), func(a, b Item) int { return compareEffects(effect{item: a}, effect{item: b}) })
	var list []Affected
	at := map[string]int{}
	for _, i := range items {
		key := i.Server + "\x00" + strings.Join(who[i], "\x00")
		if i == (Item{}) {
			key = "none"
		}
		n, ok := at[key]
		if !ok {
			n = len(list)
			at[key] = n
			list = append(list, Affected{Principals: who[i]})
		}
		if i != (Item{}) {
			list[n].Items = append(list[n].Items, i)
		}
	}
	return list
}

// A subject is what the identity of a finding is made of: the rule and the cause or, of a
// finding without one, what it is about and its message.
type subject struct {
	rule, cause                                  string
	file, server, kind, name, principal, message string
}

// identityParts is how many parts the identity of a finding without a cause has.
const identityParts = 7

func subjectOf(identity string) subject {
	if p := strings.Split(identity, "\x00"); len(p) == identityParts && (p[3] == "") == (p[4] == "") && isItemType(p[3]) {
		return subject{rule: p[0], file: p[1], server: p[2], kind: p[3], name: p[4], principal: p[5], message: p[6]}
	}
	rule, cause, _ := strings.Cut(identity, "\x00")
	return subject{rule: rule, cause: cause}
}

// isItemType reports whether a word is one for a type of items, or none.
func isItemType(word string) bool {
	_, ok := authz.ParseItemType(word)
	return ok || word == ""
}

// identity returns what [Finding.Identity] does of such a finding.
func (s *subject) identity() string {
	f := Finding{Rule: s.rule, Cause: s.cause, Server: s.server, Name: s.name, Principal: s.principal, Message: s.message, Pos: source.Pos{File: s.file}}
	f.Type, _ = authz.ParseItemType(s.kind)
	return f.Identity()
}

// itself returns what a finding affects of which nothing else is said.
func (s *subject) itself() Item {
	if s.name == "" {
		return Item{}
	}
	t, _ := authz.ParseItemType(s.kind)
	return Item{s.server, t, s.name}
}

// Compare counts the findings that another baseline knows and this one does not, that this one
// knows alone, and that affect otherwise in the other.
func (b *Baseline) Compare(o *Baseline) (added, removed, changed int) {
	mine, others := b.byIdentity(), o.byIdentity()
	for id, effects := range mine {
		theirs, ok := others[id]
		switch {
		case !ok:
			removed++
		case !slices.Equal(effects, theirs) || slices.ContainsFunc(effects, func(e effect) bool { return b.known[e].times != o.known[e].times }):
			changed++
		}
	}
	for id := range others {
		if _, ok := mine[id]; !ok {
			added++
		}
	}
	return added, removed, changed
}

// Has reports whether all that a finding affects is known.
func (b *Baseline) Has(f *Finding) bool {
	for e := range KnownOf([]Finding{*f}).times {
		if b.known[e].times == 0 {
			return false
		}
	}
	return true
}
