package diff

import (
	"cmp"
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
)

// Saved is a matrix that was written as JSON: what each cell was, and nothing of what made
// it so.
type Saved map[SavedKey]SavedCell

// A SavedKey names a cell.
type SavedKey struct {
	Principal string
	Server    string
	Type      authz.ItemType
	Name      string
	Operation authz.Operation
}

// A SavedCell is what a cell was.
type SavedCell struct {
	Access    matrix.Access
	Condition string
}

// CompareSaved says what changed from a saved matrix to head. How two conditions relate is
// not known unless they read the same, nor is anything of who is not declared.
func CompareSaved(ctx context.Context, base Saved, head *Side) (*Result, error) {
	if err := head.Decide(ctx, head.Matrix.Columns); err != nil {
		return nil, err
	}
	r := &Result{Head: head.Matrix}
	had, gone := map[columnKey]bool{}, map[SavedKey]bool{}
	for key := range base {
		had[key.column()] = true
		gone[key] = true
	}
	for _, col := range head.Matrix.Columns {
		if !had[keyOf(col)] && col.Operation != authz.List {
			r.Items = append(r.Items, Item{Server: col.Server, Item: col.Item, Change: "added"})
		}
		index := map[[2]string]int{}
		for _, class := range head.Matrix.Classes {
			cell := head.Matrix.Cell(class, col)
			for _, p := range class.Principals {
				r.Compared++
				key := SavedKey{p.Key, col.Server.Name, col.Item.Type, col.Item.Name, col.Operation}
				was, known := base[key]
				delete(gone, key)
				x := Cell{Column: col, Head: cell}
				if known {
					x.Base = was.cell()
				}
				if x.Comparison = compareWords(x.Base, cell); x.isEqual() {
					continue
				}
				at := [2]string{Access(x.Base) + conditions(x.Base, nil), Access(cell) + conditions(cell, nil)}
				i, seen := index[at]
				if !seen {
					i = len(r.Cells)
					index[at] = i
					r.Cells = append(r.Cells, x)
				}
				r.Cells[i].Principals = append(r.Cells[i].Principals, p)
			}
		}
	}
	r.Cells = append(r.Cells, lost(base, gone, head)...)
	return r, nil
}

func (k SavedKey) column() columnKey { return columnKey{k.Server, k.Type, k.Name, k.Operation} }

func (c SavedCell) cell() *matrix.Cell {
	cell := &matrix.Cell{Access: c.Access}
	if c.Access == matrix.Conditional {
		cell.Condition = authz.Unwritten(c.Condition)
	}
	return cell
}

// compareWords compares cells of which only the words are known.
func compareWords(base, head *matrix.Cell) Comparison {
	of := func(c *matrix.Cell) int {
		if c == nil {
			return 0
		}
		return map[matrix.Access]int{matrix.Denied: 0, matrix.Conditional: 1, matrix.Allowed: 2, matrix.Unguarded: 3}[c.Access] // and 0 for what is refused
	}
	was, is := of(base), of(head)
	switch {
	case was == is && (was != 1 || base.Condition.String() == head.Condition.String()):
		return equal
	case was == is:
		return Comparison{Open: []string{"a saved matrix does not tell how its condition relates to another"}}
	case is > was:
		return Comparison{Kind: Widened, Relation: known(was, is, solver.Wider)}
	}
	return Comparison{Kind: Narrowed, Relation: known(was, is, solver.Narrower)}
}

// known returns a relation, but for a condition and what is always allowed, which can be
// equal.
func known(was, is int, r solver.Relation) solver.Relation {
	if min(was, is) == 1 && max(was, is) == 2 {
		return solver.Unrelated
	}
	return r
}

// lost returns the cells that head does not have and that were not denied.
func lost(base Saved, gone map[SavedKey]bool, head *Side) []Cell {
	var keys []SavedKey
	for key := range gone {
		if base[key].Access.Possible() {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b SavedKey) int {
		return cmp.Or(cmp.Compare(a.Server, b.Server), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Principal, b.Principal))
	})
	columns := map[columnKey]*matrix.Column{}
	for _, col := range head.Matrix.Columns {
		columns[keyOf(col)] = col
	}
	var list []Cell
	for _, key := range keys {
		col := columns[key.column()]
		if col == nil {
			col = &matrix.Column{
				Server: &matrix.Server{Name: key.Server}, Operation: key.Operation,
				Item: &manifest.Item{Type: key.Type, Name: key.Name},
			}
			columns[key.column()] = col
		}
		who := &authz.Principal{Key: key.Principal, ID: key.Principal}
		if class := head.Matrix.ClassOf(key.Principal); class != nil {
			who = class.Principals[slices.IndexFunc(class.Principals, func(p *authz.Principal) bool { return p.Key == key.Principal })]
		}
		list = append(list, Cell{
			Comparison: Comparison{Kind: Narrowed, Relation: solver.Narrower}, Column: col,
			Principals: []*authz.Principal{who}, Base: base[key].cell(),
		})
	}
	return list
}
