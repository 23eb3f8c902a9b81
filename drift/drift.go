package drift

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
)

// Input is what is compared: matrices with the same columns and classes, all
// of whose columns are decided.
type Input struct {
	Checkout, Production *matrix.Matrix
	// Solver, if set, compares conditions that the calls that are tried do not tell apart.
	Solver *solver.Solver
}

// A Result is what a comparison found.
type Result struct {
	Cells int          // how many were compared
	Found []Difference // by column, then by principal
}

// A Difference is a cell that production decides differently from the checkout,
// or for which that is not known, of one or more principals.
type Difference struct {
	Column     *matrix.Column
	Principals []*authz.Principal

	Checkout, Production *matrix.Cell
	// More is set if production allows what the checkout denies, and not the
	// other way round.
	More bool
	// Arguments are those of a call that the two decide differently. They are
	// nil if they decide every call differently, or if Unknown is set.
	Arguments map[string]any
	// Rules of the checkout took part in its decision, those that made it what
	// it is if there are any.
	Rules []matrix.Rule
	// Unknown says why it is not known whether the two differ. It is empty if
	// they do.
	Unknown string
}

// Compare compares two matrices cell by cell.
func Compare(ctx context.Context, in Input) (*Result, error) {
	r := &Result{}
	var open []*group
	for i, col := range in.Checkout.Columns {
		for _, g := range groups(in, col, in.Production.Columns[i]) {
			r.Cells += len(g.principals)
			switch {
			case !col.Question.Guarded():
			case col.Question.Possible && (g.checkout.Access == matrix.Conditional || g.production.Access == matrix.Conditional):
				// What becomes of the use says it: the list differs only if that does.
			case col.Question.Possible && g.checkout.Access == g.production.Access:
			case col.Question.Possible:
				open = append(open, g)
			case asksArguments(col):
				g.calls = callsFor(g)
				open = append(open, g)
			case g.checkout.Access != g.production.Access:
				open = append(open, g)
			}
		}
	}
	if err := try(ctx, in, open); err != nil {
		return nil, err
	}
	if err := relate(ctx, in, open); err != nil {
		return nil, err
	}
	for _, g := range open {
		r.Found = append(r.Found, g.differences()...)
	}
	return r, nil
}

// asksArguments reports whether a request about a column depends on the
// arguments of a call.
func asksArguments(col *matrix.Column) bool {
	return slices.ContainsFunc(col.Question.Requests, func(r authz.Request) bool { return r.Unknown != nil })
}

// A group is principals with the same cells on both sides.
type group struct {
	column               *matrix.Column
	checkout, production *matrix.Cell
	principals           []*authz.Principal
	calls                calls

	answers [][2][]*matrix.Cell // by call, then side: a cell for each principal
	equal   bool                // both conditions are known to be met by the same calls
}

// groups returns the cells of a column, those alike together.
func groups(in Input, checkout, production *matrix.Column) []*group {
	type pair struct{ checkout, production *matrix.Cell }
	var list []*group
	index := map[pair]*group{}
	for i, c := range in.Checkout.Classes {
		p := pair{in.Checkout.Cell(c, checkout), in.Production.Cell(in.Production.Classes[i], production)}
		g := index[p]
		if g == nil {
			g = &group{column: checkout, checkout: p.checkout, production: p.production}
			index[p] = g
			list = append(list, g)
		}
		g.principals = append(g.principals, c.First())
	}
	return list
}

// trialsAtOnce bounds how many decisions are asked for at once.
const trialsAtOnce = 20_000

// try has both sides decide the calls of all groups that are not decided yet.
func try(ctx context.Context, in Input, groups []*group) error {
	var trials []matrix.Trial
	var of []*group
	size := 0
	flush := func() error {
		checkout, err := in.Checkout.Try(ctx, in.Checkout.Decider(), trials)
		if err != nil {
			return err
		}
		production, err := in.Production.Try(ctx, in.Production.Decider(), trials)
		if err != nil {
			return err
		}
		for i, g := range of {
			g.answers = append(g.answers, [2][]*matrix.Cell{checkout[i], production[i]})
		}
		trials, of, size = nil, nil, 0
		return nil
	}
	for _, g := range groups {
		for _, arguments := range g.calls.arguments[len(g.answers):] {
			trials, of = append(trials, matrix.Trial{Column: g.column, Arguments: arguments, Principals: g.principals}), append(of, g)
			if size += len(g.principals); size >= trialsAtOnce {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	if len(trials) == 0 {
		return nil
	}
	return flush()
}

// differences judges each principal of a group, and returns those with the same
// outcome together.
func (g *group) differences() []Difference {
	type outcome struct {
		call    int // that shows the difference
		more    bool
		unknown string
	}
	var order []outcome
	of := map[outcome][]*authz.Principal{}
	first := map[outcome]int{}
	for i, p := range g.principals {
		call, unknown := g.judge(i)
		if call < 0 && unknown == "" {
			continue
		}
		o := outcome{call, call >= 0 && g.more(call, i), unknown}
		if of[o] == nil {
			order, first[o] = append(order, o), i
		}
		of[o] = append(of[o], p)
	}
	var list []Difference
	for _, o := range order {
		d := Difference{
			Column: g.column, Principals: of[o], Checkout: g.checkout, Production: g.production, Unknown: o.unknown,
			More: o.more, Rules: decisive(g.checkout),
		}
		if o.unknown == "" && len(g.answers) > 0 {
			d.Rules = decisive(g.answers[o.call][0][first[o]])
			if !g.checkout.Open().IsZero() || !g.production.Open().IsZero() || g.checkout.Access == g.production.Access {
				d.Arguments = g.calls.arguments[o.call]
			}
		}
		list = append(list, d)
	}
	return list
}

// more reports whether production allows one of the principals a call.
func (g *group) more(call, i int) bool {
	if len(g.answers) == 0 {
		return g.production.Access.Possible()
	}
	return g.answers[call][1][i].Access.Possible()
}

// decisive returns the rules that decided a cell, or, without any, those that took
// part.
func decisive(c *matrix.Cell) []matrix.Rule {
	if rules := c.Decisive(); len(rules) > 0 {
		return rules
	}
	return c.Rules
}

// judge returns the call that one of the principals may make on one side only,
// or else -1 and why it is not known that there is none.
func (g *group) judge(i int) (call int, unknown string) {
	if len(g.answers) == 0 {
		return 0, "" // nothing depends on arguments, and the cells differ
	}
	met, missed := false, false
	for k, sides := range g.answers {
		a, b := sides[0][i].Access, sides[1][i].Access
		if a != b {
			return k, ""
		}
		met, missed = met || a == matrix.Allowed, missed || !a.Possible()
	}
	conditional := !g.checkout.Open().IsZero()
	switch {
	case conditional == g.production.Open().IsZero():
		return -1, "one condition hides from the other side; the calls that were tried are decided alike"
	case !conditional:
		return -1, ""
	case !met:
		return -1, "no call was found that is allowed"
	case !missed:
		return -1, "no call was found that is denied"
	case !g.calls.all && !g.equal && !g.checkout.Open().Equal(g.production.Open()):
		return -1, "the conditions may ask more of the arguments than was tried; the calls that were tried are decided alike"
	}
	return -1, ""
}
