package report

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
)

func (m *markdown) overviews() {
	list := overviews(m.d.Matrix, m.o.filter())
	if len(list) == 0 {
		m.frame("No cell matches the filter.\n\n")
	}
	for _, v := range list {
		m.add(matrixRank, "overview", v.markdown(m.o.All))
	}
}

func (o *overview) markdown(all bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** %s\n\n%s\n\n", mdText(o.server.Name), mdText(o.describe()), mdText(o.cellWords()))
	groups, left := o.shown(all)
	for _, t := range authz.ItemTypes() {
		if o.items[t] == 0 {
			continue
		}
		columns := o.columns(t)
		fmt.Fprintf(&b, "| %s | principals |", sectionName(t))
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", c.head)
		}
		b.WriteString("\n|---|--:|" + strings.Repeat("--:|", len(columns)) + "\n")
		for _, g := range groups {
			fmt.Fprintf(&b, "| %s | %d |", mdText(strings.Join(g.roles, ", ")), g.principals)
			for _, c := range columns {
				fmt.Fprintf(&b, " %s |", c.value(g))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	if s := o.legend(); s != "" {
		b.WriteString(s + "\n\n")
	}
	if left != "" {
		b.WriteString(mdText(left) + "\n\n")
	}
	return b.String()
}
