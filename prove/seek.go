package prove

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// A search is for a principal of a cohort that a sentence does not hold for, or for
// Somebody does.
type search struct {
	*Prover
	sentence *Sentence
	cohort   cohort
	world    solver.World
	goals    []solver.Goal
	texts    []string       // of the goals, which tell searches of the same apart from others
	schemas  []*source.Node // of the arguments
	reads    [2][][]string  // the arguments that they look at, by request
	hang     [2]bool        // on what a call says, by request
	never    bool           // there is none
	confirm  bool           // the engine has to agree before a request counts as found
	open     []string       // what of it cannot be told
}

// seek looks for a counterexample in a cohort. What it cannot tell is open.
func (p *Prover) seek(ctx context.Context, s *Sentence, c cohort) (found *Counterexample, open []string, err error) {
	x := &search{Prover: p, sentence: s, cohort: c}
	x.world = solver.World{Principal: p.schema(s.Of).Value(), FixedID: c.id != ""}
	if !p.in.Now.IsZero() {
		x.world.Now = &p.in.Now
	}
	x.ask(s.Of)
	x.population()
	switch s.Kind {
	case Never, Somebody:
		x.may(0, s.Of, c, true)
	case Needs:
		x.may(0, s.Of, c, true)
		x.goal(0, formula(s.Condition, x.request(0)), "not "+s.Condition, false)
		x.reads[0] = append(x.reads[0], expr.Clause(s.Condition).Reads().Arguments...)
	case Always:
		x.may(0, s.Of, c, false)
	case Implies:
		x.may(0, s.Of, c, true)
		x.cannot(s.Then)
	case Within:
		x.may(0, s.Of, c, true)
		outer := cohort{roles: s.Outer, id: c.id}
		if err := p.decide(ctx, s.Of, []cohort{outer}); err != nil {
			return nil, nil, err
		}
		x.again(outer.principal())
		x.may(1, s.Of, outer, false)
	case Apart:
		x.ask(s.Then)
		x.may(0, s.Of, c, true)
		x.may(1, s.Then, c, true)
	case Delegated:
	}
	switch {
	case x.never:
		return nil, nil, nil
	case len(x.open) > 0:
		return nil, x.open, nil
	}
	return x.solve(ctx)
}

// ask adds a column to what is asked of the principal.
func (x *search) ask(col *matrix.Column) {
	r := authz.Request{}
	if requests := x.Prover.open(col).Question.Requests; len(requests) > 0 {
		r = requests[0]
	}
	r.Principal, r.AnyPrincipal = x.cohort.principal(), true
	x.world.Requests = append(x.world.Requests, r)
	var schema *source.Node
	if col.TakesArguments() && !x.sentence.IgnoreSchema || col.Question.Possible {
		schema = x.arguments(col.Item)
	}
	x.schemas, x.world.Arguments = append(x.schemas, schema), append(x.world.Arguments, schema.Value())
}

// lists lets go of the inputSchema where a list shows what is possible, and the arguments decide
// nothing: it shows the item, or does not, whether there are any arguments or not.
func (x *search) lists() {
	hang := x.hang
	if len(x.world.Calls) > 0 { // one call
		hang[0] = hang[0] || hang[1]
	}
	for i, col := range []*matrix.Column{x.sentence.Of, x.sentence.Then} {
		if i < len(x.schemas) && col.Question.Possible && !hang[i] {
			x.schemas[i], x.world.Arguments[i] = nil, nil
		}
	}
}

// again adds the same call by another principal, of whom all but the roles is the same.
func (x *search) again(who *authz.Principal) {
	r := x.world.Requests[0]
	r.Principal = who
	x.world.Requests, x.world.Calls = append(x.world.Requests, r), []int{0, 0}
}

func (x *search) request(of int) *authz.Request { return &x.world.Requests[of] }

// goal adds what has to be met, or not.
func (x *search) goal(of int, f solver.Formula, text string, met bool) {
	to := solver.Only(solver.Met)
	if !met {
		to = solver.Only(solver.Unmet, solver.Errored)
	}
	x.goals = append(x.goals, solver.Goal{Formula: f, Request: of, To: to})
	x.texts = append(x.texts, strconv.Itoa(of)+" "+text)
}

// population asks for a principal whom the sentence is about.
func (x *search) population() {
	_, besides := x.sentence.Who.has(x.cohort, x.request(0))
	for i, f := range besides {
		x.goal(0, f, fmt.Sprintf("who %d", i), true)
	}
	if ids := x.idsOf(x.sentence); x.cohort.id == "" && len(ids) > 0 {
		quoted := make([]string, len(ids))
		for i, id := range ids {
			quoted[i] = strconv.Quote(id)
		}
		x.goal(0, solver.Expr("P.id in ["+strings.Join(quoted, ", ")+"]"), "id", false)
	}
}

