package report_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

func pos(file string, line, col int) source.Pos { return source.Pos{File: file, Line: line, Col: col} }

// checked is a run over the office with findings and failures.
func checked(t *testing.T) *report.Document {
	t.Helper()
	m := load(t, "testdata", "office")
	return &report.Document{
		Matrix: m, Linted: true, Findings: findings(), Elapsed: 21 * time.Millisecond,
		Tests: &testrunner.Result{Suites: []*testrunner.SuiteResult{{
			Name: "CRM access", File: "tests/sales.yaml", Pos: pos("tests/sales.yaml", 1, 1), Cases: cases(t, m),
		}}},
		Notes: []report.Note{{
			Rule: "inventory-incomplete", Server: "wiki", Pos: pos("manifests/wiki.json", 6, 3),
			Message: "the list of tools goes on (nextCursor); accepted by the config",
		}},
		Source: officeFile,
	}
}

// officeFile is the text of a file of the office.
func officeFile(file string) []byte {
	data, err := os.ReadFile(filepath.Join("testdata", "office", filepath.FromSlash(file)))
	if err != nil {
		return nil
	}
	return data
}

// findings are out of order on purpose.
func findings() []lint.Finding {
	return []lint.Finding{
		{
			Rule: "agent-destructive", Family: "over-exposed", Severity: authz.SeverityWarning,
			Message:  "helper, an agent, may call delete_everything with any arguments",
			Evidence: []string{`policies/mcp_server.yaml:14:7  rule "administration", for the role ADMIN`},
			Pos:      pos("policies/mcp_server.yaml", 14, 7),
			Server:   "desk", Name: "delete_everything", Principal: "helper", Policy: "resource.mcp_server.vdefault#administration",
			Standards: []string{"CWE-862"},
		},
		{
			Rule: "role-not-held", Family: "unreachable", Severity: authz.SeverityNote, Message: "nobody has the role ADMINS",
			Pos:   pos("policies/mcp_server.yaml", 17, 15),
			Edits: []fix.Edit{{Pos: pos("policies/mcp_server.yaml", 17, 15), Old: "ADMINS", New: "ADMIN"}},
		},
		{
			Rule: "list-not-filtered", Family: "unguarded", Severity: authz.SeverityWarning, Message: "prompts are listed all or none",
			Pos: pos("mcpolicy.yaml", 2, 3), Server: "desk", Waived: true, Reason: "there is one prompt | and that's it", WaivedAt: pos("mcpolicy.yaml", 9, 5),
			Items:      []lint.Item{{Server: "desk", Type: authz.PromptItem, Name: "one"}, {Server: "desk", Type: authz.PromptItem, Name: "two"}},
			Principals: []string{"ian", "sally"},
		},
		{
			Rule: "operation-not-enforced", Family: "unguarded", Severity: authz.SeverityError,
			Message: "anyone who connects can read prompt://sample",
			Evidence: []string{
				"cerbos-fastmcp asks nothing on resources/read, so no policy can refuse it. ian, sally and eight others can.",
			},
			Fix:    "Guard it in the server, or accept it in mcpolicy.yaml with a waiver.",
			Pos:    pos("manifests/desk.json", 11, 17),
			Server: "desk", Type: authz.ResourceItem, Name: "prompt://sample",
			Related:   []lint.Related{{Pos: pos("mcpolicy.yaml", 2, 3), Text: "the enforcement point of desk"}},
			Standards: []string{"CWE-425", "OWASP MCP07:2025"},
		},
		{
			Rule: "operation-not-enforced", Family: "unguarded", Severity: authz.SeverityError, Message: "anyone can get sampleprompt",
			Fix: "Guard it in the server.", Pos: pos("manifests/desk.json", 10, 15), Server: "desk", Type: authz.PromptItem, Name: "sampleprompt",
		},
	}
}

// cases have the decisions of the matrix, in words as testrunner finds them.
func cases(t *testing.T, m *matrix.Matrix) []*testrunner.Case {
	t.Helper()
	sally := m.ClassOf("sally")
	column := func(name string, op authz.Operation) *matrix.Column {
		for _, c := range m.Columns {
			if c.Item.Name == name && c.Operation == op {
				return c
			}
		}
		t.Fatalf("no %s", name)
		return nil
	}
	asked := []matrix.Attempt{
		{Principal: sally.First(), Column: column("get_sales_data", authz.Call), Arguments: map[string]any{"region": "EMEA"}},
		{Principal: sally.First(), Column: column("get_sales_data", authz.Call), Arguments: map[string]any{"region": "APAC", "a": 1.5}},
		{Principal: sally.First(), Column: column("greet", authz.Call)},
	}
	cells, err := m.Ask(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]*testrunner.Case, len(asked))
	for i, a := range asked {
		list[i] = &testrunner.Case{
			Test: "sales call in their own region", Principals: sally.Principals, Server: "desk",
			Item: a.Column.Item, Operation: a.Column.Operation, Arguments: a.Arguments,
			Want: "denied", Got: cells[i].Access.String(), Cell: &cells[i], Pos: pos("tests/sales.yaml", 12+i, 9), Time: 1500 * time.Microsecond,
		}
	}
	list[0].Outcome = testrunner.Failed
	list[0].Message = `rule "own-region" allows it; rule "no-secrets" would deny it, but its condition is not met`
	list[0].Values = []testrunner.Value{{Expr: "R.attr.arguments.region", Value: `"EMEA"`}, {Expr: "P.attr.region", Value: `"EMEA"`}}
	list[1].Outcome = testrunner.Passed
	list[2].Outcome = testrunner.Failed
	list[2].Message = `rule "greet" allows it, whatever the arguments`
	return append(list, &testrunner.Case{
		Test: "time", Principals: sally.Principals[:1], Server: "wiki", Item: column("search_pages", authz.Call).Item,
		Operation: authz.Call, Want: "allowed", Got: "evaluate now(): no clock", Outcome: testrunner.Errored, Pos: pos("tests/sales.yaml", 20, 9),
	}, &testrunner.Case{
		Test: "later", Principals: sally.Principals[:1], Server: "wiki", Item: column("edit_page", authz.Call).Item,
		Operation: authz.Call, Want: "allowed", Outcome: testrunner.Skipped, Message: "not before May", Pos: pos("tests/sales.yaml", 23, 9),
	})
}

// clean is the same run without anything to complain about.
func clean(t *testing.T) *report.Document {
	t.Helper()
	d := checked(t)
	d.Notes = nil
	var waived []lint.Finding
	for _, f := range d.Findings {
		if f.Waived {
			waived = append(waived, f)
		}
	}
	d.Findings = waived
	s := d.Tests.Suites[0]
	s.Cases = s.Cases[1:2]
	return d
}
