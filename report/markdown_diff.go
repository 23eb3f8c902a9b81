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
		m.frame("- ❌ **over the budget** " + mdText(text) + at(d.budgetPos().String()) + "\n")
	}
	if m.o.ByRule {
		for _, r := range d.byRule() {
			lines := []string{mdCode(r.pos) + " " + mdText(r.text)}
			for _, text := range r.changes {
				lines = append(lines, mdText(text))
			}
			m.add(errorRank, "rule", item(lines))
		}
		m.end("\n")
		return
	}
	losses := 0
	for i := range d.groups {
		if d.groups[i].Kind.Gains() {
			m.change(&d.groups[i], gainRank)
		} else {
			losses++
		}
	}
	if losses == len(d.groups) {
		m.frame("Nobody gains anything from " + mdText(d.Base) + " to " + mdText(d.Head) + ".\n")
	}
	m.end("\n")
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
			text += at(d.Items[i].Item.Pos.String())
		}
		m.add(changeRank, "change of the inventory", item([]string{text}))
	}
	for _, text := range d.principalLines() {
		m.add(changeRank, "change of the principals", item([]string{"principals: " + mdText(text)}))
	}
	for i := range d.Future {
		m.add(changeRank, "change for items to come", item(append([]string{mdText(d.laterText(i))}, mdCauses(d.Future[i].Causes)...)))
	}
	for _, col := range d.Beyond {
		m.add(noteRank, "note", item([]string{mdText(beyondSentence(col.Item.Name))}))
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
	for _, text := range m.d.Diff.details(g) {
		lines = append(lines, mdDetail(text))
	}
	m.add(r, "change of access", item(append(lines, mdCauses(g.Causes)...)))
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

func mdCauses(list []diff.Cause) []string {
	var lines []string
	for i := range list {
		lines = append(lines, mdCode(list[i].Pos.String())+" "+mdText(causeWords(&list[i])))
	}
	return lines
}
