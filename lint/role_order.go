package lint

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// reportOrders reports what strict evaluation decides by the order in which a
// principal's roles are listed: the engine goes through them until one allows,
// and a condition that errs before that denies.
func reportOrders(ctx context.Context, p *Pass) error {
	if !p.input.StrictEvaluation {
		return nil
	}
	for _, col := range p.Matrix.Columns {
		found := map[string]*swap{} // by set of roles
		var sets []string
		for _, c := range p.Matrix.Classes {
			roles := ordered.Distinct(c.First().Roles)
			rules := mayErr(p, col, roles)
			if len(rules) == 0 {
				continue
			}
			set := strings.Join(slices.Sorted(slices.Values(roles)), "\x00")
			s, err := findSwap(ctx, p, coverage.Plain(col), c.First(), roles, rules)
			if err != nil {
				return err
			}
			switch {
			case s == nil:
			case found[set] == nil:
				s.classes = []*matrix.Class{c}
				found[set] = s
				sets = append(sets, set)
			default:
				found[set].classes = append(found[set].classes, c)
			}
		}
		for _, set := range sets {
			if err := reportSwap(ctx, p, col, found[set]); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayErr returns the rules that have a say on a column for any of the roles, or
// none where the order of the roles cannot matter: no condition of one role can
// err beside a rule of another that may allow.
func mayErr(p *Pass, col *matrix.Column, roles []string) []*policy.Rule {
	if len(roles) < 2 {
		return nil
	}
	all, _, _ := p.rulesFor(col)
	conditional, allowing := map[string]bool{}, map[string]bool{}
	all = slices.DeleteFunc(all, func(r *policy.Rule) bool { return r.Policy.Kind == policy.PrincipalPolicy })
	var rules []*policy.Rule
	for _, r := range all {
		for _, role := range roles {
			if len(p.index.Concerned(r, p.index.Lineage(role))) == 0 {
				continue
			}
			if !slices.Contains(rules, r) {
				rules = append(rules, r)
			}
			derived := slices.ContainsFunc(r.DerivedRoles, func(name policy.Text) bool {
				d := p.Policies.DerivedRole(r.Policy, name.Value)
				return d != nil && d.Condition != nil
			})
			conditional[role] = conditional[role] || derived || r.Condition != nil
			allowing[role] = allowing[role] || r.Effect == authz.Allow
		}
	}
	for _, role := range roles {
		for _, other := range roles {
			if role != other && conditional[role] && allowing[other] {
				return rules
			}
		}
	}
	return nil
}

// A swap is a principal that is decided otherwise with its roles in another
// order.
type swap struct {
	who, other *authz.Principal // as declared, and in the other order
	cells      [2]matrix.Cell   // of the two: one allowed, one denied
	arguments  map[string]any   // of both; nil if there are none, or any will do
	outside    bool             // the inputSchema allows no arguments that would do
	rules      []*policy.Rule   // that may have a say
	classes    []*matrix.Class
}

// findSwap returns how another order of a principal's roles decides otherwise,
// or nil. What a role comes to by itself does not depend on the others: it
// allows, errs, or leaves it to the next. So if any order decides otherwise,
// one does that begins with another role.
func findSwap(ctx context.Context, p *Pass, col *matrix.Column, who *authz.Principal, roles []string, rules []*policy.Rule) (*swap, error) {
	orders := []*authz.Principal{who}
	for i := 1; i < len(roles); i++ {
		other := *who
		other.Roles = append([]string{roles[i]}, slices.Delete(slices.Clone(roles), i, i+1)...)
		orders = append(orders, &other)
	}
	if !p.budget.Afford(len(orders)) {
		return nil, nil
	}
	cells, err := p.Matrix.Look(ctx, col, orders)
	if err != nil {
		return nil, err
	}
	x := p.reasoner()
	var open []*authz.Principal
	for i, cell := range cells[1:] {
		bySchema := cells[0].Settlement.BySchema || cell.Settlement.BySchema
		if !bySchema && (denied(cells[0]) && allowed(cell) || allowed(cells[0]) && denied(cell)) {
			return &swap{who: who, other: orders[i+1], cells: [2]matrix.Cell{*cells[0], *cell}, rules: rules}, nil
		}
		if x == nil || cell.Access == cells[0].Access && cell.Access != matrix.Conditional && !bySchema {
			continue
		}
		found, known, err := findSwapBy(ctx, p, col, [2]*authz.Principal{who, orders[i+1]}, [2]*matrix.Cell{cells[0], cell})
		if err != nil {
			return nil, err
		}
		if found != nil {
			found.rules = rules
			return found, nil
		}
		if !known {
			open = append(open, orders[i+1])
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	return findSwapWith(ctx, p, col, who, open, rules)
}

// findSwapBy asks the solver for arguments that two orders decide otherwise, best within
// the inputSchema. It is known that there are none if it says so.
func findSwapBy(ctx context.Context, p *Pass, col *matrix.Column, who [2]*authz.Principal, cells [2]*matrix.Cell) (s *swap, known bool, err error) {
	w := &solver.World{Requests: []authz.Request{asking(col, who[0]), asking(col, who[1])}, Calls: []int{0, 0}}
	var allow [2]solver.Formula
	for i, cell := range cells {
		var ok bool
		if allow[i], ok = allows(cell, &w.Requests[i]); !ok {
			return nil, false, nil
		}
	}
	known = true
	schema := p.reasons.Arguments(col.Item)
	for _, within := range []bool{true, false} {
		if w.Arguments = nil; within {
			w.Arguments = []any{schema}
		}
		for i := range allow {
			goals := []solver.Goal{
				{Formula: allow[i], Request: i, To: solver.Only(solver.Met)},
				{Formula: allow[1-i], Request: 1 - i, To: solver.Only(solver.Unmet, solver.Errored)},
			}
			answer, err := p.reasons.Solve(ctx, w, goals, func(ctx context.Context, requests []authz.Request, _ time.Time) (bool, error) {
				s, err = swapOf(ctx, p, col, who, argumentsIn(&requests[0], w.Requests[0].Unknown))
				return s != nil, err
			})
			if err != nil {
				return nil, false, err
			}
			if answer.Verdict == solver.Possible {
				s, err = shrunk(ctx, p, col, who, s)
				return s, true, err
			}
			known = known && answer.Verdict == solver.Impossible
		}
		if schema == nil {
			break
		}
	}
	return nil, known, nil
}

// swapOf returns arguments that two orders decide otherwise, as the engine says, or nil.
func swapOf(ctx context.Context, p *Pass, col *matrix.Column, who [2]*authz.Principal, arguments map[string]any) (*swap, error) {
	cells, err := p.decide(ctx, []attempt{{who[0], col, arguments}, {who[1], col, arguments}})
	if err != nil || cells == nil || cells[0].Access == cells[1].Access {
		return nil, err
	}
	outside := arguments != nil && !p.reasons.Finder.Schema(col.Item).Allows(arguments)
	return &swap{who: who[0], other: who[1], cells: [2]matrix.Cell(cells), arguments: arguments, outside: outside}, nil
}

// shrunk leaves out the arguments that do not matter.
func shrunk(ctx context.Context, p *Pass, col *matrix.Column, who [2]*authz.Principal, s *swap) (*swap, error) {
	for _, name := range slices.Sorted(maps.Keys(s.arguments)) {
		less, err := swapOf(ctx, p, col, who, attempt{arguments: s.arguments}.without(name).arguments)
		if err != nil {
			return nil, err
		}
		if less != nil && (s.outside || !less.outside) {
			s = less
		}
	}
	return s, nil
}

// findSwapWith tries arguments that two orders may decide otherwise, best within the
// inputSchema, where the solver does not know.
func findSwapWith(ctx context.Context, p *Pass, col *matrix.Column, who *authz.Principal, others []*authz.Principal, rules []*policy.Rule) (*swap, error) {
	var named []matrix.Rule
	for _, r := range rules {
		named = append(named, matrix.Rule{ID: r.ID})
	}
	var outside *swap
	for list := range witness.Chunks(p.reasons.Finder.Search(col, who, named...).Candidates().Each) {
		var attempts []attempt
		for _, c := range list {
			attempts = append(attempts, attempt{who, col, c.Arguments})
			for _, other := range others {
				attempts = append(attempts, attempt{other, col, c.Arguments})
			}
		}
		cells, err := p.decide(ctx, attempts)
		if err != nil {
			return nil, err
		}
		for i := 0; i < len(cells); i += 1 + len(others) {
			for k, other := range others {
				declared, swapped := cells[i], cells[i+1+k]
				if declared.Access == swapped.Access {
					continue
				}
				c := list[i/(1+len(others))]
				s := &swap{who: who, other: other, cells: [2]matrix.Cell{declared, swapped}, arguments: c.Arguments, outside: !c.Within, rules: rules}
				if c.Within {
					return s, nil
				}
				if outside == nil {
					outside = s
				}
			}
		}
	}
	return outside, nil
}

func reportSwap(ctx context.Context, p *Pass, col *matrix.Column, s *swap) error {
	erring, err := erringRules(ctx, p, col, s)
	if err != nil {
		return err
	}
	granting := &s.cells[0]
	if denied(granting) {
		granting = &s.cells[1]
	}
	f := about(col)
	f.Related = []Related{{f.Pos, noun(f.Type) + " " + f.Name, true}}
	first := ""
	for i, e := range erring {
		if i == 0 {
			f.Pos, f.Policy, first = e.rule.Pos, e.rule.ID, ": "+e.String()
			f.Cause = causeOf("order", keyOf(e.rule), col.Operation.String())
		}
		f.Evidence = append(f.Evidence, cite(e.rule))
	}
	f.Evidence = addSome(f.Evidence, citeAll(granting.Decisive()))
	with := ""
	if s.arguments != nil {
		with = " with " + compact(s.arguments)
	}
	if s.outside {
		f.Cause = causeOf(f.Cause, "outside")
		f.Severity, with = authz.SeverityNote, with+", which "+schemaOf(col)+" does not allow"
	}
	for i, who := range []*authz.Principal{s.who, s.other} {
		said, why := "allows", ""
		if denied(&s.cells[i]) {
			said, why = "denies", first
		} else if rules := granting.Decisive(); len(rules) > 0 {
			why = fmt.Sprintf(": rule %q comes first", rules[0].Name)
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("With the roles %s the engine %s it%s%s.", strings.Join(ordered.Distinct(who.Roles), ", "), said, with, why))
		with = ""
	}
	f.Witness = witnessIn(col, s.who, s.arguments)
	f.Fix = "Keep the condition from erring: ask has() first, and for the type; or let one role alone decide. A token may list its roles in any order."
	p.report(draft{
		Finding: f, who: wholly(s.classes),
		say: func(e *effects) string {
			return fmt.Sprintf("whether %s may %s %s depends on the order of %s roles", p.namesIn(e.who), verb(col.Operation), e.listed(), plural(e.who.size(), "its", "their"))
		},
	})
	return nil
}

// schemaOf is what says which arguments there are.
func schemaOf(col *matrix.Column) string {
	if col.Item.Type == authz.PromptItem {
		return "the prompt"
	}
	return "the inputSchema"
}

// An erring is a rule whose condition errs, and what the engine says about it.
type erring struct {
	rule *policy.Rule
	authz.EvalError
}

func (e *erring) String() string {
	return called(e.rule) + " errs first, " + oneLine(e.Expr) + ": " + oneLine(e.Message)
}

// hasExpression reports whether an expression is one of a rule's, or of its derived
// roles'.
func hasExpression(p *Pass, r *policy.Rule, expr string) bool {
	conditions := []*policy.Condition{r.Condition}
	for _, name := range r.DerivedRoles {
		if d := p.Policies.DerivedRole(r.Policy, name.Value); d != nil {
			conditions = append(conditions, d.Condition)
		}
	}
	for _, c := range conditions {
		for text := range c.Exprs() {
			if text.Value == expr {
				return true
			}
		}
	}
	return false
}

// erringRules returns the rules whose conditions err for what was asked, those of
// the roles that deny before one allows.
func erringRules(ctx context.Context, p *Pass, col *matrix.Column, s *swap) ([]*erring, error) {
	x := p.reasoner()
	if x == nil {
		return nil, nil
	}
	refused := s.who
	if allowed(&s.cells[0]) {
		refused = s.other
	}
	arguments := s.arguments
	if arguments == nil { // any will do: some that are likely
		for list := range witness.Within(x.Finder.Search(coverage.Plain(col), refused)) {
			arguments = list[0]
			break
		}
	}
	roles, errors, err := erringRoles(ctx, p, coverage.Plain(col), refused, arguments)
	if err != nil {
		return nil, err
	}
	var list []*erring
	for _, r := range s.rules {
		if !slices.ContainsFunc(roles, func(role string) bool { return len(p.index.Concerned(r, p.index.Lineage(role))) > 0 }) {
			continue
		}
		var trials []pdp.Trial
		for _, c := range x.Finder.Conditions(r.ID) {
			for _, a := range p.index.Asked(col) {
				if coverage.Covers(r, a.Request) {
					request := pep.Bind(*a.Request, arguments)
					request.Principal = refused
					trials = append(trials, pdp.Trial{Condition: c, Request: request})
				}
			}
		}
		outcomes, err := x.Engine.Try(ctx, trials)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(errors, func(e authz.EvalError) bool { return hasExpression(p, r, e.Expr) })
		if i >= 0 && slices.Contains(outcomes, pdp.Errored) {
			list = append(list, &erring{r, errors[i]})
		}
	}
	return list, nil
}

// erringRoles returns the roles that err by themselves, so that before one that
// allows they deny, and their errors.
func erringRoles(ctx context.Context, p *Pass, col *matrix.Column, who *authz.Principal, arguments map[string]any) (list []string, errors []authz.EvalError, err error) {
	roles := ordered.Distinct(who.Roles)
	ask := func(lists [][]string) ([]matrix.Cell, error) {
		cases := make([]matrix.Attempt, len(lists))
		for i, list := range lists {
			asked := *who
			asked.Roles = list
			cases[i] = matrix.Attempt{Principal: &asked, Column: col, Arguments: arguments}
		}
		return p.Matrix.Ask(ctx, cases)
	}
	var lists [][]string
	for _, role := range roles {
		lists = append(lists, []string{role})
	}
	alone, err := ask(lists)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(alone, func(c matrix.Cell) bool { return allowed(&c) })
	if i < 0 {
		return nil, nil, nil
	}
	lists = nil
	for _, role := range roles {
		lists = append(lists, []string{role, roles[i]})
	}
	before, err := ask(lists)
	if err != nil {
		return nil, nil, err
	}
	for k, role := range roles {
		if denied(&before[k]) {
			list, errors = append(list, role), append(errors, alone[k].Errors...)
		}
	}
	return list, errors, nil
}
