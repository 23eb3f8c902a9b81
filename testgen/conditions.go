package testgen

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
)

// longest is how long a condition may be that stands in the name of a test.
const longest = 90

// conditions makes the suite of calls on both sides of each condition: with which part of
// it, and without. Of a group those are asked whose conditions are of another form; a form
// that somebody has all the calls for already gets one call on each side.
func (g *generator) conditions(ctx context.Context, s *matrix.Server, columns []*matrix.Column, groups []*group) (*suite, error) {
	result := &suite{name: g.title(s, "on which conditions"), server: s.Name, now: g.Now}
	shown, forms := map[string]bool{}, map[*matrix.Cell]string{}
	for _, of := range groups {
		byForm, byCondition := map[string]bool{}, map[string]bool{}
		for i, c := range of.classes {
			for _, col := range columns {
				cell := g.Matrix.Cell(c, col)
				if cell.Access != matrix.Conditional || !col.TakesArguments() || g.ambiguous[named{col.Server, namespaceOf(col), col.Item.Name}] {
					continue
				}
				form, known := forms[cell]
				if !known {
					form = decisive(cell) + formOf(cell.Condition)
					forms[cell] = form
				}
				condition := form + cell.Condition.Key()
				if byCondition[condition] || i > 0 && byForm[form] {
					continue
				}
				byForm[form], byCondition[condition] = true, true
				t, err := g.condition(ctx, c.First(), col, cell, shown[form])
				if err != nil {
					return nil, fmt.Errorf("%s of %s: %w", col.Operation, col.Item.Name, err)
				}
				if t != nil {
					shown[form] = true
					result.tests = append(result.tests, t)
				}
			}
		}
	}
	result.unique()
	return result, nil
}

// condition makes the test of a condition, nil if no call is found.
func (g *generator) condition(ctx context.Context, who *authz.Principal, col *matrix.Column, cell *matrix.Cell, brief bool) (*test, error) {
	samples, err := g.calls(ctx, who, col, cell, brief)
	if err != nil || len(samples) == 0 {
		return nil, err
	}
	t := &test{name: conditionName(who, col, cell), notes: ruleNotes(cell), principals: principals{names: []string{who.Key}}}
	t.section(namespaceOf(col)).samples = samples
	return t, nil
}

// decisive returns a key of the rules that a cell hangs on.
func decisive(cell *matrix.Cell) string {
	var ids []string
	for _, r := range cell.Decisive() {
		ids = append(ids, r.ID)
	}
	return strings.Join(ids, "\x00") + "\x01"
}

// values are what the same condition has others of for other principals.
var values = regexp.MustCompile(`"(\\.|[^"\\])*"|[\d.,\s]+`)

// formOf returns a condition without the values in it.
func formOf(c authz.Condition) string { return values.ReplaceAllString(c.String(), "") }

// conditionName says in the name of a test who may do what on which condition.
func conditionName(p *authz.Principal, col *matrix.Column, cell *matrix.Cell) string {
	name := fmt.Sprintf("%s may %s %s", p.Key, col.Operation, col.Item.Name)
	if when := strings.Join(strings.Fields(cell.Condition.When()), " "); len(when) <= longest {
		return name + " " + when
	}
	var rules []string
	for _, r := range cell.Decisive() {
		if !slices.Contains(rules, r.Name) {
			rules = append(rules, r.Name)
		}
	}
	if len(rules) == 1 {
		return name + " as " + rules[0] + " says"
	}
	return name + " as " + strings.Join(rules, ", ") + " say"
}

// ruleNotes names the rules that a cell hangs on, by file.
func ruleNotes(cell *matrix.Cell) []string {
	var files []string
	rules := map[string][]string{}
	for _, r := range cell.Decisive() {
		if rules[r.Pos.File] == nil {
			files = append(files, r.Pos.File)
		}
		if !slices.Contains(rules[r.Pos.File], r.Name) {
			rules[r.Pos.File] = append(rules[r.Pos.File], r.Name)
		}
	}
	var notes []string
	for _, file := range files {
		note := strings.Join(rules[file], ", ")
		if file != "" {
			note = file + ": " + note
		}
		notes = append(notes, note)
	}
	return notes
}

// A caller finds calls of one principal in one column.
type caller struct {
	*generator
	who     *authz.Principal
	col     *matrix.Column
	open    int           // the request that hangs on the arguments
	others  []solver.Goal // what has to hold for the other requests
	numbers []float64     // in the condition
	samples []sample
}

