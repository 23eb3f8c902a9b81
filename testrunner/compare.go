package testrunner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Comparison says how the condition of a cell relates to the one that a case expects, for
// whatever arguments the inputSchema allows.
type Comparison struct {
	// Relation is Wider where more is allowed than expected. Where it is not known, there
	// may be calls all the same.
	Relation solver.Relation
	Allowed  *Call    // one that is allowed and does not meet the condition expected
	Denied   *Call    // one that meets it and is denied
	Open     []string // what could not be treated
}

// A Call is one that the engine has decided.
type Call struct {
	Arguments map[string]any
	Cell      *matrix.Cell
}

// A comparer holds conditions against those that are expected, by one engine.
type comparer struct {
	*runner
	decider pdp.Decider
	engine  solver.Evaluator // nil if the engine does not evaluate conditions, and no solver
	solver  *solver.Solver
	known   map[string]solver.Comparison
	sound   map[string]error // conditions that were compiled
}

// compare judges decided cases that expect a condition. Conditions that do not compile are
// mistakes of the run.
func (r *runner) compare(ctx context.Context, d pdp.Decider, list []*bound, standIn func(*matrix.Class) *authz.Principal) error {
	if !slices.ContainsFunc(list, func(c *bound) bool { return c.when != nil }) {
		return nil
	}
	x := newComparer(r, d)
	if err := x.prepare(ctx, list, standIn); err != nil {
		return err
	}
	said := map[source.Pos]bool{} // each once, whomever it is about
	for _, c := range list {
		if c.when == nil {
			continue
		}
		who, of := *c.Principals[0], standIn(c.class)
		who.AuxData, who.JWTs, who.Claims = of.AuxData, of.JWTs, of.Claims
		err := x.judge(ctx, c, &who)
		mistake := new(source.Error)
		switch {
		case errors.As(err, &mistake) && !said[mistake.Pos]:
			said[mistake.Pos] = true
			r.mistakes = append(r.mistakes, err)
		case err != nil && mistake.Err == nil:
			return source.Errorf(c.Pos, "compare conditions: %w", err)
		}
	}
	return nil
}

func newComparer(r *runner, d pdp.Decider) *comparer {
	x := &comparer{runner: r, decider: d, known: map[string]solver.Comparison{}, sound: map[string]error{}}
	if e, ok := d.(pdp.Evaluable); ok {
		x.engine = e.Leaves()
		x.solver = solver.New(x.engine)
	}
	return x
}

// prepare has the engine compile all conditions together.
func (x *comparer) prepare(ctx context.Context, list []*bound, standIn func(*matrix.Class) *authz.Principal) error {
	if x.solver == nil {
		return nil
	}
	var all solver.Preparation
	for _, c := range list {
		if c.when == nil {
			continue
		}
		asks := asksAbout(c.column)
		if asks == nil {
			continue
		}
		r := *asks
		r.Principal = standIn(c.class)
		for _, condition := range []authz.Condition{authz.AnyOf(authz.Alternative{Allows: c.when.clause}), c.Cell.Open()} {
			if f, ok := solver.Of(condition, &r); ok && !condition.IsZero() {
				all.Add(&r, f)
			}
		}
	}
	return x.solver.PrepareAll(ctx, &all)
}

// judge judges a case by the condition of its cell.
func (x *comparer) judge(ctx context.Context, c *bound, who *authz.Principal) error {
	switch {
	case c.Cell.Access == matrix.Unguarded:
		return nil // failed
	case x.solver == nil:
		c.Outcome, c.Cell, c.Values = Errored, nil, nil
		c.Message = "what decides here does not evaluate conditions by themselves, so they cannot be compared: run this test by the policies at hand"
		c.Got = c.Message
		return nil
	case asksAbout(c.column) == nil:
		c.Outcome, c.Values = Failed, nil
		c.Message = fmt.Sprintf("%s does not send the arguments, so no policy can look at them", c.column.Server.Profile.Name)
		return nil
	}
	w, list, open, err := x.world(ctx, c, who)
	if err != nil {
		return err
	}
	result := &Comparison{Open: open}
	if len(open) == 0 {
		if result, err = x.related(ctx, c, w, list); err != nil {
			return err
		}
	}
	result.Open = inReports(result.Open, w.Requests[0].Unknown)
	c.Comparison = result
	c.Outcome, c.Message, c.Values = Failed, oneLine(c.why()), nil
	if result.Relation != solver.Equal {
		return nil
	}
	never, _, err := x.solver.Impossible(ctx, w, []solver.Goal{{Formula: list[1], To: solver.Only(solver.Met)}})
	if err != nil {
		return err
	}
	if never {
		c.Message = "no arguments that the inputSchema allows meet it, so nothing would be allowed: say deny"
		if c.Item.ArgumentsSchema() == nil {
			c.Message = "no arguments meet it, so nothing would be allowed: say deny"
		}
		return nil
	}
	c.Outcome, c.Message = Passed, ""
	return nil
}

// inReports returns what could not be treated, each once, in the words of reports.
func inReports(open, unknown []string) []string {
	place := "resource." + strings.Join(unknown, ".")
	list := make([]string, len(open))
	for i, text := range open {
		list[i] = strings.ReplaceAll(text, place, "arguments")
	}
	return ordered.Distinct(list)
}

