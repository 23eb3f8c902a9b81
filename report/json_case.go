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
	Arguments map[string]any `json:"arguments,omitzero"` // {} is a call without any; left out, the case is about all
	Want      string         `json:"want"`
	Got       string         `json:"got"`
	Outcome   string         `json:"outcome"`
	Empty     bool           `json:"empty,omitempty"` // skipped, because nothing is there yet; principal is ""
	Message   string         `json:"message,omitempty"`
	Condition string         `json:"condition,omitempty"`
	Reason    string         `json:"reason,omitempty"`  // of a condition that comes to nothing else
	Refusal   *refusalJSON   `json:"refusal,omitempty"` // of what is refused
	Rules     []jsonRule     `json:"rules,omitempty"`
	File      string         `json:"file,omitempty"`
	Line      int            `json:"line,omitempty"`
	Sentence  string         `json:"sentence,omitempty"` // about everybody who could exist; principal is then "" or a delegate
	Proof     *proofJSON     `json:"proof,omitempty"`

	Why     string       `json:"why,omitempty"`     // a remark of whoever wrote the case
	By      []string     `json:"by,omitempty"`      // the rules that have to decide it, or default
	Because string       `json:"because,omitempty"` // the reason that a denial has to have
	Decided *decidedJSON `json:"decided,omitempty"` // how it was decided, where that is expected
	Check   *checkJSON   `json:"check,omitempty"`   // of a Cerbos suite; operation is then check

	When       string          `json:"when,omitempty"` // the condition that is expected of one that is conditional
	Comparison *comparisonJSON `json:"comparison,omitempty"`
}

// A decidedJSON says how a case was decided.
type decidedJSON struct {
	Rules  []jsonRule `json:"rules"`            // that decided it
	Partly []jsonRule `json:"partly,omitempty"` // that decide it for some arguments only
	Reason string     `json:"reason,omitempty"` // of a denial
}

func jsonDecided(x *testrunner.Decided) *decidedJSON {
	if x == nil {
		return nil
	}
	return &decidedJSON{jsonRules(x.Rules), jsonRules(x.Partly), x.Reason.String()}
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

// A checkJSON is what a case of a Cerbos suite asks, and what is wrong with its outputs.
type checkJSON struct {
	Action   string   `json:"action"`
	Resource string   `json:"resource"` // its key in the suite
	Kind     string   `json:"kind"`
	ID       string   `json:"id"`
	Implied  bool     `json:"implied,omitempty"` // nothing is listed for it, so that a denial is expected
	Outputs  []string `json:"outputs,omitempty"`
}

// checkOperation is the operation of cases of Cerbos suites, which have none of MCP.
const checkOperation = "check"

func jsonCheck(c *testrunner.Case) *checkJSON {
	x := c.Check
	return &checkJSON{x.Action, x.Resource, x.Kind, x.ID, x.Implied, c.Outputs}
}

// jsonCase writes a case for one of those that it is about, who may be nil.
func jsonCase(c *testrunner.Case, p *authz.Principal) caseJSON {
	j := caseJSON{
		Test: c.Test, Empty: c.Empty, Server: c.Server, Operation: c.Operation.String(), Arguments: c.Arguments,
		Want: c.Want, Got: c.Got, Outcome: c.Outcome.String(), Message: c.Message, File: c.Pos.File, Line: c.Pos.Line,
		Sentence: c.Sentence, Proof: jsonProof(c.Proof),
		Why: c.Why, By: c.By, Because: c.Because.String(), Decided: jsonDecided(c.Decided),
		When: c.When, Comparison: jsonComparison(c.Comparison),
	}
	if p != nil {
		j.Principal = p.Key
	}
	if c.Check != nil {
		j.Operation, j.Check = checkOperation, jsonCheck(c)
	}
	if c.Item != nil {
		j.Type, j.Name = c.Item.Type.String(), c.Item.Name
	}
	if c.Cell != nil {
		j.Condition, j.Reason, j.Refusal, j.Rules = c.Cell.Condition.String(), c.Cell.Reason(), jsonRefusal(c.Cell), jsonRules(c.Cell.Decisive())
	}
	return j
}
