package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
)

const (
	namedPeople  = 12 // of those that a finding is about, unless all are wanted
	namedPairs   = 6  // of items and principals
	namedSettled = 6  // of what each finding is about that another explains
)

// touched says what a finding is about beyond what it says itself: all items, and the
// principals, with each other where they are not the same for all items; and which
// findings of other rules it settles.
func touched(f *lint.Finding, all bool) []string {
	lines := affected(f, all)
	if text := settles(f, all); text != "" {
		lines = append(lines, text)
	}
	return lines
}

func affected(f *lint.Finding, all bool) []string {
	said := f.Message + " " + strings.Join(f.Evidence, " ")
	items, people := itemNames(f), f.Principals
	var lines []string
	pairs := len(f.Affected) > 1 && len(people) > 0
	if pairs && (all || len(f.Affected) <= namedPairs) {
		for _, a := range f.Affected {
			lines = append(lines, peopleNamed(a.Principals, all)+": "+strings.Join(namesOf(f, a.Items), ", "))
		}
		return lines
	}
	if !mentions(f.Message, items) {
		lines = append(lines, strings.Join(items, ", "))
	}
	switch {
	case pairs:
		lines = append(lines, "for "+peopleNamed(people, all)+"; --all says for whom each is")
	case !mentions(said, people):
		lines = append(lines, "for "+peopleNamed(people, all))
	}
	return lines
}

// peopleNamed names principals, up to a dozen unless all are wanted.
func peopleNamed(keys []string, all bool) string {
	if all || len(keys) <= namedPeople+1 {
		return strings.Join(keys, ", ")
	}
	return strings.Join(keys[:namedPeople], ", ") + ", ... (all " + strconv.Itoa(len(keys)) + " with --all)"
}

// itemNames are the names of all items that a finding is about, once each.
func itemNames(f *lint.Finding) []string {
	items := f.Items
	if len(items) == 0 && f.Name != "" {
		items = []lint.Item{{Server: f.Server, Type: f.Type, Name: f.Name}}
	}
	return namesOf(f, items)
}

// namesOf names items, with their servers where a finding is about several.
func namesOf(f *lint.Finding, items []lint.Item) []string {
	several := slices.ContainsFunc(f.Items, func(i lint.Item) bool { return i.Server != f.Items[0].Server })
	var names []string
	for _, i := range items {
		name := i.Name
		if several {
			name += " on " + i.Server
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// mentions reports whether a text has all of some names.
func mentions(text string, names []string) bool {
	for _, name := range names {
		if !mentionsOne(text, name) {
			return false
		}
	}
	return true
}

func mentionsOne(text, name string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		i += from
		if (i == 0 || !inName(text[i-1])) && endsName(text[i+len(name):]) {
			return true
		}
		from = i + 1
	}
}

// endsName reports whether a name ends before a text.
func endsName(text string) bool {
	if text == "" || !inName(text[0]) {
		return true
	}
	return (text[0] == '.' || text[0] == ':') && (len(text) == 1 || text[1] == ' ')
}

// inName reports whether a character may belong to a longer name.
func inName(c byte) bool {
	return c >= 0x80 || c == '_' || c == '-' || c == '.' || c == ':' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// settles says which findings of other rules need no mending of their own: "settles 3
// findings: also agent-destructive (scout), wildcard-role".
func settles(f *lint.Finding, all bool) string {
	if len(f.Explains) == 0 {
		return ""
	}
	type settled struct {
		n     int
		names []string
	}
	byRule := map[string]*settled{}
	var rules []string
	for i := range f.Explains {
		x := &f.Explains[i]
		s := byRule[x.Rule]
		if s == nil {
			s = &settled{}
			byRule[x.Rule] = s
			rules = append(rules, x.Rule)
		}
		s.n++
		for _, name := range aboutWhat(f, x) {
			if !slices.Contains(s.names, name) {
				s.names = append(s.names, name)
			}
		}
	}
	for i, rule := range rules {
		s := byRule[rule]
		if s.n > 1 {
			rules[i] = strconv.Itoa(s.n) + " " + rule
		}
		switch {
		case len(s.names) == 0:
		case all || len(s.names) <= namedSettled:
			rules[i] += " (" + strings.Join(s.names, ", ") + ")"
		default:
			rules[i] += fmt.Sprintf(" (%d, named by --all)", len(s.names))
		}
	}
	return fmt.Sprintf("settles %d findings: also %s", len(f.Explains)+1, strings.Join(rules, ", "))
}

// aboutWhat names what a finding is about that another explains, where that is not what the
// other is about: the items, or else the principals.
func aboutWhat(f *lint.Finding, x *lint.Explained) []string {
	var names []string
	for _, i := range x.Items {
		if !mentionsOne(f.Message, i.Name) && !slices.Contains(f.Items, i) {
			names = append(names, i.Name)
		}
	}
	if len(names) == 0 && !slices.Equal(x.Principals, f.Principals) {
		return x.Principals
	}
	return names
}

// otherPlaces are the places of a finding that the evidence does not cite, without those
// of items, which are named.
func otherPlaces(f *lint.Finding) []lint.Related {
	var list []lint.Related
	for _, r := range f.Related {
		if !cited(f, r) && (!r.Item || !isItem(f, r.Text)) {
			list = append(list, r)
		}
	}
	return list
}

func cited(f *lint.Finding, r lint.Related) bool {
	return slices.ContainsFunc(f.Evidence, func(s string) bool {
		place, _ := placeOf(s)
		return place != "" && place == r.Pos.String()
	})
}

// isItem reports whether a text is the name of an item that a finding is about.
func isItem(f *lint.Finding, text string) bool {
	items := f.Items
	if f.Name != "" {
		items = append(slices.Clone(items), lint.Item{Type: f.Type, Name: f.Name})
	}
	return slices.ContainsFunc(items, func(i lint.Item) bool {
		return text == i.Name || text == typeName(i.Type)+" "+i.Name || i.Type == authz.TemplateItem && text == "resource template "+i.Name
	})
}

// settled counts the findings that are settled with some: each, and those that it explains.
func settled(list []*lint.Finding) int {
	n := 0
	for _, f := range list {
		n += 1 + len(f.Explains)
	}
	return n
}
