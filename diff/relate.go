package diff

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// A question asks how a cell of head relates to the one of base.
type question struct {
	*pair
	baseCell, headCell *matrix.Cell // nil if absent; decided with the clock open where that matters
	baseWho, headWho   *authz.Principal
	everybody          bool // the principal is anybody with its roles
	fixedID            bool // but the id
	alike              bool // both sides decide every call alike, but for what the schemas allow
}

// A span is what a cell allows: nothing, every call, or those that meet a condition.
type span struct {
	none, all bool
	open      authz.Condition
}

func spanOf(cell *matrix.Cell) span {
	switch {
	case cell == nil:
		return span{none: true}
	case !cell.Open().IsZero():
		return span{open: cell.Open()}
	case !cell.Access.Possible():
		return span{none: true}
	}
	return span{all: true}
}

// compare compares two cells, each different question once.
func (c *comparer) compare(ctx context.Context, q *question) (Comparison, error) {
	key := q.key()
	known, ok := q.known[key]
	if ok {
		return known.by(q), nil
	}
	answer, err := c.compared(ctx, q)
	if q.possible() && answer.Relation == solver.Unrelated && !answer.isCertain() {
		answer = equal // whatever becomes of it is said of the use, which it follows
	}
	if err == nil {
		q.known[key] = answer
	}
	return answer, err
}

// by returns a comparison whose witnesses have the roles that a question is about, and not
// those of whom the same was asked before.
func (c Comparison) by(q *question) Comparison {
	who := cmp.Or(q.headWho, q.baseWho)
	for _, w := range []**Witness{&c.Gained, &c.Lost} {
		if *w == nil || (*w).Principal == nil {
			continue
		}
		of, principal := **w, *(*w).Principal
		principal.Key, principal.Roles = who.Key, who.Roles
		of.Principal = &principal
		*w = &of
	}
	return c
}

// possible reports whether both sides are a list that shows what is possible.
func (p *pair) possible() bool {
	return p.base != nil && p.head != nil && p.base.Question.Possible && p.head.Question.Possible
}

// isCertain reports whether it is known that some call is allowed that was not.
func (c Comparison) isCertain() bool { return c.Kind == Widened || c.Kind == Changed }

// key is the same for questions that have the same answer.
func (q *question) key() string {
	var b strings.Builder
	for _, cell := range []*matrix.Cell{q.baseCell, q.headCell} {
		s := spanOf(cell)
		b.WriteString(strconv.FormatBool(s.none) + strconv.FormatBool(s.all))
		if cell != nil {
			b.WriteString(cell.Access.String() + s.open.Key())
		}
		b.WriteByte(0)
	}
	b.WriteString(strconv.FormatBool(q.alike) + strconv.FormatBool(q.everybody))
	text := b.String()
	for i, who := range []*authz.Principal{q.baseWho, q.headWho} {
		if who == nil {
			continue
		}
		if q.fixedID || strings.Contains(text, ".id") || q.baseCell != nil && !q.baseCell.Open().Written() || q.headCell != nil && !q.headCell.Open().Written() {
			b.WriteString(strconv.Itoa(i) + "id" + who.ID)
		}
		if strings.Contains(text, "oles") {
			b.WriteString(strconv.Itoa(i) + "roles" + strings.Join(who.Roles, "\x00"))
		}
		if q.everybody {
			continue
		}
		for _, s := range []span{spanOf(q.baseCell), spanOf(q.headCell)} {
			if !s.open.IsZero() && len(s.open.Reads().Principal) > 0 {
				b.WriteString(strconv.Itoa(i) + "who" + who.Key)
			}
		}
	}
	return b.String()
}

var equal = Comparison{Kind: Narrowed, Relation: solver.Equal}

func (c Comparison) isEqual() bool { return c.Relation == solver.Equal }

// A direction is what is known of the calls that one side allows and the other does not.
type direction struct {
	verdict solver.Verdict
	witness *Witness
	open    []string
}

var (
	noCall = direction{verdict: solver.Impossible}
	some   = direction{verdict: solver.Possible}
)

