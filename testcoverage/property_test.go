package testcoverage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// An oracle knows what a suite covers by opening the policies anew for each thing that is
// held, running the suite, and evaluating conditions by itself.
type oracle struct {
	t         *testing.T
	world     *randomWorld
	m         *matrix.Matrix
	column    *matrix.Column
	was       map[string][]bool // by principal: whether each of calls is allowed
	decisions *int
}

func open(t *testing.T, w *randomWorld) *workspace.Workspace {
	t.Helper()
	opened, err := fixture.Open(t.Context(), w.files(), "", workspace.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, w.files()["policies/p.yaml"].Data)
	}
	return opened
}

func newOracle(t *testing.T, w *randomWorld, decisions *int) *oracle {
	o := &oracle{t: t, world: w, decisions: decisions}
	a := open(t, w)
	var err error
	if o.m, err = a.Matrix(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, col := range o.m.Columns {
		if col.Operation == authz.Call {
			o.column = col
		}
	}
	o.was = o.allowed(a)
	return o
}

// allowed decides all calls of everybody.
func (o *oracle) allowed(w *workspace.Workspace) map[string][]bool {
	list := map[string][]bool{}
	var trials []matrix.Trial
	var who []*authz.Principal
	for p := range o.m.Principals() {
		who = append(who, p)
	}
	for _, a := range calls() {
		trials = append(trials, matrix.Trial{Column: o.column, Arguments: a, Principals: who})
	}
	cells, err := o.m.Try(o.t.Context(), w.Engine, trials)
	if err != nil {
		o.t.Fatal(err)
	}
	for i := range cells {
		for k, p := range who {
			list[p.Key] = append(list[p.Key], cells[i][k].Access == matrix.Allowed)
			*o.decisions++
		}
	}
	return list
}

// cases writes a suite that passes.
func (o *oracle) cases(r *rand.Rand) {
	words := map[matrix.Access]string{matrix.Allowed: "allow", matrix.Denied: "deny", matrix.Conditional: "conditional"}
	for ref := range o.m.All() {
		if r.IntN(3) == 0 {
			o.world.tests = append(o.world.tests, &randomCase{who: ref.Class.First().Key, list: ref.Column.Operation == authz.List, expect: words[ref.Access]})
		}
	}
	list := calls()
	for range r.IntN(8) {
		who, i := pick(r, "ann", "ben", "cat"), r.IntN(len(list))
		c := &randomCase{who: who, arguments: list[i], expect: "deny"}
		if o.was[who][i] {
			c.expect = "allow"
		}
		o.world.tests = append(o.world.tests, c)
	}
	if len(o.world.tests) == 0 {
		o.world.tests = append(o.world.tests, &randomCase{who: "ann", list: true, expect: words[o.m.Cell(o.m.ClassOf("ann"), o.column.Twin).Access]})
	}
}

// held says which cases fail while the world is otherwise, and which calls are decided
// otherwise.
func (o *oracle) held(set func(bool)) (failing []*randomCase, differ map[string][]bool) {
	set(true)
	defer set(false)
	b := open(o.t, o.world)
	d, err := b.Check(o.t.Context(), workspace.Checks{Tests: &testrunner.Filter{}})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, c := range d.Tests.Suites[0].Cases {
		*o.decisions++
		if c.Outcome != testrunner.Passed {
			failing = append(failing, o.world.tests[c.Pos.Line-4])
		}
	}
	differ = o.allowed(b)
	for who, list := range differ {
		for i := range list {
			list[i] = list[i] != o.was[who][i]
		}
	}
	return failing, differ
}

// rests reports whether a case that fails is one of which something is so: of its arguments, or,
// if it is about all, of some that are decided otherwise; and whether that could be.
func rests(failing []*randomCase, differ map[string][]bool, is func(a, p map[string]any) bool) (covered, possible bool) {
	list := calls()
	shown := func(who string) bool {
		for i, d := range differ[who] {
			if d && is(list[i], people[who]) {
				return true
			}
		}
		return false
	}
	for _, c := range failing {
		if !c.list && (c.arguments != nil && is(c.arguments, people[c.who]) || c.arguments == nil && shown(c.who)) {
			covered = true
		}
	}
	for who := range people {
		possible = possible || shown(who)
	}
	return covered, possible
}

// A verdict is what the oracle says of one point.
type verdict struct{ covered, possible bool }

// hold says it of one way to hold a node.
func (o *oracle) hold(n *node, as truth, is func(a, p map[string]any) bool) verdict {
	failing, differ := o.held(func(on bool) { n.is, n.held = on, as })
	covered, possible := rests(failing, differ, is)
	return verdict{covered, possible}
}

func (v verdict) or(x verdict) verdict {
	return verdict{v.covered || x.covered, v.possible || x.possible}
}

// conditions says it of the outcomes and parts of a condition.
func (o *oracle) conditions(name string, c *node, into map[string]verdict, strict bool) {
	outcome := func(what string) func(a, p map[string]any) bool {
		return func(a, p map[string]any) bool { return c.outcome(a, p, strict) == what }
	}
	into[name+" met"] = o.hold(c, untrue, outcome("met"))
	into[name+" not met"] = o.hold(c, isTrue, outcome("not met"))
	into[name+" errored"] = o.hold(c, isTrue, outcome("errored"))
	if strict {
		into[name+" errored"] = into[name+" errored"].or(o.hold(c, untrue, outcome("errored")))
	}
	for i, leaf := range c.leaves() {
		value := func(v truth) func(a, p map[string]any) bool {
			return func(a, p map[string]any) bool { return leaf.atom.of(a, p) == v }
		}
		yes, no := o.hold(leaf, untrue, value(isTrue)), o.hold(leaf, isTrue, value(untrue))
		into[fmt.Sprintf("%s part %d", name, i)] = verdict{yes.covered && no.covered, yes.possible && no.possible}
	}
}

// TestAgainstReopened holds coverage to policies that are really opened with what is held,
// and suites that are run again over them.
func TestAgainstReopened(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	decisions, points, unknown := 0, 0, 0
	var states [3]int
	for seed := range rounds.Of(3, 40) {
		r := rand.New(rand.NewPCG(uint64(seed), 23)) //nolint:gosec // a small number
		w := newWorld(r)
		o := newOracle(t, w, &decisions)
		o.cases(r)
		opened, d := measured(t, w.files())
		if n := d.Tests.Counts(); n.Failed+n.Errored > 0 {
			t.Fatalf("seed %d: the suite does not pass", seed)
		}
		want := map[string]verdict{}
		for i, rule := range w.rules {
			failing, differ := o.held(func(on bool) { rule.gone = on })
			_, possible := rests(nil, differ, func(_, _ map[string]any) bool { return true })
			want[fmt.Sprintf("rule-%d gone", i)] = verdict{len(failing) > 0, possible}
			if rule.condition != nil {
				o.conditions(fmt.Sprintf("rule-%d", i), rule.condition, want, w.strict)
			}
		}
		o.conditions("boss", w.role, want, w.strict)
		parts := map[string]int{}
		for i := range d.Coverage.Points {
			p := &d.Coverage.Points[i]
			var key string
			state := p.State
			switch p.Kind {
			case testcoverage.Rule:
				key = p.Name() + " gone"
				if v, ok := want[key]; ok && (v.covered != p.Decisive || v.covered && p.State != testcoverage.Covered || p.Redundant && v.possible) {
					t.Errorf("seed %d: %s: %+v, want %+v", seed, key, p, v)
				}
				continue
			case testcoverage.Outcome:
				key = p.Name() + " " + p.What
			case testcoverage.MCDC:
				key = fmt.Sprintf("%s part %d", p.Name(), parts[p.Name()])
				parts[p.Name()]++
			case testcoverage.DerivedRole, testcoverage.Cell:
				continue
			}
			v, ok := want[key]
			if !ok {
				if p.Name() != "boss" {
					t.Errorf("seed %d: %s is not expected", seed, key)
				}
				continue
			}
			points++
			states[state]++
			if p.Unknown {
				unknown++
			}
			if v.covered != (state == testcoverage.Covered) || v.possible && state == testcoverage.Impossible {
				t.Errorf("seed %d: %s (%s) is %v, want %+v", seed, key, p.What, state, v)
			}
		}
		o.proposals(seed, opened, d.Coverage)
		if t.Failed() {
			t.Fatalf("%s\n%s\n%s", w.files()["policies/p.yaml"].Data, w.files()["policies/roles.yaml"].Data, w.suite())
		}
	}
	t.Logf("%d points, %d decisions; %d uncovered, %d covered, %d impossible, %d unknown", points, decisions, states[0], states[1], states[2], unknown)
	if states[0] == 0 || states[1] == 0 || states[2] == 0 || unknown > points/10 {
		t.Error("too little is known")
	}
}

// proposals holds that a suite with all cases that are proposed passes and covers what they
// are for.
func (o *oracle) proposals(seed int, w *workspace.Workspace, c *testcoverage.Coverage) {
	_ = w
	files := o.world.files()
	var tests []string
	for i := range c.Points {
		for k := range c.Points[i].Want {
			tests = append(tests, "  - "+c.Points[i].Want[k].Test(c.Points[i].TestName(k)))
		}
	}
	files["tests/s.yaml"].Data = append(files["tests/s.yaml"].Data, strings.Join(append(tests, ""), "\n")...)
	_, d := measured(o.t, files)
	if n := d.Tests.Counts(); n.Failed+n.Errored > 0 {
		o.t.Errorf("seed %d: what is proposed does not pass:\n%s", seed, files["tests/s.yaml"].Data)
	}
	for i := range d.Coverage.Points {
		if p := &d.Coverage.Points[i]; p.State == testcoverage.Uncovered && !p.Unknown {
			o.t.Errorf("seed %d: %s is not covered by what is proposed for it:\n%s", seed, p.Title(), files["tests/s.yaml"].Data)
		}
	}
}
