package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// drifted is a comparison with a PDP that found something of each kind.
func drifted(t *testing.T) *report.Document {
	t.Helper()
	m := load(t, "testdata", "office")
	server := m.Servers[0]
	people := func(n int) []*authz.Principal {
		var list []*authz.Principal
		for p := range m.Principals() {
			if len(list) < n {
				list = append(list, p)
			}
		}
		return list
	}
	rule := matrix.Rule{ID: "resource.mcp_server.vdefault#own", Name: "own", Effect: authz.Allow, Met: authz.Unmet, Pos: source.Pos{File: "policies/p.yaml", Line: 7, Col: 5}}
	wipe := matrix.Rule{ID: "resource.mcp_server.vdefault#no-wiping", Name: "no-wiping", Effect: authz.Deny, Met: authz.Fired, Pos: source.Pos{File: "policies/p.yaml", Line: 9, Col: 5}}
	column := func(item int, op authz.Operation) *matrix.Column {
		return &matrix.Column{Server: server, Item: server.Inventory.Items[item], Operation: op}
	}
	conditional := func(s string) *matrix.Cell {
		return &matrix.Cell{Access: matrix.Conditional, Condition: authz.Unwritten(s)}
	}
	allowed, denied := &matrix.Cell{Access: matrix.Allowed}, &matrix.Cell{Access: matrix.Denied}
	return &report.Document{
		Scope: report.ScopeOf(m),
		Drift: &report.Drift{Against: "PDP pdp:3593", Cells: 84, List: []drift.Difference{
			{
				Principals: people(1), Column: column(1, authz.Call), Unknown: "the calls that were tried are decided alike",
				Production: conditional(`arguments.id.matches("a")`), Checkout: conditional(`arguments.id.matches("b")`),
			},
			{
				Principals: people(4), Column: column(0, authz.List), More: true,
				Production: allowed, Checkout: denied, Rules: []matrix.Rule{wipe, rule},
			},
			{
				Principals: people(2), Column: column(0, authz.Call),
				Production: conditional(`arguments.n < 5`), Checkout: conditional(`arguments.n < 9`), Arguments: map[string]any{"n": 7.0}, Rules: []matrix.Rule{rule},
			},
			{Principals: people(1), Column: column(1, authz.List), More: true, Production: allowed, Checkout: denied},
		}},
	}
}

func TestDriftFails(t *testing.T) {
	d := drifted(t)
	if !d.Fails(authz.SeverityOff) {
		t.Error("a difference does not fail")
	}
	d.Drift.List = d.Drift.List[:1] // unknown
	if d.Fails(authz.SeverityWarning) || !d.Fails(authz.SeverityNote) {
		t.Error("what is unknown is not a note")
	}
	var b bytes.Buffer
	if err := report.Write("text", &b, d, report.Options{}); err != nil || strings.Contains(b.String(), "alike by") {
		t.Errorf("what is unknown is reported as equal:\n%s", b.String())
	}
	d.Drift.List = nil
	b.Reset()
	if err := report.Write("text", &b, d, report.Options{}); err != nil || d.Fails(authz.SeverityNote) || !strings.Contains(b.String(), "84 cells decided alike by PDP pdp:3593") {
		t.Errorf("no difference:\n%s", b.String())
	}
}
