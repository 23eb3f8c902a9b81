package mutation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A runner has what all mutants share.
type runner struct {
	*Input
	engines []*engine
	result  *Result
	judged  []bool
	finders []*apart.Finder // one a worker
	opened  []pdp.Decider   // of mutants whose policies were opened and that no case kills

	ending sync.Mutex
	done   int
}

// An engine is what decided some of the cases, and what it says of the mutants.
type engine struct {
	testrunner.Engine
	now     time.Time
	globals map[string]any
	changed []*pdp.Changed // by mutant; nil where the policies have to be opened
	asked   []askedBy      // by what the cases send
	matrix  bool           // it decides the matrix
}

// An askedBy is a request, but for its attributes, and the cases that send it.
type askedBy struct {
	request authz.Request
	cases   []int
}

// prepare has each engine change its rules.
func (r *runner) prepare(ctx context.Context) error {
	for _, e := range r.Tests.Engines() {
		of := &engine{Engine: e, now: e.Options.Now, globals: e.Options.Globals, asked: askedOf(e.Cases)}
		if of.now.IsZero() && of.globals == nil {
			of.matrix, of.Decider = true, r.Matrix.Decider()
		}
		r.engines = append(r.engines, of)
	}
	if !slices.ContainsFunc(r.engines, func(e *engine) bool { return e.matrix }) {
		r.engines = append(r.engines, &engine{Engine: testrunner.Engine{Decider: r.Matrix.Decider()}, matrix: true})
	}
	for _, e := range r.engines {
		if err := r.change(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// change has an engine change its rules, all mutants together.
func (r *runner) change(ctx context.Context, e *engine) error {
	e.changed = make([]*pdp.Changed, len(r.Mutants))
	of, ok := e.Decider.(pdp.Changeable)
	if !ok {
		return nil
	}
	var changes []pdp.Change
	var at []int
	for i, m := range r.Mutants {
		if m.Change != nil {
			changes, at = append(changes, *m.Change), append(at, i)
		}
	}
	list, err := of.Change(ctx, changes)
	if err != nil {
		return err
	}
	for i, c := range list {
		if c != nil && c.Err != nil && !r.judged[at[i]] {
			r.end(at[i], Outcome{Status: Invalid, Err: c.Err})
		}
		e.changed[at[i]] = c
	}
	return nil
}

// askedOf returns what cases send, each kind of request once.
func askedOf(cases []*testrunner.Case) []askedBy {
	var list []askedBy
	at := map[string]int{}
	for i, c := range cases {
		for _, r := range c.Requests() {
			key := strings.Join(append([]string{r.Resource.Kind, r.Resource.PolicyVersion, r.Resource.Scope, r.Action, r.Principal.ID}, r.Principal.Roles...), "\x00")
			if r.By != nil { // where it goes is known only when it is sent
				key += "\x00" + r.By.Key() + source.JSONText(r.Resource.Attr)
			}
			k, known := at[key]
			if !known {
				k = len(list)
				at[key] = k
				list = append(list, askedBy{request: r})
			}
			list[k].cases = append(list[k].cases, i)
		}
	}
	return list
}

// A touched is the cases that a mutant may make fail, by an engine.
type touched struct {
	first, rest []*testrunner.Case // those about two actions, and the others
}

// touched returns the cases of an engine that a mutant may make fail: first those about the
// first action and about the one that most are about. What is decided by chance makes none
// fail.
func (e *engine) touched(number int) touched {
	var order []string
	by := map[string][]int{}
	seen := e.byChance(e.changed[number].ByChance)
	for i := range e.asked {
		a := &e.asked[i]
		if !e.changed[number].Touches(&a.request) {
			continue
		}
		action := a.request.Action
		for _, c := range a.cases {
			if seen[c] {
				continue
			}
			seen[c] = true
			if by[action] == nil {
				order = append(order, action)
			}
			by[action] = append(by[action], c)
		}
	}
	if len(order) > 2 {
		slices.SortStableFunc(order[1:], func(a, b string) int { return len(by[b]) - len(by[a]) })
	}
	var lists [2][]int
	for i, action := range order {
		n := 0
		if i >= 2 {
			n = 1
		}
		lists[n] = append(lists[n], by[action]...)
	}
	return touched{e.numbered(lists[0]), e.numbered(lists[1])}
}

// numbered returns the cases of some numbers, in the order of the run.
func (e *engine) numbered(numbers []int) []*testrunner.Case {
	slices.Sort(numbers)
	cases := make([]*testrunner.Case, len(numbers))
	for i, n := range numbers {
		cases[i] = e.Cases[n]
	}
	return cases
}

// byChance returns the cases that ask what is decided by chance.
func (e *engine) byChance(chance func(r *authz.Request) bool) map[int]bool {
	cases := map[int]bool{}
	for i := range e.asked {
		if a := &e.asked[i]; chance(&a.request) {
			for _, c := range a.cases {
				cases[c] = true
			}
		}
	}
	return cases
}

// chance returns what reports whether an engine decides a request by chance, with a mutant
// or without it.
func (r *runner) chance(e *engine, number int, opened pdp.Decider) func(r *authz.Request) bool {
	if c := e.changed[number]; c != nil {
		return c.ByChance
	}
	var by []pdp.Confusable
	for _, d := range []pdp.Decider{e.Decider, opened} {
		if c, ok := d.(pdp.Confusable); ok {
			by = append(by, c)
		}
	}
	return func(r *authz.Request) bool {
		return slices.ContainsFunc(by, func(c pdp.Confusable) bool { return c.ByChance(r) })
	}
}

// actionsOf returns the actions of all that cases send.
func actionsOf(cases []*testrunner.Case) []string {
	actions := []string{} // not nil, which would be all
	for _, c := range cases {
		for _, r := range c.Requests() {
			actions = append(actions, pdp.ActionOf(&r))
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// killChanged says of the mutants whose changes engines make what the cases say to them: those
// about the first action that a mutant touches first, because engines about few actions
// are loaded quickly, and most mutants are killed then.
func (r *runner) killChanged(ctx context.Context) error {
	for _, e := range r.engines {
		of := make([]touched, len(r.Mutants))
		for i := range r.Mutants {
			if c := e.changed[i]; c != nil && c.Err == nil {
				of[i] = e.touched(i)
			}
		}
		for _, pick := range []func(t *touched) []*testrunner.Case{
			func(t *touched) []*testrunner.Case { return t.first },
			func(t *touched) []*testrunner.Case { return t.rest },
		} {
			err := r.together(ctx, e, r.left(), func(number int) []string { return actionsOf(pick(&of[number])) }, func(ctx context.Context, _ *apart.Finder, number int, d pdp.Decider) error {
				return r.kill(ctx, number, d, pick(&of[number]))
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// fewCases is how many cases a mutant is held against at first; most are killed by those.
const fewCases = 4

// kill runs cases by a mutant, until some fail. Each time it runs twice as many, from all over
// the list: cases that stand together are about the same, and pass together.
func (r *runner) kill(ctx context.Context, number int, d pdp.Decider, list []*testrunner.Case) error {
	mixed := rand.New(rand.NewPCG(0, 0)).Perm(len(list)) //nolint:gosec // the same each time
	for n := fewCases; len(mixed) > 0; n *= 2 {
		cases := make([]*testrunner.Case, min(n, len(mixed)))
		for i := range cases {
			cases[i] = list[mixed[i]]
		}
		mixed = mixed[len(cases):]
		failing, err := r.Tests.Again(ctx, d, cases)
		if err != nil {
			return err
		}
		if len(failing) > 0 {
			r.end(number, Outcome{Status: Killed, By: failing})
			return nil
		}
	}
	return nil
}

// An engine is loaded for so many actions of mutants at most, of which a mutant that is
// asked about all counts as some.
const atOnce, ofAll = 8192, 96

// left returns the mutants that are not judged yet.
func (r *runner) left() []int {
	var list []int
	for i, judged := range r.judged {
		if !judged {
			list = append(list, i)
		}
	}
	return list
}

// together calls f for each of some mutants whose change an engine makes, with a decider of
// some actions; where there are none, the mutant is passed over.
func (r *runner) together(ctx context.Context, e *engine, of []int, actions func(number int) []string, f func(ctx context.Context, finder *apart.Finder, number int, d pdp.Decider) error) error {
	var list []int
	var wanted []pdp.Wanted
	for _, i := range of {
		if c := e.changed[i]; c != nil && c.Err == nil {
			if a := actions(i); a == nil || len(a) > 0 {
				list, wanted = append(list, i), append(wanted, pdp.Wanted{Changed: c, Actions: a})
			}
		}
	}
	for from, to := 0, 0; from < len(list); from = to {
		for n := 0; to < len(list) && (to == from || n < atOnce); to++ {
			n += len(wanted[to].Actions)
			if wanted[to].Actions == nil {
				n += ofAll
			}
		}
		deciders, err := e.Decider.(pdp.Changeable).Together(wanted[from:to])
		if err != nil {
			return err
		}
		err = r.parallel(ctx, to-from, func(ctx context.Context, finder *apart.Finder, n int) error {
			number := list[from+n]
			if err := f(ctx, finder, number, deciders[n]); err != nil {
				m := r.Mutants[number]
				return fmt.Errorf("mutant %s at %s: %w", m.Operator, m.Pos, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// killOpened says of the other mutants what the cases say to them. The policies are
// opened for each.
func (r *runner) killOpened(ctx context.Context) error {
	var list []int
	for i := range r.Mutants {
		if !r.judged[i] && slices.ContainsFunc(r.engines, func(e *engine) bool { return e.changed[i] == nil }) {
			list = append(list, i)
		}
	}
	return r.parallel(ctx, len(list), func(ctx context.Context, finder *apart.Finder, n int) error {
		number := list[n]
		for _, e := range r.engines {
			if e.changed[number] != nil || len(e.Cases) == 0 && !e.matrix {
				continue
			}
			opened, err := r.Open(ctx, r.Mutants[number], e.now, e.globals)
			var invalid *LoadError
			if errors.As(err, &invalid) {
				r.end(number, Outcome{Status: Invalid, Err: invalid.Err})
				return nil
			}
			if err != nil {
				return err
			}
			var all []*testrunner.Case
			chance := e.byChance(r.chance(e, number, opened))
			for i, c := range e.Cases {
				if !chance[i] {
					all = append(all, c)
				}
			}
			if err := r.kill(ctx, number, opened, all); err != nil || r.judged[number] {
				return err
			}
			if e.matrix {
				r.opened[number] = opened
			}
		}
		return nil
	})
}