// world returns the requests of a case's cell, and when they are allowed and expected to
// be. What cannot be treated is open.
func (x *comparer) world(ctx context.Context, c *bound, who *authz.Principal) (w *solver.World, list [2]solver.Formula, open []string, err error) {
	r := *asksAbout(c.column)
	r.Principal = who
	w = &solver.World{Requests: []authz.Request{r}}
	if schema := c.Item.ArgumentsSchema(); schema != nil {
		w.Arguments = []any{schema.Value()}
	}
	expects := authz.AnyOf(authz.Alternative{Allows: c.when.clause})
	var ok bool
	if list[1], ok = solver.Of(expects, &r); !ok {
		return w, list, []string{expects.String()}, nil
	}
	if err := x.compiles(ctx, c, &r); err != nil {
		return w, list, nil, err
	}
	decided := c.Cell.Open()
	switch {
	case decided.IsZero() && !c.Cell.Access.Possible():
		list[0] = solver.None(solver.All())
		return w, list, nil, nil
	case decided.IsZero():
		list[0] = solver.All()
		return w, list, nil, nil
	case len(decided.Reads().Resource) > 0 || !alike(c.column.Question.Requests, r.Unknown):
		return w, list, []string{decided.String()}, nil
	}
	if list[0], ok = solver.Of(decided, &r); !ok {
		open = []string{decided.String()}
	}
	return w, list, open, nil
}

// alike reports whether all requests that have arguments have them at the same place.
func alike(requests []authz.Request, unknown []string) bool {
	return !slices.ContainsFunc(requests, func(r authz.Request) bool { return r.Unknown != nil && !slices.Equal(r.Unknown, unknown) })
}

// compiles reports what the engine has against the condition that a case expects, at its
// place.
func (x *comparer) compiles(ctx context.Context, c *bound, r *authz.Request) error {
	key := c.when.clause.String() + "\x00" + strings.Join(r.Unknown, "\x00")
	err, known := x.sound[key]
	if !known {
		of := pep.Bind(*r, nil)
		_, err = x.engine.Evaluate(ctx, []string{c.when.inPolicies(r.Unknown)}, []solver.Trial{{Request: &of}})
		x.sound[key] = err
	}
	if err == nil {
		return nil
	}
	if why, ok := uncompiled(err); ok {
		return source.Errorf(c.when.Condition.Pos, "when: %s", why)
	}
	return err
}

// related compares what is decided with what is expected.
func (x *comparer) related(ctx context.Context, c *bound, w *solver.World, list [2]solver.Formula) (*Comparison, error) {
	key := fmt.Sprint(c.column.Index, c.column.Server.Name, c.Cell.Access, c.Cell.Open().Key(), "\x00", c.when.clause.String(), "\x00", seenOf(w.Requests[0].Principal, c.when.clause.Reads().Principal))
	compared, known := x.known[key]
	if !known || len(c.Cell.Open().Reads().Principal) > 0 {
		var err error
		if compared, err = x.solver.Compare(ctx, w, 0, list[0], list[1]); err != nil {
			return nil, err
		}
		x.known[key] = compared
	}
	result := &Comparison{Relation: compared.Relation}
	for i, answer := range []solver.Answer{compared.First, compared.Second} {
		var call *Call
		var err error
		switch answer.Verdict {
		case solver.Impossible:
			continue
		case solver.Unknown:
			result.Open = append(result.Open, answer.Open...)
			continue
		case solver.Possible:
			if call, err = x.shown(ctx, c, w, list, i, &answer); err != nil {
				return nil, err
			}
		}
		switch {
		case call == nil:
			result.Relation = solver.Unrelated
			result.Open = append(result.Open, "a call that conditions tell of and that the engine decides otherwise")
		case i == 0:
			result.Allowed = call
		default:
			result.Denied = call
		}
	}
	return result, nil
}

// shown has the engine decide a call that only one of two conditions is met by: the first
// unless denied is 1. It leaves out the arguments that do not matter.
func (x *comparer) shown(ctx context.Context, c *bound, w *solver.World, list [2]solver.Formula, denied int, answer *solver.Answer) (*Call, error) {
	open := &w.Requests[0]
	arguments := answer.Requests[0].Resource.Mapping(open.Unknown)
	if arguments == nil {
		arguments = map[string]any{}
	}
	met, not := solver.Only(solver.Met), solver.Only(solver.Unmet, solver.Errored)
	goals := []solver.Goal{{Formula: list[denied], To: met}, {Formula: list[1-denied], To: not}}
	schema := witness.NewSchema(c.Item.ArgumentsSchema())
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		less := maps.Clone(arguments)
		delete(less, name)
		if schema.Known() && !schema.Allows(less) {
			continue
		}
		closed := solver.World{Requests: []authz.Request{pep.Bind(*open, less)}}
		still, err := x.solver.Solve(ctx, &closed, goals)
		if err != nil {
			return nil, err
		}
		if still.Verdict == solver.Possible {
			arguments = less
		}
	}
	cells, err := x.Matrix.Try(ctx, x.decider, []matrix.Trial{{Column: c.column, Arguments: arguments, Principals: []*authz.Principal{open.Principal}}})
	if err != nil {
		return nil, err
	}
	x.Matrix.Decisions += len(c.column.Question.Requests)
	cell := cells[0][0]
	if cell.Access != [...]matrix.Access{matrix.Allowed, matrix.Denied}[denied] {
		return nil, nil
	}
	return &Call{arguments, cell}, nil
}
