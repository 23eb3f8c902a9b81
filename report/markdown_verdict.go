package report

import (
	"errors"
	"regexp"
	"strings"
)

// markerKey is what a marker's key may be: nothing in it ends an HTML comment.
var markerKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./]*(-[A-Za-z0-9_./]+)*$`)

// markerMost is the length of a key that is enough for a path.
const markerMost = 200

// CheckMarker returns an error if a key cannot stand in a marker.
func CheckMarker(key string) error {
	if key == "" || len(key) <= markerMost && markerKey.MatchString(key) {
		return nil
	}
	return errors.New("want letters, digits and _ . / with single hyphens between them, 200 at most")
}

// marker returns the first line of Markdown, by which a bot finds its own comment. It
// is an HTML comment, which nobody sees.
func (o *Options) marker() string {
	if o.Marker == "" || CheckMarker(o.Marker) != nil {
		return "<!-- mcpolicy -->\n"
	}
	return "<!-- mcpolicy " + o.Marker + " -->\n"
}

func (m *markdown) verdict() {
	m.frame(m.o.marker())
	fails := m.d.Fails(m.o.FailOn)
	switch {
	case !m.d.checked():
		m.frame("## Who can reach which MCP tool\n\n")
	case m.d.Diff != nil && fails:
		m.frame("## ❌ mcpolicy: " + m.d.changeVerdict(m.o) + "\n\n")
	case m.d.Diff != nil && m.d.Diff.mayOpen():
		m.frame("## ⚠️ mcpolicy: " + m.d.changeVerdict(m.o) + "\n\n")
	case m.d.Diff != nil:
		m.frame("## ✅ mcpolicy: " + m.d.changeVerdict(m.o) + "\n\n")
	case fails:
		m.frame("## ❌ mcpolicy: not clean\n\n")
	case m.d.LeftOut.count() > 0:
		m.frame("## ✅ mcpolicy: " + m.d.findingWords() + "\n\n")
	default:
		m.frame("## ✅ mcpolicy: clean\n\n")
	}
}

// changeVerdict says what a change does to access, and what else fails: access widened,
// 2 new findings, 1 failed case.
func (d *Document) changeVerdict(o Options) string {
	parts := []string{d.Diff.verdict()}
	n := 0
	for i := range d.Findings {
		if fails(&d.Findings[i], o.FailOn) {
			n++
		}
	}
	if n > 0 {
		parts = append(parts, count(n, "new finding"))
	}
	if d.Tests != nil {
		for _, x := range []struct {
			n    int
			word string
		}{{d.Tests.Counts().Failed, "failed case"}, {d.Tests.Counts().Errored, "errored case"}} {
			if x.n > 0 {
				parts = append(parts, count(x.n, x.word))
			}
		}
	}
	if d.Doubt != nil {
		parts = append(parts, "not all of it can be vouched for")
	}
	return strings.Join(parts, ", ")
}

// mayOpen reports whether somebody gains, or might.
func (d *Diff) mayOpen() bool { return d.Widens() || d.Reach().Unknown > 0 }

// verdict says in two or three words what happens to access.
func (d *Diff) verdict() string {
	switch {
	case len(d.Over()) > 0:
		return "access widened beyond the budget"
	case d.Widens() && d.Budget != nil:
		return "access widened within the budget"
	case d.Widens():
		return "access widened"
	case d.Reach().Unknown > 0:
		return "access may have widened"
	case len(d.Cells)+len(d.Roles) > 0:
		return "access narrowed"
	}
	return "access unchanged"
}
