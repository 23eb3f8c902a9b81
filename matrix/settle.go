package matrix

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Settlement is why a cell that the engine left open is denied or allowed: its
// condition is met by no arguments, or by all, or of a list that shows what is possible by
// some.
type Settlement struct {
	Condition authz.Condition // zero unless the cell is settled
	// BySchema is set if it is so only for arguments that the inputSchema allows.
	BySchema bool
	// Some is set of a list that shows what is possible. Where it is allowed, Shown are
	// arguments that meet the condition and that the inputSchema allows, or nil where none
	// were looked for.
	Some  bool
	Shown map[string]any
}

// Settled reports whether there is such a reason.
func (s Settlement) Settled() bool { return !s.Condition.IsZero() }

// Reason says why a cell that the engine left open is denied or allowed, or what a grant
// says, or nothing where there is neither.
func (c *Cell) Reason() string {
	switch {
	case c.Refusal != nil:
		return fmt.Sprintf("the enforcement point answers %d by itself: %s", c.Refusal.Code, c.Refusal.Because)
	case c.Grant != nil:
		return c.Grant.Reason()
	case !c.Settlement.Settled():
		return ""
	}
	which := "no"
	switch {
	case c.Access == Allowed && c.Settlement.Some:
		which = "some"
	case c.Access == Allowed:
		which = "all"
	}
	which += " arguments"
	if c.Settlement.BySchema {
		which += " that the inputSchema allows"
	}
	return which + " meet: " + c.Settlement.Condition.String()
}

// Open returns the condition that the engine left open, settled or not. It is zero where
// the engine left nothing open, and where a list shows what is possible and that is known:
// nothing hangs on arguments there.
func (c *Cell) Open() authz.Condition {
	if c.Settlement.Settled() && !c.Settlement.Some {
		return c.Settlement.Condition
	}
	return c.Condition
}

// What settling may take, in questions and in steps of the solver. Conditions that come
// after that stay open. Lists that show what is possible have as many steps of their own.
const (
	settleQuestions = 2_000
	someQuestions   = 5_000
	settleSteps     = 20_000_000
)

// A settler says what conditions come to for whatever arguments there are.
type settler struct {
	*settlements
	took, tookSome spent // of what it may
	steps          int   // that both took
}

// spent is what some questions took.
type spent struct{ questions, steps int }

// settlements are what is known of conditions, by whichever of several engines that
// evaluate expressions alike. Mutex guards them, and the settlers that share them.
type settlements struct {
	sync.Mutex
	solver  *solver.Solver
	at      map[conditionAt]settled
	known   map[string]settled // by settleKey
	schemas map[*manifest.Item]argumentsSchema
}

// An argumentsSchema is what the arguments of an item have to fit; nil for none.
type argumentsSchema struct {
	node    *source.Node
	decoded any
}

// A conditionAt is the condition of a cell in a column.
type conditionAt struct {
	column    *Column
	condition string
}

// settled is what is known of the conditions of a cell.
type settled struct {
	access   Access
	bySchema bool
	shown    map[string]any // of what some arguments meet
	schema   *source.Node   // that the arguments shown fit
}

// An openRequest is a request of a column, and the condition that the engine left open.
type openRequest struct {
	*authz.Request
	condition authz.Condition
}

// An openCell is what the engine left open of a column.
type openCell struct {
	column *Column
	openRequest
}

// bySomebody returns the request as one of a principal: which one does not matter to the
// condition.
func (r openRequest) bySomebody() authz.Request {
	request := *r.Request
	request.Principal, request.AnyPrincipal = &authz.Principal{Key: "somebody", ID: "somebody", Roles: []string{"somebody"}}, false
	return request
}

// newSettler returns nil for a decider that does not evaluate expressions.
func newSettler(d pdp.Decider) *settler {
	e, ok := d.(pdp.Evaluable)
	if !ok {
		return nil
	}
	return &settler{settlements: &settlements{
		solver: solver.New(e.Leaves()), at: map[conditionAt]settled{}, known: map[string]settled{}, schemas: map[*manifest.Item]argumentsSchema{},
	}}
}

// again returns a settler that may take as much as this one could, and knows what it does.
func (s *settler) again() *settler {
	if s == nil {
		return nil
	}
	return &settler{settlements: s.settlements}
}

