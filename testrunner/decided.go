package testrunner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Decided says how a case was decided.
type Decided struct {
	// Rules are those that decided it: of what is allowed, those that allow it for a role
	// that comes out allowed; of what is denied, those that deny it for a role that is
	// asked about; of what is conditional, those that it hangs on.
	Rules []matrix.Rule
	// Partly are rules that decide a case about all arguments for some of them only.
	Partly []matrix.Rule
	Reason Reason // of a denial; NoReason if it is another one for other arguments
}

// basis reports names that stand for no rule.
func (b *binder) basis(x *Basis) error {
	var errs []error
	for _, name := range x.By {
		known, err := b.knownRules()
		if err != nil {
			return source.Errorf(name.Pos, "by: %w", err)
		}
		switch at := slices.Contains(known.names, name.Text); {
		case name.Text == ByDefault && at:
			errs = append(errs, source.Errorf(name.Pos, "by: a rule is called %s, which stands for a denial that no rule decides: name the rule by its ID, or say because", ByDefault))
		case name.Text != ByDefault && !at:
			errs = append(errs, source.Errorf(name.Pos, "by: no rule %q%s", name.Text, source.DidYouMean(name.Text, append([]string{ByDefault}, known.names[:min(len(known.names), maxCandidates)]...))))
		}
	}
	return errors.Join(errs...)
}

// knownRules returns the names and IDs of all rules.
func (b *binder) knownRules() (*index, error) {
	if b.rules != nil {
		return b.rules, nil
	}
	set := b.matrix.Policies()
	if set == nil {
		return nil, errors.New("the policies are not at hand, so no rule can be told")
	}
	var names []string
	for r := range set.Rules() {
		names = append(names, r.Label(), r.ID)
	}
	slices.Sort(names)
	b.rules = newIndex(slices.Compact(names))
	return b.rules, nil
}

// once returns those mistakes of groups that were not reported for another suite.
func (b *binder) once(groups []*Group, err error) error {
	known := true
	for _, g := range groups {
		known = known && b.groups[g]
		b.groups[g] = true
	}
	if known {
		return nil
	}
	return err
}

// sample adds a case for each class of the test's principals.
func (e *expander) sample(m mention, s *Sample) {
	bounds := e.addFor(e.casts, m, s.expects(), s.Skip, s.Arguments, false)
	for i := range bounds {
		bounds[i].Why = s.Why
	}
	based(bounds, &s.Basis)
}

// based says how cases have to be decided.
func based(bounds []bound, basis *Basis) {
	if basis.isZero() {
		return
	}
	names := make([]string, len(basis.By))
	for i, name := range basis.By {
		names[i] = name.Text
	}
	for i := range bounds {
		bounds[i].basis = basis
		bounds[i].By, bounds[i].Because = names, basis.Because
	}
}

// hold fails those of the cases that came out as expected, but are not decided as expected.
func (r *runner) hold(ctx context.Context, d pdp.Decider, list []*bound, standIn func(*matrix.Class) *authz.Principal) error {
	for _, c := range list {
		if c.basis == nil || c.Outcome != Passed {
			continue
		}
		if err := c.hold(ctx, d, standIn(c.class)); err != nil {
			return source.Errorf(c.Pos, "say what decides: %w", err)
		}
	}
	return nil
}

// byRole decides a request for each of the principal's roles alone, as [pdp.Explainer] does.
type byRole interface {
	ByRole(ctx context.Context, r authz.Request) ([]pdp.RoleDecision, error)
}

// hold judges a case that came out as expected by how it is decided.
func (b *bound) hold(ctx context.Context, d pdp.Decider, who *authz.Principal) error {
	explainer, ok := d.(byRole)
	if !ok {
		b.Outcome, b.Cell = Errored, nil
		b.Message = "what decides here does not say by which rules, so by and because cannot be told: run this test by the policies at hand"
		b.Got = b.Message
		return nil
	}
	decided, err := b.decidedBy(ctx, d, explainer, who)
	if err != nil {
		return err
	}
	b.Decided = decided
	if failure := b.basis.against(b.Case); failure != "" {
		b.Outcome, b.Message = Failed, oneLine(failure)
		b.Values = b.values(who, newLooks(d))
	}
	return nil
}

