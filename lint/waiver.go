package lint

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Waiver accepts findings of a rule. What it leaves empty, it accepts
// anywhere. All but the rule may be globs; an asterisk stops at nothing, but
// in File at a slash, where "**" goes on.
type Waiver struct {
	Rule   string
	Server string
	Item   string
	Types  []authz.ItemType // what Item may be; empty for anything
	// Principal has to match every principal that a finding is about, but where a rule
	// is about each by itself: there it accepts those that it matches.
	Principal string
	File      string
	Reason    string
	Expires   time.Time // the last day, at its beginning; zero for never
	Pos       source.Pos

	// From and To bound the place of a finding, for a waiver that stands above
	// a rule. Zero bounds nothing.
	From, To source.Pos
}

// Expired reports whether the waiver's last day is over. Not knowing the time,
// it says yes.
func (w *Waiver) Expired(now time.Time) bool {
	return !w.Expires.IsZero() && (now.IsZero() || !now.Before(w.Expires.AddDate(0, 0, 1)))
}

// An applied is a waiver and what became of it.
type applied struct {
	*Waiver
	expired bool
	used    bool // it accepts some draft, whether or not another finding explains that
	missed  bool // it has expired, and no other accepts what it did
	unsure  bool // its rule does not look into all that it is about
}

// applyWaivers marks the drafts as waived, each by the first waiver that
// accepts it. Where that has expired, the draft says so. A draft of a rule that is about
// each principal by itself is divided where a waiver accepts only some of them.
func applyWaivers(p *Pass) {
	var drafts []*draft
	for _, d := range p.drafts {
		for _, part := range p.divided(d) {
			applyTo(p, part)
			drafts = append(drafts, part)
		}
	}
	p.drafts = drafts
}

// divided returns a draft in parts that every waiver accepts as a whole, or not.
func (p *Pass) divided(d *draft) []*draft {
	parts := []*draft{d}
	if !isOfEach(d.Rule) {
		return parts
	}
	for n := range p.waivers {
		w := &p.waivers[n]
		if w.Principal == "" || !w.acceptsBesides(d) {
			continue
		}
		var cut []*draft
		for _, part := range parts {
			cut = append(cut, part.divide(w.acceptsPrincipal)...)
		}
		parts = cut
	}
	return parts
}

// divide returns those of a draft whose principals are such, and the others.
func (d *draft) divide(such func(*authz.Principal) bool) []*draft {
	yes := d.who.where(such)
	if n := yes.size(); n == 0 || n == d.who.size() {
		return []*draft{d}
	}
	a, b := *d, *d
	a.who, b.who = yes, d.who.where(func(who *authz.Principal) bool { return !such(who) })
	parts := []*draft{&a, &b}
	for _, part := range parts {
		part.Evidence, part.Principal = slices.Clone(d.Evidence), ""
		if d.say != nil {
			part.Message = d.say(effectsOf([]*draft{part}))
		}
	}
	return parts
}

func applyTo(p *Pass, d *draft) {
	var expired []*applied
	for n := range p.waivers {
		w := &p.waivers[n]
		if !w.accepts(d) {
			continue
		}
		w.used = true
		switch {
		case w.expired:
			expired = append(expired, w)
		case d.unwaivable:
			d.Evidence = append(d.Evidence, fmt.Sprintf("%s  its waiver does not count", w.Pos))
		case !d.Waived:
			d.Waived, d.Reason, d.WaivedAt, d.waiver = true, w.Reason, w.Pos, n+1
		}
	}
	for _, w := range expired {
		if !d.Waived {
			w.missed = true
			d.Evidence = append(d.Evidence, fmt.Sprintf("%s  its waiver expired on %s", w.Pos, w.day()))
		}
	}
}

// day is the last day of a waiver.
func (w *Waiver) day() string { return w.Expires.Format(time.DateOnly) }

// commentWaivers returns the waivers that stand in policies.
func commentWaivers(set *policy.Set) []Waiver {
	if set == nil {
		return nil
	}
	var list []Waiver
	for w := range set.Waivers() {
		list = append(list, Waiver{Rule: w.Rule, Reason: w.Reason, Expires: w.Expires, Pos: w.Pos, From: w.From, To: w.To})
	}
	return list
}

func checkWaivers(list []Waiver) error {
	var errs []error
	for i := range list {
		errs = append(errs, list[i].check())
	}
	return errors.Join(errs...)
}

// check reports a rule that there is not, or that cannot be waived, and a
// reason that is missing.
func (w *Waiver) check() error {
	var errs []error
	if r, err := Find(w.Rule); err != nil {
		errs = append(errs, source.Errorf(w.Pos, "waiver: %w", err))
	} else if r.aboutWaivers {
		errs = append(errs, source.Errorf(w.Pos, "waiver: findings of %s cannot be waived; turn the rule off under lint.rules, or take the waiver out that it is about", w.Rule))
	}
	if strings.TrimSpace(w.Reason) == "" {
		errs = append(errs, source.Errorf(w.Pos, "waiver: a reason is missing"))
	}
	return errors.Join(errs...)
}

// scope says what a waiver is limited to, or "".
func (w *Waiver) scope() string {
	var parts []string
	for _, of := range []struct{ what, name string }{
		{"server", w.Server}, {w.itemNoun(), w.Item}, {"principal", w.Principal}, {"file", w.File},
	} {
		if of.name != "" {
			parts = append(parts, of.what+" "+of.name)
		}
	}
	if !w.From.IsZero() {
		parts = append(parts, "the rule below it")
	}
	return strings.Join(parts, ", ")
}

func (w *Waiver) itemNoun() string {
	if len(w.Types) == 0 {
		return "item"
	}
	return noun(w.Types[0])
}

func (w *Waiver) accepts(d *draft) bool {
	return w.acceptsBesides(d) && (w.Principal == "" || w.acceptsPrincipals(d))
}

// acceptsBesides reports whether a waiver accepts a draft, its principals aside.
func (w *Waiver) acceptsBesides(d *draft) bool {
	return w.Rule == d.Rule &&
		(w.From.IsZero() || w.From.Compare(d.Pos) <= 0 && d.Pos.Compare(w.To) <= 0) &&
		(w.Server == "" || w.acceptsServers(onServer(d))) &&
		(w.Item == "" || d.Name != "" && matches(w.Item, d.Name, glob.Compile)) &&
		(len(w.Types) == 0 || d.Name != "" && slices.Contains(w.Types, d.Type)) &&
		(w.File == "" || matches(w.File, d.Pos.File, glob.CompilePath))
}

func (w *Waiver) acceptsServers(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !matches(w.Server, name, glob.Compile) })
}

func (w *Waiver) acceptsPrincipals(d *draft) bool {
	all := d.who.size() > 0
	for _, s := range d.who {
		all = all && !slices.ContainsFunc(s.list, func(who *authz.Principal) bool { return !w.acceptsPrincipal(who) })
	}
	return all
}

func (w *Waiver) acceptsPrincipal(who *authz.Principal) bool {
	return matches(w.Principal, who.Key, glob.Compile)
}

// matchesAny reports whether a name is one of the patterns or matches one.
func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name, glob.Compile) })
}

// matches reports whether a name is the pattern or matches it. What is no glob
// is just a name.
func matches(pattern, name string, compile func(string) (*regexp.Regexp, error)) bool {
	if pattern == name {
		return true
	}
	re, err := compile(pattern)
	return err == nil && re.MatchString(name)
}
