package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// How many requests are made at once, for how many classes: enough to keep the
// engine busy, few enough for the answers to need little memory.
const (
	requestsAtOnce = 512
	classesAtOnce  = 2048
)

// Decide decides those cells of the columns that are not decided yet. A request
// that cannot be decided is an error, and leaves all of them undecided; if a PDP
// failed, the error is an *[UndecidedError].
func (m *Matrix) Decide(ctx context.Context, columns []*Column) error {
	p := newPending(m)
	for _, col := range columns {
		p.add(col, m.undecidedOf(col, m.Classes))
	}
	return p.decide(ctx)
}

// DecideCells decides those of the cells that are not decided yet, and no others.
// Errors are those of [Matrix.Decide].
func (m *Matrix) DecideCells(ctx context.Context, cells []CellKey) error {
	var columns []*Column
	classes := map[*Column][]*Class{}
	for _, at := range cells {
		if classes[at.Column] == nil {
			columns = append(columns, at.Column)
		}
		classes[at.Column] = append(classes[at.Column], at.Class)
	}
	p := newPending(m)
	for _, col := range columns {
		p.add(col, m.undecidedOf(col, sorted(classes[col])))
	}
	return p.decide(ctx)
}

// undecidedOf returns those of the classes whose cell in a column is not decided.
func (m *Matrix) undecidedOf(col *Column, classes []*Class) []*Class {
	decided := func(c *Class) bool { return m.cells[c.Index][col.Index] != 0 }
	if !slices.ContainsFunc(classes, decided) {
		return classes
	}
	return slices.DeleteFunc(slices.Clone(classes), decided)
}

// sorted sorts classes by index, each once.
func sorted(classes []*Class) []*Class {
	slices.SortFunc(classes, byIndex)
	return slices.Compact(classes)
}

func byIndex(a, b *Class) int { return a.Index - b.Index }

// within returns those of sorted classes whose index is at least first and below last.
func within(classes []*Class, first, last int) []*Class {
	at := func(index int) int {
		i, _ := slices.BinarySearchFunc(classes, index, func(c *Class, index int) int { return c.Index - index })
		return i
	}
	return classes[at(first):at(last)]
}

// same reports whether two lists hold the same classes.
func same(a, b []*Class) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// A pending is cells that are being decided, and the requests for them. The classes
// are decided in rounds, and the requests of a round in batches.
type pending struct {
	matrix   *Matrix
	columns  []pendingColumn
	requests []pendingRequest
	index    map[string]int // of requests, by what they are about

	first, last int // indexes of the classes of this round
	decided     int // requests of this round that are
}

// A pendingColumn is the cells of a column that are being decided.
type pendingColumn struct {
	*Column
	classes  []*Class // sorted by index
	requests []int    // numbers of its requests
}

// A pendingRequest is a request, without principal, and whom it is made for.
type pendingRequest struct {
	authz.Request
	classes []*Class // sorted by index
}

func newPending(m *Matrix) *pending { return &pending{matrix: m, index: map[string]int{}} }

// add adds the cells of classes in a column.
func (p *pending) add(col *Column, classes []*Class) {
	if len(classes) == 0 {
		return
	}
	c := pendingColumn{Column: col, classes: classes}
	for _, r := range col.Question.Requests {
		c.requests = append(c.requests, p.request(r, classes))
	}
	p.columns = append(p.columns, c)
}

// request returns the number of a request, and has it made for these classes too.
func (p *pending) request(r authz.Request, classes []*Class) int {
	b, err := json.Marshal(struct {
		R       authz.Resource
		Action  string
		Unknown []string
		Open    bool
	}{r.Resource, r.Action, r.Unknown, r.OpenUncovered})
	key := string(b) + r.MadeKey()
	if err != nil {
		key = fmt.Sprint(r) // never: attributes are JSON values
	}
	i, ok := p.index[key]
	if !ok {
		i = len(p.requests)
		p.index[key] = i
		p.requests = append(p.requests, pendingRequest{r, classes})
	} else if of := &p.requests[i]; !same(of.classes, classes) {
		of.classes = sorted(slices.Concat(of.classes, classes))
	}
	return i
}

func (p *pending) decide(ctx context.Context) error {
	m, total := p.matrix, 0
	for _, r := range p.requests {
		total += len(r.classes)
	}
	made := p.counting()
	for p.first = 0; p.first < len(m.Classes); p.first = p.last {
		p.last, p.decided = min(p.first+classesAtOnce, len(m.Classes)), 0
		answers, err := p.ask(ctx, made)
		if err != nil {
			p.forget()
			return p.undecided(err)
		}
		if err := p.ready(ctx, answers); err != nil {
			return err
		}
		for _, col := range p.columns {
			if err := p.fill(ctx, col, answers); err != nil {
				p.forget()
				return err
			}
			made(len(within(col.classes, p.first, p.last)))
		}
	}
	m.Decisions += total
	return nil
}

