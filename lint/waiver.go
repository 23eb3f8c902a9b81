package lint

import (
	"slices"
	"time"

	"github.com/gobwas/glob"

	"github.com/mcpolicy/mcpolicy/authz"
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
	// Principal has to match every principal that a finding is about.
	Principal string
	File      string
	Reason    string
	Expires   time.Time // the last day, at its beginning; zero for never
	Pos       source.Pos
}

// Expired reports whether the waiver's last day is over. Not knowing the time,
// it says yes.
func (w *Waiver) Expired(now time.Time) bool {
	return !w.Expires.IsZero() && (now.IsZero() || !now.Before(w.Expires.AddDate(0, 0, 1)))
}

// waive marks the draft as waived by the first waiver that accepts it.
func (d *draft) waive(waivers []Waiver, now time.Time) {
	for i := range waivers {
		if w := &waivers[i]; w.accepts(d) && !w.Expired(now) {
			d.Waived, d.Reason, d.waiver = true, w.Reason, i+1
			return
		}
	}
}

func (w *Waiver) accepts(d *draft) bool {
	return w.Rule == d.Rule &&
		(w.Server == "" || w.acceptsServers(onServer(d))) &&
		(w.Item == "" || d.Name != "" && matches(w.Item, d.Name)) &&
		(len(w.Types) == 0 || d.Name != "" && slices.Contains(w.Types, d.Type)) &&
		(w.Principal == "" || w.acceptsPrincipals(d)) &&
		(w.File == "" || matches(w.File, d.Pos.File, '/'))
}

func (w *Waiver) acceptsServers(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !matches(w.Server, name) })
}

func (w *Waiver) acceptsPrincipals(d *draft) bool {
	for _, class := range d.who {
		for _, p := range class.Principals {
			if !matches(w.Principal, p.Key) {
				return false
			}
		}
	}
	return len(d.who) > 0
}

// matches reports whether a name is the pattern or matches it. What is no glob
// is just a name.
func matches(pattern, name string, separators ...rune) (ok bool) {
	if pattern == name {
		return true
	}
	// The library panics on a few patterns with an empty alternative.
	defer func() { ok = recover() == nil && ok }()
	g, err := glob.Compile(pattern, separators...)
	return err == nil && g.Match(name)
}
