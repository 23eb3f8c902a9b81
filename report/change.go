package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/explain"
)

// A remedy is something that would allow what is denied.
type remedy struct {
	label string
	text  string
	size  int // how much it changes
}

// remedies lists what would allow what is denied: a change of arguments alone first, and
// then whatever changes less. A role is one change.
func remedies(x *explain.Explanation) []remedy {
	var values, ways []remedy
	s := x.Smallest
	if s != nil && s.Change != nil {
		label, size := "values alone", len(s.Change.Values)
		switch {
		case size == 1 || s.Least && len(x.Ways) == 0:
			label = "smallest change"
		case len(x.Ways) == 0:
			label = "would be allowed"
		}
		values = append(values, remedy{label, changeText(s.Change), size})
	}
	for _, way := range x.Ways {
		text := "with " + way.Text
		if !way.Condition.IsZero() {
			text += ", " + way.Condition.When()
		}
		if !slices.ContainsFunc(values, func(r remedy) bool { return r.text == text }) {
			ways = append(ways, remedy{"", text, 1})
		}
	}
	if len(ways) > 0 {
		ways[0].label = "would be allowed"
	}
	list := slices.Concat(values, ways)
	slices.SortStableFunc(list, func(a, b remedy) int { return a.size - b.size })
	if s != nil && s.Arguments != nil {
		list = slices.Insert(list, 0, remedy{"arguments alone", changeText(s.Arguments), len(s.Arguments.Values)})
	}
	return list
}

// changeText says a change: with arguments.region = "EMEA" and no arguments.force.
func changeText(c *explain.Change) string {
	var parts []string
	for i := range c.Values {
		parts = append(parts, c.Values[i].String())
	}
	text := "with " + parts[0]
	if last := len(parts) - 1; last > 0 {
		text = "with " + strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	if !c.Condition.IsZero() {
		text += ", " + c.Condition.When()
	}
	return text
}

// changes writes what would allow what is denied.
func (p *printer) changes(x *explain.Explanation) {
	list := remedies(x)
	s := x.Smallest
	if len(list) == 0 && (s == nil || s.Note == "") {
		return
	}
	p.blank()
	if s != nil && s.Change != nil {
		for i, r := range s.InTheWay {
			p.change(faint, remedy{label: []string{"in the way", ""}[min(i, 1)], text: fmt.Sprintf("rule %q at %s:%d denies it", r.Name, r.Pos.File, r.Pos.Line)}, "")
		}
	}
	for _, r := range list {
		p.change(good, r, "(the engine agrees)")
	}
	if s != nil && s.Note != "" {
		p.change(faint, remedy{label: "values", text: s.Note}, "")
	}
}

// change writes a line behind a label, wrapped, with an aside to the right.
func (p *printer) change(st style, r remedy, aside string) {
	const indent = 19
	var l *line
	label := r.label
	for i, s := range wrap(p.text(r.text), p.width-indent) {
		if i > 0 {
			l.end()
			label = ""
		}
		l = p.line().add(st, label).to(indent).sign(plain, s)
	}
	if aside != "" && !l.right(aside) {
		l.end()
		l = p.line().to(indent).add(faint, aside)
	}
	l.end()
}

// smallestJSON is the smallest change as JSON reports spell it.
type smallestJSON struct {
	Verdict   string         `json:"verdict"` // possible, impossible or unknown
	Values    []valueJSON    `json:"values,omitempty"`
	Condition string         `json:"condition,omitempty"`
	Example   map[string]any `json:"exampleArguments,omitzero"` // where arguments are open
	Least     bool           `json:"noFewerWouldDo,omitempty"`
	Arguments []valueJSON    `json:"argumentsAlone,omitempty"` // where values has others
	InTheWay  []deniedByJSON `json:"deniedBy,omitempty"`
	Note      string         `json:"note,omitempty"`
	Open      []string       `json:"couldNotBeTreated,omitempty"`
	Tried     []string       `json:"tried,omitempty"`
}

type valueJSON struct {
	Place   string `json:"place"` // arguments.region
	Kind    string `json:"kind"`  // argument, attribute or claim
	Name    string `json:"name"`
	Value   any    `json:"value"`
	Removed bool   `json:"removed,omitempty"`
}

type deniedByJSON struct {
	Rule string `json:"rule"`
	File string `json:"file"`
	Line int    `json:"line"`
}

func smallest(x *explain.Explanation) *smallestJSON {
	s := x.Smallest
	if s == nil {
		return nil
	}
	out := &smallestJSON{Verdict: s.Verdict.String(), Least: s.Least, Note: s.Note, Open: s.Open, Tried: s.Tried}
	if c := s.Change; c != nil {
		out.Values, out.Condition = valuesJSON(c), c.Condition.String()
		if x.Arguments == nil {
			out.Example = c.Arguments
		}
	}
	if s.Arguments != nil {
		out.Arguments = valuesJSON(s.Arguments)
	}
	for _, r := range s.InTheWay {
		out.InTheWay = append(out.InTheWay, deniedByJSON{r.ID, r.Pos.File, r.Pos.Line})
	}
	return out
}

func valuesJSON(c *explain.Change) []valueJSON {
	var list []valueJSON
	for i := range c.Values {
		v := &c.Values[i]
		list = append(list, valueJSON{v.Place(), v.Kind.String(), v.Name, v.To, v.Removed})
	}
	return list
}