// may asks that a column is allowed to a cohort, or not.
func (x *search) may(of int, col *matrix.Column, c cohort, wanted bool) {
	x.allowed(of, x.cell(col, c), wanted)
}

// allowed asks that a cell is allowed, or not.
func (x *search) allowed(of int, cell *matrix.Cell, wanted bool) {
	open, some := openOf(cell) // settled or not: the sentence may leave the inputSchema out
	x.confirm = x.confirm || some && !wanted
	switch {
	case !open.IsZero():
		f, ok := solver.Of(open, x.request(of))
		if !ok {
			x.open = append(x.open, open.String())
			return
		}
		x.goal(of, f, strconv.FormatBool(wanted)+" "+open.Key(), wanted)
		x.reads[of] = append(x.reads[of], open.Reads().Arguments...)
		x.hang[of] = x.hang[of] || hangs(open)
	case !cell.Access.Possible():
		x.never = x.never || wanted
	default:
		x.never = x.never || !wanted
	}
}

// openOf returns the condition that the engine left open in a cell, and whether it is enough
// that some arguments meet it. That they do is a matter of finding them. That none do is not:
// a principal and arguments that miss it only make a candidate, but if there is no such pair
// some arguments do for everybody.
func openOf(cell *matrix.Cell) (open authz.Condition, some bool) {
	open = cell.Open()
	if of := open.Met(); !of.IsZero() {
		return of, hangs(of)
	}
	return open, false
}

// hangs reports whether a condition may come out otherwise for another call.
func hangs(c authz.Condition) bool {
	r := c.Reads()
	return len(r.Arguments) > 0 || len(r.Resource) > 0 || r.Policy
}

// cannot asks that a column is allowed with no arguments.
func (x *search) cannot(col *matrix.Column) {
	cell := x.cell(col, x.cohort)
	_, some := openOf(cell)
	others := some && (col.Item != x.sentence.Of.Item || x.sentence.IgnoreSchema) // arguments may be such that this one refuses
	if cell.Access == matrix.Conditional && (len(cell.Condition.Reads().Arguments) > 0 || others) {
		x.open = append(x.open, fmt.Sprintf("for which arguments %s of %s is allowed: %s", col.Operation, col.Item.Name, cell.Condition))
		return
	}
	x.may(0, col, x.cohort, false)
}

// solve looks for requests that meet the goals.
func (x *search) solve(ctx context.Context) (*Counterexample, []string, error) {
	x.lists()
	answer, err := x.answer(ctx)
	if err != nil {
		return nil, nil, err
	}
	switch answer.Verdict {
	case solver.Impossible:
		return nil, nil, nil
	case solver.Unknown:
		return nil, answer.Open, nil
	case solver.Possible:
	}
	return x.shown(ctx, &answer)
}

// answer asks the solver, each different question once: many columns have the same
// conditions.
func (x *search) answer(ctx context.Context) (solver.Answer, error) {
	key := x.key()
	if x.impossible[key] {
		return solver.Answer{Verdict: solver.Impossible}, nil
	}
	if x.confirm {
		x.in.Solver.Confirm = func(ctx context.Context, requests []authz.Request, now time.Time) (bool, error) {
			return x.agrees(ctx, x.counterexample(requests, now))
		}
		defer func() { x.in.Solver.Confirm = nil }()
	}
	answer, err := x.in.Solver.Solve(ctx, &x.world, x.goals)
	if err == nil && x.confirm && answer.Verdict == solver.Impossible {
		var any solver.Answer // arguments: where there are none, nothing is possible either
		x.in.Solver.Confirm = nil
		if any, err = x.in.Solver.Solve(ctx, &x.world, nil); any.Verdict != solver.Possible {
			answer.Verdict = solver.Unknown
		}
	}
	if x.confirm && answer.Verdict == solver.Unknown {
		answer.Open = []string{"whether some arguments would be allowed to everybody"}
	}
	if err == nil && answer.Verdict == solver.Impossible {
		x.impossible[key] = true
	}
	return answer, err
}

// key is the same for searches that come to nothing alike: of the same conditions, over
// arguments of which the schemas say the same as far as the conditions look at them.
func (x *search) key() string {
	parts := slices.Clone(x.texts)
	if strings.Contains(strings.Join(parts, " "), "roles") || x.sentence.Who != nil && x.sentence.Who.looksAtRoles() {
		parts = append(parts, strings.Join(x.cohort.roles, "\x00"), strings.Join(x.sentence.Outer, "\x00"))
	}
	if x.world.FixedID {
		parts = append(parts, x.cohort.id)
	}
	reads := slices.Concat(x.reads[0], x.reads[1]) // of one call, or of two: more tells more apart
	for _, n := range x.schemas {
		parts = append(parts, manifest.SchemaKey(n, reads))
	}
	return strings.Join(append(parts, fmt.Sprintf("%p %p %t", x.sentence.Who, x.schema(x.sentence.Of), x.world.FixedID)), "\x01")
}
