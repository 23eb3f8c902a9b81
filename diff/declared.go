package diff

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// declared compares the cells of all declared principals.
func (c *comparer) declared(ctx context.Context, r *Result) error {
	all := c.people()
	if err := c.decide(ctx, all); err != nil {
		return err
	}
	for _, p := range c.pairs {
		for _, of := range all {
			r.Compared += len(of.list)
		}
		found, err := c.differing(ctx, p, all)
		if err != nil {
			return err
		}
		r.Cells = append(r.Cells, found...)
		beyond, err := c.beyondSchema(ctx, p, all)
		if err != nil {
			return err
		}
		if beyond {
			r.Beyond = append(r.Beyond, p.head)
		}
	}
	return nil
}

// decide decides what has to be compared.
func (c *comparer) decide(ctx context.Context, all []*people) error {
	var base, head []*matrix.Column
	for _, p := range c.pairs {
		if p.settled(all) {
			continue
		}
		if p.base != nil {
			base = append(base, p.base)
		}
		if p.head != nil {
			head = append(head, p.head)
		}
	}
	if err := c.in.Head.Decide(ctx, head); err != nil || c.in.Base == nil {
		return err
	}
	return c.in.Base.Decide(ctx, base)
}

// settled reports whether nothing can have changed in a pair.
func (p *pair) settled(all []*people) bool {
	return p.same && sameSchemas(p.baseSchema, p.headSchema) && !slices.ContainsFunc(all, func(of *people) bool { return !of.same })
}

// cells are those of some people on both sides.
type cells struct{ base, head *matrix.Cell }

// differing returns the cells of a pair that differ.
func (c *comparer) differing(ctx context.Context, p *pair, all []*people) ([]Cell, error) {
	if p.settled(all) {
		return nil, nil
	}
	open, err := c.opened(ctx, p)
	if err != nil {
		return nil, err
	}
	var list []Cell
	index := map[string]int{}
	for _, of := range all {
		if p.same && of.same && sameSchemas(p.baseSchema, p.headSchema) {
			continue
		}
		looked := open(of)
		if (looked.base == nil || plainly(looked.base, matrix.Denied)) && (looked.head == nil || plainly(looked.head, matrix.Denied)) {
			continue
		}
		q := &question{
			pair: p, baseCell: looked.base, headCell: looked.head, baseWho: of.first(true), headWho: of.first(false),
			alike: p.same && of.same,
		}
		answer, err := c.compare(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("compare %s of %s: %w", p.column().Operation, p.column().Item.Name, err)
		}
		if answer.isEqual() {
			continue
		}
		told := c.told(p, of)
		key := fmt.Sprintf("%p %p %s", told.base, told.head, q.key())
		i, known := index[key]
		if !known {
			i = len(list)
			index[key] = i
			x := Cell{Comparison: answer, Column: p.column(), Base: told.base, Head: told.head}
			x.Causes = c.causes(p, looked.base, looked.head, answer.Kind)
			list = append(list, x)
		}
		list[i].Principals = append(list[i].Principals, of.list...)
		if c.in.Base != nil {
			list[i].Causes = append(list[i].Causes, declarations(of)...)
		}
		c.show(p, of, answer.Kind)
	}
	for i := range list {
		x := &list[i]
		slices.SortFunc(x.Principals, func(a, b *authz.Principal) int { return cmp.Compare(a.Key, b.Key) })
		x.Causes = distinct(x.Causes)
	}
	return list, nil
}

// plainly reports whether a cell is of an access, with nothing open.
func plainly(cell *matrix.Cell, access matrix.Access) bool {
	return cell.Access == access && cell.Open().IsZero()
}

// told returns the cells as the matrices have them.
func (c *comparer) told(p *pair, of *people) cells {
	var x cells
	if p.base != nil && of.base != nil {
		x.base = c.in.Base.Matrix.Cell(of.base, p.base)
	}
	if p.head != nil && of.head != nil {
		x.head = c.in.Head.Matrix.Cell(of.head, p.head)
	}
	return x
}

