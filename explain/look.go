package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A DerivedRole is one that a rule names.
type DerivedRole struct {
	*policy.DerivedRole
	Active  bool
	Depends bool   // whether it is active depends on what is left open
	Why     string // why it is not, or what it depends on: a parent role that is missing, a condition
	Exprs   []Expr

	held  bool
	truth pdp.Truth
}

// An inquiry collects what the engine is to be asked about one request, and
// where the answers go.
type inquiry struct {
	*Request
	engine Engine

	expressions  []pdp.Expression
	values       []*pdp.Value
	propositions []pdp.Proposition
	truths       []*pdp.Truth
	open         []*Expr // that read what is open, and whose truth is asked for
	openTruths   []*pdp.Truth
}

// A ruleCondition is the condition of a rule, or of a derived role that the rule names.
type ruleCondition struct {
	rule        *policy.Rule
	derivedRole string // of the rule's, whose condition it is, or ""
	condition   *policy.Condition
}

func (i *inquiry) value(x pdp.Expression, v *pdp.Value) {
	i.expressions, i.values = append(i.expressions, x), append(i.values, v)
}

// truth asks for the truth of a condition, or of one of its expressions.
func (i *inquiry) truth(of ruleCondition, text string, t *pdp.Truth) {
	p := pdp.Proposition{Rule: of.rule.ID, DerivedRole: of.derivedRole, Effect: of.rule.Effect, Text: text}
	for x := range of.condition.Exprs() {
		p.Of = append(p.Of, x.Value)
	}
	i.propositions, i.truths = append(i.propositions, p), append(i.truths, t)
}

// exprs lists the expressions of a condition and what they read, and asks for
// their values.
func (i *inquiry) exprs(of ruleCondition) []Expr {
	list := slices.Collect(of.condition.Exprs())
	exprs := make([]Expr, len(list))
	for n, text := range list {
		e := &exprs[n]
		x := pdp.Expression{Rule: of.rule.ID, DerivedRole: of.derivedRole, Text: text.Value}
		e.Text, e.Inlined = text, i.engine.Inline(x)
		var operands []pdp.Operand
		operands, e.Open = i.engine.Operands(&i.Request.Request, e.Inlined)
		i.value(x, &e.Value)
		if e.Open {
			t := new(pdp.Truth)
			i.truth(of, text.Value, t)
			i.open, i.openTruths = append(i.open, e), append(i.openTruths, t)
		}
		e.Parts = make([]Part, len(operands))
		for j, o := range operands {
			e.Parts[j] = Part{Text: o.Text, Name: o.Name, Offset: strings.Index(e.Inlined, o.Text), Open: o.Open}
			x.Text = o.Text
			i.value(x, &e.Parts[j].Value)
		}
	}
	return exprs
}

// ask has the engine evaluate all that is collected. Values are asked for with open
// arguments taken to be empty.
func (i *inquiry) ask(ctx context.Context) error {
	if len(i.expressions) > 0 {
		values, err := i.engine.Evaluate(ctx, pep.Bind(i.Request.Request, nil), i.expressions)
		if err != nil {
			return fmt.Errorf("evaluate the conditions of %s: %w", i.Action, err)
		}
		for n, v := range values {
			*i.values[n] = v
		}
	}
	truths, err := i.engine.Truths(ctx, i.Request.Request, i.propositions)
	if err != nil {
		return fmt.Errorf("evaluate the conditions of %s: %w", i.Action, err)
	}
	for n, t := range truths {
		*i.truths[n] = t
	}
	for n, e := range i.open {
		e.settle(*i.openTruths[n])
	}
	return nil
}

// look finds the rules that are about a request and the derived roles that they
// name, and has the engine evaluate their conditions.
func (q *Input) look(ctx context.Context, x *Request) error {
	var rules []*policy.Rule
	var ids []string
	for rule := range coverage.About(q.Policies, &x.Request) {
		rules, ids = append(rules, rule), append(ids, rule.ID)
	}
	reach, err := q.Engine.Reach(ctx, x.Request, ids)
	if err != nil {
		return err
	}
	rules = slices.DeleteFunc(rules, func(rule *policy.Rule) bool { _, ok := reach[rule.ID]; return !ok })
	x.Rules = make([]Rule, len(rules))
	i := &inquiry{Request: x, engine: q.Engine}
	for n, rule := range rules {
		r := &x.Rules[n]
		r.Rule, r.truth = rule, pdp.Always
		q.derived(i, r, reach[rule.ID])
		if of := (ruleCondition{rule, "", rule.Condition}); len(r.grounds) > 0 && rule.Condition != nil {
			r.Exprs = i.exprs(of)
			i.truth(of, "", &r.truth)
		}
	}
	if err := i.ask(ctx); err != nil {
		return err
	}
	for _, d := range x.Derived {
		d.judge()
	}
	return nil
}

// derived adds the derived roles that a rule names, and the grounds on which
// the principal comes under it.
func (q *Input) derived(i *inquiry, r *Rule, grounds []pdp.Ground) {
	for _, name := range r.DerivedRoles {
		dr := q.Policies.DerivedRole(r.Policy, name.Value)
		if dr == nil {
			continue
		}
		n := slices.IndexFunc(i.Derived, func(d *DerivedRole) bool { return d.DerivedRole == dr })
		if n < 0 {
			n = len(i.Derived)
			i.Derived = append(i.Derived, &DerivedRole{DerivedRole: dr, truth: pdp.Always})
		}
		d := i.Derived[n]
		if d.held || !slices.ContainsFunc(grounds, func(g pdp.Ground) bool { return g.DerivedRole == dr.Name }) {
			continue
		}
		d.held = true
		if of := (ruleCondition{r.Rule, dr.Name, dr.Condition}); dr.Condition != nil {
			d.Exprs = i.exprs(of)
			i.truth(of, "", &d.truth)
		}
	}
	for _, g := range grounds {
		of := ground{Ground: g}
		if n := slices.IndexFunc(i.Derived, func(d *DerivedRole) bool {
			return d.Name == g.DerivedRole && d.DerivedRole == q.Policies.DerivedRole(r.Policy, g.DerivedRole)
		}); n >= 0 {
			of.by = i.Derived[n]
		}
		r.grounds = append(r.grounds, of)
	}
}

// settle gives an expression that reads what is open its value, if that is the
// same whatever is open.
func (e *Expr) settle(truth pdp.Truth) {
	e.Open, e.Value = truth == pdp.Varies, pdp.Value{}
	switch truth {
	case pdp.Always, pdp.Never:
		e.Value.V = truth == pdp.Always
	case pdp.Fails:
		e.Value.Error = "cannot be evaluated"
		for _, p := range e.Parts {
			if !p.Open && p.Value.Error != "" {
				e.Value.Error = p.Value.Error
			}
		}
	case pdp.Varies:
	}
}

func (d *DerivedRole) judge() {
	switch {
	case !d.held:
		d.Why = "none of its parent roles is held: " + texts(d.ParentRoles)
	case d.truth == pdp.Always:
		d.Active = true
	case d.truth == pdp.Varies:
		d.Depends, d.Why = true, dependsOn(openNames(d.Exprs))
	case d.truth == pdp.Fails:
		d.Why = "its condition could not be evaluated"
	default:
		d.Why = "its condition is not met"
	}
}

func texts(list []policy.Text) string {
	var names []string
	for _, t := range list {
		names = append(names, t.Value)
	}
	return strings.Join(names, ", ")
}
