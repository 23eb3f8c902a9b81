package report

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

func (m *markdown) overviews() {
	list := overviews(m.d.Matrix, m.o.filter())
	if len(list) == 0 {
		m.frame("No cell matches the filter.\n\n")
	}
	for _, v := range list {
		m.add(m.matrixRank(), "overview", v.markdown(m.o.All), "")
	}
}

// numbers returns the matrix of a server in numbers, which is shorter, or "".
func (m *markdown) numbers(s *matrix.Server) string {
	if v := newOverview(m.d.Matrix, s, m.o.filter()); v.principals > 0 {
		return v.markdown(false)
	}
	return ""
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
		who, values := o.who()
		fmt.Fprintf(&b, "| %s | %s |", sectionName(t), strings.Join(who, " | "))
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", c.head)
		}
		b.WriteString("\n|---|" + strings.Repeat("--:|", len(who)+len(columns)) + "\n")
		for _, g := range groups {
			fmt.Fprintf(&b, "| %s | %s |", mdText(strings.Join(g.roles, ", ")), strings.Join(values(g), " | "))
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