// settle turns a conditional cell into what the solver knows it to be.
func (s *settler) settle(ctx context.Context, col *Column, cell *Cell, list []openRequest) error {
	some := col.Question.Possible
	found := settled{access: Conditional}
	if s != nil {
		s.Lock()
		defer s.Unlock()
		at := conditionAt{col, cell.Condition.Key()}
		known := false
		if found, known = s.at[at]; !known {
			var err error
			if found, err = s.find(ctx, s.schemaOf(col.Item), list, some); err != nil {
				return fmt.Errorf("condition %s: %w", cell.Condition, err)
			}
			found.bySchema = found.bySchema || found.access != Conditional && slices.ContainsFunc(list, makesTexts)
			s.at[at] = found
		}
	}
	switch {
	case found.access != Conditional:
		cell.Access, cell.Settlement = found.access, Settlement{cell.Condition, found.bySchema, some, found.shown}
		cell.Condition = authz.Condition{}
	case some:
		cell.Condition = authz.Some(cell.Condition)
	}
	return nil
}

// find returns what conditions come to, or whether some arguments meet them, as far as it is
// known.
func (s *settler) find(ctx context.Context, schema argumentsSchema, list []openRequest, some bool) (settled, error) {
	open, asks := settled{access: Conditional}, s.ask
	switch {
	case some && closable(list):
		asks = s.askSome
	case !settleable(list), !some && plainlyOpen(schema.node, list):
		return open, nil
	}
	key := settleKey(schema, list, some)
	found, known := s.known[key]
	if known {
		if found.schema != schema.node {
			found.shown = nil // another schema may ask for other arguments besides
		}
		return found, nil
	}
	took, most := &s.took, settleQuestions
	if some {
		took, most = &s.tookSome, someQuestions
	}
	if took.questions >= most || took.steps >= settleSteps {
		return open, nil
	}
	took.questions++
	before := s.steps
	found, err := asks(ctx, schema, list)
	found.schema = schema.node
	took.steps += s.steps - before
	if err == nil {
		s.known[key] = found
	}
	return found, err
}

// makesTexts reports whether a request has texts that are made of arguments, which are taken to have
// the types that the inputSchema gives them.
func makesTexts(r openRequest) bool {
	typed := func(m *authz.Made) bool {
		return slices.ContainsFunc(m.Text, func(p authz.Piece) bool { return p.Type != "" })
	}
	return slices.ContainsFunc(r.Made, func(m authz.Made) bool {
		for below := range authz.MadeIn(m.Else) {
			if typed(below) {
				return true
			}
		}
		return typed(&m)
	})
}

// settleable reports whether conditions are about arguments, and nothing else that is
// not known.
func settleable(list []openRequest) bool {
	for _, r := range list {
		reads := r.condition.Reads()
		if !r.condition.Written() || r.AnyPrincipal || r.Unknown == nil || reads.Policy || len(reads.Principal) > 0 || len(reads.Resource) > 0 {
			return false
		}
	}
	return len(list) > 0
}

// closable reports whether it hangs on nothing but arguments, and what is looked up, whether
// conditions are met: whoever asks, and whenever.
func closable(list []openRequest) bool {
	for _, r := range list {
		reads := r.condition.Reads()
		if !r.condition.Written() || r.Unknown == nil || reads.Policy || reads.Clock || len(reads.Principal) > 0 {
			return false
		}
		for _, path := range reads.Resource {
			made, _ := authz.MadeAt(r.Made, path)
			if made == nil || slices.ContainsFunc(made.Origins(), authz.Origin.OfPrincipal) {
				return false
			}
		}
	}
	return len(list) > 0
}

// settleKey is the same for conditions that come to the same.
func settleKey(schema argumentsSchema, list []openRequest, some bool) string {
	parts := []string{strconv.FormatBool(some)}
	var arguments [][]string
	for _, r := range list {
		arguments = append(arguments, r.condition.Reads().Arguments...)
		parts = append(parts, r.condition.Key(), strings.Join(r.Unknown, "\x00"))
		if some {
			parts = append(parts, r.MadeKey())
		}
	}
	return strings.Join(append(parts, manifest.SchemaKey(schema.node, arguments)), "\x01")
}