func (c *comparer) compared(ctx context.Context, q *question) (Comparison, error) {
	base, head := spanOf(q.baseCell), spanOf(q.headCell)
	was, is := unguarded(q.baseCell), unguarded(q.headCell)
	switch {
	case is && !was:
		return Comparison{Kind: Widened, Relation: solver.Wider}, nil
	case was && !is:
		return Comparison{Kind: Narrowed, Relation: solver.Narrower}, nil
	case base.none && head.none, base.all && head.all, always(q.baseCell) && always(q.headCell):
		return equal, nil // whatever else a schema takes now
	}
	gained, err := c.beyond(ctx, q, false)
	if err != nil {
		return Comparison{}, err
	}
	lost, err := c.beyond(ctx, q, true)
	if err != nil {
		return Comparison{}, err
	}
	return joined(gained, lost), nil
}

func always(cell *matrix.Cell) bool { return cell != nil && cell.Access == matrix.Allowed }

func unguarded(cell *matrix.Cell) bool { return cell != nil && cell.Access == matrix.Unguarded }

// joined makes a comparison of both directions.
func joined(gained, lost direction) Comparison {
	x := Comparison{Gained: gained.witness, Lost: lost.witness, Open: slices.Concat(gained.open, lost.open)}
	slices.Sort(x.Open)
	x.Open = slices.Compact(x.Open)
	switch {
	case gained.verdict == solver.Possible && lost.verdict == solver.Possible:
		x.Kind, x.Relation = Changed, solver.Incomparable
	case gained.verdict == solver.Possible:
		x.Kind = Widened
		if lost.verdict == solver.Impossible {
			x.Relation = solver.Wider
		}
	case gained.verdict == solver.Unknown:
	case lost.verdict == solver.Possible:
		x.Kind, x.Relation = Narrowed, solver.Narrower
	case lost.verdict == solver.Unknown:
		x.Kind = Narrowed // if anything
	default:
		return equal
	}
	return x
}

// beyond looks for a call that head allows and base does not, or turned round.
func (c *comparer) beyond(ctx context.Context, q *question, turned bool) (direction, error) {
	more, less := spanOf(q.headCell), spanOf(q.baseCell)
	moreCell, schema, other := q.headCell, q.headSchema, q.baseSchema
	if turned {
		more, less = less, more
		moreCell, schema, other = q.baseCell, q.baseSchema, q.headSchema
	}
	switch {
	case more.none, less.all, !moreCell.Access.Possible():
		return noCall, nil
	case more.all && less.none:
		return some, nil
	}
	s := search{comparer: c, q: q, turned: turned, schema: schema}
	if !s.ask(more, less) {
		if q.alike && sameSchemas(schema, other) {
			return noCall, nil
		}
		if less.none && moreCell.Access == matrix.Conditional {
			return some, nil // denied before, and for all that is known not always now
		}
		return direction{open: s.open}, nil
	}
	found := noCall
	var err error
	if !q.alike && !c.alike(q, more, less) {
		if found, err = s.solve(ctx, nil); err != nil || found.verdict == solver.Possible {
			return found, err
		}
	}
	if found.verdict == solver.Unknown && less.none {
		return some, nil
	}
	if less.none || sameSchemas(schema, other) {
		return found, nil
	}
	fresh, err := s.refused(ctx, other, slices.Concat(more.open.Reads().Arguments, less.open.Reads().Arguments))
	if err != nil || fresh.verdict == solver.Possible {
		return fresh, err
	}
	if fresh.verdict == solver.Unknown {
		found.verdict, found.open = solver.Unknown, append(found.open, fresh.open...)
	}
	return found, nil
}

// alike reports whether two spans are the same conditions about the same requests. A side
// that there is not has no condition.
func (c *comparer) alike(q *question, a, b span) bool {
	return a.open.Equal(b.open) && a.open.Written() && !a.open.Reads().Policy &&
		!strings.Contains(a.open.String(), "valid(") && sameRequests(q.base, q.head) &&
		(len(a.open.Reads().Principal) == 0 || q.everybody)
}

