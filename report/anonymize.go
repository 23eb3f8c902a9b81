package report

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// An anonymizer leaves the names of people out of texts: their keys and ids. Agents and
// workloads keep theirs, which are nobody's.
type anonymizer struct {
	labels map[string]string
	odd    []string // the names that are no words, the longest first
}

// A word is what a name is taken for inside of a text.
var (
	word   = regexp.MustCompile(`"?[\pL\pN_.@+-]+"?`)
	number = regexp.MustCompile(`^[0-9.]+$`)
)

func newAnonymizer(m *matrix.Matrix) *anonymizer {
	a := &anonymizer{labels: map[string]string{}}
	for p := range m.Principals() {
		if p.Kind != authz.Human {
			continue
		}
		for _, name := range []string{p.Key, p.ID} {
			if _, twice := a.labels[name]; name == "" || twice {
				continue
			}
			a.labels[name] = "someone (" + rolesOf(p) + ")"
			if word.FindString(name) != name {
				a.odd = append(a.odd, name)
			}
		}
	}
	slices.SortFunc(a.odd, func(x, y string) int { return cmp.Or(len(y)-len(x), cmp.Compare(x, y)) })
	return a
}

// text returns s with what a person has in place of a name. A name that is a number
// counts where it is a text, in quotes.
func (a *anonymizer) text(s string) string {
	if label, whole := a.labels[s]; whole {
		return label
	}
	for _, name := range a.odd {
		if strings.Contains(s, name) {
			s = strings.ReplaceAll(s, name, a.labels[name])
		}
	}
	return word.ReplaceAllStringFunc(s, func(w string) string {
		bare := strings.Trim(w, `"`)
		name := strings.TrimRight(bare, ".-")
		label, is := a.labels[name]
		if !is || number.MatchString(name) && len(w) != len(bare)+2 {
			return w
		}
		return strings.Replace(w, name, label, 1)
	})
}