// goalsOf returns a world in which the conditions are met by some arguments. It is not ok
// where they cannot be treated.
func goalsOf(schema argumentsSchema, list []openRequest) (w *solver.World, goals []solver.Goal, ok bool) {
	w = &solver.World{}
	goals = make([]solver.Goal, len(list))
	for i, r := range list {
		f, ok := solver.Of(r.condition, r.Request)
		if !ok {
			return nil, nil, false
		}
		goals[i] = solver.Goal{Formula: f, Request: i, To: solver.Only(solver.Met)}
		w.Requests, w.Calls = append(w.Requests, r.bySomebody()), append(w.Calls, 0)
	}
	if schema.node != nil {
		w.Arguments = []any{schema.decoded}
	}
	return w, goals, true
}

// askSome asks whether some arguments meet the conditions.
func (s *settler) askSome(ctx context.Context, schema argumentsSchema, list []openRequest) (settled, error) {
	open := settled{access: Conditional}
	w, goals, ok := goalsOf(schema, list)
	if !ok {
		return open, nil
	}
	answer, err := s.solver.Solve(ctx, w, goals)
	s.steps += answer.Steps
	switch {
	case err != nil:
		return settled{}, err
	case answer.Verdict == solver.Possible:
		shown := answer.Requests[0].Resource.Mapping(list[0].Unknown)
		if shown == nil {
			shown = map[string]any{}
		}
		return settled{access: Allowed, shown: shown}, nil
	case answer.Verdict == solver.Unknown:
		return open, nil
	}
	found := settled{access: Denied}
	if schema.node == nil {
		return found, nil
	}
	w.Arguments = nil
	without, err := s.constant(ctx, w, goals)
	found.bySchema = without.access != Denied
	return found, err
}

// ask asks whether the conditions can be met by some arguments, and missed.
func (s *settler) ask(ctx context.Context, schema argumentsSchema, list []openRequest) (settled, error) {
	w, goals, ok := goalsOf(schema, list)
	if !ok {
		return settled{access: Conditional}, nil
	}
	found, err := s.constant(ctx, w, goals)
	if err != nil || found.access == Conditional || schema.node == nil {
		return found, err
	}
	w.Arguments = nil
	without, err := s.constant(ctx, w, goals)
	found.bySchema = without.access != found.access
	return found, err
}

// constant asks whether all goals hold for whatever arguments, or for none.
func (s *settler) constant(ctx context.Context, w *solver.World, goals []solver.Goal) (settled, error) {
	c, err := s.solver.Constant(ctx, w, goals)
	s.steps += c.Steps
	switch {
	case err != nil:
		return settled{}, err
	case c.Never:
		return settled{access: Denied}, nil
	case c.Always:
		return settled{access: Allowed}, nil
	}
	return settled{access: Conditional}, nil
}

// schemaOf returns the schema of an item's arguments, the same each time.
func (s *settler) schemaOf(item *manifest.Item) argumentsSchema {
	schema, known := s.schemas[item]
	if !known {
		if schema.node = item.ArgumentsSchema(); schema.node != nil {
			schema.decoded = schema.node.Value()
		}
		s.schemas[item] = schema
	}
	return schema
}

// ready has the engine compile the conditions of cells together, so that settling them one
// after the other costs less.
func (s *settler) ready(ctx context.Context, cells []openCell) error {
	s.Lock()
	defer s.Unlock()
	var formulas []solver.Formula
	var first *openRequest
	seen := map[string]bool{}
	for _, c := range cells {
		r, list := &c.openRequest, []openRequest{c.openRequest}
		some := c.column.Question.Possible && closable(list)
		if seen[r.condition.Key()] || len(seen) >= settleQuestions+someQuestions || !some && (!settleable(list) || plainlyOpen(s.schemaOf(c.column.Item).node, list)) {
			continue
		}
		seen[r.condition.Key()] = true
		if f, ok := solver.Of(r.condition, r.Request); ok {
			formulas = append(formulas, f)
			if first == nil {
				first = r
			}
		}
	}
	if first == nil {
		return nil
	}
	return s.solver.Prepare(ctx, &solver.World{Requests: []authz.Request{first.bySomebody()}}, formulas)
}
