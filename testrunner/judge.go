package testrunner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// judge compares a case with what was decided for the principal that stands
// for its class.
func (b bound) judge(cell *matrix.Cell, p *authz.Principal, looks *looks) {
	c := b.Case
	c.Cell, c.Got, c.Outcome = cell, cell.Access.String(), Passed
	if b.passes(cell) {
		return
	}
	c.Outcome = Failed
	c.Message = oneLine(b.why())
	if b.unlisted {
		c.Message = "exactly does not list it; " + c.Message
	}
	c.Values = b.values(p, looks)
}

// passes reports whether a cell is what the case expects, but for its condition.
func (b bound) passes(cell *matrix.Cell) bool { return b.accepts.has(cell.Access) }

// Deciding returns the rules that a decision hangs on, to be shown with it:
// those that decided, and then those that would have decided otherwise, had
// their conditions been met.
func (c *Case) Deciding() []matrix.Rule {
	if c.Cell == nil {
		return nil
	}
	decisive := c.Cell.Decisive()
	if c.Decided != nil {
		decisive = slices.Concat(c.Decided.Rules, c.Decided.Partly)
	}
	switch c.Cell.Access {
	case matrix.Allowed:
		return append(decisive, rules(c.Cell, authz.Deny, authz.Unmet)...)
	case matrix.Denied:
		if len(decisive) == 0 {
			return rules(c.Cell, authz.Allow, authz.Fired, authz.Depends, authz.Unmet)
		}
	case matrix.Conditional, matrix.Unguarded, matrix.Refused:
	}
	return decisive
}

// rules returns the rules of an effect whose conditions came out in one of the
// ways, in the order of those.
func rules(cell *matrix.Cell, effect authz.Effect, met ...authz.Met) []matrix.Rule {
	var list []matrix.Rule
	for _, x := range met {
		for _, r := range cell.Rules {
			if r.Effect == effect && r.Met == x {
				list = append(list, r)
			}
		}
	}
	return list
}

// why says how the decision came about.
func (b bound) why() string {
	switch b.Cell.Access {
	case matrix.Unguarded:
		return b.whyUnguarded()
	case matrix.Denied:
		return b.whyDenied()
	case matrix.Conditional:
		return b.whyConditional()
	case matrix.Refused:
		return b.whyRefused()
	case matrix.Allowed:
	}
	return b.whyAllowed()
}

func (b bound) whyRefused() string {
	why := b.Cell.Reason()
	if b.accepts.has(matrix.Denied) {
		return "no policy denies it: " + why + "; if that is meant, expect refuse"
	}
	return why
}

func (b bound) whyUnguarded() string {
	if b.column.Question.TaskOnly {
		return "no policy is asked when the call is made as a task"
	}
	if reason := b.Cell.Reason(); reason != "" {
		return reason
	}
	if b.Cell.NoPolicy {
		return fmt.Sprintf("no policy covers what is asked about, and %s lets that pass", b.column.Server.Profile.Name)
	}
	return fmt.Sprintf("no policy is asked: %s asks nothing on %s",
		b.column.Server.Profile.Name, pep.Endpoint(b.Item.Type, b.Operation))
}

func (b bound) whyDenied() string {
	if reason := b.Cell.Reason(); reason != "" {
		return reason
	}
	denying := b.Cell.Decisive()
	would := rules(b.Cell, authz.Allow, authz.Unmet)
	granting := rules(b.Cell, authz.Allow, authz.Fired, authz.Depends)
	switch {
	case len(denying) > 0:
		return ruleNames(denying) + verb(denying, " denies it", " deny it")
	case b.Cell.NoPolicy:
		return "no policy covers what is asked about"
	case len(b.Cell.Validation) > 0 && len(granting)+len(would) == 0:
		v := b.Cell.Validation[0]
		return fmt.Sprintf("the %s schema refuses the request: %s: %s", v.Source, v.Path, source.Printable(v.Message))
	case len(granting) > 0 && len(would) == 0:
		return ruleNames(granting) + verb(granting, " allows it", " allow it") + ", but a role policy or another scope does not"
	}
	why := "no rule allows it"
	if len(granting) > 0 { // a scope that only narrows what its parent allows
		why = ruleNames(granting) + verb(granting, " does not allow it alone", " do not allow it alone")
	}
	if len(would) > 0 {
		why += "; " + ruleNames(would) + " would, but " + verb(would, "its condition is not met", "their conditions are not met")
	}
	return why
}

func (b bound) whyConditional() string {
	condition := b.Cell.Condition.String()
	if !b.Cell.Condition.BeginsUnless() {
		condition = "only if " + condition
	}
	granting := rules(b.Cell, authz.Allow, authz.Fired, authz.Depends)
	if len(granting) == 0 {
		return "it is allowed " + condition
	}
	return ruleNames(granting) + verb(granting, " allows it ", " allow it ") + condition
}

func (b bound) whyAllowed() string {
	if reason := b.Cell.Reason(); reason != "" {
		return reason
	}
	granting := b.Cell.Decisive()
	why := "it is allowed"
	if len(granting) > 0 {
		why = ruleNames(granting) + verb(granting, " allows it", " allow it")
	}
	would := wouldDeny(b.Cell)
	switch {
	case len(would) > 0:
		why += "; " + ruleNames(would) + " would deny it, but " + verb(would, "its condition is not met", "their conditions are not met")
	case b.whatever && b.column.TakesArguments():
		why += ", whatever the arguments"
	}
	return why
}

// wouldDeny returns the rules that would deny what is allowed, had their conditions
// been met.
func wouldDeny(c *matrix.Cell) []matrix.Rule { return rules(c, authz.Deny, authz.Unmet) }

func ruleNames(list []matrix.Rule) string {
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = fmt.Sprintf("%q", r.Name)
	}
	if len(list) == 1 {
		return "rule " + names[0]
	}
	last := len(names) - 1
	return "rules " + strings.Join(names[:last], ", ") + " and " + names[last]
}

func verb(list []matrix.Rule, one, many string) string {
	if len(list) == 1 {
		return one
	}
	return many
}

// oneLine joins the lines of a condition that has several.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}
