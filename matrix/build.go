package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// Input is what a matrix is built from.
type Input struct {
	Servers    []*Server
	Principals []*authz.Principal
	Decider    pdp.Decider

	// Class returns the same key for principals that get the same decisions.
	// Nil makes every principal a class of its own.
	Class func(*authz.Principal) string
	// Policies says where the rules stand. It may be nil.
	Policies *policy.Set
	// Progress, if set, is told how many of the questions are decided.
	Progress func(done, total int)
}

// Build asks every question that the matrix needs, each different one once.
// A question that cannot be decided is an error; no cell is guessed.
func Build(ctx context.Context, in *Input) (*Matrix, error) {
	m := &Matrix{Servers: in.Servers, byKey: map[string]*Class{}, input: in}
	m.classify(in)
	questions := newQuestions()
	for _, s := range in.Servers {
		for _, item := range s.Inventory.Items {
			list := m.addColumn(s, item, authz.List)
			use := m.addColumn(s, item, item.Type.Use())
			list.Twin, use.Twin = use, list
		}
	}
	asked := make([][]int, len(m.Columns))
	for i, col := range m.Columns {
		for _, r := range col.Question.Requests {
			asked[i] = append(asked[i], questions.add(r))
		}
	}
	m.Questions = len(questions.list) * len(m.Classes)
	interned := newInterned(m)
	for i, c := range m.Classes {
		decisions, err := m.decide(ctx, questions.list, c.First())
		if err != nil {
			return nil, fmt.Errorf("decide for %s: %w", c.First().Key, err)
		}
		row := make([]uint32, len(m.Columns))
		for j, col := range m.Columns {
			of := make([]*authz.Decision, len(asked[j]))
			for k, q := range asked[j] {
				of[k] = &decisions[q]
			}
			row[j] = interned.add(m.cell(col, of))
		}
		m.cells = append(m.cells, row)
		if in.Progress != nil {
			in.Progress((i+1)*len(questions.list), m.Questions)
		}
	}
	return m, nil
}

func (m *Matrix) classify(in *Input) {
	byClass := map[string]*Class{}
	for i, p := range in.Principals {
		key := fmt.Sprint(i)
		if in.Class != nil {
			key = in.Class(p)
		}
		c := byClass[key]
		if c == nil {
			c = &Class{Index: len(m.Classes)}
			byClass[key] = c
			m.Classes = append(m.Classes, c)
		}
		c.Principals = append(c.Principals, p)
		m.byKey[p.Key] = c
	}
}

func (m *Matrix) addColumn(s *Server, item *manifest.Item, op authz.Operation) *Column {
	col := &Column{
		Index: len(m.Columns), Server: s, Item: item, Operation: op,
		Question: s.Profile.Ask(pepItem(item), op),
	}
	m.Columns = append(m.Columns, col)
	return col
}

func pepItem(i *manifest.Item) pep.Item {
	return pep.Item{Type: i.Type, Name: i.Name, OwnName: i.OwnName, Tags: i.Tags, TaskSupport: i.TaskSupport}
}

// questions are the different requests of all columns, without principals.
type questions struct {
	list  []authz.Request
	index map[string]int
}

func newQuestions() *questions { return &questions{index: map[string]int{}} }

func (q *questions) add(r authz.Request) int {
	b, err := json.Marshal(struct {
		R       authz.Resource
		Action  string
		Unknown []string
	}{r.Resource, r.Action, r.Unknown})
	key := string(b)
	if err != nil {
		key = fmt.Sprint(r) // never: attributes are JSON values
	}
	i, ok := q.index[key]
	if !ok {
		i = len(q.list)
		q.index[key] = i
		q.list = append(q.list, r)
	}
	return i
}

func (m *Matrix) decide(ctx context.Context, list []authz.Request, p *authz.Principal) ([]authz.Decision, error) {
	requests := slices.Clone(list)
	for i := range requests {
		requests[i].Principal = p
	}
	return m.input.Decider.Decide(ctx, requests)
}

