package report

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// sentence says what a case is about: sally calls get_sales_data {"region":
// "APAC"}.
func sentence(d *Document, c *testrunner.Case) string {
	if c.Sentence != "" {
		return c.Sentence + d.onServer(c.Server)
	}
	if c.Empty {
		return "nothing to " + asks(d, c, false) + " yet"
	}
	return subject(c) + " " + asks(d, c, len(c.Principals) == 1)
}

// About says what a case is about, as reports do.
func About(c *testrunner.Case) string { return sentence(&Document{}, c) }

// casesOf returns the cases of a suite, or one that says why it could not be run.
func casesOf(s *testrunner.SuiteResult) []*testrunner.Case {
	if c := s.Undecided(); c != nil {
		return []*testrunner.Case{c}
	}
	return s.Cases
}

// subject names the principals of a case.
func subject(c *testrunner.Case) string {
	var keys []string
	for i, p := range c.Principals {
		if i == manyNames-1 && len(c.Principals) > manyNames {
			keys = append(keys, count(len(c.Principals)-i, "other"))
			break
		}
		keys = append(keys, p.Key)
	}
	if len(keys) == 0 {
		return "nobody"
	}
	return list(keys)
}

// asks says what the principals of a case do.
func asks(d *Document, c *testrunner.Case, one bool) string {
	if c.Check != nil {
		return asksFor(c.Check)
	}
	text := c.Operation.String()
	if one {
		text += "s"
	}
	if c.Item != nil {
		text += " " + c.Item.Name
	}
	if c.Arguments != nil {
		text += " " + jsonText(c.Arguments)
	}
	text += d.onServer(c.Server)
	if c.When != "" {
		text += " when " + c.When
	}
	return text
}

// asksFor says what a case of a Cerbos suite asks: asks for view on t2 (ticket 17).
func asksFor(x *testrunner.Check) string {
	what := x.Kind
	if x.ID != x.Resource {
		what += " " + x.ID
	}
	return fmt.Sprintf("asks for %s on %s (%s)", x.Action, x.Resource, what)
}

// onServer says on which server something is, where there are several.
func (d *Document) onServer(name string) string {
	if name != "" && d.severalServers() {
		return " on " + name
	}
	return ""
}

func (d *Document) severalServers() bool {
	s := d.scope()
	return s != nil && len(s.Servers) > 1
}

// A reason is a line that says why, and the place that it is about.
type reason struct {
	pos  string
	text string
}

// outcome says how a case ended and why, a line each.
func outcome(c *testrunner.Case) []reason {
	switch c.Outcome {
	case testrunner.Errored:
		return []reason{{"", firstOf(c.Message, c.Got)}}
	case testrunner.Skipped:
		return []reason{{"", "skipped: " + firstOf(c.Message, "no reason given")}}
	case testrunner.Passed:
		return nil
	case testrunner.Failed:
	}
	if c.Proof != nil {
		return refutation(c)
	}
	reasons := []reason{{"", fmt.Sprintf("expected %s, got %s", c.Want+expectedWay(c), c.Got+way(c))}}
	if c.Comparison != nil && c.Decided == nil {
		reasons[0].text = "expected exactly this condition, got " + related(c)
	}
	if c.Why != "" {
		reasons = append(reasons, reason{"", c.Why})
	}
	if c.Check != nil {
		reasons = append(checkReasons(c), reasons[1:]...)
	}
	reasons = append(append(reasons, because(c)...), differences(c.Comparison)...)
	for _, v := range c.Values {
		reasons = append(reasons, reason{"", v.Expr + " is " + v.Value})
	}
	if c.Cell != nil {
		for _, e := range c.Cell.Errors {
			reasons = append(reasons, reason{"", e.Expr + ": " + e.Message})
		}
	}
	return reasons
}

// expectedWay says how a case has to be decided.
func expectedWay(c *testrunner.Case) string { return decidedWay(c.By, c.Because) }

// way says how a case was decided, as far as that was looked at.
func way(c *testrunner.Case) string {
	switch x := c.Decided; {
	case x == nil:
		return ""
	case len(x.Rules) == 0 && len(x.Partly) > 0:
		return decidedWay(ruleNames(x.Partly), testrunner.NoReason) + " for some arguments"
	case len(x.Rules) == 0:
		return decidedWay([]string{testrunner.ByDefault}, x.Reason)
	case c.Because == testrunner.NoReason:
		return decidedWay(ruleNames(x.Rules), testrunner.NoReason)
	default:
		return decidedWay(ruleNames(x.Rules), x.Reason)
	}
}

func ruleNames(rules []matrix.Rule) []string {
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = firstOf(r.Name, r.ID)
	}
	return names
}

// decidedWay writes " by greet-all", " by default (condition)".
func decidedWay(names []string, reason testrunner.Reason) string {
	text := ""
	if len(names) > 0 {
		text = " by " + list(names)
	}
	if reason != testrunner.NoReason {
		text += " (" + reason.String() + ")"
	}
	return text
}

// checkReasons says what a case of a Cerbos suite expected and got.
func checkReasons(c *testrunner.Case) []reason {
	text := fmt.Sprintf("expected %s, got %s", c.Want, c.Got)
	if len(c.Outputs) > 0 {
		text = fmt.Sprintf("expected %s, which it is, but with other outputs", c.Want)
	}
	if c.Check.Implied {
		text += ": nothing is listed for this action and pair, so that denied is expected"
	}
	reasons := []reason{{"", text}}
	for _, o := range c.Outputs {
		reasons = append(reasons, reason{"", o})
	}
	return reasons
}

// related says how what is decided relates to the condition that a case expects.
func related(c *testrunner.Case) string {
	x := c.Comparison
	switch {
	case c.Cell.Access != matrix.Conditional || x.Relation == solver.Equal:
		return c.Got
	case x.Relation == solver.Wider:
		return "a wider one"
	case x.Relation == solver.Narrower:
		return "a narrower one"
	case x.Relation == solver.Incomparable || x.Allowed != nil || x.Denied != nil:
		return "another one"
	}
	return "one that cannot be compared"
}

// differences shows calls that are not decided as a condition says that was expected, and
// what could not be treated.
func differences(x *testrunner.Comparison) []reason {
	if x == nil {
		return nil
	}
	var reasons []reason
	if x.Allowed != nil {
		reasons = append(reasons, reason{"", jsonText(x.Allowed.Arguments) + " is allowed, and does not meet it"})
	}
	if x.Denied != nil {
		reasons = append(reasons, reason{"", jsonText(x.Denied.Arguments) + " is denied, and meets it"})
	}
	for i, open := range x.Open {
		if i == manyNames {
			reasons = append(reasons, reason{"", fmt.Sprintf("and %d more that cannot be told", len(x.Open)-i)})
			break
		}
		reasons = append(reasons, reason{"", "it cannot be told of: " + open})
	}
	return reasons
}

// because says how the decision came about, at the place of the rule that decided. If
// several did, each follows with its place.
func because(c *testrunner.Case) []reason {
	rules := c.Deciding()
	if len(rules) == 1 && c.Message != "" {
		return []reason{{rules[0].Pos.String(), c.Message}}
	}
	var reasons []reason
	if c.Message != "" {
		reasons = append(reasons, reason{"", c.Message})
	}
	for _, r := range rules {
		reasons = append(reasons, reason{r.Pos.String(), fmt.Sprintf("rule %q", firstOf(r.Name, r.ID))})
	}
	return reasons
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func jsonText(v any) string { return source.JSONText(v) }
