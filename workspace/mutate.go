package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/mutation"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Mutating says which mutants are held against which suites.
type Mutating struct {
	Filter    testrunner.Filter
	Operators []mutate.Operator // nil for all
	// Sample is how many mutants are taken, 0 for all: the same for the same policies and
	// Seed.
	Sample int
	Seed   uint64
	// Since is the name of what lines have to be changed since for their mutants to be
	// taken, "" for all, and Before the folder of the config as it was there.
	Since  string
	Before fs.FS
}

// Mutated is what suites say to mutants.
type Mutated struct {
	*mutation.Result
	Made  int // how many mutants there are, of which Result has those that were taken
	Tests *testrunner.Result
	Since string
}

// Mutate holds mutants of the policies against the suites.
func (w *Workspace) Mutate(ctx context.Context, o *Mutating) (*Mutated, error) {
	if w.remote != nil {
		return nil, wrong(errors.New("mutants are decided by the embedded engine: leave --pdp out"))
	}
	m, err := w.Outline()
	if err != nil {
		return nil, err
	}
	tests, err := w.Test(ctx, m, o.Filter)
	if err != nil {
		return nil, err
	}
	if tests == nil {
		return nil, wrong(errors.New("there are no suites: mutants show what suites notice; name some under tests in mcpolicy.yaml, or with --tests"))
	}
	if tests.Counts().Passed == 0 {
		return nil, wrong(errors.New("no case passes, so there is nothing that a mutant could make fail"))
	}
	asserted, err := w.killingChecks(ctx, m, tests)
	if err != nil {
		return nil, err
	}
	made, err := w.mutants()
	if err != nil {
		return nil, err
	}
	taken, err := w.taken(made, o)
	if err != nil {
		return nil, err
	}
	progress, end := w.o.Progress.begin("mutating the policies")
	defer end()
	r, err := mutation.Run(ctx, &mutation.Input{
		Tests: tests, Asserted: asserted, Matrix: m, Mutants: taken, Open: w.openMutant, Policies: w.mutantPolicies, Now: w.Now, Progress: progress,
		Prover: func(_ context.Context, by pdp.Decider, now time.Time, _ map[string]any) (*prove.Prover, error) {
			return w.proverBy(by, w.Engine.Leaves(), now)
		},
	})
	if err != nil {
		return nil, err
	}
	return &Mutated{Result: r, Made: len(made), Tests: tests, Since: o.Since}, nil
}

// mutants makes the mutants of the policies. A file that cannot be read again is an error: it
// would pass for one that nothing can be mistaken in.
func (w *Workspace) mutants() ([]*mutate.Mutant, error) {
	roots := map[string]*source.Node{}
	var errs []error
	for _, p := range w.Policies.Policies {
		if p.Disabled {
			continue
		}
		root, err := w.readPolicy(p.File)
		if err != nil {
			errs = append(errs, err)
		}
		roots[p.File] = root
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return mutate.Of(w.Policies, func(file string) *source.Node { return roots[file] }), nil
}

// taken returns the mutants that are wanted.
func (w *Workspace) taken(made []*mutate.Mutant, o *Mutating) ([]*mutate.Mutant, error) {
	list := slices.Clone(made)
	if o.Operators != nil {
		list = slices.DeleteFunc(list, func(m *mutate.Mutant) bool { return !slices.Contains(o.Operators, m.Operator) })
	}
	if o.Since != "" {
		changed := w.changedLines(o.Before)
		list = slices.DeleteFunc(list, func(m *mutate.Mutant) bool { return !changed(m.Pos.File, m.Pos.Line, m.Pos.Line) })
	}
	if len(list) == 0 && o.Since == "" {
		return nil, wrong(errors.New("there are no such mutants: the policies have nothing for these operators to change"))
	}
	if o.Sample > 0 && o.Sample < len(list) {
		r := rand.New(rand.NewPCG(o.Seed, 0)) //nolint:gosec // a sample that can be had again
		keep := r.Perm(len(list))[:o.Sample]
		slices.Sort(keep)
		some := make([]*mutate.Mutant, len(keep))
		for i, n := range keep {
			some[i] = list[n]
		}
		list = some
	}
	return list, nil
}

// openMutant opens the policies with a mutant's mistake in them, with another clock or other
// globals.
func (w *Workspace) openMutant(ctx context.Context, m *mutate.Mutant, now time.Time, globals map[string]any) (pdp.Decider, error) {
	return w.loadMutant(ctx, m, w.engineWith(now, globals))
}

// mutantPolicies reads the policies with a mutant's mistake in them.
func (w *Workspace) mutantPolicies(m *mutate.Mutant) (*policy.Set, error) {
	content, err := m.Content()
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", m.Pos.File, err)
	}
	set, err := policy.Load(w.overlaid(map[string][]byte{m.Pos.File: content}), w.engine.Prefix)
	if err != nil {
		return nil, &mutation.LoadError{Err: err}
	}
	return set, nil
}

// loadMutant opens the policies with a mutant's mistake in them.
func (w *Workspace) loadMutant(ctx context.Context, m *mutate.Mutant, o pdp.Options) (pdp.Decider, error) {
	content, err := m.Content()
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", m.Pos.File, err)
	}
	fsys := w.overlaid(map[string][]byte{m.Pos.File: content})
	d, err := embedded.Open(ctx, fsys, o)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, &mutation.LoadError{Err: err}
	}
	return d, nil
}
