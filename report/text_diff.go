package report

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/diff"
)

// writeDiff writes what changed: who gains what first, then what is not known, what
// closes, what the inventories have, and what is over the budget.
func (p *printer) writeDiff(d *Document) {
	x := d.Diff
	if x == nil {
		return
	}
	if x.Missing != "" {
		p.changed(faint, "note", func(e *entry) { e.text(plain, x.Missing) })
	}
	for i := range x.groups {
		if !p.byRule {
			p.writeChange(x, &x.groups[i])
		}
	}
	if p.byRule {
		for _, r := range x.byRule() {
			p.changed(strong, "rule", func(e *entry) {
				e.placed(r.pos, r.text)
				for _, text := range r.changes {
					e.text(plain, text)
				}
			})
		}
	}
	p.writeItems(x)
	for _, text := range x.principalLines() {
		p.changed(plain, "people", func(e *entry) { e.text(plain, text) })
	}
	for i := range x.Future {
		p.changed(plain, "later", func(e *entry) {
			e.text(plain, x.laterText(i))
			if !p.short {
				writeCauses(e, x.Future[i].Causes)
			}
		})
	}
	for _, col := range x.Beyond {
		p.changed(faint, "note", func(e *entry) { e.text(plain, beyondSentence(col.Item.Name)) })
	}
	for _, text := range x.Over() {
		p.changed(bad, "budget", func(e *entry) {
			e.text(plain, text)
			if pos := x.budgetPos().String(); pos != "" {
				e.text(faint, pos)
			}
		})
	}
	if len(x.groups) == 0 {
		p.changed(good, "same", func(e *entry) { e.text(plain, "no access changed from "+x.Base+" to "+x.Head) })
	}
	p.blank()
}

// fewItems is up to how many items that changed in the same way have a line each.
const fewItems = 5

// writeItems writes what changed of the items of inventories: what came, what went and what has
// other hints first, and each where it stands. What many have otherwise is one entry that names
// them all, so that it hides nothing that is new.
func (p *printer) writeItems(x *Diff) {
	type kind struct {
		server, change string
		of             authz.ItemType
	}
	kindOf := func(one *diff.Item) kind { return kind{one.Server.Name, one.Change, one.Item.Type} }
	alike := map[kind][]int{}
	for i := range x.Items {
		switch one := &x.Items[i]; one.Change {
		case "schema", "description", "title", "tags":
			alike[kindOf(one)] = append(alike[kindOf(one)], i)
		}
	}
	var many []kind
	for i := range x.Items {
		one := &x.Items[i]
		if k := kindOf(one); len(alike[k]) > fewItems {
			if alike[k][0] == i {
				many = append(many, k)
			}
			continue
		}
		p.changed(itemStyle(one), itemLabel(one), func(e *entry) {
			e.text(plain, x.itemText(i))
			if one.Change != "removed" {
				e.text(faint, one.Item.Pos.String())
			}
		})
	}
	for _, k := range many {
		first := &x.Items[alike[k][0]]
		var named []string
		for _, i := range alike[k] {
			named = append(named, x.Items[i].Item.Name)
		}
		text := fmt.Sprintf("%s of %s have %s", count(len(named), k.of.String()), k.server, another[k.change])
		p.changed(itemStyle(first), itemLabel(first), func(e *entry) {
			e.text(plain, text)
			e.text(faint, strings.Join(named, ", "))
		})
	}
}

func beyondSentence(name string) string {
	return fmt.Sprintf("the policies allow more calls of %s than before, and its inputSchema refuses them all", name)
}

func (p *printer) writeChange(d *Diff, g *diff.Group) {
	st := plain
	switch g.Kind {
	case diff.Widened, diff.Changed:
		st = bad
	case diff.Unknown:
		st = partly
	case diff.Narrowed:
	}
	p.changed(st, g.Kind.String(), func(e *entry) {
		e.text(strong, sentenceOf(g))
		if g.Destructive() && g.Kind.Gains() {
			e.right(e.last(), "! destructive")
		}
		if p.short {
			return
		}
		for _, text := range d.details(g) {
			e.text(plain, text)
		}
		writeCauses(e, g.Causes)
	})
}

func writeCauses(e *entry, causes []diff.Cause) {
	for i := range causes {
		here := e.p.here
		if causes[i].Base {
			e.p.here = e.p.was
		}
		e.placed(causes[i].Pos.String(), causeWords(&causes[i]))
		e.p.here = here
	}
}

// changeWidth is the width of "narrowed  ".
const changeWidth = 10

// changed writes lines beside a label that is wider than that of findings, and no blank
// line behind them.
func (p *printer) changed(st style, label string, write func(*entry)) {
	e := p.entry(st, label)
	e.indent = changeWidth
	write(e)
	for _, l := range e.lines {
		l.end()
	}
}

func itemLabel(x *diff.Item) string {
	if label, ok := map[string]string{"added": "new", "removed": "gone", "hints": "hint", "description": "text", "title": "text"}[x.Change]; ok {
		return label
	}
	return x.Change
}

func itemStyle(x *diff.Item) style {
	switch x.Change {
	case "hints", "schema":
		return partly
	case "added":
		return strong
	}
	return plain
}

// principalLines say which principals came, went or are declared otherwise.
func (d *Diff) principalLines() []string {
	of := map[string][]*authz.Principal{}
	var order []string
	for _, x := range d.Principals {
		if of[x.Change] == nil {
			order = append(order, x.Change)
		}
		of[x.Change] = append(of[x.Change], x.Principal)
	}
	var lines []string
	for _, change := range order {
		text := names(of[change], namedAtMost*2)
		switch change {
		case "added":
			text = "new: " + text
		case "removed":
			text = "gone: " + text
		default:
			text = "other " + change + ": " + text
		}
		lines = append(lines, text)
	}
	return lines
}
