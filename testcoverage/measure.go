package testcoverage

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Input is what coverage is measured of.
type Input struct {
	// Matrix is that of the run. It will be decided as a whole.
	Matrix *matrix.Matrix
	Result *testrunner.Result
	// Decisions are asserted besides, by suites of another kind.
	Decisions []Decision
	Strict    bool      // the engine denies when a condition errs
	Now       time.Time // what time it is to the engine of the matrix

	// File returns a file of the policies, nil if it cannot be had.
	File func(name string) *source.Node
	// Open opens the policies with other content in some of their files, with the clock
	// and the globals of a suite's options. It is asked for what an engine does not change
	// by itself: derived roles, and the rules of principal and role policies.
	Open func(ctx context.Context, files map[string][]byte, o *testrunner.Options) (pdp.Decider, error)
	// Prover returns what proves sentences by an engine, nil if nothing is proved.
	Prover func(ctx context.Context, by pdp.Decider, o *testrunner.Options) (*prove.Prover, error)

	// Progress, if set, is told how many rules and derived roles are looked into.
	Progress func(done, total int)
}

// A Decision is one that something else than a suite of [testrunner] asserts, and that was
// found to be as it is asserted.
type Decision struct {
	Evidence Evidence
	Decider  pdp.Decider   // what decided it
	Request  authz.Request // nothing of it is open
	Effect   authz.Effect  // Allow or Deny
	Rules    []authz.RuleRef
}

// Measure says what a run covers. An error says nothing about that.
func Measure(ctx context.Context, in *Input) (*Coverage, error) {
	m := &measurer{in: in, coverage: &Coverage{}, points: map[*policy.Rule]*Point{}}
	if err := in.Matrix.Decide(ctx, in.Matrix.Columns); err != nil {
		return nil, err
	}
	if err := m.worlds(ctx); err != nil {
		return nil, err
	}
	m.count()
	m.activations()
	list := subjects(in.Matrix.Policies())
	if err := m.change(ctx, list); err != nil {
		return nil, err
	}
	for i, s := range list {
		if err := m.subject(ctx, s); err != nil {
			return nil, err
		}
		if in.Progress != nil {
			in.Progress(i+1, len(list))
		}
	}
	m.cells()
	kinds := Kinds()
	slices.SortStableFunc(m.coverage.Points, func(a, b Point) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), m.order(&a, &b))
	})
	m.coverage.number()
	return m.coverage, nil
}

// order leaves cells in the order of the matrix.
func (m *measurer) order(a, b *Point) int {
	if a.Kind == Cell {
		return 0
	}
	return a.Pos.Compare(b.Pos)
}

// A measurer measures one run.
type measurer struct {
	in       *Input
	coverage *Coverage
	list     []*world                     // that of the matrix first
	active   map[*policy.Rule]Evidence    // rules that certainly activated in an asserted decision
	maybe    map[*policy.Rule][]candidate // those that did for some arguments, or none
	points   map[*policy.Rule]*Point      // of rules
}

// A world is an engine and what it decided.
type world struct {
	testrunner.Engine
	decisions []*Decision
	finder    *apart.Finder
	changed   map[*subject]map[hold]*pdp.Changed
}

// worlds lists the engines that decided something that is asserted.
func (m *measurer) worlds(ctx context.Context) error {
	main := m.in.Matrix.Decider()
	m.list = []*world{{Engine: testrunner.Engine{Decider: main, Options: &testrunner.Options{}}}}
	for _, e := range m.in.Result.Engines() {
		if e.Decider == main || e.Decider == nil && e.Options.Now.IsZero() && e.Options.Globals == nil {
			m.list[0].Cases = append(m.list[0].Cases, e.Cases...)
			m.list[0].Claims = append(m.list[0].Claims, e.Claims...)
			continue
		}
		if e.Decider == nil && m.in.Open != nil { // it only proves
			var err error
			if e.Decider, err = m.in.Open(ctx, nil, e.Options); err != nil {
				return err
			}
		}
		m.list = append(m.list, &world{Engine: e})
	}
	for i := range m.in.Decisions {
		d := &m.in.Decisions[i]
		at := slices.IndexFunc(m.list, func(w *world) bool { return w.Decider == d.Decider })
		if at < 0 {
			at = len(m.list)
			m.list = append(m.list, &world{Engine: testrunner.Engine{Decider: d.Decider, Options: &testrunner.Options{}}})
		}
		m.list[at].decisions = append(m.list[at].decisions, d)
	}
	for _, w := range m.list {
		if w.Decider == nil {
			continue
		}
		w.finder = apart.New(m.in.Matrix, w.Decider)
		if w.finder.Now = w.Options.Now; w.finder.Now.IsZero() {
			w.finder.Now = m.in.Now
		}
	}
	return nil
}

// change has the engines compile all changes of rules that they can make.
func (m *measurer) change(ctx context.Context, list []*subject) error {
	for _, w := range m.list {
		engine, ok := w.Decider.(pdp.Changeable)
		if !ok {
			continue
		}
		var changes []pdp.Change
		var of []*subject
		var holds []hold
		for _, s := range list {
			for _, h := range s.holds() {
				if c := s.change(h); c != nil {
					changes, of, holds = append(changes, *c), append(of, s), append(holds, h)
				}
			}
		}
		changed, err := engine.Change(ctx, changes)
		if err != nil {
			return err
		}
		w.changed = map[*subject]map[hold]*pdp.Changed{}
		for i, c := range changed {
			if w.changed[of[i]] == nil {
				w.changed[of[i]] = map[hold]*pdp.Changed{}
			}
			w.changed[of[i]][holds[i]] = c
		}
	}
	return nil
}

// count counts asserted cases by what decided them.
func (m *measurer) count() {
	c := m.coverage
	for _, w := range m.list {
		for _, x := range w.Claims {
			c.Proved += len(x.About())
		}
		for _, x := range w.Cases {
			n := len(x.About())
			switch {
			case x.Cell.Access == matrix.Conditional:
				c.Conditional += n
			case x.Cell.Access.Possible():
				c.Allowed += n
			case len(fired(x.Cell, authz.Deny)) > 0:
				c.ByRule += n
			default:
				c.ByDefault += n
			}
		}
		for _, d := range w.decisions {
			switch {
			case d.Effect == authz.Allow:
				c.Allowed++
			case slices.ContainsFunc(d.Rules, func(r authz.RuleRef) bool { return r.Effect == authz.Deny && r.Met == authz.Fired }):
				c.ByRule++
			default:
				c.ByDefault++
			}
		}
	}
}

// fired returns the rules of an effect that apply, whatever is open.
func fired(c *matrix.Cell, effect authz.Effect) []matrix.Rule { return with(c, effect, authz.Fired) }

func with(c *matrix.Cell, effect authz.Effect, met authz.Met) []matrix.Rule {
	var list []matrix.Rule
	for _, r := range c.Rules {
		if r.Effect == effect && r.Met == met {
			list = append(list, r)
		}
	}
	return list
}
