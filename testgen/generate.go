package testgen

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// ErrNothing is returned where there is nothing that a suite could say.
var ErrNothing = errors.New("no policy is asked about anything, so there is nothing to test")

// Suites are suites that were made.
type Suites struct {
	Text  []byte // a file of suites
	Tests int
	Cases int // that they come to
	// Unnoticed are mistakes that no case could be written for: it is not known whether a call
	// shows them, or no suite can say which.
	Unnoticed []string
}

// A generator makes suites.
type generator struct {
	*Input
	finder     *apart.Finder
	groupNames []string // sorted
	members    map[string][]string
	holders    map[string]int // how many principals have a role
	ambiguous  map[named]bool // items that a suite cannot tell apart, and that differ
	suites     []*suite
}

// named is a name in a suite of a server.
type named struct {
	server *matrix.Server
	namespace
	name string
}

func newGenerator(in *Input) *generator {
	g := &generator{Input: in, finder: apart.New(in.Matrix, in.Matrix.Decider()), members: map[string][]string{}, holders: map[string]int{}, ambiguous: map[named]bool{}}
	g.finder.Now = in.Now
	for name, keys := range in.Groups {
		g.members[name] = slices.Sorted(slices.Values(keys))
	}
	g.groupNames = slices.Sorted(maps.Keys(g.members))
	for p := range in.Matrix.Principals() {
		for _, role := range slices.Compact(slices.Sorted(slices.Values(p.Roles))) {
			g.holders[role]++
		}
	}
	seen := map[named]*matrix.Column{}
	for _, col := range in.Matrix.Columns {
		at := named{col.Server, namespaceOf(col), col.Item.Name}
		if seen[at] != nil {
			g.ambiguous[at] = true
		}
		seen[at] = col
	}
	return g
}

// Generate makes suites of what the policies decide: who sees and uses what, calls on both
// sides of each condition, and calls that tell mistakes from the policies. They pass.
func Generate(ctx context.Context, in *Input) (*Suites, error) {
	g := newGenerator(in)
	if in.RulesOnly {
		if err := g.rules(ctx); err != nil {
			return nil, err
		}
		return g.passing(ctx)
	}
	for _, s := range in.Matrix.Servers {
		columns := slices.Collect(in.Matrix.ColumnsOf(s))
		groups := g.groups(columns)
		g.add(g.access(s, columns, groups))
		conditions, err := g.conditions(ctx, s, columns, groups)
		if err != nil {
			return nil, err
		}
		g.add(conditions)
	}
	if len(g.suites) == 0 {
		return nil, ErrNothing
	}
	if in.Unnoticed == nil {
		return g.passing(ctx)
	}
	ran, err := g.run(ctx)
	if err != nil {
		return nil, err
	}
	gaps, unnoticed, err := in.Unnoticed(ctx, ran)
	if err != nil {
		return nil, err
	}
	for i := range gaps {
		if g.unwritten(&gaps[i]) {
			unnoticed = append(unnoticed, gaps[i].Why)
		}
	}
	g.addGaps("what a slip would change", gaps)
	made, err := g.passing(ctx)
	if err == nil {
		made.Unnoticed = unnoticed
	}
	return made, err
}

// Additions makes suites of the cases that are missing. A title says what they have in common.
func Additions(ctx context.Context, in *Input, title string, gaps []Gap) (*Suites, error) {
	g := newGenerator(in)
	g.addGaps(title, gaps)
	if len(g.suites) == 0 {
		return nil, ErrNothing
	}
	return g.passing(ctx)
}

func (g *generator) add(s *suite) {
	if len(s.tests) > 0 {
		g.suites = append(g.suites, s)
	}
}

// title returns the name of a suite, with the server's if there are several.
func (g *generator) title(s *matrix.Server, what string) string {
	if len(g.Matrix.Servers) > 1 {
		return s.Name + ": " + what
	}
	return what
}

// head is what a generated file says to people.
const head = `# Written by mcpolicy test --generate: what the policies decide today. Read it as you would read
# the policies: where it is not what was meant, mend the policies, and this file with them.
`

// text returns the file of the suites.
func (g *generator) text() []byte {
	var w writer
	fmt.Fprint(&w, head)
	for i, s := range g.suites {
		if i > 0 {
			fmt.Fprint(&w, "---\n")
		}
		w.suite(s)
	}
	return []byte(w.String())
}

// passing returns the suites, which have been run: what does not pass is a mistake of this
// package.
func (g *generator) passing(ctx context.Context) (*Suites, error) {
	result, err := g.run(ctx)
	if err != nil {
		return nil, err
	}
	made := &Suites{Text: g.text()}
	for _, s := range g.suites {
		made.Tests += len(s.tests)
	}
	for _, s := range result.Suites {
		for _, c := range s.Cases {
			if made.Cases++; c.Outcome != testrunner.Passed {
				return nil, fmt.Errorf("the suites that were generated do not pass: %s: %s %s %s: %s", c.Pos, c.Test, c.Operation, c.Want, c.Message)
			}
		}
	}
	return made, nil
}

// run runs the suites.
func (g *generator) run(ctx context.Context) (*testrunner.Result, error) {
	suites, err := testrunner.Parse("generated.yaml", g.text())
	if err != nil {
		return nil, fmt.Errorf("read the suites that were generated: %w", err)
	}
	return testrunner.Run(ctx, &testrunner.Input{Suites: suites, Matrix: g.Matrix, Groups: g.Groups, Reopen: g.Reopen})
}

// unwritten reports whether no suite can have a case, because its name stands for several
// items that differ.
func (g *generator) unwritten(gap *Gap) bool {
	return g.ambiguous[named{gap.Column.Server, namespaceOf(gap.Column), gap.Column.Item.Name}]
}

// addGaps adds suites of cases that are missing, by server and principal.
func (g *generator) addGaps(title string, gaps []Gap) {
	for _, s := range g.Matrix.Servers {
		result := &suite{name: g.title(s, title), server: s.Name, now: g.Now}
		type of struct {
			principal *authz.Principal
			column    *matrix.Column
		}
		tests := map[of]*test{}
		for _, gap := range gaps {
			if gap.Column.Server != s || g.unwritten(&gap) {
				continue
			}
			at := of{gap.Principal, gap.Column}
			t := tests[at]
			if t == nil {
				t = &test{name: fmt.Sprintf("%s: %s %s", gap.Principal.Key, gap.Column.Operation, gap.Column.Item.Name), principals: principals{names: []string{gap.Principal.Key}}}
				tests[at] = t
				result.tests = append(result.tests, t)
			}
			t.section(namespaceOf(gap.Column)).add(sample{item: gap.Column.Item.Name, arguments: gap.Arguments, expect: gap.Expect, why: gap.Why})
		}
		result.unique()
		g.add(result)
	}
}