// decidedBy says how a case was decided.
func (b *bound) decidedBy(ctx context.Context, d pdp.Decider, explainer byRole, who *authz.Principal) (*Decided, error) {
	cell := b.Cell
	took := map[string]bool{}
	failed, limited := authz.Unmet, false
	for _, r := range b.column.Question.Requests {
		if b.Arguments != nil {
			r = pep.Bind(r, b.Arguments)
		}
		r.Principal = who
		roles, err := explainer.ByRole(ctx, r)
		if err != nil {
			return nil, err
		}
		roles = slices.DeleteFunc(roles, func(x pdp.RoleDecision) bool { return x.Skipped })
		is := func(effect authz.Effect) bool {
			return slices.ContainsFunc(roles, func(x pdp.RoleDecision) bool { return x.Effect == effect })
		}
		if !cell.Access.Possible() && is(authz.Allow) {
			continue // another request is what is denied
		}
		for _, role := range roles {
			if cell.Access.Possible() && (role.Effect == authz.Deny || role.Effect == authz.Conditional && is(authz.Allow)) {
				continue // it has no say
			}
			for _, rule := range role.Rules {
				took[rule.ID] = true
			}
			if role.Failed != authz.Unmet && failed != authz.Fired {
				failed = role.Failed
			}
			limited = limited || len(role.Limits) > 0
		}
	}
	x := &Decided{}
	for _, rule := range cell.Decisive() {
		switch {
		case !took[rule.ID], !cell.Access.Possible() && rule.Effect != authz.Deny:
		case cell.Access != matrix.Conditional && rule.Met == authz.Depends:
			x.Partly = append(x.Partly, rule)
		default:
			x.Rules = append(x.Rules, rule)
		}
	}
	if !cell.Access.Possible() {
		rejects, _ := d.(pdp.Validator)
		x.Reason = reasonOf(cell, x, rejects != nil && rejects.Rejects(), failed, limited)
	}
	return x, nil
}

// reasonOf returns the first of the reasons for a denial that holds.
func reasonOf(cell *matrix.Cell, x *Decided, rejects bool, failed authz.Met, limited bool) Reason {
	switch {
	case len(x.Rules) > 0:
		return RuleDenies
	case len(x.Partly) > 0, cell.Grant != nil:
		return NoReason
	case cell.NoPolicy:
		return NoPolicy
	case rejects && len(cell.Validation) > 0:
		return SchemaRefuses
	case failed == authz.Fired:
		return ConditionErrs
	case failed == authz.Depends: // for some arguments
		return NoReason
	case len(rules(cell, authz.Allow, authz.Unmet, authz.Depends)) > 0:
		return ConditionNotMet
	case limited || len(rules(cell, authz.Allow, authz.Fired)) > 0:
		return NotAlone
	}
	return NoRule
}

// against says what of a decision is not as expected, or nothing.
func (x *Basis) against(c *Case) string {
	decided := c.Decided
	said := []string{(&bound{Case: c}).whoDecides()}
	wrong := false
	for _, name := range x.By {
		if name.Text == ByDefault && len(decided.Rules)+len(decided.Partly) == 0 ||
			slices.ContainsFunc(decided.Rules, func(r matrix.Rule) bool { return isCalled(r, name.Text) }) {
			continue
		}
		wrong = true
		if name.Text != ByDefault && !strings.Contains(said[0], strconv.Quote(name.Text)) {
			said = append(said, standing(c.Cell, name.Text))
		}
	}
	if !wrong && (x.Because == NoReason || x.Because == decided.Reason) {
		return ""
	}
	return strings.Join(said, "; ")
}

// isCalled reports whether a rule has a name or an ID.
func isCalled(r matrix.Rule, name string) bool {
	return r.Name == name || r.ID == name || r.Syntax != nil && r.Syntax.ID == name
}

// whoDecides says what decided a case.
func (b bound) whoDecides() string {
	list, which := b.Decided.Rules, ""
	if len(list) == 0 {
		list, which = b.Decided.Partly, " for some arguments"
	}
	switch {
	case len(list) == 0 && !b.Cell.Access.Possible():
		return b.whyDenied()
	case !b.Cell.Access.Possible():
		return ruleNames(list) + verb(list, " denies it", " deny it") + which
	case b.Cell.Access == matrix.Allowed:
		return ruleNames(list) + verb(list, " allows it", " allow it") + which
	}
	return ruleNames(list) + verb(list, " decides it", " decide it")
}

// standing says what a rule that did not decide has to do with a cell.
func standing(cell *matrix.Cell, name string) string {
	i := slices.IndexFunc(cell.Rules, func(r matrix.Rule) bool { return isCalled(r, name) })
	if i < 0 {
		return fmt.Sprintf("rule %q takes no part in it", name)
	}
	r := cell.Rules[i]
	does := map[authz.Effect]string{authz.Allow: "allows", authz.Deny: "denies"}[r.Effect]
	switch {
	case r.Met == authz.Unmet:
		return fmt.Sprintf("the condition of rule %q is not met", name)
	case !cell.Access.Possible():
		return fmt.Sprintf("rule %q %s it, but that does not decide", name, does)
	}
	return fmt.Sprintf("rule %q %s it for another role, which does not decide", name, does)
}
