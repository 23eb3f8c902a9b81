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
	reasons := []reason{{"", fmt.Sprintf("expected %s, got %s", c.Want, c.Got)}}
	if c.Comparison != nil {
		reasons[0].text = "expected exactly this condition, got " + related(c)
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
