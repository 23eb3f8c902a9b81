package report

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// A table is one server's view laid out for a terminal: a column for each
// group, below each other in blocks where there are too many for the width.
type table struct {
	p *printer
	v *view

	sections []tableSection
	name     int // width of the items' names
	sub      int // width of a cell
	gap      int // between columns
	blocks   [][]*tableColumn
	left     int // groups that are in no block

	used        [4]bool // by matrix.Access: occurs
	destructive grounds
}

// A tableSection is the rows of one item type.
type tableSection struct {
	typ    authz.ItemType
	show   []bundle
	folded []*row
}

// A tableColumn is a group laid out.
type tableColumn struct {
	*group
	who, roles []string // the lines of its head
	width      int
}

const (
	cellWidth  = 4  // "call"
	wideLabel  = 24 // the widest head where there is room
	tightLabel = 12 // the widest head where there is not
	maxBlocks  = 6  // more only for Options.All
)

func newTable(p *printer, v *view, o Options) *table {
	t := &table{p: p, v: v, sub: cellWidth}
	for _, typ := range authz.ItemTypes() {
		show, folded := v.fold(typ, o.All)
		if len(show) > 0 {
			t.sections = append(t.sections, tableSection{typ, show, folded})
		}
	}
	longest := 0
	for _, s := range t.sections {
		for _, b := range s.show {
			longest = max(longest, widthOf(p.text(b.label())))
			for _, r := range b {
				t.destructive[r.item.Destructive()]++
			}
		}
	}
	t.destructive[manifest.None] = 0
	conditions := 0
	for _, l := range v.looks.byText {
		t.used[l.access] = true
		if l.condition != "" {
			conditions++
		}
	}
	t.sub = max(cellWidth, 2+len(fmt.Sprint(conditions)))
	t.name = min(longest, max(28, p.width*2/5), p.width-2-2-t.least())
	t.name = max(t.name, len("templates")-2, 8)
	t.arrange(o.All)
	return t
}

// least is the width of the cells of one column.
func (t *table) least() int { return len(t.v.ops)*(t.sub+1) - 1 }

// arrange puts the groups into blocks.
func (t *table) arrange(all bool) {
	for _, wide := range []bool{true, false} {
		label := tightLabel
		t.gap = 2
		if wide {
			label, t.gap = wideLabel, 3
		}
		var columns []*tableColumn
		used := 2 + t.name
		for _, g := range t.v.groups {
			c := t.column(g, max(label, t.least()))
			columns = append(columns, c)
			used += t.gap + c.width
		}
		if used <= t.p.width || !wide {
			t.split(columns, all)
			return
		}
	}
}

// split fills the blocks, evenly: none is left with the odd column.
func (t *table) split(columns []*tableColumn, all bool) {
	fill := func(most int) [][]*tableColumn {
		var blocks [][]*tableColumn
		used := 0
		for _, c := range columns {
			used += t.gap + c.width
			last := len(blocks) - 1
			if last < 0 || used > t.p.width || len(blocks[last]) == most {
				blocks = append(blocks, nil)
				last++
				used = 2 + t.name + t.gap + c.width
			}
			blocks[last] = append(blocks[last], c)
		}
		return blocks
	}
	t.blocks = fill(len(columns))
	n := len(t.blocks)
	if even := fill((len(columns) + n - 1) / n); len(even) == n {
		t.blocks = even
	}
	if n > maxBlocks && !all {
		t.blocks = t.blocks[:maxBlocks]
		t.left = len(columns)
		for _, b := range t.blocks {
			t.left -= len(b)
		}
	}
}

// first is the index of a block's first group.
func (t *table) first(block int) int {
	n := 0
	for _, b := range t.blocks[:block] {
		n += len(b)
	}
	return n
}

// column lays out the head of a group.
func (t *table) column(g *group, label int) *tableColumn {
	c := &tableColumn{group: g, width: t.least()}
	lines := func(texts []string) []string {
		var out []string
		for _, s := range texts {
			parts := chop(t.p.text(s), label)
			if len(parts) > manyNames {
				last := t.p.dots + parts[len(parts)-1]
				parts = append(parts[:manyNames-1], chop(last, label)[0])
			}
			out = append(out, parts...)
		}
		for _, s := range out {
			c.width = max(c.width, widthOf(s))
		}
		return out
	}
	who, roles := g.heads(t.p.times)
	c.who, c.roles = lines(who), lines(roles)
	return c
}
