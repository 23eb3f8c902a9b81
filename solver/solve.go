package solver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// An analysis is what is known of one question, or of several that share their formulas.
type analysis struct {
	solver  *Solver
	in      *World
	limits  Limits
	roots   map[string]*place
	places  []*place // parents before what is below them
	leaves  map[string]*leaf
	list    []*leaf
	fixed   map[int]string
	goals   []target
	invalid error             // why a schema is none
	wide    bool              // places are made for all properties of the schemas
	failed  error             // why the engine could not say what domains are made of
	bound   map[string]*place // what names of macros stand for
	top     *leaf             // that is looked into, if it is one of the list
	// allLists are the makers of lists.
	allLists []*lists
	evaluate func(texts []string, trials []Trial) ([]Outcome, error)
	misfit   bool // a model was not what the schemas allow
	steps    int
}

type target struct {
	formula *formulaNode
	source  Formula
	request int
	to      Outcomes
}

// A formulaNode is a formula with its expressions taken apart.
type formulaNode struct {
	kind   formulaKind
	strict bool
	expr   *node
	list   []*formulaNode
}

// Solve says whether there are requests for which all goals hold.
func (s *Solver) Solve(ctx context.Context, w *World, goals []Goal) (Answer, error) {
	a, err := s.analyse(ctx, w, goals, false)
	if err != nil {
		return Answer{}, err
	}
	answer, err := a.solve(ctx)
	if err != nil || answer.Verdict != Unknown || !a.misfit {
		return answer, err
	}
	// The schemas say something of values together: what is not read matters to them.
	if a, err = s.analyse(ctx, w, goals, true); err != nil {
		return Answer{}, err
	}
	return a.solve(ctx)
}

func (s *Solver) newAnalysis(ctx context.Context, w *World) *analysis {
	return &analysis{
		solver: s, in: w, limits: s.Limits, roots: map[string]*place{}, leaves: map[string]*leaf{}, fixed: map[int]string{}, bound: map[string]*place{},
		evaluate: func(texts []string, trials []Trial) ([]Outcome, error) { return s.engine.Evaluate(ctx, texts, trials) },
	}
}

// analyse takes the formulas apart, makes the domains and the tables.
func (s *Solver) analyse(ctx context.Context, w *World, goals []Goal, wide bool) (*analysis, error) {
	a := s.newAnalysis(ctx, w)
	a.wide = wide
	for _, r := range w.Requests { // whatever is open has to fit the schemas, read or not
		if r.AnyPrincipal {
			a.root("P.attr", isAttributes, 0)
			a.root("jwt", isClaims, 0)
		}
	}
	for i, r := range w.Requests {
		if r.Unknown != nil {
			a.root(callRoot(w.call(i)), isArguments, w.call(i))
		}
	}
	for _, g := range goals {
		source := g.Formula.of(&w.Requests[g.Request])
		f, err := a.formula(source, g.Request)
		if err != nil {
			return nil, err
		}
		a.goals = append(a.goals, target{formula: f, source: source, request: g.Request, to: g.To})
	}
	for _, l := range a.list {
		a.covers(l)
	}
	for _, l := range a.list {
		if a.finite(l); l.cover != covered || l.chooser != nil || l.loose != "" {
			a.hint(l)
		}
	}
	a.countElements()
	for _, p := range a.places {
		a.fill(p)
	}
	if a.failed != nil {
		return nil, a.failed
	}
	return a, a.tabulate(ctx)
}

func (a *analysis) formula(f Formula, request int) (*formulaNode, error) {
	n := &formulaNode{kind: f.kind, strict: f.strict}
	if f.kind == isExpr {
		parsed, err := expr.Parse(f.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.text, err)
		}
		n.expr = a.skeleton(plain(parsed), request, true)
	}
	for _, x := range f.list {
		below, err := a.formula(x, request)
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, below)
	}
	return n, nil
}

// solve looks for a model that the engine confirms, and failing that for a proof that
// there is none.
func (a *analysis) solve(ctx context.Context) (Answer, error) {
	if a.refused() {
		return Answer{Verdict: Impossible, Steps: a.steps}, nil
	}
	relaxed := a.encode(true)
	if len(relaxed.clauses) > a.limits.Size {
		return Answer{Open: []string{"the condition is too large"}, Steps: a.steps}, nil
	}
	if relaxed.model() == nil {
		return Answer{Verdict: Impossible, Steps: a.steps}, nil
	}
	answer, err := a.confirmed(ctx)
	answer.Steps = a.steps
	if err != nil || answer.Verdict == Possible {
		return answer, err
	}
	answer.Open = a.open()
	return answer, nil
}