// A search is for a call that one side allows and the other does not.
type search struct {
	*comparer
	q      *question
	turned bool
	schema *source.Node // of the side that allows
	world  solver.World // the first request is of the side that allows
	goals  []solver.Goal
	open   []string
}

// sides returns the columns, and who asks, of the side that allows and of the other.
func (s *search) sides() (columns [2]*matrix.Column, who [2]*authz.Principal) {
	columns, who = [2]*matrix.Column{s.q.head, s.q.base}, [2]*authz.Principal{s.q.headWho, s.q.baseWho}
	if s.turned {
		slices.Reverse(columns[:])
		slices.Reverse(who[:])
	}
	return columns, who
}

// ask makes the question for the solver, if that can be.
func (s *search) ask(more, less span) bool {
	columns, who := s.sides()
	s.world = solver.World{FixedID: s.q.fixedID, Calls: []int{}, Arguments: []any{s.schema.Value()}}
	if !s.q.timed {
		s.world.Now = &s.in.Start
	}
	if !s.in.Now.IsZero() {
		s.world.Now = &s.in.Now
	}
	if s.q.everybody {
		s.world.Principal = s.attributes(0).Value()
		if !sameSchemas(s.attributes(0), s.attributes(1)) && less.open.String() != "" {
			s.open = append(s.open, "the policies' schema of principals changed")
			return false
		}
	}
	for i, of := range []span{more, less} {
		if i == 1 && of.open.IsZero() {
			continue // there is nothing to ask about it
		}
		if len(columns[i].Question.Requests) == 0 {
			if !of.open.IsZero() { // a grant that is not known
				s.open = append(s.open, of.open.String())
			}
			continue
		}
		r := columns[i].Question.Requests[0]
		r.Principal, r.AnyPrincipal, r.AnyTime = who[i], s.q.everybody, s.world.Now == nil
		s.world.Requests, s.world.Calls = append(s.world.Requests, r), append(s.world.Calls, 0)
		n := len(s.world.Requests) - 1
		if of.none || of.all {
			continue
		}
		f, ok := solver.Of(of.open, &s.world.Requests[n])
		if !ok {
			s.open = append(s.open, of.open.String())
			continue
		}
		to := solver.Only(solver.Met)
		if i == 1 {
			to = solver.Only(solver.Unmet, solver.Errored)
		}
		s.goals = append(s.goals, solver.Goal{Formula: f, Request: n, To: to})
	}
	return len(s.open) == 0
}

// attributes returns the schema of principals of the side that allows, or of the other.
func (s *search) attributes(of int) *source.Node {
	columns, _ := s.sides()
	side := s.in.Head
	if (of == 1) != s.turned {
		side = s.in.Base
	}
	if side == nil || side.Attributes == nil || columns[of] == nil {
		return nil
	}
	return side.Attributes(columns[of])
}

// solve looks for a call that meets the goals and one more, and confirms it.
func (s *search) solve(ctx context.Context, another *solver.Goal) (direction, error) {
	goals := s.goals
	if another != nil {
		goals = append(slices.Clone(goals), *another)
	}
	answer, err := s.in.Solver.Solve(ctx, &s.world, goals)
	if err != nil {
		return direction{}, err
	}
	switch answer.Verdict {
	case solver.Impossible:
		return noCall, nil
	case solver.Unknown:
		return direction{open: answer.Open}, nil
	case solver.Possible:
	}
	return s.shown(ctx, &answer)
}

// refused looks for a call that the side allows and the other side's schema refuses, as
// far as arguments that conditions read go.
func (s *search) refused(ctx context.Context, other *source.Node, reads [][]string) (direction, error) {
	if other == nil || manifest.SchemaKey(other, reads) == manifest.SchemaKey(s.schema, reads) {
		return noCall, nil
	}
	if always, err := s.wasAlways(ctx, other); always || err != nil {
		return noCall, err
	}
	of := violation{path: s.world.Requests[0].Unknown}
	f, never, ok := of.formula(other, s.schema, reads)
	switch {
	case never:
		return noCall, nil
	case !ok:
		return direction{open: []string{"what the inputSchema of the other revision refuses"}}, nil
	}
	kept := s.goals
	defer func() { s.goals = kept }()
	s.goals = slices.DeleteFunc(slices.Clone(kept), func(g solver.Goal) bool { return g.To.Has(solver.Unmet) })
	return s.solve(ctx, &solver.Goal{Formula: f, Request: 0, To: solver.Only(solver.Met)})
}

