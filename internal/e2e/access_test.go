//go:build e2e && linux

package e2e

import (
	_ "embed"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
)

//go:embed testdata/desk-principals.yaml
var deskPrincipals string

var (
	deskTrials = map[string][]map[string]any{
		"greet":                {{"name": "Ada"}},
		"get_sales_data":       {{"region": "EMEA"}, {"region": "APAC"}, {"region": "emea"}, {"region": nil}},
		"get_engineering_data": {{"project": "apollo"}},
		"get_hr_records":       {{"employee_id": "e-7"}},
		"admin_tool":           {{"command": "reset-cache"}},
		"sampleprompt":         {{"topic": "tides"}},
	}
	warehouseTrials = map[string][]map[string]any{
		"opening_hours": {{"day": "Monday"}},
		"export_wages":  {{"year": 2026}},
		"stock_count":   {{"article": "A-1"}},
		"stock_move":    {{"article": "A-1", "hall": "north"}, {"article": "A-1", "hall": "south"}, {"hall": "north"}},
	}
	returnsTrials = map[string][]map[string]any{
		"find_order":   {{"order_id": "O-1"}},
		"delete_order": {{"order_id": "O-1"}},
		"refund": {
			{"order_id": "O-1", "amount": 100},
			{"order_id": "O-1", "amount": 100.01},
			{"order_id": "O-1", "amount": 500},
			{"order_id": "O-1", "amount": 500.01},
			{"order_id": "O-1", "amount": "1"},
			{"amount": 1},
		},
		"answer_complaint":             {{"language": "de"}, {"language": "es"}, {"language": "fr"}, {"tone": "de"}},
		"orders://{market}/{order_id}": {{"market": "EU", "order_id": "O-1"}, {"market": "US", "order_id": "O-1"}},
	}
)

func desk(t *testing.T, changes ...change) *world {
	return newWorld(t, fixture.Dir("fastmcp"), deskTrials, append([]change{{file: "principals.yaml", new: deskPrincipals}}, changes...)...)
}

func warehouse(t *testing.T, changes ...change) *world {
	return newWorld(t, fixture.Dir("fastmcp2"), warehouseTrials, changes...)
}

func returns(t *testing.T) *world { return newWorld(t, fixture.Dir("fastmcp4"), returnsTrials) }

// TestAccess compares every cell of a fixture's matrix with what the running
// server shows each principal and lets it do, and what no token gets.
func TestAccess(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, environment string
		world             *world
	}{
		{"FastMCP 3", "fastmcp3", desk(t)},
		{"FastMCP 2", "fastmcp2", warehouse(t)},
		// The same server on FastMCP 3 is asked about by wire names only.
		{"FastMCP 2's server on 3", "fastmcp3", warehouse(t, change{file: "mcpolicy.yaml", old: "fastmcp: 2.14.7", new: "fastmcp: 3.4.9"})},
		{"FastMCP 4", "fastmcp4", returns(t)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := test.world
			if len(w.Principals) < 5 {
				t.Errorf("%d principals, want at least 5", len(w.Principals))
			}
			s, _ := w.run(t, test.environment)
			strangers(t, s)
			for _, d := range w.differences(t, s) {
				t.Errorf("%s: %s", d.cell, d.what)
			}
		})
	}
}

// strangers holds that nobody gets in without a token of somebody's.
func strangers(t *testing.T, s *server) {
	t.Helper()
	for _, token := range []string{"", "wrong", token("nobody")} {
		if session, err := dial(t.Context(), s, token); err == nil {
			_ = session.Close()
			t.Errorf("token %q: a session", token)
		} else if !strings.Contains(err.Error(), "401") && !strings.Contains(err.Error(), "Unauthorized") {
			t.Errorf("token %q: %v, want that it is not authorized", token, err)
		}
	}
}

// A difference is a cell of which the server says something else.
type difference struct{ cell, what string }

// differences tries every cell of the matrix, in the plain way and not as a
// task, and returns where the server answers something else.
func (w *world) differences(t *testing.T, s *server) []difference {
	t.Helper()
	m := w.plain(t)
	var diffs []difference
	cells, uses, ran := 0, 0, maps.Clone(s.ran(t))
	for _, p := range w.Principals {
		session := connect(t, s, p.Key)
		shown, err := list(t.Context(), session)
		if err != nil {
			t.Fatalf("%s: %v", p.Key, err)
		}
		known := listing{}
		for _, kind := range authz.ItemTypes() {
			known[kind] = map[string]bool{}
		}
		for _, col := range m.Columns {
			cells++
			at := fmt.Sprintf("%s %v %s", p.Key, col.Operation, col.Item.Name)
			cell := m.Cell(m.ClassOf(p.Key), col)
			if col.Operation == authz.List {
				known[col.Item.Type][col.Item.Name] = true
				if got := shown[col.Item.Type][col.Item.Name]; got != cell.Access.Possible() {
					diffs = append(diffs, difference{at, fmt.Sprintf("%v in the matrix, but shown: %v", cell.Access, got)})
				}
				continue
			}
			sides := map[bool]bool{}
			for _, arguments := range w.tries(col.Item) {
				uses++
				answers, err := m.Ask(t.Context(), []matrix.Attempt{{Principal: p, Column: col, Arguments: arguments}})
				if err != nil {
					t.Fatalf("%s: %v", at, err)
				}
				may := answers[0].Access.Possible()
				sides[may] = true
				got, said := use(t.Context(), session, col.Item, arguments)
				want := refused
				switch {
				case may && fits(col.Item, arguments):
					want = done
				case may:
					want = admitted
				}
				// The client of the tests shows no codes.
				if r := answers[0].Refusal; strings.Contains(said, "COAZ mapping error") != (r != nil && r.Code != coaz.CodeDenied) {
					diffs = append(diffs, difference{at, fmt.Sprintf("the matrix says %v, but it was: %s", answers[0].Access, said)})
				}
				if got != want {
					diffs = append(diffs, difference{at, fmt.Sprintf("%v with %v, so want %v, but it was %v: %s", answers[0].Access, arguments, want, got, said)})
				}
				if got == done && col.Item.Type == authz.ToolItem {
					ran[col.Item.Name]++
				}
			}
			want := map[matrix.Access]map[bool]bool{
				matrix.Conditional: {true: true, false: true}, matrix.Denied: {false: true},
				matrix.Allowed: {true: true}, matrix.Unguarded: {true: true}, matrix.Refused: {false: true},
			}[cell.Access]
			if !maps.Equal(sides, want) {
				t.Errorf("%s is %v %s, but the arguments tried are allowed or not: %v", at, cell.Access, cell.Condition, sides)
			}
		}
		for kind, names := range shown {
			for name := range names {
				if !known[kind][name] {
					diffs = append(diffs, difference{fmt.Sprintf("%s list %s", p.Key, name), "shown, but not in the inventory"})
				}
			}
		}
	}
	if diff := cmp.Diff(ran, s.ran(t)); diff != "" {
		t.Errorf("runs of tools (-answered +counted by the server):\n%s", diff)
	}
	t.Logf("%d cells, %d uses", cells, uses)
	return diffs
}
