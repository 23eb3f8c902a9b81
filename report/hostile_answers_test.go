package report_test

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/probe"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// hostileProbe is a document of what a probe found, with a stranger's text
// wherever a server can put some.
func hostileProbe(d *report.Document, s string) *report.Document {
	place := source.Pos{File: s, Line: 1, Col: 1}
	return &report.Document{
		Scope: &report.Scope{Servers: d.Matrix.Servers, Principals: 2, Decisions: 3}, Notes: d.Notes,
		Probe: &probe.Result{Answers: 2, Admitted: 1, Calls: 1, Drifts: []probe.Drift{{
			Kind: probe.CallAdmitted, Message: s, Principal: s, Server: s, Name: s, Operation: authz.Call, Arguments: map[string]any{s: s},
			Expected: s, Answered: s, Condition: authz.Unwritten(s), Rules: []matrix.Rule{{ID: s, Name: s, Pos: place}}, Pos: place,
		}, {Kind: probe.UnknownItem, Message: s, Server: s, Name: s, Expected: s, Answered: s}}},
	}
}

// hostileRule is a rule with a stranger's text in every place.
func hostileRule(s string, result explain.Result) explain.Rule {
	place := source.Pos{File: s, Line: 1, Col: 1}
	text := policy.Text{Value: s, Pos: place}
	return explain.Rule{
		Rule: &policy.Rule{
			ID: s, Name: s, Policy: &policy.Policy{Kind: policy.ResourcePolicy, Name: s, Scope: s, File: s, Pos: place}, Pos: place,
			Resource: s, Effect: authz.Allow, Actions: []policy.Text{text}, Roles: []policy.Text{text}, DerivedRoles: []policy.Text{text},
		},
		Via: s, Result: result, DependsOn: []string{s}, Note: s,
		Exprs: []explain.Expr{
			{Text: text, Inlined: s, Value: pdp.Value{V: s}, Parts: []explain.Part{{Text: s, Name: s, Value: pdp.Value{V: s}}, {Text: s, Name: s, Open: true}}},
			{Text: text, Inlined: s, Value: pdp.Value{Error: s}, Parts: []explain.Part{{Text: s, Value: pdp.Value{Error: s}}}},
			{Text: text, Inlined: s, Open: true},
		},
	}
}

// hostileExplanation explains the first cell of a document.
func hostileExplanation(d *report.Document, s string) *explain.Explanation {
	who, col := d.Matrix.Classes[0].First(), d.Matrix.Columns[1]
	held, other := hostileRule(s, explain.Depends), hostileRule(s, explain.NotHeld)
	other.Via = ""
	change := &explain.Change{
		Values:    []explain.Value{{Kind: explain.Argument, Name: s, To: s}, {Kind: explain.Attribute, Name: s, Removed: true}},
		Principal: who, Arguments: map[string]any{s: s}, Condition: authz.Unwritten(s),
	}
	return &explain.Explanation{
		Principal: who, Column: col, Arguments: map[string]any{s: s}, Sentence: "denied: " + s,
		Smallest: &explain.Smallest{
			Verdict: solver.Possible, Change: change, Arguments: change, Note: s, Open: []string{s}, Tried: []string{s},
			InTheWay: []matrix.Rule{{ID: s, Name: s, Pos: source.Pos{File: s, Line: 1}}},
		},
		Cell: matrix.Cell{Access: matrix.Conditional, Condition: authz.Unwritten(s)},
		Requests: []explain.Request{{
			Request:    authz.Request{Principal: who, Resource: authz.Resource{Kind: s, ID: s, PolicyVersion: s, Scope: s}, Action: s},
			Validation: []authz.ValidationError{{Source: s, Path: s, Message: s}}, Rules: []explain.Rule{held, other},
			Derived: []*explain.DerivedRole{{
				DerivedRole: &policy.DerivedRole{Name: s, Pos: source.Pos{File: s, Line: 1}, Set: held.Policy}, Depends: true, Why: s, Exprs: slices.Clone(held.Exprs),
			}},
		}},
		Ways: []explain.Way{{Text: s, Condition: authz.Unwritten(s), Principal: who, Arguments: map[string]any{s: s}}},
	}
}

// hostileAnswers say who may do what the first cell of a document is about.
func hostileAnswers(d *report.Document, s string) []explain.Answer {
	rules := []authz.RuleRef{{ID: s}}
	return []explain.Answer{{
		Column: d.Matrix.Columns[1],
		Declared: []explain.Holders{{
			Principals: d.Matrix.Classes[0].Principals, Access: matrix.Conditional, Condition: authz.Unwritten(s), Rules: []matrix.Rule{{ID: s, Name: s}},
		}},
		ByRole: []explain.RoleHolder{
			{Role: s, Access: matrix.Conditional, Condition: authz.Unwritten(s), Rules: rules, Held: true}, {Role: "*", Access: matrix.Allowed, Rules: rules, Wildcard: true},
		},
		Denied: 1, DeniedRoles: []string{s, s}, Exceptions: []string{s}, Unanswered: []string{s},
	}}
}