// wasAlways reports whether the other side allows all calls that its own schema takes: such
// a cell does not widen because a schema takes more.
func (s *search) wasAlways(ctx context.Context, schema *source.Node) (bool, error) {
	world, goals := s.world, slices.DeleteFunc(slices.Clone(s.goals), func(g solver.Goal) bool { return !g.To.Has(solver.Unmet) })
	world.Arguments = []any{schema.Value()}
	if len(goals) == 0 {
		return false, nil
	}
	never, _, err := s.in.Solver.Impossible(ctx, &world, goals)
	return never, err
}

// shown makes a witness of the solver's answer, which both engines confirm.
func (s *search) shown(ctx context.Context, answer *solver.Answer) (direction, error) {
	w := &Witness{}
	if !answer.Now.IsZero() && s.world.Now == nil {
		w.Now = answer.Now
	}
	if s.q.everybody {
		who := *answer.Requests[0].Principal
		w.Principal = &who
	}
	if unknown := s.world.Requests[0].Unknown; unknown != nil {
		if w.Arguments = answer.Requests[0].Resource.Mapping(unknown); w.Arguments == nil {
			w.Arguments = map[string]any{}
		}
	}
	switch shows, err := s.shows(ctx, w); {
	case err != nil:
		return direction{}, err
	case !shows:
		return direction{open: []string{"a call that conditions tell of and that the engine decides otherwise"}}, nil
	}
	w, err := s.shrunk(ctx, w)
	return direction{verdict: solver.Possible, witness: w}, err
}

// shows reports whether one side allows a call and the other does not.
func (s *search) shows(ctx context.Context, w *Witness) (bool, error) {
	columns, who := s.sides()
	sides, schemas := []*Side{s.in.Head, s.in.Base}, []*source.Node{s.q.headSchema, s.q.baseSchema}
	if s.turned {
		slices.Reverse(sides)
		slices.Reverse(schemas)
	}
	for i, wanted := range []bool{true, false} {
		allowed := false
		if columns[i] != nil && who[i] != nil {
			asks := *who[i]
			if w.Principal != nil {
				asks.ID, asks.Attr, asks.AuxData, asks.JWTs = w.Principal.ID, w.Principal.Attr, w.Principal.AuxData, w.Principal.JWTs
			}
			cell, err := decided(ctx, sides[i].Matrix, columns[i], &asks, w)
			if err != nil {
				return false, err
			}
			allowed = cell.Access.Possible() && fits(schemas[i], w.Arguments)
		}
		if allowed != wanted {
			return false, nil
		}
	}
	return true, nil
}

// fits reports whether arguments are as a schema says, as far as it can be read.
func fits(schema *source.Node, arguments map[string]any) bool {
	if schema == nil || arguments == nil {
		return true
	}
	s := witness.NewSchema(schema)
	return !s.Known() || s.Allows(arguments)
}

// decided has an engine decide a call.
func decided(ctx context.Context, m *matrix.Matrix, col *matrix.Column, who *authz.Principal, w *Witness) (*matrix.Cell, error) {
	d := pdp.At(m.Decider(), w.Now)
	closed := *col
	closed.Question.Requests = slices.Clone(col.Question.Requests)
	for i := range closed.Question.Requests {
		closed.Question.Requests[i] = pep.Bind(closed.Question.Requests[i], w.Arguments)
	}
	cells, err := m.Try(ctx, d, []matrix.Trial{{Column: &closed, Arguments: w.Arguments, Principals: []*authz.Principal{who}}})
	if err != nil {
		return nil, err
	}
	return cells[0][0], nil
}
