package report

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

const (
	markdownColumns = 8  // of one table; more go into tables of their own
	markdownTables  = 6  // for one server; more only for Options.All
	openRows        = 20 // a longer table is folded
)

func (m *markdown) matrix() {
	some := false
	for _, s := range m.d.Matrix.Servers {
		v := newView(m.d.Matrix, s, m.o.filter())
		if len(v.groups) == 0 && !m.o.filter().isZero() {
			continue
		}
		some = true
		m.add(matrixRank, "matrix table", m.server(v))
	}
	if !some {
		m.frame("No cell matches the filter.\n\n")
	}
}

// server returns the tables of one server.
func (m *markdown) server(v *view) string {
	var b strings.Builder
	rows := 0
	sections := map[authz.ItemType][]bundle{}
	folded := map[authz.ItemType][]*row{}
	for _, t := range authz.ItemTypes() {
		sections[t], folded[t] = v.fold(t, m.o.All)
		rows += len(sections[t])
	}
	groups := v.groups
	if most := markdownColumns * markdownTables; len(groups) > most && !m.o.All {
		groups = groups[:most]
	}
	open := " open"
	if rows > openRows || len(groups) > markdownColumns || m.d.Diff != nil {
		open = ""
	}
	fmt.Fprintf(&b, "<details%s><summary><b>%s</b> %s</summary>\n\n", open, mdText(v.server.Name), mdText(v.describe()))
	for start := 0; start < len(groups); start += markdownColumns {
		columns := groups[start:min(start+markdownColumns, len(groups))]
		mdHead(&b, columns)
		for _, t := range authz.ItemTypes() {
			for _, bundle := range sections[t] {
				v.mdRow(&b, bundle, columns)
			}
		}
		b.WriteString("\n")
	}
	for _, t := range authz.ItemTypes() {
		if len(folded[t]) > 0 {
			b.WriteString(mdText(v.foldedWords(t, folded[t])) + "\n\n")
		}
	}
	if n := len(v.groups) - len(groups); n > 0 {
		fmt.Fprintf(&b, "%s not shown.\n\n", count(n, "more column"))
	}
	v.mdLegend(&b)
	b.WriteString("</details>\n\n")
	return b.String()
}

func mdHead(b *strings.Builder, columns []*group) {
	b.WriteString("| item |")
	for _, g := range columns {
		who, roles := g.heads("×")
		var lines []string
		for _, s := range who {
			lines = append(lines, mdCell(s))
		}
		for _, s := range roles {
			lines = append(lines, mdText(s))
		}
		b.WriteString(" " + strings.Join(lines, "<br>") + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
}

func (v *view) mdRow(b *strings.Builder, rows bundle, columns []*group) {
	var names []string
	for _, r := range rows {
		names = append(names, mdCell(r.item.Name))
	}
	name := strings.Join(names, ", ")
	if rows[0].item.Destructive() != manifest.None {
		name = "❗ " + name
	}
	if t := rows[0].item.Type; t != authz.ToolItem {
		name = typeName(t) + " " + name
	}
	b.WriteString("| " + name + " |")
	for _, g := range columns {
		b.WriteString(" " + v.mdAccess(rows[0], g) + " |")
	}
	b.WriteString("\n")
}

// mdAccess says in words what a group may do with an item. What is denied is not
// named, unless that is all.
func (v *view) mdAccess(r *row, g *group) string {
	var parts []string
	last := (*look)(nil)
	denied := false
	for op := range r.columns {
		l := v.cell(g.class, r, op)
		switch {
		case l == nil:
		case l.access == matrix.Denied:
			denied = true
		case l == last:
			parts[len(parts)-1] += ", " + operation(r.item.Type, op).String()
		default:
			parts = append(parts, unicodeSymbols.access[l.access]+" "+operation(r.item.Type, op).String())
			last = l
		}
		if n := v.number(l); n > 0 {
			parts[len(parts)-1] += fmt.Sprintf(" <sup>%d</sup>", n)
		}
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, " ")
	case denied:
		return unicodeSymbols.access[matrix.Denied] + " denied"
	}
	return ""
}

func (v *view) mdLegend(b *strings.Builder) {
	b.WriteString("● allowed, ◐ on a condition, ○ unguarded: no policy is asked. What is not named is denied. ❗ destructive.\n\n")
	for _, l := range v.notes {
		fmt.Fprintf(b, "%d. %s", l.note, mdCode(l.condition))
		for i, s := range l.where() {
			b.WriteString([...]string{" at ", ", "}[min(i, 1)] + mdCode(s))
		}
		b.WriteString("\n")
	}
	if len(v.notes) > 0 {
		b.WriteString("\n")
	}
}
