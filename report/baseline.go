package report

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Baseline is one that findings were held against.
type Baseline struct {
	File string
	Gone []lint.Gone // what it knows and is not found any more
}

// manyGone is how many entries of a baseline are named that are not found any more.
const manyGone = 5

// SetBaseline says that the findings were held against a baseline, with notes about what of it
// is not found any more.
func (d *Document) SetBaseline(b *Baseline) {
	d.Baseline = b
	for i := range b.Gone {
		g := &b.Gone[i]
		if rest := len(b.Gone) - i; i == manyGone && rest > 1 {
			d.Notes = append(d.Notes, Note{
				Pos:     g.Pos,
				Message: fmt.Sprintf("%d more entries of the baseline are not found any more; mcpolicy baseline --prune takes them out", rest),
			})
			return
		}
		d.Notes = append(d.Notes, Note{Rule: g.Rule, Pos: g.Pos, Message: goneWords(g)})
	}
}

// goneWords says what of an entry is not found any more.
func goneWords(g *lint.Gone) string {
	what := g.Message
	if what == "" {
		what = g.Cause
	}
	if g.All {
		return "the baseline knows what is not found any more, or is waived: " + what + "; mcpolicy baseline --prune takes it out"
	}
	var parts []string
	for _, a := range g.Affected {
		var names []string
		for _, i := range a.Items {
			names = append(names, i.Name)
		}
		part := someOf(names, false)
		if who := someOf(a.Principals, false); len(names) > 0 && len(a.Principals) > 0 {
			part += " for " + who
		} else if len(names) == 0 {
			part = who
		}
		parts = append(parts, part)
	}
	return "the baseline knows more than is found: " + what + " does not affect " + strings.Join(parts, "; ") + " any more; mcpolicy baseline --prune takes that out"
}

// knownWords says where findings are known that do not count.
func (d *Document) knownWords() string {
	switch {
	case d.Baseline != nil && d.Diff != nil:
		return "known"
	case d.Baseline != nil:
		return "known in the baseline"
	}
	return "known at the base"
}

// compared reports whether findings were held against others.
func (d *Document) compared() bool { return d.Diff != nil || d.Baseline != nil }

// The baseline in JSON: what it is called, and what of it is not found any more.
type (
	baselineJSON struct {
		File string `json:"file"`
		Gone int    `json:"gone"`
	}
	goneJSON struct {
		Rule     string         `json:"rule"`
		Cause    string         `json:"cause,omitempty"`
		Message  string         `json:"message,omitempty"` // of a finding without a cause
		File     string         `json:"file,omitempty"`
		Line     int            `json:"line,omitempty"`
		Column   int            `json:"column,omitempty"`
		All      bool           `json:"all"` // nothing is left of it
		Affected []affectedJSON `json:"affected"`
	}
)

func jsonGone(g *lint.Gone) goneJSON {
	return goneJSON{g.Rule, g.Cause, g.Message, g.Pos.File, g.Pos.Line, g.Pos.Col, g.All, affectedOf(g.Affected)}
}

func (s *stream) baseline(b *Baseline) {
	s.raw(",\n \"baseline\": {\"totals\": " + string(jsonOf(baselineJSON{b.File, len(b.Gone)})) + ", ")
	s.list(`"gone": [`, "]}")
	for i := range b.Gone {
		s.element(jsonGone(&b.Gone[i]))
	}
	s.close()
}

func (x *goneJSON) key() string {
	return fmt.Sprintf("gone %q %q %q %q %d", x.Rule, x.Cause, x.Message, x.File, x.Line)
}
func (x *goneJSON) label(l string) { under(l, &x.File); labelAffected(l, x.Affected) }
func (x *goneJSON) check() error   { return nil }

// labelAffected puts a label before the servers of items.
func labelAffected(l string, list []affectedJSON) {
	for i := range list {
		for k := range list[i].Items {
			under(l, &list[i].Items[k].Server)
		}
	}
}

func (x *goneJSON) gone() lint.Gone {
	return lint.Gone{
		Rule: x.Rule, Cause: x.Cause, Message: x.Message, All: x.All, Affected: affectedBy(x.Affected),
		Pos: source.Pos{File: x.File, Line: x.Line, Col: x.Column},
	}
}

// plus adds the baseline of another report.
func (b *baselineJSON) plus(other *baselineJSON) *baselineJSON {
	if b == nil {
		sum := *other
		return &sum
	}
	return &baselineJSON{withWord(b.File, other.File), b.Gone + other.Gone}
}
