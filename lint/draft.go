package lint

import (
	"cmp"
	"slices"

	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// A draft is what a rule reports: a finding before it is known what explains
// it, what waives it and what is said together with it. It is about one item at most.
type draft struct {
	Finding

	ground   manifest.Destructive // why the item is taken to destroy something
	endpoint string               // the MCP method that it is about, if it is
	servers  []string             // the servers that it is about, where Server does not say
	who      crowd                // the principals that it is about, if it is

	// Drafts of a rule with the same Cause become one finding. What tells them apart
	// is their subject, the name of the item unless it is said, and say writes the
	// message about all that the cause affects.
	subject string
	say     func(*effects) string
	why     func(*effects) []string // evidence about all, after that of each draft
	because func(crowd) []string    // evidence that names the principals of the draft

	// rules are the IDs of the policy rules that it is about, where Policy does not say.
	rules []string

	waiver     int  // 1 + the index of the waiver, 0 for none
	unwaivable bool // what it is about is no answer, accepted or not
	explains   []*draft
	slip       string   // what names a slip that this is of, or comes of
	by         []string // the IDs of the rules that make another idle
}

// effects are what a cause affects.
type effects struct {
	subjects []string // each once, in the order of the places
	items    []Item
	who      crowd
	ground   manifest.Destructive // if it is the same for all
	mixed    bool                 // not each of the principals is affected in each item
}

// ItemsNamed is how many items a message names: of more it says how many, and
// [Finding.Items] has them.
const ItemsNamed = 4

// named is how many of several other things a message names before it only counts.
const named = 3

// join makes findings of the drafts. Drafts of one cause become one, at the
// first of their positions, unless a waiver accepts only some of them or only
// some of them are known.
func join(drafts []*draft) []Finding {
	type key struct {
		rule, cause string
		waiver      int
		known       bool
		alone       int // of a draft without a cause
	}
	groups := map[key][]*draft{}
	var order []key
	for i, d := range drafts {
		k := key{d.Rule, d.Cause, d.waiver, d.Known, 0}
		if d.Cause == "" {
			k.alone = i + 1
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], d)
	}
	people := roster{}
	var findings []Finding
	for _, k := range order {
		findings = append(findings, people.together(groups[k]))
	}
	return findings
}

// A roster has the keys of the principals of crowds, so that findings about the same
// share one list.
type roster map[string][]string

func (r roster) keys(c crowd) []string {
	id := c.id()
	if r[id] == nil {
		r[id] = c.keys()
	}
	return r[id]
}

// together makes one finding of the drafts of a cause.
func (r roster) together(group []*draft) Finding {
	slices.SortStableFunc(group, func(a, b *draft) int {
		return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.subject, b.subject))
	})
	first := group[0]
	f := first.told()
	f.Evidence, f.Related, f.Edits = slices.Clone(f.Evidence), slices.Clone(f.Related), slices.Clone(f.Edits)
	e := effectsOf(group)
	for _, d := range group[1:] {
		more := d.told()
		f.widen(&more, d.subject)
	}
	if first.why != nil {
		f.Evidence = append(f.Evidence, first.why(e)...)
	}
	if first.say != nil {
		f.Message = first.say(e)
	}
	f.Items, f.Principals = e.items, r.keys(e.who)
	if only := e.who.only(); f.Principal == "" && f.Cause != "" { // else it is what the finding is told apart by
		f.Principal = only
	}
	if f.Principal != "" && len(f.Principals) == 0 {
		f.Principals = []string{f.Principal}
	}
	f.Affected = r.affected(group)
	f.Explains = r.explained(group)
	return f
}

// told returns the finding of a draft with all of its evidence.
func (d *draft) told() Finding {
	f := d.Finding
	if d.because != nil {
		f.Evidence = slices.Concat(f.Evidence, d.because(d.who))
	}
	return f
}