// cell joins the decisions on the requests of a column: all must allow.
func (m *Matrix) cell(col *Column, of []*authz.Decision) Cell {
	if !col.Question.Guarded() {
		return Cell{Access: Unguarded}
	}
	c := Cell{Access: Allowed}
	for _, d := range of {
		if d.Effect == authz.Deny {
			c.Access = Denied
		}
	}
	var conditions []string
	for i, d := range of {
		if c.Access == Denied && d.Effect != authz.Deny {
			continue // what denies is what matters
		}
		if d.Effect == authz.Conditional {
			c.Access = Conditional
			conditions = append(conditions, d.Condition)
		}
		c.NoPolicy = c.NoPolicy || d.NoPolicy
		c.Errors = append(c.Errors, d.Errors...)
		c.Validation = append(c.Validation, d.Validation...)
		for _, ref := range d.Rules {
			c.Rules = append(c.Rules, m.rule(ref, &col.Question.Requests[i]))
		}
	}
	c.Condition = Both(conditions)
	slices.SortFunc(c.Rules, func(a, b Rule) int {
		if n := strings.Compare(a.ID, b.ID); n != 0 {
			return n
		}
		return int(b.Met) - int(a.Met)
	})
	c.Rules = slices.CompactFunc(c.Rules, func(a, b Rule) bool { return a.ID == b.ID })
	return c
}

// Both returns the condition that all of the conditions are met.
func Both(conditions []string) string {
	conditions = slices.Clone(conditions)
	slices.Sort(conditions)
	conditions = slices.Compact(conditions)
	if len(conditions) == 1 {
		return conditions[0]
	}
	return strings.Join(parenthesised(conditions), " && ")
}

func parenthesised(list []string) []string {
	copied := make([]string, len(list))
	for i, s := range list {
		copied[i] = "(" + s + ")"
	}
	return copied
}

// rule finds out where a rule stands. Where a scope requires its parent's
// consent, Cerbos compiles a conditional ALLOW into a DENY of the opposite
// condition; it is turned back here.
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

// interned keeps one copy of cells that are the same: most are.
type interned struct {
	m     *Matrix
	index map[string]uint32
}

func newInterned(m *Matrix) *interned { return &interned{m: m, index: map[string]uint32{}} }

func (in *interned) add(c Cell) uint32 {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\x00%s\x00%t\x00", c.Access, c.Condition, c.NoPolicy)
	for _, r := range c.Rules {
		fmt.Fprintf(&b, "%s\x00%d\x00%d\x00", r.ID, r.Effect, r.Met)
	}
	for _, e := range c.Errors {
		fmt.Fprintf(&b, "%s\x00%s\x00", e.Expr, e.Message)
	}
	for _, v := range c.Validation {
		fmt.Fprintf(&b, "%s\x00%s\x00%s\x00", v.Source, v.Path, v.Message)
	}
	key := b.String()
	i, ok := in.index[key]
	if !ok {
		i = uint32(len(in.m.distinct)) //nolint:gosec // fewer than four billion different cells
		in.index[key] = i
		in.m.distinct = append(in.m.distinct, c)
	}
	return i
}

// A Case is a question about one principal and known arguments.
type Case struct {
	Principal *authz.Principal
	Column    *Column
	Arguments map[string]any
}

// Ask decides cases, in order. The principals need not be of the matrix.
func (m *Matrix) Ask(ctx context.Context, cases []Case) ([]Cell, error) {
	return m.AskWith(ctx, m.input.Decider, cases)
}

// AskWith is Ask by another decider, for instance one with another clock.
func (m *Matrix) AskWith(ctx context.Context, d pdp.Decider, cases []Case) ([]Cell, error) {
	var requests []authz.Request
	for _, c := range cases {
		for _, r := range c.Column.Question.Requests {
			r = pep.Bind(r, c.Arguments)
			r.Principal = c.Principal
			requests = append(requests, r)
		}
	}
	decisions, err := d.Decide(ctx, requests)
	if err != nil {
		return nil, err
	}
	cells := make([]Cell, len(cases))
	next := 0
	for i, c := range cases {
		var of []*authz.Decision
		for range c.Column.Question.Requests {
			of = append(of, &decisions[next])
			next++
		}
		cells[i] = m.cell(c.Column, of)
	}
	return cells, nil
}
