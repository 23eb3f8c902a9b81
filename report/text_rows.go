package report

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/manifest"
)

// writeBlock writes the sections of some columns. The last block says what is
// folded away.
func (t *table) writeBlock(columns []*tableColumn, last bool) {
	t.writeHead(columns)
	for _, s := range t.sections {
		t.writeSection(s, columns)
		if last && len(s.folded) > 0 {
			t.writeFolded(s)
		}
	}
}

func (t *table) writeSection(s tableSection, columns []*tableColumn) {
	l := t.p.line().add(strong, sectionName(s.typ))
	at := 2 + t.name + t.gap
	for _, c := range columns {
		for i, op := range t.v.ops {
			l.to(at+i*(t.sub+1)).add(faint, operation(s.typ, op).String())
		}
		at += c.width + t.gap
	}
	l.end()
	for _, b := range s.show {
		t.writeRow(b, columns)
	}
}

func (t *table) writeRow(b bundle, columns []*tableColumn) {
	r := b[0]
	l := t.p.line()
	if r.item.Destructive() != manifest.None {
		l.add(bad, "!")
	}
	l.to(2)
	name := t.p.text(b.label())
	if widthOf(name) > t.name { // its cells go below it
		for _, part := range chop(name, t.p.width-2) {
			l.to(2).sign(plain, part).end()
			l = t.p.line()
		}
	} else {
		l.sign(plain, name)
	}
	at := 2 + t.name + t.gap
	for _, c := range columns {
		for i, op := range t.v.ops {
			if look := t.v.cell(c.class, r, op); look != nil {
				l.to(at+i*(t.sub+1)+1).sign(accessStyle(look.access), t.p.access[look.access])
				if n := t.v.number(look); n > 0 {
					l.sign(partly, t.p.footnote(n))
				}
			}
		}
		at += c.width + t.gap
	}
	l.end()
}

// writeFolded says what the rows are that are not shown.
func (t *table) writeFolded(s tableSection) {
	for i, part := range wrap(t.p.text(t.v.foldedWords(s.typ, s.folded)), t.p.width-2) {
		l := t.p.line().to(2)
		if i > 0 {
			l.to(4)
		}
		l.sign(faint, part).end()
	}
}

// writeBundles names the items of rows that stand for several.
func (t *table) writeBundles() {
	some := false
	for _, s := range t.sections {
		for _, b := range s.show {
			if len(b) < minBundle {
				continue
			}
			if !some {
				t.p.paragraph(faint, "+n: that many more with the same access, as follows. --all gives each its row.")
			}
			some = true
			t.writeBundle(b)
		}
	}
	if some {
		t.p.blank()
	}
}

func (t *table) writeBundle(b bundle) {
	var names []string
	for _, r := range b[1:] {
		names = append(names, r.item.Name)
	}
	text := t.p.text(b.label() + "  " + strings.Join(names, ", "))
	for i, part := range wrap(text, t.p.prose-2) {
		t.p.line().to(2*min(i, 1)).sign(plain, part).end()
	}
}