// effectsOf gathers what drafts are about.
func effectsOf(group []*draft) *effects {
	e := &effects{}
	if crowds := crowdsByItem(group); len(crowds) > 1 {
		for _, c := range crowds {
			e.mixed = e.mixed || c.who.id() != crowds[0].who.id()
		}
	}
	said := map[string]bool{}
	seen := map[Item]bool{}
	crowds := map[string]bool{}
	for i, d := range group {
		if i == 0 {
			e.ground = d.ground
		} else if d.ground != e.ground {
			e.ground = manifest.None
		}
		if !said[d.subject] {
			said[d.subject] = true
			e.subjects = append(e.subjects, d.subject)
		}
		for _, i := range d.Items {
			if !seen[i] {
				seen[i] = true
				e.items = append(e.items, i)
			}
		}
		if id := d.who.id(); !crowds[id] {
			crowds[id] = true
			e.who = e.who.and(d.who)
		}
	}
	return e
}

// affected says which principals each item is about. Items about the same are put together.
func (r roster) affected(group []*draft) []Affected {
	var list []Affected
	at := map[string]int{}
	for _, of := range crowdsByItem(group) {
		id := of.who.id()
		n, ok := at[id]
		if !ok {
			n = len(list)
			at[id] = n
			list = append(list, Affected{Principals: r.keys(of.who)})
		}
		if of.item != (Item{}) {
			list[n].Items = append(list[n].Items, of.item)
		}
	}
	return list
}

// An itemCrowd is whom drafts are about with an item, zero for none.
type itemCrowd struct {
	item Item
	who  crowd
}

// crowdsByItem gathers the items of drafts and whom they are about.
func crowdsByItem(group []*draft) []itemCrowd {
	var list []itemCrowd
	at := map[Item]int{}
	for _, d := range group {
		of := d.Items
		if len(of) == 0 {
			of = []Item{{}}
		}
		for _, i := range of {
			n, ok := at[i]
			if !ok {
				n = len(list)
				at[i] = n
				list = append(list, itemCrowd{item: i})
			}
			list[n].who = list[n].who.and(d.who)
		}
	}
	return list
}

// explained lists what the drafts of a cause explain, by rule and cause.
func (r roster) explained(group []*draft) []Explained {
	type key struct{ rule, cause string }
	by := map[key][]*draft{}
	for _, d := range group {
		for _, x := range d.allExplained() {
			if x.Waived || x.Identity() == d.Identity() {
				continue // it would not count, or says the same
			}
			k := key{x.Rule, x.Identity()}
			by[k] = append(by[k], x)
		}
	}
	var list []Explained
	for _, of := range by {
		e := effectsOf(of)
		x := Explained{Rule: of[0].Rule, Identity: of[0].Identity(), Cause: of[0].Cause, Affected: r.affected(of), Items: e.items, Principals: r.keys(e.who)}
		for _, d := range of {
			x.Severity = max(x.Severity, d.Severity)
		}
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b Explained) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Identity, b.Identity))
	})
	return list
}

// allExplained lists what a draft explains, and what that would have explained.
func (d *draft) allExplained() []*draft {
	var list []*draft
	for _, x := range d.explains {
		list = append(append(list, x), x.allExplained()...)
	}
	return list
}

// some is how many lines of evidence a joined finding has.
const some = 6

// addSome appends what is not in the list yet, up to some in all.
func addSome[T comparable](list, more []T) []T {
	for _, x := range more {
		if len(list) < some && !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// widen makes the finding be about the subject of another one as well.
func (f *Finding) widen(g *Finding, subject string) {
	if g.Name != f.Name || g.Type != f.Type {
		f.Name, f.Type = "", 0
	}
	if g.Server != f.Server {
		f.Server = ""
	}
	if g.Policy != f.Policy {
		f.Policy = ""
	}
	if g.Principal != f.Principal {
		f.Principal = ""
	}
	f.Severity = max(f.Severity, g.Severity)
	f.Confidence = min(f.Confidence, g.Confidence)
	there := func(pos source.Pos) bool {
		return pos == f.Pos || slices.ContainsFunc(f.Related, func(r Related) bool { return r.Pos == pos })
	}
	places := []Related{{g.Pos, subject, false}}
	if g.Name != "" && g.Policy == "" {
		places[0] = Related{g.Pos, noun(g.Type) + " " + g.Name, true}
	}
	for _, r := range append(places, g.Related...) {
		if !there(r.Pos) {
			f.Related = append(f.Related, r)
		}
	}
	f.Evidence = addSome(f.Evidence, g.Evidence)
	for _, e := range g.Edits {
		if !slices.Contains(f.Edits, e) { // several rules may share a list
			f.Edits = append(f.Edits, e)
		}
	}
}
