package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// BaselineVersion is the version of the file's format.
const BaselineVersion = 1

// baselineHead is what the file says to people.
const baselineHead = `# Findings that are known and do not fail a check. What is not in here counts, and so does
# what comes to be affected besides: another tool, another principal. Written by
#
#   mcpolicy baseline
#
# to be reviewed and committed. mcpolicy baseline --prune takes out what is mended, and
# mcpolicy lint --no-baseline shows all. Names are names, not globs.
`

// baselineEnd is the last line of the file, by which one that is cut short is told. To YAML
// it is the end of a document.
const baselineEnd = "..."

// Text returns the file: sorted, a name a line, without anything that changes as time passes or
// as lines of other files move.
func (b *Baseline) Text() []byte {
	var w baselineWriter
	w.b.WriteString(baselineHead)
	fmt.Fprintf(&w.b, "version: %d\n", BaselineVersion)
	by := b.byIdentity()
	if len(by) == 0 {
		w.b.WriteString("findings: []\n" + baselineEnd + "\n")
		return []byte(w.b.String())
	}
	w.b.WriteString("findings:\n")
	for _, id := range slices.Sorted(maps.Keys(by)) {
		s := subjectOf(id)
		// What is known more often than once is an entry of its own, and so is what
		// affects nothing in particular.
		entries := map[int][]effect{}
		for _, e := range by[id] {
			entries[b.known[e].times] = append(entries[b.known[e].times], e)
		}
		for _, times := range slices.Sorted(maps.Keys(entries)) {
			bare := func(e effect) bool { return e.principal == "" && e.item == s.itself() }
			for _, list := range [][]effect{filter(entries[times], bare), slices.DeleteFunc(slices.Clone(entries[times]), bare)} {
				if len(list) > 0 {
					w.entry(&s, times, list, bare(list[0]))
				}
			}
		}
	}
	w.b.WriteString(baselineEnd + "\n")
	return []byte(w.b.String())
}

// A baselineWriter writes YAML, a name a line.
type baselineWriter struct{ b strings.Builder }

func (w *baselineWriter) entry(s *subject, times int, effects []effect, bare bool) {
	w.text("  - rule", s.rule)
	for _, f := range []struct{ key, value string }{
		{"cause", s.cause}, {"message", s.message}, {"file", s.file}, {"server", s.server}, {s.kind, s.name}, {"principal", s.principal},
	} {
		if f.value != "" {
			w.text("    "+f.key, f.value)
		}
	}
	if times > 1 {
		fmt.Fprintf(&w.b, "    times: %d\n", times)
	}
	if bare {
		return
	}
	w.b.WriteString("    affects:\n")
	for _, a := range affectedBy(effects) {
		w.affected(&a)
	}
}

func (w *baselineWriter) affected(a *Affected) {
	margin := "      - "
	if len(a.Items) > 0 {
		w.text(margin+"server", a.Items[0].Server)
		margin = "        "
	}
	for _, t := range authz.ItemTypes() {
		var names []string
		for _, i := range a.Items {
			if i.Type == t {
				names = append(names, i.Name)
			}
		}
		margin = w.list(margin, t.String()+"s", names)
	}
	w.list(margin, "principals", a.Principals)
}

// list writes a list, and returns the margin of what follows.
func (w *baselineWriter) list(margin, key string, names []string) string {
	if len(names) == 0 {
		return margin
	}
	w.b.WriteString(margin + key + ":\n")
	for _, name := range names {
		w.b.WriteString("          - " + source.Quote(name) + "\n")
	}
	return "        "
}

func (w *baselineWriter) text(key, value string) {
	w.b.WriteString(key + ": " + source.Quote(value) + "\n")
}