// opened returns the cells to compare: as the matrices have them, or with the clock left
// open where that matters.
func (c *comparer) opened(ctx context.Context, p *pair) (func(*people) cells, error) {
	if !p.timed {
		return func(of *people) cells { return c.told(p, of) }, nil
	}
	base, head := map[*matrix.Class]*matrix.Cell{}, map[*matrix.Class]*matrix.Cell{}
	look := func(s *Side, col *matrix.Column, into map[*matrix.Class]*matrix.Cell) error {
		if col == nil {
			return nil
		}
		list := make([]*authz.Principal, len(s.Matrix.Classes))
		for i, class := range s.Matrix.Classes {
			list[i] = class.First()
		}
		found, err := s.Matrix.Look(ctx, col.Open(false, true), list)
		for i, cell := range found {
			into[s.Matrix.Classes[i]] = cell
		}
		return err
	}
	if err := look(c.in.Base, p.base, base); err != nil {
		return nil, err
	}
	if err := look(c.in.Head, p.head, head); err != nil {
		return nil, err
	}
	return func(of *people) cells { return cells{base[of.base], head[of.head]} }, nil
}

// beyondSchema reports whether policies allow somebody more calls than before that only
// the inputSchema refuses.
func (c *comparer) beyondSchema(ctx context.Context, p *pair, all []*people) (bool, error) {
	if p.base == nil || p.head == nil || p.same || p.headSchema == nil || p.timed {
		return false, nil
	}
	free := *p
	free.baseSchema, free.headSchema, free.known = nil, nil, map[string]Comparison{}
	for _, of := range all {
		told := c.told(p, of)
		if told.base == nil || told.head == nil || told.base.Open().IsZero() && told.head.Open().IsZero() {
			continue
		}
		within, err := c.compare(ctx, &question{pair: p, baseCell: told.base, headCell: told.head, baseWho: of.first(true), headWho: of.first(false), alike: false})
		if err != nil {
			return false, err
		}
		if !within.isEqual() {
			continue
		}
		free := &question{pair: &free, baseCell: unsettled(told.base), headCell: unsettled(told.head), baseWho: of.first(true), headWho: of.first(false)}
		if answer, err := c.compare(ctx, free); err != nil || !answer.isEqual() && (answer.Kind == Widened || answer.Kind == Changed) {
			return err == nil, err
		}
	}
	return false, nil
}

// unsettled returns a cell as the engine left it, whatever the inputSchema allows.
func unsettled(cell *matrix.Cell) *matrix.Cell {
	if !cell.Settlement.BySchema {
		return cell
	}
	open := *cell
	open.Access, open.Condition, open.Settlement = matrix.Conditional, cell.Settlement.Condition, matrix.Settlement{}
	return &open
}

// A shown says of which declared principals gain, or lose, in a column.
type shown struct{ roles, ids map[string]bool }

type showing struct {
	pair *pair
	gain bool
}

// show takes down whose gains or losses are shown. Whoever has other roles now shows
// nothing of those who have not.
func (c *comparer) show(p *pair, of *people, kind Kind) {
	if was, is := of.first(true), of.first(false); was != nil && is != nil && !sameSet(was.Roles, is.Roles) {
		return
	}
	who := of.first(kind == Narrowed)
	if who == nil {
		who = of.list[0]
	}
	for _, gain := range kind.directions() {
		key := showing{p, gain}
		if c.shown[key].roles == nil {
			c.shown[key] = shown{map[string]bool{}, map[string]bool{}}
		}
		for _, role := range who.Roles {
			c.shown[key].roles[role] = true
		}
		for _, one := range of.list[:min(len(of.list), maxIDs)] {
			c.shown[key].ids[one.ID] = true
		}
	}
}

// directions lists what a change is: a gain, true, a loss, or both.
func (k Kind) directions() []bool {
	switch k {
	case Narrowed:
		return []bool{false}
	case Changed:
		return []bool{true, false}
	case Unknown, Widened:
	}
	return []bool{true}
}

// maxIDs is of how many principals of a class the id is taken down. Those that a policy is
// about are in classes of their own.
const maxIDs = 8

// declarations are causes in how people are declared.
func declarations(of *people) []Cause {
	first := of.list[0]
	switch {
	case of.base == nil:
		return []Cause{{Pos: first.Pos, What: "principal " + first.Key}}
	case of.head == nil:
		return []Cause{{Base: true, Pos: first.Pos, What: "principal " + first.Key}}
	case !sameSet(of.base.First().Roles, of.head.First().Roles):
		return []Cause{{Pos: first.Pos, What: "principal " + first.Key}}
	}
	return nil
}

// distinct returns causes each once, no more of a kind than are worth naming.
func distinct(list []Cause) []Cause {
	var kept []Cause
	for _, x := range list {
		if !slices.ContainsFunc(kept, func(y Cause) bool { return x.Base == y.Base && x.Pos == y.Pos && x.What == y.What }) && len(kept) < maxCauses {
			kept = append(kept, x)
		}
	}
	return kept
}
