package report

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A jsonRule is a rule as cells and cases have it.
type jsonRule struct {
	ID     string `json:"id"`
	Effect string `json:"effect"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
}

func jsonRules(rules []matrix.Rule) []jsonRule {
	list := make([]jsonRule, len(rules))
	for i, r := range rules {
		list[i] = jsonRule{r.ID, r.Effect.String(), r.Pos.File, r.Pos.Line}
	}
	return list
}

type caseJSON struct {
	Test      string         `json:"test"`
	Principal string         `json:"principal"`
	Server    string         `json:"server"`
	Type      string         `json:"type,omitempty"`
	Name      string         `json:"name,omitempty"`
	Operation string         `json:"operation"`
	Arguments map[string]any `json:"arguments,omitempty"`
	Want      string         `json:"want"`
	Got       string         `json:"got"`
	Outcome   string         `json:"outcome"`
	Empty     bool           `json:"empty,omitempty"` // skipped, because nothing is there yet; principal is ""
	Message   string         `json:"message,omitempty"`
	Condition string         `json:"condition,omitempty"`
	Reason    string         `json:"reason,omitempty"` // of a condition that comes to nothing else
	Rules     []jsonRule     `json:"rules,omitempty"`
	File      string         `json:"file,omitempty"`
	Line      int            `json:"line,omitempty"`
	Sentence  string         `json:"sentence,omitempty"` // about everybody who could exist; principal is then "" or a delegate
	Proof     *proofJSON     `json:"proof,omitempty"`

	When       string          `json:"when,omitempty"` // the condition that is expected of one that is conditional
	Comparison *comparisonJSON `json:"comparison,omitempty"`
}

// A comparisonJSON says how the condition of a cell relates to the one that is expected.
type comparisonJSON struct {
	Relation string    `json:"relation"`          // of what is decided to what is expected
	Allowed  *callJSON `json:"allowed,omitempty"` // a call that is allowed and does not meet what is expected
	Denied   *callJSON `json:"denied,omitempty"`  // a call that is denied and meets it
	Open     []string  `json:"open,omitempty"`
}

type callJSON struct {
	Arguments map[string]any `json:"arguments"`
	Rules     []jsonRule     `json:"rules,omitempty"`
}

func jsonComparison(x *testrunner.Comparison) *comparisonJSON {
	if x == nil {
		return nil
	}
	call := func(c *testrunner.Call) *callJSON {
		if c == nil {
			return nil
		}
		return &callJSON{c.Arguments, jsonRules(c.Cell.Decisive())}
	}
	return &comparisonJSON{x.Relation.String(), call(x.Allowed), call(x.Denied), x.Open}
}

// jsonCase writes a case for one of those that it is about, who may be nil.
func jsonCase(c *testrunner.Case, p *authz.Principal) caseJSON {
	j := caseJSON{
		Test: c.Test, Empty: c.Empty, Server: c.Server, Operation: c.Operation.String(), Arguments: c.Arguments,
		Want: c.Want, Got: c.Got, Outcome: c.Outcome.String(), Message: c.Message, File: c.Pos.File, Line: c.Pos.Line,
		Sentence: c.Sentence, Proof: jsonProof(c.Proof),
		When: c.When, Comparison: jsonComparison(c.Comparison),
	}
	if p != nil {
		j.Principal = p.Key
	}
	if c.Item != nil {
		j.Type, j.Name = c.Item.Type.String(), c.Item.Name
	}
	if c.Cell != nil {
		j.Condition, j.Reason, j.Rules = c.Cell.Condition.String(), c.Cell.Reason(), jsonRules(c.Cell.Decisive())
	}
	return j
}