// counting returns a function that is told of more answers and cells, and tells how many
// of all there are.
func (p *pending) counting() func(more int) {
	done, total := 0, 0
	for _, r := range p.requests {
		total += len(r.classes)
	}
	for _, col := range p.columns {
		total += len(col.classes)
	}
	made := func(more int) {
		if done += more; p.matrix.input.Progress != nil {
			p.matrix.input.Progress(done, total)
		}
	}
	made(0)
	return made
}

// ask returns the answers of this round, by request and class.
func (p *pending) ask(ctx context.Context, progress func(more int)) ([][]*authz.Decision, error) {
	answers := make([][]*authz.Decision, 0, len(p.requests))
	for of := range slices.Chunk(p.requests, requestsAtOnce) {
		some := make([]pdp.SharedRequest, len(of))
		asked := 0
		var classes []*Class
		var principals []*authz.Principal
		for i, r := range of {
			if i == 0 || !same(of[i-1].classes, r.classes) {
				classes = within(r.classes, p.first, p.last)
				principals = make([]*authz.Principal, len(classes))
				for k, c := range classes {
					principals[k] = c.First()
				}
			}
			some[i] = pdp.SharedRequest{Request: r.Request, Of: principals}
			asked += len(principals)
		}
		more, err := pdp.Each(ctx, p.matrix.input.Decider, some)
		if err != nil {
			return nil, err
		}
		answers = append(answers, more...)
		p.decided += len(of)
		progress(asked)
	}
	return answers, nil
}

// ready has the engine compile the conditions of this round together.
func (p *pending) ready(ctx context.Context, answers [][]*authz.Decision) error {
	if p.matrix.settler == nil {
		return nil
	}
	var open []openCell
	for _, col := range p.columns {
		for i, n := range col.requests {
			of, seen := answers[n], map[string]bool{}
			for k, d := range of {
				if d.Effect != authz.Conditional || k > 0 && d == of[k-1] || seen[d.Condition.Key()] {
					continue
				}
				seen[d.Condition.Key()] = true
				open = append(open, openCell{col.Column, openRequest{&col.Question.Requests[i], d.Condition}})
			}
		}
	}
	return p.matrix.settler.ready(ctx, open)
}

// fill puts the answers to a column's requests into its cells of this round.
func (p *pending) fill(ctx context.Context, col pendingColumn, answers [][]*authz.Decision) error {
	classes := within(col.classes, p.first, p.last)
	of := make([][]*authz.Decision, len(col.requests))
	for i, n := range col.requests {
		of[i] = answers[n]
		if all := within(p.requests[n].classes, p.first, p.last); len(all) > len(classes) {
			of[i] = make([]*authz.Decision, len(classes))
			for k, c := range classes {
				at, _ := slices.BinarySearchFunc(all, c, byIndex)
				of[i][k] = answers[n][at]
			}
		}
	}
	m := p.matrix
	numbers := map[*Cell]uint32{}
	cells, err := m.joined(ctx, col.Column, of, len(classes), func(i int) *authz.Principal { return classes[i].First() })
	if err != nil {
		return err
	}
	for i, cell := range cells {
		n, ok := numbers[cell]
		if !ok {
			n = m.interned.add(cell)
			numbers[cell] = n
		}
		m.cells[classes[i].Index][col.Index] = n + 1
	}
	return nil
}

// forget leaves all of the cells undecided.
func (p *pending) forget() {
	for _, col := range p.columns {
		for _, c := range col.classes {
			p.matrix.cells[c.Index][col.Index] = 0
		}
	}
}

// interned keeps one copy of cells that are the same: most are.
type interned struct {
	cells []*Cell
	index map[string]uint32
}

func (in *interned) add(c *Cell) uint32 {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\x00%s\x00%t\x00", c.Access, c.Condition.Key(), c.NoPolicy)
	if c.Refusal != nil {
		fmt.Fprintf(&b, "%d\x00%s\x00", c.Refusal.Code, c.Refusal.Because)
	}
	fmt.Fprintf(&b, "%s\x00%t\x00", c.Settlement.Condition.Key(), c.Settlement.BySchema)
	if c.Settlement.Some {
		fmt.Fprintf(&b, "%s\x00", source.JSONText(c.Settlement.Shown))
	}
	if c.Grant != nil {
		fmt.Fprintf(&b, "%+v\x00", *c.Grant)
	}
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
		i = uint32(len(in.cells)) //nolint:gosec // fewer than four billion different cells
		if in.index == nil {
			in.index = map[string]uint32{}
		}
		in.index[key] = i
		in.cells = append(in.cells, c)
	}
	return i
}
