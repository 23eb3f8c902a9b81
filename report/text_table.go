package report

import (
	"fmt"
	"slices"

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
	told     bool // columns say which kind of principals they are of
	all      bool // name everybody

	used        [5]bool // by matrix.Access: occurs
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
	number     int      // from 1, among those that are shown
	who, roles []string // the lines of its head
	width      int
	listed     bool // its principals are named below the table
}

const (
	cellWidth  = 4  // "call"
	wideLabel  = 24 // the widest head where there is room
	tightLabel = 12 // the widest head where there is not
	maxBlocks  = 6  // more only for Options.All
)

func newTable(p *printer, v *view, o Options) *table {
	t := &table{p: p, v: v, sub: cellWidth, told: v.told(), all: o.All}
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
	t.arrange(v.groups)
	for most := maxBlocks; len(t.blocks) > maxBlocks && !o.All; most-- {
		groups := 0
		for _, b := range t.blocks[:most] {
			groups += len(b)
		}
		t.arrange(v.largest(groups))
	}
	return t
}

// least is the width of the cells of one column.
func (t *table) least() int { return len(t.v.ops)*(t.sub+1) - 1 }

// arrange puts groups into blocks.
func (t *table) arrange(groups []*group) {
	for _, wide := range []bool{true, false} {
		label := tightLabel
		t.gap = 2
		if wide {
			label, t.gap = wideLabel, 3
		}
		var columns []*tableColumn
		used := 2 + t.name
		for i, g := range groups {
			c := t.column(g, i+1, max(label, t.least()))
			columns = append(columns, c)
			used += t.gap + c.width
		}
		if used <= t.p.width || !wide {
			t.split(columns)
			return
		}
	}
}

// split fills the blocks, evenly: none is left with the odd column.
func (t *table) split(columns []*tableColumn) {
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
}

// columns are those of all blocks.
func (t *table) columns() []*tableColumn { return slices.Concat(t.blocks...) }

// shown are the groups that have a column.
func (t *table) shown() []*group {
	var groups []*group
	for _, c := range t.columns() {
		groups = append(groups, c.group)
	}
	return groups
}
