package report

import (
	"fmt"
	"slices"
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
		m.add(m.matrixRank(), "matrix table", m.server(v), m.numbers(s))
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
	if !m.o.All {
		groups = v.largest(markdownColumns * markdownTables)
	}
	open := " open"
	if rows > openRows || len(groups) > markdownColumns || m.d.Diff != nil {
		open = ""
	}
	fmt.Fprintf(&b, "<details%s><summary><b>%s</b> %s</summary>\n\n", open, mdText(v.server.Name), mdText(v.describe()))
	for start := 0; start < len(groups); start += markdownColumns {
		columns := groups[start:min(start+markdownColumns, len(groups))]
		v.mdHead(&b, columns, start+1)
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
	if left := v.leftOut(groups); left != "" {
		b.WriteString(mdText(left) + ".\n\n")
	}
	mdMembers(&b, groups, m.o.All)
	v.mdLegend(&b)
	b.WriteString("</details>\n\n")
	return b.String()
}

// mdHead writes the head of a table, whose first column has that number.
func (v *view) mdHead(b *strings.Builder, columns []*group, number int) {
	b.WriteString("| item |")
	told := v.told()
	for i, g := range columns {
		var lines []string
		if told {
			lines = append(lines, "*"+kindName(g.kind)+"*")
		}
		lines = append(lines, g.mdHead(number+i)...)
		b.WriteString(" " + strings.Join(lines, "<br>") + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
}

func (g *group) mdHead(number int) []string {
	sets := g.roleSets()
	if g.everyone {
		return []string{fmt.Sprintf("**everyone** ×%d", len(g.principals))}
	}
	if len(g.principals) > headNames {
		lines := []string{fmt.Sprintf("**column %d** ×%d", number, len(g.principals))}
		for _, s := range counted(sets, headNames, "×") {
			lines = append(lines, mdText(s))
		}
		return lines
	}
	var lines []string
	for _, s := range sets {
		names := make([]string, len(s.names))
		for i, name := range s.names {
			names[i] = mdCell(name)
		}
		who := strings.Join(names, ", ")
		if len(sets) == 1 {
			return []string{who, mdText(s.roles)}
		}
		lines = append(lines, who+": "+mdText(s.roles))
	}
	return lines
}

// mdMembers names the principals of the columns that only count them.
func mdMembers(b *strings.Builder, groups []*group, all bool) {
	hidden := 0
	for i, g := range groups {
		if len(g.principals) <= headNames || g.everyone && !all {
			continue
		}
		sets := g.roleSets()
		if len(g.principals) > manyListed && !all {
			hidden += len(g.principals)
			if len(sets) > headNames {
				fmt.Fprintf(b, "Column %d: %s.\n\n", i+1, mdText(strings.Join(counted(sets, len(sets), "×"), ", ")))
			}
			continue
		}
		label := fmt.Sprintf("Column %d", i+1)
		if g.everyone {
			label = "Everyone"
		}
		parts := make([]string, len(sets))
		for i, s := range sets {
			names := make([]string, len(s.names))
			for j, name := range s.names {
				names[j] = mdCode(name)
			}
			parts[i] = mdText(s.roles) + ": " + strings.Join(names, ", ")
		}
		fmt.Fprintf(b, "%s: %s.\n\n", label, strings.Join(parts, "; "))
	}
	if hidden > 0 {
		fmt.Fprintf(b, "%d principals in columns of more than %d are not named: `--all` names everybody.\n\n", hidden, manyListed)
	}
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
// named, unless that is all or there is something to say of it.
func (v *view) mdAccess(r *row, g *group) string {
	var parts []string
	last := (*look)(nil)
	denied := false
	for op := range r.columns {
		l := v.cell(g.class, r, op)
		switch {
		case l == nil:
		case l.access == matrix.Denied && l.condition == "":
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
	refused := ""
	if slices.ContainsFunc(v.notes, func(l *look) bool { return l.access == matrix.Refused }) {
		refused = " × refused: the enforcement point asks nobody."
	}
	b.WriteString("● allowed, ◐ on a condition, ○ unguarded: no policy is asked." + refused + " What is not named is denied. ❗ destructive.\n\n")
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
