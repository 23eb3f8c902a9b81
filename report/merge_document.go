package report

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// finding returns the finding, without the edits that settle it: JSON does not have them.
func (x *findingJSON) finding() lint.Finding {
	f := lint.Finding{
		Rule: x.Rule, Family: x.Family, Message: x.Message, Evidence: x.Evidence, Fix: x.Fix,
		Pos:    source.Pos{File: x.File, Line: x.Line, Col: x.Column},
		Server: x.Server, Name: x.Name, Principal: x.Principal, Policy: x.Policy, Cause: x.Cause,
		Principals: x.Principals, Waived: x.Waived, Known: x.Known, Reason: x.Reason, Standards: x.Standards,
	}
	f.Severity, _ = authz.ParseSeverity(x.Severity) // it was checked
	f.Type, _ = authz.ParseItemType(x.Type)
	for i, name := range authz.Confidences() {
		if name == x.Confidence {
			f.Confidence = authz.Confidence(i) //nolint:gosec // there are three
		}
	}
	if x.WaivedAt != nil {
		f.WaivedAt = source.Pos{File: x.WaivedAt.File, Line: x.WaivedAt.Line, Col: x.WaivedAt.Column}
	}
	for i, item := range x.Items {
		one := item.item()
		f.Items = append(f.Items, one)
		if one.Server != x.Items[0].Server {
			f.Server = ""
		}
		if i > 0 && (item.Name != x.Items[0].Name || item.Type != x.Items[0].Type) {
			f.Name = ""
		}
	}
	if len(x.Principals) > 1 {
		f.Principal = ""
	}
	f.Affected = affectedBy(x.Affected)
	if len(f.Affected) == 0 {
		f.Affected = []lint.Affected{{Items: f.Items, Principals: f.Principals}}
	}
	for _, e := range x.Explains {
		one := lint.Explained{Rule: e.Rule, Cause: e.Cause, Affected: affectedBy(e.Affected)}
		one.Severity, _ = authz.ParseSeverity(e.Severity)
		f.Explains = append(f.Explains, one)
	}
	if w := x.Witness; w != nil {
		f.Witness = &lint.Witness{Principal: w.Principal, Name: w.Name, Arguments: w.Arguments}
		f.Witness.Operation, _ = authz.ParseOperation(w.Operation)
	}
	for _, r := range x.Related {
		f.Related = append(f.Related, lint.Related{Pos: source.Pos{File: r.File, Line: r.Line, Col: r.Column}, Text: r.Text, Item: r.Item})
	}
	return f
}

func (x *itemJSON) item() lint.Item {
	i := lint.Item{Server: x.Server, Name: x.Name}
	i.Type, _ = authz.ParseItemType(x.Type)
	return i
}

func affectedBy(list []affectedJSON) []lint.Affected {
	var told []lint.Affected
	for _, a := range list {
		one := lint.Affected{Principals: a.Principals}
		for _, i := range a.Items {
			one.Items = append(one.Items, i.item())
		}
		told = append(told, one)
	}
	return told
}

func (x *noteJSON) note() Note {
	return Note{x.Rule, x.Server, x.Message, source.Pos{File: x.File, Line: x.Line, Col: x.Column}}
}

func principalOfKey(key string) *authz.Principal { return &authz.Principal{Key: key, ID: key} }

// runCase returns the case, of one principal.
func (x *mergedCase) runCase() *testrunner.Case {
	c := &testrunner.Case{
		Test: x.Test, Empty: x.Empty, Server: x.Server, Arguments: x.Arguments, Want: x.Want, Got: x.Got, Message: x.Message,
		Pos: source.Pos{File: x.File, Line: x.Line}, Sentence: x.Sentence, Proof: x.proof(),
		Why: x.Why, By: x.By, Decided: x.decided(),
	}
	c.Because, _ = testrunner.ParseReason(x.Because)
	c.Operation, _ = authz.ParseOperation(x.Operation)
	for i, name := range testrunner.Outcomes() {
		if name == x.Outcome {
			c.Outcome = testrunner.Outcome(i) //nolint:gosec // there are four
		}
	}
	if x.Principal != "" {
		c.Principals = []*authz.Principal{principalOfKey(x.Principal)}
	}
	if k := x.Check; k != nil {
		c.Check = &testrunner.Check{Action: k.Action, Resource: k.Resource, Kind: k.Kind, ID: k.ID, Implied: k.Implied}
		c.Outputs = k.Outputs
	}
	if x.Name != "" || x.Type != "" {
		c.Item = &manifest.Item{Name: x.Name}
		c.Item.Type, _ = authz.ParseItemType(x.Type)
	}
	if access, ok := matrix.ParseAccess(x.Got); ok && (c.Outcome == testrunner.Passed || c.Outcome == testrunner.Failed) {
		c.Cell = x.cell(access)
	}
	return c
}

// decided returns how it was decided.
func (x *mergedCase) decided() *testrunner.Decided {
	if x.Decided == nil {
		return nil
	}
	d := &testrunner.Decided{}
	d.Reason, _ = testrunner.ParseReason(x.Decided.Reason)
	for _, r := range x.Decided.Rules {
		d.Rules = append(d.Rules, r.rule())
	}
	for _, r := range x.Decided.Partly {
		d.Partly = append(d.Partly, r.rule())
	}
	return d
}

// cell returns what was decided, with the rules that decided it.
func (x *mergedCase) cell(access matrix.Access) *matrix.Cell {
	cell := &matrix.Cell{Access: access, Refusal: x.Refusal.refusal()}
	if x.Condition != "" {
		cell.Condition = authz.Unwritten(x.Condition)
	}
	if how, condition, ok := strings.Cut(x.Reason, " meet: "); ok {
		cell.Settlement = matrix.Settlement{Condition: authz.Unwritten(condition), BySchema: strings.HasSuffix(how, "that the inputSchema allows"), Some: strings.HasPrefix(how, "some ")}
	}
	cell.Grant = pep.GrantedBy(x.Reason)
	met := authz.Fired
	if access == matrix.Conditional || cell.Settlement.Settled() {
		met = authz.Depends
	}
	for _, r := range x.Rules {
		rule := r.rule()
		rule.Met = met
		cell.Rules = append(cell.Rules, rule)
	}
	return cell
}

func (x *jsonRule) rule() matrix.Rule {
	rule := matrix.Rule{ID: x.ID, Name: x.ID, Pos: source.Pos{File: x.File, Line: x.Line}, Effect: authz.Deny}
	if x.Effect == authz.Allow.String() {
		rule.Effect = authz.Allow
	}
	return rule
}
