package matrix

import (
	"context"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// Input is what a matrix is built from.
type Input struct {
	Servers    []*Server
	Principals []*authz.Principal
	// Decider decides. If it is a [pdp.Evaluable], what it says of conditions is true to
	// the engine, and those that no arguments meet, or all do, are settled.
	Decider pdp.Decider

	// Class returns a key. Principals with the same key must get the same
	// decisions, and form a class. Nil makes every principal a class of its own.
	Class func(*authz.Principal) string
	// Classes has the principals sorted already. Principals and Class are then
	// left out.
	Classes *Classes

	// Policies says where the rules stand. It may be nil.
	Policies *policy.Set
	// Progress, if set, is told how many of the answers and cells there are already.
	Progress func(done, total int)
}

// Build makes every request that the matrix needs, each different one once.
// A request that cannot be decided is an error; no cell is guessed.
func Build(ctx context.Context, in *Input) (*Matrix, error) {
	m := New(in)
	if err := m.Decide(ctx, m.Columns); err != nil {
		return nil, err
	}
	return m, nil
}

// New returns the matrix with its classes and columns, of which none is decided
// yet.
func New(in *Input) *Matrix {
	m := &Matrix{Servers: in.Servers, classes: in.Classes, input: in, settler: newSettler(in.Decider)}
	if m.classes == nil {
		m.classes = NewClasses(in.Class)
		for _, p := range in.Principals {
			m.classes.add(p)
		}
	}
	m.Classes = m.classes.sort()
	for _, s := range in.Servers {
		for _, item := range s.Inventory.Items {
			list := m.addColumn(s, item, authz.List)
			use := m.addColumn(s, item, item.Type.Use())
			list.Twin, use.Twin = use, list
		}
	}
	m.cells = cellsOf(m)
	return m
}

// By returns the matrix as another engine decides it: the same classes and columns, of
// which no cell is decided yet. The engine must evaluate expressions as the matrix's own
// does, and tell no more principals apart.
func (m *Matrix) By(d pdp.Decider) *Matrix {
	in := *m.input
	in.Decider, in.Progress = d, nil
	by := &Matrix{Servers: m.Servers, Classes: m.Classes, Columns: m.Columns, classes: m.classes, input: &in, settler: m.settler.again()}
	by.cells = cellsOf(by)
	return by
}

// cellsOf returns the cells of a matrix, none of which is decided.
func cellsOf(m *Matrix) [][]uint32 {
	cells := make([][]uint32, len(m.Classes))
	for i := range cells {
		cells[i] = make([]uint32, len(m.Columns))
	}
	return cells
}

func (m *Matrix) addColumn(s *Server, item *manifest.Item, op authz.Operation) *Column {
	col := &Column{
		Index: len(m.Columns), Server: s, Item: item, Operation: op,
		Question: s.Profile.Ask(ProfileItem(item), op),
	}
	m.Columns = append(m.Columns, col)
	return col
}

// ProfileItem returns what a profile needs to know of an item.
func ProfileItem(i *manifest.Item) pep.Item {
	mapping := func(n *source.Node) map[string]any {
		m, _ := n.Value().(map[string]any)
		return m
	}
	of := pep.Item{Type: i.Type, Name: i.Name, OwnName: i.OwnName, Tags: i.Tags, TaskSupport: i.TaskSupport, Annotations: mapping(i.Annotations), Meta: mapping(i.Meta)}
	if i.Type == authz.ToolItem {
		of.Inputs = i.Schema
	}
	if n := i.ArgumentsSchema(); n != nil {
		of.Schema = n.Value()
	}
	return of
}

// cell joins the decisions on the requests of a column: all must allow.
func (m *Matrix) cell(ctx context.Context, col *Column, of []*authz.Decision) (Cell, error) {
	if !col.Question.Guarded() {
		return Cell{Access: Unguarded}, nil
	}
	c := Cell{Access: Allowed}
	for _, d := range of {
		if d.Effect == authz.Deny {
			c.Access = Denied
		}
	}
	if c.Refusal = refusalOf(of); c.Refusal != nil {
		c.Access = Refused
		return c, nil
	}
	if c.Access == Allowed && !slices.ContainsFunc(of, func(d *authz.Decision) bool { return !d.NoPolicy }) {
		c.Access = Unguarded
	}
	var conditions []authz.Condition
	var open []openRequest
	for i, d := range of {
		if c.Access == Denied && d.Effect != authz.Deny {
			continue // what denies is what matters
		}
		if d.Effect == authz.Conditional {
			c.Access = Conditional
			conditions = append(conditions, d.Condition)
			open = append(open, openRequest{&col.Question.Requests[i], d.Condition})
		}
		c.NoPolicy = c.NoPolicy || d.NoPolicy
		c.Errors = append(c.Errors, d.Errors...)
		c.Validation = append(c.Validation, d.Validation...)
		for _, ref := range d.Rules {
			c.Rules = append(c.Rules, m.rule(ref, &col.Question.Requests[i]))
		}
	}
	c.Condition = authz.AllOf(conditions...)
	slices.SortFunc(c.Rules, func(a, b Rule) int {
		if n := strings.Compare(a.ID, b.ID); n != 0 {
			return n
		}
		return int(b.Met) - int(a.Met)
	})
	c.Rules = slices.CompactFunc(c.Rules, func(a, b Rule) bool { return a.ID == b.ID })
	if c.Access == Conditional {
		return c, m.settler.settle(ctx, col, &c, open)
	}
	return c, nil
}

// refusalOf returns why an enforcement point refuses by itself: it does if it cannot get a
// decision on one of its requests.
func refusalOf(of []*authz.Decision) *authz.Refusal {
	for _, d := range of {
		if d.Refusal != nil && d.Refusal.Code != 0 {
			return d.Refusal
		}
	}
	return nil
}

// grantedCell is the cell of a list that is filtered by a grant. Without a grant a list may
// show everything, which no policy and no grant decides.
func grantedCell(g pep.Granted) *Cell {
	c := &Cell{Grant: &g}
	switch {
	case g.Effect == authz.Conditional:
		c.Access, c.Condition = Conditional, authz.Unwritten(g.Open)
	case g.Effect == authz.Allow && g.None:
		c.Access = Unguarded
	case g.Effect == authz.Allow:
		c.Access = Allowed
	}
	return c
}

// rule looks a rule up in the policies. Where a scope requires its parent's
// consent, Cerbos compiles a conditional ALLOW into a DENY of the opposite
// condition; such a DENY is returned as the ALLOW that its author wrote.
func (m *Matrix) rule(ref authz.RuleRef, of *authz.Request) Rule {
	r := Rule{ID: ref.ID, Effect: ref.Effect, Met: ref.Met}
	_, r.Name, _ = strings.Cut(ref.ID, "#")
	if m.input.Policies == nil {
		return r
	}
	if s := m.input.Policies.RuleFor(ref.ID, of.Resource.Kind, of.Action); s != nil {
		r.Syntax, r.Pos, r.Name = s, s.Pos, s.Label()
		if s.Effect == authz.Allow && ref.Effect == authz.Deny {
			r.Effect = authz.Allow
			switch ref.Met {
			case authz.Fired:
				r.Met = authz.Unmet
			case authz.Unmet:
				r.Met = authz.Fired
			case authz.Depends:
			}
		}
	}
	return r
}
