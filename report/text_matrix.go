package report

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// writeMatrix writes the tables of all servers.
func (p *printer) writeMatrix(m *matrix.Matrix, o Options) {
	some := false
	for _, s := range m.Servers {
		v := newView(m, s, o.filter())
		if len(v.groups) == 0 && !o.filter().isZero() {
			continue // not asked for
		}
		if some {
			p.blank()
		}
		some = true
		p.writeServer(v, o)
	}
	if !some {
		p.line().add(plain, "no cell matches the filter").end()
	}
}

func (p *printer) writeServer(v *view, o Options) {
	p.heading(v.server.Name, v.describe())
	if len(v.groups) == 0 {
		return
	}
	t := newTable(p, v, o)
	columns := 0
	for i, block := range t.blocks {
		p.blank()
		if i > 0 {
			p.heading(v.server.Name, columnsOf(columns+1, columns+len(block), len(t.columns())))
		}
		columns += len(block)
		t.writeBlock(block, i == len(t.blocks)-1)
	}
	p.blank()
	if left := v.leftOut(t.shown()); left != "" {
		p.paragraph(faint, left)
		p.blank()
	}
	t.writeMembers()
	t.writeBundles()
	p.legend(t)
	p.footnotes(v)
}

// heading writes a name and what is said about it.
func (p *printer) heading(name, s string) {
	l := p.line().add(strong, name).add(plain, "  ")
	indent := l.width
	if indent > p.prose/2 {
		l.end()
		l, indent = p.line().to(2), 2
	}
	for i, part := range wrap(p.text(s), p.prose-indent) {
		if i > 0 {
			l = p.line().to(indent)
		}
		l.sign(faint, part).end()
	}
}

func columnsOf(from, to, all int) string {
	if from == to {
		return fmt.Sprintf("column %d of %d", from, all)
	}
	return fmt.Sprintf("columns %d to %d of %d", from, to, all)
}

// describe says in one line what a view is of.
func (v *view) describe() string {
	parts := []string{v.server.Profile.Name}
	for _, t := range authz.ItemTypes() {
		all, shown := len(v.server.Inventory.Of(t)), len(v.of(t))
		switch {
		case all == 0 || shown == 0 && len(v.rows) > 0:
		case shown == all:
			parts = append(parts, count(all, typeName(t)))
		default:
			parts = append(parts, fmt.Sprintf("%d of %s", shown, count(all, typeName(t))))
		}
	}
	all := v.people()
	people := count(all, "principal")
	if v.principals != all {
		people = fmt.Sprintf("%d of %s", v.principals, people)
	}
	if v.classes > 1 || all > 1 {
		people += " in " + count(v.classes, "class") + v.shared()
	}
	return strings.Join(append(parts, people), ", ")
}

// legend explains the symbols that occur.
func (p *printer) legend(t *table) {
	l := p.line()
	part := func(st style, sign, words string) {
		if l.width > 0 && l.width+2+widthOf(sign)+1+len(words) > p.prose {
			l.end()
			l = p.line()
		}
		if l.width > 0 {
			l.to(l.width + 2)
		}
		l.sign(st, sign).add(plain, " "+words)
	}
	for _, a := range []matrix.Access{matrix.Allowed, matrix.Conditional, matrix.Denied, matrix.Refused, matrix.Unguarded} {
		if !t.used[a] {
			continue
		}
		words := a.String()
		if a == matrix.Unguarded {
			words += ": no policy asked"
			if t.v.server.Profile.PassesUncovered() {
				words += ", or none there"
			}
		}
		if a == matrix.Refused {
			words += ": no policy asked"
		}
		part(accessStyle(a), p.access[a], words)
	}
	if words := t.destructive.words(); words != "" {
		part(bad, "!", words)
	}
	l.end()
}

// grounds counts the destructive tools of a table by why they are thought so.
type grounds [4]int // by manifest.Destructive

func (g grounds) words() string {
	all := g[manifest.Declared] + g[manifest.Default] + g[manifest.Inferred]
	var why []string
	for _, by := range []struct {
		ground manifest.Destructive
		words  string
	}{{manifest.Default, "by MCP's default"}, {manifest.Inferred, "inferred from the name"}} {
		switch n := g[by.ground]; n {
		case 0:
		case all:
			why = append(why, by.words)
		default:
			why = append(why, fmt.Sprintf("%d of %d %s", n, all, by.words))
		}
	}
	switch {
	case all == 0:
		return ""
	case len(why) == 0:
		return "destructive"
	}
	return "destructive (" + strings.Join(why, ", ") + ")"
}

// footnotes writes the conditions, and where the rules stand that make them.
func (p *printer) footnotes(v *view) {
	indent := 0
	for _, l := range v.notes {
		indent = max(indent, widthOf(p.footnote(l.note))+1)
	}
	for _, n := range v.notes {
		places := n.where()
		text := wrap(p.text(n.condition), p.prose-indent)
		for i, s := range text {
			l := p.line()
			if i == 0 {
				l.sign(accessStyle(n.access), p.footnote(n.note))
			}
			l.to(indent).sign(plain, s)
			if i == len(text)-1 && len(places) > 0 && l.right(places[0]) {
				places = places[1:]
			}
			l.end()
		}
		for _, s := range places {
			l := p.line().to(indent - 3)
			if !l.right(s) {
				l.to(indent).add(faint, s)
			}
			l.end()
		}
	}
}

func (p *printer) footnote(n int) string {
	if p.ascii {
		return fmt.Sprint(n)
	}
	return superscript(n)
}

// paragraph writes text over as many lines as it needs.
func (p *printer) paragraph(st style, s string) {
	for _, part := range wrap(p.text(s), p.prose) {
		p.line().sign(st, part).end()
	}
}
