package testrunner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/source"
)

// Input is what suites are run on.
type Input struct {
	Suites []*Suite // of all files, in the order of the result
	// Checked are the results of suites of Cerbos. The filter leaves some of them, which
	// come after the others.
	Checked []*SuiteResult
	// Matrix need not be decided: what the cases are about will be.
	Matrix *matrix.Matrix

	// Groups are the keys of each group's principals. Nil takes the groups
	// that the principals say they are in.
	Groups map[string][]string

	// Reopen returns the engine with another clock, unless now is zero, and
	// other globals, unless they are nil. It is asked for suites with options;
	// without it they are errors.
	Reopen func(now time.Time, globals map[string]any) (pdp.Decider, error)

	// Prover returns what proves sentences about everybody, by the engine with another
	// clock and other globals as Reopen has them. It is asked for suites with such
	// sentences; without it they are errors.
	Prover func(ctx context.Context, now time.Time, globals map[string]any) (*prove.Prover, error)

	Filter Filter

	// Progress, if set, is told how many of the cases are decided.
	Progress func(done, total int)
}

// Run expands the suites to cases and decides them. Names that stand for
// nothing are errors, all of them reported, joined, each a [*source.Error]; a
// filter that leaves nothing is [ErrNothingSelected]. A decision that could
// not be made ends the run.
func Run(ctx context.Context, in *Input) (*Result, error) {
	p := newPeople(in.Matrix, in.Groups)
	f, err := in.Filter.find(in.Suites, in.Checked, in.Matrix, p)
	if err != nil {
		return nil, err
	}
	b := newBinder(in.Matrix, p, f)
	var suites []*boundSuite
	errs := []error{sameNames(in.Suites)}
	for _, s := range in.Suites {
		bs, err := b.suite(s)
		errs = append(errs, err)
		suites = append(suites, bs)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, s := range suites {
		f.narrow(s)
	}
	checked := f.leaves(in.Checked)
	if err := f.missing(suites, in.Matrix, p); err != nil {
		return nil, err
	}
	r := &runner{Input: in, engines: map[string]pdp.Decider{}, provers: map[string]*prove.Prover{}}
	if err := r.decide(ctx, suites); err != nil {
		return nil, err
	}
	result := &Result{runner: r}
	for _, s := range suites {
		if len(s.cases) == 0 { // all filtered out
			continue
		}
		sr := &SuiteResult{Name: s.Name, File: s.Pos.File, Pos: s.Pos, Cases: make([]*Case, len(s.cases))}
		for i, c := range s.cases {
			sr.Cases[i] = c.Case
		}
		result.Suites = append(result.Suites, sr)
	}
	result.Suites = append(result.Suites, checked...)
	if len(result.Suites) == 0 && in.Filter.IsSet() {
		return nil, in.Filter.nothing(in.Suites, in.Checked)
	}
	return result, nil
}

// A runner decides bound cases.
type runner struct {
	*Input
	engines map[string]pdp.Decider   // reopened, by clock and globals
	provers map[string]*prove.Prover // by the same
	done    int
	total   int
	// mistakes are those of conditions that do not compile.
	mistakes []error
}

// decide decides the cases of all suites: those with arguments of suites
// without options in one batch, the others suite by suite. Of the matrix it
// has only those cells decided that cases without arguments are about.
func (r *runner) decide(ctx context.Context, suites []*boundSuite) error {
	var asked, looked []*bound
	var apart []*boundSuite
	said := make([][]*bound, len(suites)) // of everybody
	for i, s := range suites {
		plain, pending := s.Options.plain(), 0
		for _, c := range s.cases {
			switch {
			case c.Outcome == Skipped:
			case c.claim != nil:
				said[i] = append(said[i], c)
				r.total++
			case !plain:
				pending++
			case c.Arguments != nil:
				asked = append(asked, c)
			default:
				looked = append(looked, c)
			}
		}
		if pending > 0 {
			apart = append(apart, s)
		}
		r.total += pending
	}
	r.total += len(looked) + len(asked)
	if err := r.Matrix.DecideCells(ctx, keysOf(looked)); err != nil {
		return fmt.Errorf("decide cases: %w", err)
	}
	known := newLooks(r.Matrix.Decider())
	for _, c := range looked {
		c.judge(r.Matrix.Cell(c.class, c.column), c.class.First(), known)
		c.decided(r.Matrix.Decider(), c.class.First(), r.Matrix, c.key())
	}
	if err := r.compare(ctx, r.Matrix.Decider(), looked, (*matrix.Class).First); err != nil {
		return err
	}
	if err := r.hold(ctx, r.Matrix.Decider(), looked, (*matrix.Class).First); err != nil {
		return err
	}
	r.progress(len(looked))
	if err := r.ask(ctx, r.Matrix.Decider(), asked, (*matrix.Class).First); err != nil {
		return fmt.Errorf("decide cases: %w", err)
	}
	r.progress(len(asked))
	for _, s := range apart {
		if err := r.apart(ctx, s); err != nil {
			return source.Errorf(s.Options.Pos, "suite %q: %w", s.Name, err)
		}
	}
	for i, s := range suites {
		if err := r.prove(ctx, &s.Options, said[i]); err != nil {
			return fmt.Errorf("prove: %w", err)
		}
	}
	return errors.Join(r.mistakes...)
}

// keysOf returns the cells that cases are about.
func keysOf(cases []*bound) []matrix.CellKey {
	keys := make([]matrix.CellKey, len(cases))
	for i, c := range cases {
		keys[i] = c.key()
	}
	return keys
}

func (b bound) key() matrix.CellKey { return matrix.CellKey{Class: b.class, Column: b.column} }

func (r *runner) progress(more int) {
	r.done += more
	if r.Progress != nil && more > 0 {
		r.Progress(r.done, r.total)
	}
}

func (o *Options) plain() bool {
	return o.Now.IsZero() && o.Globals == nil && o.AuxData == nil && o.Claims == nil
}

// ask decides cases with arguments in one batch.
func (r *runner) ask(ctx context.Context, d pdp.Decider, list []*bound, standIn func(*matrix.Class) *authz.Principal) error {
	if len(list) == 0 {
		return nil
	}
	start := time.Now()
	trials, at, err := trialsOf(list, standIn)
	if err != nil {
		return err
	}
	answers, err := r.Matrix.Try(ctx, d, trials)
	if err != nil {
		return err
	}
	different := slices.Concat(answers...)
	cells := make([]*matrix.Cell, len(list))
	for i := range list {
		cells[i] = different[at[i]]
	}
	r.Matrix.Decisions += len(cells)
	each := time.Since(start) / time.Duration(len(list))
	var open []*bound
	for i, c := range list {
		c.Time = each
		if c.maybeWhatever(cells[i]) {
			open = append(open, c)
		}
	}
	if err := r.Matrix.DecideCells(ctx, keysOf(open)); err != nil { // with the arguments left open
		return err
	}
	known := newLooks(d)
	for i, c := range list {
		c.whatever = c.maybeWhatever(cells[i]) && r.Matrix.Cell(c.class, c.column).Access == matrix.Allowed
		c.judge(cells[i], standIn(c.class), known)
		c.decided(d, standIn(c.class), nil, matrix.CellKey{})
	}
	return r.hold(ctx, d, list, standIn)
}

// maybeWhatever reports whether a case fails because it is allowed and no rule nearly
// denied it: the message then says if it is allowed whatever the arguments.
func (b bound) maybeWhatever(c *matrix.Cell) bool {
	return b.options.plain() && c.Access == matrix.Allowed && !b.accepts.has(c.Access) &&
		b.column.TakesArguments() && len(wouldDeny(c)) == 0
}

// A callKey is the same for cases about the same cell with the same arguments.
type callKey struct {
	matrix.CellKey
	arguments int // a number of each different text
}

// trialsOf returns what cases with arguments ask, each different call once, and for
// each case the index of its answer among the answers to all trials, concatenated.
func trialsOf(list []*bound, standIn func(*matrix.Class) *authz.Principal) ([]matrix.Trial, []int, error) {
	var trials []matrix.Trial
	var last *mention // of the last trial
	numbers := map[string]int{}
	known := make(map[callKey]int, len(list))
	at := make([]int, len(list))
	number := 0
	for i, c := range list {
		if i == 0 || list[i-1].mention != c.mention { // the cases of a mention follow each other
			text, err := json.Marshal(c.Arguments)
			if err != nil {
				return nil, nil, source.Errorf(c.Pos, "arguments: %w", err)
			}
			if _, ok := numbers[string(text)]; !ok {
				numbers[string(text)] = len(numbers)
			}
			number = numbers[string(text)]
		}
		key := callKey{c.key(), number}
		n, ok := known[key]
		if !ok {
			n = len(known)
			known[key] = n
			if last != c.mention {
				last = c.mention
				trials = append(trials, matrix.Trial{Column: c.column, Arguments: c.Arguments})
			}
			t := &trials[len(trials)-1]
			t.Principals = append(t.Principals, standIn(c.class))
		}
		at[i] = n
	}
	return trials, at, nil
}

// apart decides the cases of a suite with options, by an engine that has them. The
// cells of the matrix are not touched.
func (r *runner) apart(ctx context.Context, s *boundSuite) error {
	engine, err := r.reopen(&s.Options)
	if err != nil {
		return err
	}
	standIns := map[*matrix.Class]*authz.Principal{}
	standIn := func(c *matrix.Class) *authz.Principal {
		p, ok := standIns[c]
		if !ok {
			p = s.Options.of(c.First())
			standIns[c] = p
		}
		return p
	}
	var asked, looked []*bound
	for _, c := range s.cases {
		switch {
		case c.Outcome == Skipped || c.claim != nil:
		case c.Arguments != nil:
			asked = append(asked, c)
		default:
			looked = append(looked, c)
		}
	}
	if err := r.ask(ctx, engine, asked, standIn); err != nil {
		return err
	}
	if err := r.look(ctx, engine, s.server, looked, standIn); err != nil {
		return err
	}
	r.progress(len(asked) + len(looked))
	return nil
}

// look decides the cells that cases without arguments are about, in a matrix of
// their own, and judges them.
func (r *runner) look(ctx context.Context, engine pdp.Decider, server *matrix.Server, list []*bound, standIn func(*matrix.Class) *authz.Principal) error {
	if len(list) == 0 {
		return nil
	}
	start := time.Now()
	m := r.matrixFor(engine, server, list, standIn)
	columns := map[use]*matrix.Column{}
	for _, col := range m.Columns {
		columns[use{col.Item, col.Operation}] = col
	}
	keys := make([]matrix.CellKey, len(list))
	for i, c := range list {
		keys[i] = matrix.CellKey{Class: m.ClassOf(standIn(c.class).Key), Column: columns[use{c.Item, c.Operation}]}
	}
	if err := m.DecideCells(ctx, keys); err != nil {
		return err
	}
	each := time.Since(start) / time.Duration(len(list))
	known := newLooks(engine)
	for i, c := range list {
		c.Time = each
		c.judge(m.Cell(keys[i].Class, keys[i].Column), standIn(c.class), known)
		c.decided(engine, standIn(c.class), m, keys[i])
	}
	if err := r.compare(ctx, engine, list, standIn); err != nil {
		return err
	}
	return r.hold(ctx, engine, list, standIn)
}

// A use is an operation on an item.
type use struct {
	item      *manifest.Item
	operation authz.Operation
}

// matrixFor returns a matrix of the classes and items that cases are about, of which
// nothing is decided.
func (r *runner) matrixFor(engine pdp.Decider, server *matrix.Server, list []*bound, standIn func(*matrix.Class) *authz.Principal) *matrix.Matrix {
	inventory := *server.Inventory
	inventory.Items = nil
	in := &matrix.Input{
		Servers: []*matrix.Server{{Name: server.Name, Inventory: &inventory, Profile: server.Profile}},
		Decider: engine, Policies: r.Matrix.Policies(),
	}
	classes := map[*matrix.Class]bool{}
	items := map[*manifest.Item]bool{}
	for _, c := range list {
		if !classes[c.class] {
			classes[c.class] = true
			in.Principals = append(in.Principals, standIn(c.class))
		}
		if !items[c.Item] {
			items[c.Item] = true
			inventory.Items = append(inventory.Items, c.Item)
		}
	}
	return matrix.New(in)
}

// engineKey is the same for options with the same clock and globals.
func (o *Options) engineKey() string {
	return fmt.Sprintf("%s %t %v", o.Now.Format(time.RFC3339Nano), o.Globals == nil, o.Globals)
}

// reopen returns the engine for a suite's options, one for the same clock and
// globals.
func (r *runner) reopen(o *Options) (pdp.Decider, error) {
	if r.Reopen == nil {
		return nil, errors.New("this engine takes no options")
	}
	key := o.engineKey()
	if engine, ok := r.engines[key]; ok {
		return engine, nil
	}
	engine, err := r.Reopen(o.Now, o.Globals)
	if err != nil {
		return nil, fmt.Errorf("set the engine: %w", err)
	}
	r.engines[key] = engine
	return engine, nil
}
