package report

import "slices"

// A changedRule is a line that changed access, and what it changed.
type changedRule struct {
	pos, text string
	changes   []string // "widened: SALES may now call x"
}

// byRule returns the changes by the lines that made them, in the order of the places. What
// no line is known of stands at the end.
func (d *Diff) byRule() []changedRule {
	var list []changedRule
	add := func(pos, text, change string) {
		i := slices.IndexFunc(list, func(r changedRule) bool { return r.pos == pos && r.text == text })
		if i < 0 {
			i = len(list)
			list = append(list, changedRule{pos: pos, text: text})
		}
		list[i].changes = append(list[i].changes, change)
	}
	for i := range d.groups {
		g := &d.groups[i]
		change := g.Kind.String() + ": " + sentenceOf(g)
		for k := range g.Causes {
			add(g.Causes[k].Pos.String(), causeWords(&g.Causes[k]), change)
		}
		if len(g.Causes) == 0 {
			add("", "by no line that is known", change)
		}
	}
	return list
}
