package report

import (
	"fmt"
	"strconv"
	"strings"
)

// maxHead is how many lines of names and roles a column has above it. What takes
// more is named below the table.
const maxHead = 6

// column lays out the head of a group, the names above their roles.
func (t *table) column(g *group, number, label int) *tableColumn {
	c := &tableColumn{group: g, number: number}
	sets := g.roleSets()
	switch {
	case g.everyone:
		c.who, c.listed = []string{fmt.Sprintf("everyone %s%d", t.p.times, len(g.principals))}, t.all
	case len(g.principals) > headNames || !t.named(c, sets, label):
		c.who = []string{fmt.Sprintf("#%d %s%d", number, t.p.times, len(g.principals))}
		c.roles, c.listed = t.lines(counted(sets, maxHead/2, t.p.times), label), true
		if len(c.roles) > maxHead {
			c.roles = append(c.roles[:maxHead-1], t.p.dots)
		}
	}
	c.width = t.least()
	if t.told {
		c.width = max(c.width, len(kindName(g.kind)))
	}
	for _, lines := range [][]string{c.who, c.roles} {
		for _, s := range lines {
			c.width = max(c.width, widthOf(s))
		}
	}
	return c
}

// named lays out a head that has all names, each set of roles below the names that
// it belongs to. It reports whether that is short enough.
func (t *table) named(c *tableColumn, sets []roleSet, label int) bool {
	if len(sets) == 1 {
		c.who, c.roles = t.names(sets[0].names, label), t.lines([]string{sets[0].roles}, label)
		return len(c.who)+len(c.roles) <= maxHead
	}
	for _, s := range sets {
		names := t.names(s.names, label-1)
		last := len(names) - 1
		names[last] += ":"
		if roles := " " + t.p.text(s.roles); widthOf(names[last]+roles) <= label {
			names[last] += roles
		} else {
			for _, part := range chop(roles[1:], label-1) {
				names = append(names, " "+part)
			}
		}
		c.who = append(c.who, names...)
	}
	return len(c.who) <= maxHead
}

// lines breaks texts into lines, each at least one.
func (t *table) lines(texts []string, label int) []string {
	var out []string
	for _, s := range texts {
		out = append(out, chop(t.p.text(s), label)...)
	}
	return out
}

// names is join for names that may be longer than the lines, which breaks them.
func (t *table) names(names []string, label int) []string {
	var lines []string
	for _, s := range t.p.join(names, label) {
		if widthOf(s) <= label {
			lines = append(lines, s)
			continue
		}
		name, more := strings.CutSuffix(s, ",")
		parts := chop(name, label-1)
		if more {
			parts[len(parts)-1] += ","
		}
		lines = append(lines, parts...)
	}
	return lines
}

// writeHead writes what stands above the cells of some columns.
func (t *table) writeHead(columns []*tableColumn) {
	if t.told {
		t.writeKinds(columns)
	}
	names, height := 0, 0 // lines of names above roles, and of heads as a whole
	for _, c := range columns {
		if len(c.roles) > 0 {
			names = max(names, len(c.who))
		}
	}
	for _, c := range columns {
		height = max(height, len(c.who), names+len(c.roles))
	}
	for i := range height {
		l := t.p.line()
		at := 2 + t.name + t.gap
		for _, c := range columns {
			switch roles := i - names; {
			case i < len(c.who):
				l.to(at).sign(strong, c.who[i])
			case roles >= 0 && roles < len(c.roles):
				l.to(at).sign(faint, c.roles[roles])
			}
			at += c.width + t.gap
		}
		l.end()
	}
}

// writeKinds says where the columns of agents, people and workloads begin.
func (t *table) writeKinds(columns []*tableColumn) {
	l := t.p.line()
	at := 2 + t.name + t.gap
	for i, c := range columns {
		if i == 0 || columns[i-1].kind != c.kind {
			l.to(at).add(faint, kindName(c.kind))
		}
		at += c.width + t.gap
	}
	l.end()
}

// writeMembers names the principals of the columns that only count them.
func (t *table) writeMembers() {
	some, hidden := false, 0
	for _, c := range t.columns() {
		if !c.listed {
			continue
		}
		words, named := c.members(t.all, t.p.times)
		if !named {
			hidden += len(c.principals)
			if len(c.roleSets()) <= maxHead/2 {
				continue // its head says as much
			}
		}
		if !some && !c.everyone {
			t.p.paragraph(faint, "#n: the nth column, counted over all blocks, and who is in it")
		}
		some = true
		for i, part := range wrap(c.who[0]+"  "+t.p.text(words), t.p.prose-2) {
			t.p.line().to(2*min(i, 1)).sign(plain, part).end()
		}
	}
	if hidden > 0 {
		t.p.paragraph(faint, strconv.Itoa(hidden)+" principals in columns of more than "+strconv.Itoa(manyListed)+" are not named: --all names everybody")
		some = true
	}
	if some {
		t.p.blank()
	}
}