// confirmed looks for requests that the engine confirms.
func (a *analysis) confirmed(ctx context.Context) (Answer, error) {
	if a.invalid != nil || slices.ContainsFunc(a.list, func(l *leaf) bool { return l.foreign }) {
		return Answer{}, nil
	}
	e := a.encode(false)
	for range a.limits.Tries {
		if err := ctx.Err(); err != nil {
			return Answer{}, err
		}
		at := e.model()
		if at == nil {
			break
		}
		a.steps++
		learned, err := a.learn(ctx, e, at)
		if err != nil {
			return Answer{}, err
		}
		if learned {
			continue
		}
		requests, now := a.requests(at)
		ok, err := a.confirm(ctx, requests, now)
		if err != nil {
			return Answer{}, err
		}
		if ok {
			return Answer{Verdict: Possible, Requests: requests, Now: now}, nil
		}
		e.exclude(at)
	}
	return Answer{}, nil
}

// learn asks the engine about leaves that have no table, for one model, and reports
// whether there was anything to learn.
func (a *analysis) learn(ctx context.Context, e *encoding, at map[*place]int) (bool, error) {
	var ask asking
	var lazy []*leaf
	for _, l := range a.list {
		if !l.lazy {
			continue
		}
		values := make([]int, len(l.vars))
		for i, p := range l.vars {
			values[i] = at[p]
		}
		if !slices.ContainsFunc(l.rows, func(r row) bool { return slices.Equal(r.at, values) }) {
			lazy = append(lazy, l)
			a.ask(&ask, l, values)
		}
	}
	if len(lazy) == 0 {
		return false, nil
	}
	if err := a.answer(ctx, &ask); err != nil {
		return false, err
	}
	for _, l := range lazy {
		e.row(l, l.rows[len(l.rows)-1])
	}
	return true, nil
}

// requests returns the requests of a model.
func (a *analysis) requests(at map[*place]int) ([]authz.Request, time.Time) {
	values := assignment{}
	for p, i := range at {
		values[p] = p.domain[i]
	}
	list := make([]authz.Request, len(a.in.Requests))
	now := defaultNow
	for i := range list {
		r, t := a.request(i, values)
		if a.in.Requests[i].Principal == a.in.Requests[0].Principal && i > 0 {
			r.Principal = list[0].Principal
		}
		list[i], now = *r, t
	}
	return list, now
}

// confirm holds requests against the schemas, and has the engine evaluate all of each
// formula for them.
func (a *analysis) confirm(ctx context.Context, requests []authz.Request, now time.Time) (bool, error) {
	for _, p := range a.roots {
		if p.isObject() && !a.fits(p, requests) {
			a.misfit = true
			return false, nil
		}
	}
	texts := newTexts()
	var trials []Trial
	index := map[string]int{}
	for _, g := range a.goals {
		g.source.texts(func(text string) {
			key := fmt.Sprint(g.request, " ", text)
			if _, known := index[key]; !known {
				index[key] = len(trials)
				trials = append(trials, Trial{Text: texts.number(text), Request: &requests[g.request], Now: now})
			}
		})
	}
	outcomes, err := a.solver.engine.Evaluate(ctx, texts.list, trials)
	if err != nil {
		return false, err
	}
	for _, g := range a.goals {
		o := g.source.outcome(func(text string) Outcome { return outcomes[index[fmt.Sprint(g.request, " ", text)]] })
		if !g.to.Has(o) {
			return false, nil
		}
	}
	if a.solver.Confirm != nil {
		ok, err := a.solver.Confirm(ctx, requests, now)
		a.misfit = a.misfit || !ok && a.in.Only != nil // what is open and not read may matter to the schemas of policies
		return ok, err
	}
	return true, nil
}

// fits reports whether what stands in requests at a root is what its schema allows.
func (a *analysis) fits(p *place, requests []authz.Request) bool {
	for i := range requests {
		var v any
		var open bool
		if p.kind == isAttributes {
			v, open = any(orEmpty(requests[i].Principal.Attr)), a.in.Requests[i].AnyPrincipal
		} else if p.kind == isClaims {
			v, open = any(orEmpty(requests[i].Principal.AuxData)), a.in.Requests[i].AnyPrincipal
		} else if open = a.in.Requests[i].Unknown != nil && a.in.call(i) == p.call; open {
			v = orEmpty(requests[i].Resource.Attr)
			for _, name := range a.in.Requests[i].Unknown {
				v = v.(map[string]any)[name] //nolint:errcheck // put is what made it
			}
		}
		if open && slices.ContainsFunc(p.schemas, func(s *jsonschema.Schema) bool { return !valid(s, v) }) {
			return false
		}
	}
	return true
}

// open lists what could not be treated.
func (a *analysis) open() []string {
	var list []string
	for _, l := range a.list {
		if l.cover != covered || l.chooser != nil || slices.ContainsFunc(l.rows, func(r row) bool { return l.isLoose(r) || l.looksIntoList(r) }) {
			list = append(list, l.opaque())
		}
	}
	for _, p := range a.places {
		if len(p.domain) > p.sure {
			list = append(list, p.title())
		}
	}
	if a.invalid != nil {
		list = append(list, "a schema that is none")
	}
	if len(list) == 0 {
		list = append(list, "what the schemas say of values together")
	}
	slices.Sort(list)
	return slices.Compact(list)
}
