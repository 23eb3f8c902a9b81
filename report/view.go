package report

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A view is what a filter leaves of one server: rows of items, and groups of
// principals whose cells all look the same.
type view struct {
	matrix *matrix.Matrix
	server *matrix.Server
	filter *Filter
	looks  *looks

	groups     []*group
	rows       []*row  // destructive ones first, then by how many get in
	ops        []int   // of list and use, those that have a cell: 0, 1
	principals int     // that the filter chose
	classes    int     // that these are in
	different  int     // those of them that look different
	notes      []*look // the conditions, once each: filled while cells are shown
}

// A row is an item and its columns: list and use. One that the filter leaves
// out is nil.
type row struct {
	item    *manifest.Item
	columns [2]*matrix.Column

	key     string // the same for rows that look the same, destructive ones or others
	uniform bool   // it looks the same in all groups
	reach   reach
}

func newView(m *matrix.Matrix, s *matrix.Server, f *Filter) *view {
	v := &view{matrix: m, server: s, filter: f, looks: newLooks()}
	if !f.server(s) {
		return v
	}
	for col := range m.ColumnsOf(s) {
		if col.Operation != authz.List {
			continue
		}
		r := &row{item: col.Item}
		for i, c := range []*matrix.Column{col, col.Twin} {
			if f.column(c) {
				r.columns[i] = c
			}
		}
		v.rows = append(v.rows, r)
	}
	v.group()
	return v
}

// group puts the principals into groups and drops what has no cell.
func (v *view) group() {
	byLook := map[string]*[authz.Agent + 1]*group{}
	shown := make([][2]bool, len(v.rows))
	for _, c := range v.matrix.Classes {
		chosen := v.filter.principals(c)
		if len(chosen) == 0 {
			continue
		}
		key, some := v.signature(c, shown)
		if !some {
			continue
		}
		v.classes++
		v.principals += len(chosen)
		of := byLook[key]
		if of == nil {
			of = &[authz.Agent + 1]*group{}
			byLook[key] = of
			v.different++
		}
		for _, p := range chosen {
			g := of[p.Kind]
			if g == nil {
				g = &group{class: c, kind: p.Kind}
				of[p.Kind] = g
				v.groups = append(v.groups, g)
			}
			g.principals = append(g.principals, p)
		}
	}
	v.join()
	v.keep(shown)
	v.arrange()
}

// join makes one group of everyone, where all look the same and are too many to
// name, and else puts agents before people, by their names.
func (v *view) join() {
	if v.different == 1 && v.principals == v.people() && v.principals > manyNames {
		everyone := &group{class: v.groups[0].class, everyone: true}
		for _, c := range v.matrix.Classes {
			everyone.principals = append(everyone.principals, c.Principals...)
		}
		v.groups = []*group{everyone}
		return
	}
	slices.SortStableFunc(v.groups, func(a, b *group) int {
		return cmp.Or(slices.Index(kinds, a.kind)-slices.Index(kinds, b.kind), strings.Compare(a.principals[0].Key, b.principals[0].Key))
	})
}

// keep keeps the rows that show, and the operations.
func (v *view) keep(shown [][2]bool) {
	var ops [2]bool
	rows := v.rows
	v.rows = nil
	for i, r := range rows {
		ops[0], ops[1] = ops[0] || shown[i][0], ops[1] || shown[i][1]
		if shown[i][0] || shown[i][1] {
			v.rows = append(v.rows, r)
		}
	}
	for i, has := range ops {
		if has {
			v.ops = append(v.ops, i)
		}
	}
}

// people counts the principals of the matrix.
func (v *view) people() int {
	n := 0
	for _, c := range v.matrix.Classes {
		n += len(c.Principals)
	}
	return n
}

// signature returns a key for what the cells of a class look like, and whether
// there are any. It marks the columns that show.
func (v *view) signature(c *matrix.Class, shown [][2]bool) (key string, some bool) {
	b := make([]byte, 0, 8*len(v.rows))
	for i, r := range v.rows {
		for j := range r.columns {
			l := v.cell(c, r, j)
			id := uint32(0)
			if l != nil {
				id, some = l.id, true
				shown[i][j] = true
			}
			b = binary.LittleEndian.AppendUint32(b, id)
		}
	}
	return string(b), some
}

// cell returns what a cell looks like, or nil if the filter leaves it out.
func (v *view) cell(c *matrix.Class, r *row, op int) *look {
	col := r.columns[op]
	if col == nil {
		return nil
	}
	cell := v.matrix.Cell(c, col)
	if !v.filter.Only.has(cell.Access) {
		return nil
	}
	return v.looks.of(cell, through(v.matrix, c, col))
}

// number returns the number of a look's condition among the footnotes, in the
// order of asking, or 0 if it has none.
func (v *view) number(l *look) int {
	if l == nil || l.condition == "" {
		return 0
	}
	if l.note == 0 {
		v.notes = append(v.notes, l)
		l.note = len(v.notes)
	}
	return l.note
}

func (v *view) of(t authz.ItemType) []*row {
	var rows []*row
	for _, r := range v.rows {
		if r.item.Type == t {
			rows = append(rows, r)
		}
	}
	return rows
}
