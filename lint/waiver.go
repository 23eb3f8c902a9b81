package lint

import (
	"regexp"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/glob"
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
		(w.Item == "" || d.Name != "" && matches(w.Item, d.Name, glob.Compile)) &&
		(len(w.Types) == 0 || d.Name != "" && slices.Contains(w.Types, d.Type)) &&
		(w.Principal == "" || w.acceptsPrincipals(d)) &&
		(w.File == "" || matches(w.File, d.Pos.File, glob.CompilePath))
}

func (w *Waiver) acceptsServers(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !matches(w.Server, name, glob.Compile) })
}

func (w *Waiver) acceptsPrincipals(d *draft) bool {
	for _, class := range d.who {
		for _, p := range class.Principals {
			if !matches(w.Principal, p.Key, glob.Compile) {
				return false
			}
		}
	}
	return len(d.who) > 0
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
