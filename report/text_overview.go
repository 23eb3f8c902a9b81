package report

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// writeOverviews writes the matrix in numbers.
func (p *printer) writeOverviews(m *matrix.Matrix, o Options) {
	list := overviews(m, o.filter())
	if len(list) == 0 {
		p.line().add(plain, "no cell matches the filter").end()
	}
	for i, v := range list {
		if i > 0 {
			p.blank()
		}
		p.heading(v.server.Name, v.describe())
		p.paragraph(faint, v.cellWords())
		for _, t := range authz.ItemTypes() {
			if v.items[t] > 0 {
				p.writeOverview(v, t, o.All)
			}
		}
		if s := v.legend(); s != "" {
			p.blank()
			p.paragraph(faint, s)
		}
		if _, left := v.shown(o.All); left != "" {
			p.paragraph(faint, left)
		}
	}
}

func (p *printer) writeOverview(v *overview, t authz.ItemType, all bool) {
	columns := v.columns(t)
	groups, _ := v.shown(all)
	who, values := v.who()
	heads := append([]string{sectionName(t)}, who...)
	for _, c := range columns {
		heads = append(heads, c.head)
	}
	rows := [][]string{heads}
	for _, g := range groups {
		row := append([]string{"  " + p.text(strings.Join(g.roles, ", "))}, values(g)...)
		for _, c := range columns {
			row = append(row, c.value(g))
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(heads))
	for _, row := range rows {
		for i, s := range row {
			widths[i] = max(widths[i], widthOf(s))
		}
	}
	numbers := 0
	for _, w := range widths[1:] {
		numbers += w + 2
	}
	widths[0] = max(min(widths[0], p.width-numbers), minWidth/2)
	p.blank()
	for i, row := range rows {
		p.overviewRow(row, widths, columns, i == 0)
	}
}

// overviewRow writes a row. Roles that are too long for their column stand on
// lines of their own above the numbers.
func (p *printer) overviewRow(row []string, widths []int, columns []overviewColumn, head bool) {
	who := len(row) - 1 - len(columns) // numbers of principals
	parts := chop(row[0], widths[0])
	for i, s := range parts[1:] {
		parts[i+1] = "  " + strings.TrimLeft(s, " ")
	}
	for _, s := range parts[:len(parts)-1] {
		p.line().sign(plain, s).end()
	}
	l := p.line().sign(plain, parts[len(parts)-1])
	at := widths[0]
	for i, s := range row[1:] {
		at += 2 + widths[i+1]
		st := plain
		switch {
		case head:
			st = faint
		case i >= who && s != "0":
			st = accessStyle(columns[i-who].access)
		}
		l.to(at-widthOf(s)).sign(st, s)
	}
	l.end()
}
