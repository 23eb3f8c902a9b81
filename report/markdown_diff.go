package report

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/diff"
)

// diff writes what changed: gains open, the rest folded.
func (m *markdown) diff() {
	d := m.d.Diff
	if d == nil {
		return
	}
	m.begin(diffSection, "### What changes for whom\n\n")
	if d.Missing != "" {
		m.frame("> **Note:** " + mdText(d.Missing) + "\n\n")
	}
	for _, text := range d.Over() {
		m.frame("- ❌ **over the budget** " + mdText(text) + m.at(d.budgetPos()) + "\n")
	}
	if m.o.ByRule {
		for _, r := range d.byRule() {
			lines := []string{mdCode(r.pos) + " " + mdText(r.text)}
			for _, text := range r.changes {
				lines = append(lines, mdText(text))
			}
			m.add(errorRank, "rule", item(lines), "")
		}
		m.end("\n")
		return
	}
	for i := range d.groups {
		if d.groups[i].Kind.Gains() {
			m.change(&d.groups[i], gainRank)
		}
	}
	if d.losses() == len(d.groups) {
		m.frame("Nobody gains anything from " + mdText(d.Base) + " to " + mdText(d.Head) + ".\n")
	}
	m.end("\n")
}

// losses counts the changes by which nobody gains.
func (d *Diff) losses() int {
	n := 0
	for i := range d.groups {
		if !d.groups[i].Kind.Gains() {
			n++
		}
	}
	return n
}

// narrowed writes what else changed, folded.
func (m *markdown) narrowed() {
	d := m.d.Diff
	if d == nil || m.o.ByRule {
		return
	}
	losses := d.losses()
	if losses+len(d.Items)+len(d.Principals)+len(d.Future)+len(d.Beyond) == 0 {
		return
	}
	m.begin(narrowedSection, fmt.Sprintf("<details><summary>%s</summary>\n\n", mdText(d.foldWords(losses))))
	for i := range d.groups {
		if !d.groups[i].Kind.Gains() {
			m.change(&d.groups[i], changeRank)
		}
	}
	for i := range d.Items {
		text := mdText(d.itemText(i))
		if d.Items[i].Change != "removed" {
			text += m.at(d.Items[i].Item.Pos)
		}
		m.add(changeRank, "change of the inventory", item([]string{text}), "")
	}
	for _, text := range d.principalLines() {
		m.add(changeRank, "change of the principals", item([]string{"principals: " + mdText(text)}), "")
	}
	for i := range d.Future {
		m.add(changeRank, "change for items to come", item(append([]string{mdText(d.laterText(i))}, m.causes(d.Future[i].Causes)...)), "")
	}
	for _, col := range d.Beyond {
		m.add(noteRank, "note", item([]string{mdText(beyondSentence(col.Item.Name))}), "")
	}
	m.end("\n</details>\n\n")
}

// foldWords says what is folded.
func (d *Diff) foldWords(losses int) string {
	var parts []string
	if losses > 0 {
		parts = append(parts, count(losses, "change")+" that take access away")
	}
	if text := d.inventoryWords(); text != "" {
		parts = append(parts, text)
	}
	if n := len(d.Principals); n > 0 {
		parts = append(parts, count(n, "change")+" of principals")
	}
	if n := len(d.Future); n > 0 {
		parts = append(parts, count(n, "change")+" for items that do not exist yet")
	}
	if n := len(d.Beyond); n > 0 {
		parts = append(parts, count(n, "note"))
	}
	return strings.Join(parts, "; ")
}

func (m *markdown) change(g *diff.Group, r rank) {
	word := "**" + g.Kind.String() + "**"
	if g.Destructive() && g.Kind.Gains() {
		word += " ⚠ destructive:"
	}
	lines := []string{word + " " + mdText(sentenceOf(g))}
	if m.o.Summary {
		m.add(r, "change of access", item(lines), "")
		return
	}
	for _, text := range m.d.Diff.details(g) {
		lines = append(lines, mdDetail(text))
	}
	m.add(r, "change of access", item(append(lines, m.causes(g.Causes)...)), item(lines[:1]))
}

// mdDetail marks conditions and calls as code.
func mdDetail(text string) string {
	for lead, word := range map[string]string{"- ": "before ", "+ ": "now ", "only now: ": "only now ", "no longer: ": "no longer "} {
		if rest, ok := strings.CutPrefix(text, lead); ok {
			return word + mdCode(rest)
		}
	}
	return mdText(text)
}

// causes returns the lines that changed something. Those of the base are no links: what
// they lead to may have another line there.
func (m *markdown) causes(list []diff.Cause) []string {
	var lines []string
	for i := range list {
		place := m.place(list[i].Pos)
		if list[i].Base {
			place = mdCode(list[i].Pos.String())
		}
		lines = append(lines, place+" "+mdText(causeWords(&list[i])))
	}
	return lines
}
