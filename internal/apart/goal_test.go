package apart_test

import (
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/apart"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/workspace"
)

const wide = `{"type": "object", "properties": {"litres": {"type": "number"}, "well": {"type": "string"}}, "required": ["litres"]}`

func pump(op authz.Operation, m *matrix.Matrix) *matrix.Column {
	for _, col := range m.Columns {
		if col.Operation == op {
			return col
		}
	}
	return nil
}

func world(t *testing.T, before, after string) (a, b *workspace.Workspace, m *matrix.Matrix) {
	t.Helper()
	a, b = open(t, []string{before}, wide, "true", false, nil), open(t, []string{after}, wide, "true", false, nil)
	m, err := a.Matrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a, b, m
}

// TestGoals holds that a call meets what is asked of it besides, and that what cannot be met
// is said to be.
func TestGoals(t *testing.T) {
	allow := `{actions: ["tools/call::pump"], effect: EFFECT_ALLOW, roles: [hand], condition: {match: {expr: "`
	a, b, m := world(t, allow+`R.attr.arguments.litres < 3 && R.attr.arguments.well == 'north'"}}}`, allow+`R.attr.arguments.litres < 3"}}}`)
	f := apart.New(m, a.Engine)
	ann := m.ClassOf("ann").First()
	north := `R.attr.arguments.well == "north"`
	for _, x := range []struct {
		expr string
		to   solver.Outcome
		want solver.Verdict
		has  bool // the argument that the expression is about
	}{
		{north, solver.Unmet, solver.Possible, true},
		{north, solver.Errored, solver.Possible, false},
		{north, solver.Met, solver.Impossible, false},
		{"V.small", solver.Met, solver.Unknown, false},
		{`now() > timestamp("2020-01-01T00:00:00Z")`, solver.Met, solver.Unknown, false},
	} {
		d, err := f.Cell(t.Context(), b.Engine, ann, pump(authz.Call, m), apart.Goal{Expr: x.expr, To: solver.Only(x.to)})
		if err != nil {
			t.Fatal(err)
		}
		if _, has := d.Arguments["well"]; d.Verdict != x.want || has != x.has || d.Refused || d.Verdict == solver.Possible && d.Arguments["litres"] == nil {
			t.Errorf("%s to be %s: %s, %v", x.expr, x.to, d.Verdict, d.Arguments)
		}
	}
	f.Now = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	d, err := f.Cell(t.Context(), b.Engine, ann, pump(authz.Call, m), apart.Goal{Expr: `now() > timestamp("2020-01-01T00:00:00Z")`, To: solver.Only(solver.Met)})
	if err != nil || d.Verdict != solver.Possible {
		t.Errorf("%v, %v", d, err)
	}
	d, err = f.Cell(t.Context(), b.Engine, ann, pump(authz.Call, m), apart.Goal{Expr: "true", To: solver.Only(solver.Met), About: func(*authz.Request) bool { return false }})
	if err != nil || d.Verdict != solver.Impossible {
		t.Errorf("about nothing: %v, %v", d, err)
	}
}

// TestRefused holds that arguments that the inputSchema refuses count, and are said to be.
func TestRefused(t *testing.T) {
	allow := `{actions: ["tools/call::pump"], effect: EFFECT_ALLOW, roles: [hand], condition: {match: {expr: "`
	a, b, m := world(t, allow+`has(R.attr.arguments.litres)"}}}`, allow+`true"}}}`)
	d, err := apart.New(m, a.Engine).Cell(t.Context(), b.Engine, m.ClassOf("ann").First(), pump(authz.Call, m))
	if err != nil || d.Verdict != solver.Possible || !d.Refused || len(d.Arguments) > 0 || d.Arguments == nil {
		t.Errorf("%v, %v", d, err)
	}
}

// TestOutside tells what only somebody who is not declared shows from what an item shows that
// no inventory has, and from a request that nobody sends.
func TestOutside(t *testing.T) {
	rule := func(action, role string) string {
		return `{actions: ["` + action + `"], effect: EFFECT_ALLOW, roles: [` + role + `], condition: {match: {expr: "R.attr.arguments.litres < 3"}}}`
	}
	for _, x := range []struct {
		before, after string
		item          string
		bare          bool
	}{
		{rule("tools/call::pump", "mayor"), rule("tools/call::pump", "bailiff"), "pump", false},
		{rule("tools/call::p*", "hand"), rule("tools/call::pump", "hand"), "pundeclared", false},
		{rule("survey", "hand"), rule("survey", "mayor"), "", true},
	} {
		a, b, m := world(t, x.before, x.after)
		f := apart.New(m, a.Engine)
		for who := range m.Principals() {
			for _, col := range m.Columns {
				if d, err := f.Cell(t.Context(), b.Engine, who, col); err != nil || d.Verdict != solver.Impossible {
					t.Errorf("%s: %v, %v", x.before, d, err)
				}
			}
		}
		change := apart.Change{Roles: []string{"bailiff", "mayor", "hand"}, Actions: []string{"tools/call::p*"}}
		d, err := f.Outside(t.Context(), b.Engine, m.Columns, change)
		if err != nil {
			t.Fatal(err)
		}
		if x.bare {
			if d.Verdict != solver.Impossible {
				t.Errorf("%v", d)
			}
			for r := range a.Policies.Rules() {
				if d, err = f.Bare(t.Context(), b.Engine, change, r); err != nil || d.Verdict != solver.Possible || d.Raw == nil || d.Raw.Action != "survey" {
					t.Errorf("%v, %v", d, err)
				}
			}
			continue
		}
		if d.Verdict != solver.Possible || d.Column.Item.Name != x.item {
			t.Errorf("%s: %v", x.before, d)
		}
	}
}
