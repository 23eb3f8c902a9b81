package lint

import (
	"cmp"
	"maps"

	"github.com/mcpolicy/mcpolicy/authz"
)

// Known is what was found before: by what each finding affects, so that one that has
// come to affect more is new in that.
type Known struct{ times map[effect]int }

// An effect is one thing that a finding affects.
type effect struct {
	identity  string
	item      Item   // zero for none
	principal string // of a rule that is about each by itself
}

// KnownOf returns what the findings affect that are not waived, and what they explain.
func KnownOf(findings []Finding) *Known {
	k := &Known{times: map[effect]int{}}
	for i := range findings {
		f := &findings[i]
		if f.Waived {
			continue
		}
		k.add(f.Rule, f.Identity(), f.Affected)
		for _, x := range f.Explains {
			k.add(x.Rule, x.Identity, x.Affected)
		}
	}
	return k
}

func (k *Known) add(rule, identity string, affected []Affected) {
	each := isOfEach(rule)
	for _, a := range affected {
		items := a.Items
		if len(items) == 0 {
			items = []Item{{}}
		}
		who := a.Principals
		if !each || len(who) == 0 {
			who = []string{""}
		}
		for _, i := range items {
			for _, key := range who {
				k.times[effect{identity, i, key}]++
			}
		}
	}
}

// Or returns what is known of either, as often as one of them knows it.
func (k *Known) Or(o *Known) *Known {
	if k == nil || o == nil {
		return cmp.Or(k, o)
	}
	both := &Known{times: maps.Clone(k.times)}
	for e, n := range o.times {
		both.times[e] = max(both.times[e], n)
	}
	return both
}

// mark marks the drafts that are known, as often as they are. One that is known for some
// of its principals is divided.
func (k *Known) mark(drafts []*draft) []*draft {
	if k == nil {
		return drafts
	}
	left := &Known{times: maps.Clone(k.times)}
	var marked []*draft
	for _, d := range drafts {
		if d.Waived {
			marked = append(marked, d)
			continue
		}
		marked = append(marked, left.divide(d)...)
	}
	return marked
}

func (k *Known) divide(d *draft) []*draft {
	items := d.Items
	if len(items) == 0 {
		items = []Item{{}}
	}
	// What a draft says of several items together is known if it is of all of them.
	takes := func(principal string) bool {
		all := true
		for _, i := range items {
			all = k.take(effect{d.Identity(), i, principal}, d.Cause != "") && all
		}
		return all
	}
	if !isOfEach(d.Rule) || len(d.who) == 0 {
		d.Known = takes("")
		return []*draft{d}
	}
	known := map[*authz.Principal]bool{}
	many := d.who.size() > manyPrincipals
	for _, s := range d.who {
		for i, who := range s.list {
			known[who] = many && i > 0 && known[s.list[0]] || takes(who.Key)
		}
	}
	parts := d.divide(func(who *authz.Principal) bool { return known[who] })
	for _, part := range parts {
		part.Known = known[part.who[0].list[0]]
	}
	return parts
}

// take reports whether an effect is known: of a cause however many drafts say so, which
// are one finding, and otherwise once more.
func (k *Known) take(e effect, caused bool) bool {
	if k.times[e] == 0 {
		return false
	}
	if !caused {
		k.times[e]--
	}
	return true
}
