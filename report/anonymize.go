package report

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// An anonymizer leaves the names of people out of texts. Agents and workloads keep
// theirs: they are nobody's.
type anonymizer struct {
	labels map[string]string // by key and id
	word   *regexp.Regexp
}

func newAnonymizer(m *matrix.Matrix) *anonymizer {
	a := &anonymizer{labels: map[string]string{}, word: regexp.MustCompile(`[\pL\pN_.@+-]+`)}
	for p := range m.Principals() {
		if p.Kind == authz.Human {
			label := "someone (" + rolesOf(p) + ")"
			a.labels[p.Key], a.labels[p.ID] = label, label
		}
	}
	return a
}

// text returns s with what a person has in place of a name.
func (a *anonymizer) text(s string) string {
	if label, whole := a.labels[s]; whole {
		return label
	}
	return a.word.ReplaceAllStringFunc(s, func(w string) string {
		name := strings.TrimRight(w, ".-")
		if label, is := a.labels[name]; is && name != "" {
			return label + w[len(name):]
		}
		return w
	})
}

// odd lists the names that are no words, which text does not find inside of texts.
func (a *anonymizer) odd() []string {
	var list []string
	for name := range a.labels {
		if a.word.FindString(name) != name {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}
