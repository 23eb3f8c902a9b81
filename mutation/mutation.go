package mutation

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A Status says what became of a mutant.
type Status uint8

// The statuses.
const (
	Killed     Status = iota // a case that passed fails
	Survived                 // a declared cell differs, and no case says so
	Unknown                  // no case fails, and whether any could is not known, or hangs on chance
	Equivalent               // no declared cell differs
	Outside                  // only somebody or something undeclared tells it apart
	Bare                     // only a request that no enforcement point sends tells it apart
	Invalid                  // the policies do not load
)

var statusNames = [...]string{"killed", "survived", "unknown", "equivalent", "outside", "bare", "invalid"}

// Statuses lists the names of the statuses, in the order of their values.
func Statuses() []string { return append([]string(nil), statusNames[:]...) }

// String returns the name of the status, as in JSON.
func (s Status) String() string { return statusNames[s] }

// Input is what mutants are held against.
type Input struct {
	// Tests is the run of the suites. Only its cases that passed take part.
	Tests *testrunner.Result
	// Asserted are what suites of Cerbos's own assert besides.
	Asserted []Asserted
	// Matrix has the declared principals and items; it need not be decided.
	Matrix  *matrix.Matrix
	Mutants []*mutate.Mutant

	// Open opens the policies with a mutant's edit, with the clock and the globals of
	// some suites; now is zero and globals nil for those of the matrix. What the engine
	// says against the policies is a [*LoadError].
	Open func(ctx context.Context, m *mutate.Mutant, now time.Time, globals map[string]any) (pdp.Decider, error)
	// Policies reads the policies with a mutant's edit. What is wrong with them is a
	// [*LoadError].
	Policies func(m *mutate.Mutant) (*policy.Set, error)
	// Prover returns what proves sentences about everybody by an engine. Nil leaves
	// sentences out.
	Prover func(ctx context.Context, by pdp.Decider, now time.Time, globals map[string]any) (*prove.Prover, error)

	Now     time.Time // what time it is in conditions
	Workers int       // at once; 0 for as many as there are cores
	// Progress, if set, is told how many mutants are done.
	Progress func(done, total int)
}

// A LoadError is what an engine has against the policies with a mutant's edit.
type LoadError struct{ Err error }

// Error says what it is.
func (e *LoadError) Error() string { return e.Err.Error() }

// Unwrap returns what the engine says.
func (e *LoadError) Unwrap() error { return e.Err }

// An Outcome is what became of a mutant.
type Outcome struct {
	*mutate.Mutant
	Status Status
	By     []*testrunner.Case // of Killed: some of the cases that fail, at least one; of Cerbos suites only where no other does
	// Difference is the call that tells the mutant from the policies, of Survived and
	// Outside, the request of Bare, and what could not be treated of Unknown. An Equivalent
	// one whose Difference is Unknown may be told apart by somebody undeclared.
	Difference apart.Difference
	Err        error // of Invalid
}

// A Result is what became of mutants, in the order of the input.
type Result struct {
	Outcomes []Outcome
}

// Counts is how many mutants there are of each status.
type Counts [len(statusNames)]int

// Counts counts the mutants.
func (r *Result) Counts() Counts {
	var n Counts
	for i := range r.Outcomes {
		n[r.Outcomes[i].Status]++
	}
	return n
}

// Of is how many mutants count to the score.
func (n Counts) Of() int { return n[Killed] + n[Survived] + n[Unknown] }

// Score is the share of the mutants that count which are killed, in percent, and false
// where none counts.
func (n Counts) Score() (percent float64, ok bool) {
	if n.Of() == 0 {
		return 0, false
	}
	return 100 * float64(n[Killed]) / float64(n.Of()), true
}

// Run holds mutants against the suites and the policies. An error is none of a mutant's,
// and nothing follows from it.
func Run(ctx context.Context, in *Input) (*Result, error) {
	n := len(in.Mutants)
	r := &runner{Input: in, result: &Result{Outcomes: make([]Outcome, n)}, judged: make([]bool, n), opened: make([]pdp.Decider, n)}
	for _, step := range []func(context.Context) error{r.prepare, r.killChanged, r.killOpened, r.killAsserted, r.tell, r.disprove} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r.result, nil
}

// end notes what became of a mutant.
func (r *runner) end(number int, o Outcome) {
	o.Mutant = r.Mutants[number]
	r.ending.Lock()
	defer r.ending.Unlock()
	r.result.Outcomes[number] = o
	if r.judged[number] {
		return // a sentence kills what was to be told apart
	}
	r.judged[number] = true
	r.done++
	if r.Progress != nil {
		r.Progress(r.done, len(r.Mutants))
	}
}

// mostOutside bounds what is looked for beside the declared cells, which counts for nothing:
// it only says of a mutant what else tells it apart.
const mostOutside = 64

// parallel calls f for n things, some at a time; each worker has a finder of its own.
func (r *runner) parallel(ctx context.Context, n int, f func(ctx context.Context, finder *apart.Finder, n int) error) error {
	workers := r.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	for len(r.finders) < workers {
		finder := apart.New(r.Matrix, r.Matrix.Decider())
		finder.Now, finder.Most = r.Now, mostOutside
		r.finders = append(r.finders, finder)
	}
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for _, finder := range r.finders[:min(workers, n)] {
		g.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := f(ctx, finder, i); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}