// calls returns calls on both sides of the condition of a cell, and unless brief, for each
// part of it, one that rests on the part being true, on its being false, and on its not being
// evaluated.
func (g *generator) calls(ctx context.Context, who *authz.Principal, col *matrix.Column, cell *matrix.Cell, brief bool) ([]sample, error) {
	decisions, err := g.finder.Decisions(ctx, who, col)
	if err != nil {
		return nil, err
	}
	x := &caller{generator: g, who: who, col: col, open: -1}
	for i, d := range decisions {
		if d.Effect != authz.Conditional {
			continue
		}
		if x.open < 0 {
			x.open = i
			continue
		}
		if f, ok := solver.Of(d.Condition, x.request(i)); ok {
			x.others = append(x.others, solver.Goal{Formula: f, Request: i, To: met})
		}
	}
	if x.open < 0 {
		return nil, nil
	}
	c := decisions[x.open].Condition
	f, ok := solver.Of(c, x.request(x.open))
	if !ok {
		return x.tried(ctx, cell)
	}
	x.numbers = numbersIn(c)
	plain := func(map[string]any) string { return "" }
	if _, err := x.looked(ctx, plain, solver.Goal{Formula: f, To: met}); err != nil {
		return nil, err
	}
	if !brief {
		for _, text := range partsOf(c) {
			if err := x.part(ctx, c, text); err != nil {
				return nil, err
			}
		}
	}
	if _, err := x.looked(ctx, plain, solver.Goal{Formula: f, To: unmet}); err != nil {
		return nil, err
	}
	slices.SortStableFunc(x.samples, func(a, b sample) int { return cmp.Compare(b.expect, a.expect) })
	return x.samples, nil
}

var met, unmet = solver.Only(solver.Met), solver.Only(solver.Unmet, solver.Errored)

// request returns a request of the column, of the principal.
func (x *caller) request(i int) *authz.Request {
	r := x.col.Question.Requests[i]
	r.Principal = x.who
	return &r
}

// part looks for calls that rest on a part of the condition.
func (x *caller) part(ctx context.Context, c authz.Condition, text string) error {
	r := x.request(x.open)
	p, ok := part(text, r)
	with, also := solver.Of(held(c, text, true), r)
	without, third := solver.Of(held(c, text, false), r)
	if !ok || !also || !third {
		return nil
	}
	for _, outcome := range []solver.Outcome{solver.Met, solver.Unmet, solver.Errored} {
		for _, of := range [][2]solver.Formula{{with, without}, {without, with}} {
			found, err := x.looked(ctx, func(arguments map[string]any) string { return why(text, outcome, arguments) },
				solver.Goal{Formula: p, To: solver.Only(outcome)}, solver.Goal{Formula: of[0], To: met}, solver.Goal{Formula: of[1], To: unmet})
			if err != nil {
				return err
			}
			if found {
				break
			}
		}
	}
	return nil
}

// why says of a call what it shows: which part of a condition comes to what.
func why(text string, outcome solver.Outcome, arguments map[string]any) string {
	text = strings.Join(strings.Fields(text), " ")
	switch outcome {
	case solver.Met:
		return text + " holds"
	case solver.Unmet:
		return text + " does not hold"
	case solver.Errored:
	}
	for _, name := range argumentsIn(text) {
		if _, there := arguments[name]; !there {
			return "without " + name
		}
	}
	return text + " cannot be evaluated"
}

// looked adds a call for which goals hold, unless one of those that are there will do, and
// reports whether there is one.
func (x *caller) looked(ctx context.Context, why func(map[string]any) string, goals ...solver.Goal) (bool, error) {
	for i := range goals {
		goals[i].Request = x.open
	}
	goals = append(goals, x.others...)
	for i := range x.samples {
		s := &x.samples[i]
		holds, err := x.finder.Holds(ctx, x.who, x.col, s.arguments, goals)
		if err != nil {
			return false, err
		}
		if holds {
			if s.why == "" && s.expect == authz.Deny {
				s.why = why(s.arguments)
			}
			return true, nil
		}
	}
	call, err := x.finder.Where(ctx, x.who, x.col, goals, x.numbers...)
	if err != nil || call.Verdict != solver.Possible {
		return false, err
	}
	x.add(call.Arguments, call.Refused, call.Cell, why(call.Arguments))
	return true, nil
}

// add adds a call that was decided.
func (x *caller) add(arguments map[string]any, refused bool, cell *matrix.Cell, why string) {
	if slices.ContainsFunc(x.samples, func(s sample) bool { return reflect.DeepEqual(s.arguments, arguments) }) {
		return
	}
	if refused {
		why = strings.TrimSpace(why + " (the inputSchema refuses it)")
	}
	expect := authz.Deny
	if cell.Access == matrix.Allowed {
		expect = authz.Allow
	}
	x.samples = append(x.samples, sample{x.col.Item.Name, arguments, expect, why, cell.Access == matrix.Refused})
}

// tried is for conditions that are not written down: calls that are likely.
func (x *caller) tried(ctx context.Context, cell *matrix.Cell) ([]sample, error) {
	meets, misses, err := x.finder.Split(ctx, x.col, x.who, cell)
	if err != nil {
		return nil, err
	}
	if meets != nil {
		x.add(meets.Arguments, !meets.Within, &matrix.Cell{Access: matrix.Allowed}, "")
	}
	if misses != nil {
		x.add(misses.Arguments, !misses.Within, &matrix.Cell{}, "")
	}
	return x.samples, nil
}
