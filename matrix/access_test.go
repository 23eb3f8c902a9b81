package matrix_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

func TestAccess(t *testing.T) {
	for name, possible := range map[string]bool{"denied": false, "allowed": true, "conditional": true, "unguarded": true, "refused": false} {
		a, ok := matrix.ParseAccess(name)
		if !ok || a.String() != name || a.Possible() != possible {
			t.Errorf("%s: %v %t, possible %t, want %t", name, a, ok, a.Possible(), possible)
		}
	}
	for _, name := range []string{"", "Denied", "deny", "possible"} {
		if a, ok := matrix.ParseAccess(name); ok || a != matrix.Denied {
			t.Errorf("%q is read as %v %t", name, a, ok)
		}
	}
}

// TestOpen holds what is left open of a column, and that the column itself stays as it is.
func TestOpen(t *testing.T) {
	col := &matrix.Column{
		Item:     &manifest.Item{Name: "x"},
		Question: pep.Question{Requests: []authz.Request{{Action: "a"}, {Action: "b", AnyTime: true}}, Grant: &pep.Granting{Item: "x"}},
	}
	for _, x := range []struct{ principal, time bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		open := col.Open(x.principal, x.time)
		for i, r := range open.Question.Requests {
			if r.AnyPrincipal != x.principal || r.AnyTime != (x.time || i == 1) {
				t.Errorf("%+v: request %d leaves open the principal %t, the time %t", x, i, r.AnyPrincipal, r.AnyTime)
			}
		}
		if g := open.Question.Grant; g.AnyPrincipal != x.principal || g.Item != "x" {
			t.Errorf("%+v: grant %+v", x, g)
		}
		if col.Question.Requests[0].AnyPrincipal || col.Question.Requests[0].AnyTime || col.Question.Grant.AnyPrincipal {
			t.Fatalf("%+v: the column was changed", x)
		}
	}
}

// TestArgumentsSchema holds of which columns the inputSchema speaks.
func TestArgumentsSchema(t *testing.T) {
	man, err := manifest.Parse("m.json", []byte(`{"tools": [{"name": "x", "inputSchema": {"type": "object", "properties": {"a": {"type": "string"}}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		op       authz.Operation
		possible bool
		want     bool
	}{{authz.Call, false, true}, {authz.List, false, false}, {authz.List, true, true}} {
		col := &matrix.Column{Item: man[0].Items[0], Operation: x.op, Question: pep.Question{Possible: x.possible}}
		if got := col.ArgumentsSchema() != nil; got != x.want {
			t.Errorf("%v, of what is possible %t: a schema %t, want %t", x.op, x.possible, got, x.want)
		}
	}
}
