package matrix_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// possibleProfile asks what cerbos-fastmcp does about calls, and shows what is possible.
func possibleProfile(t *testing.T) *pep.Profile {
	t.Helper()
	p, err := pep.Custom("core", "trees", []pep.Spec{
		{Endpoint: "tools/list", Filter: authz.FilterPossible},
		{Endpoint: "tools/call", Requests: []pep.RequestSpec{{
			Kind: "mcp_server", ID: "{name}", Action: "tools/call::{name}", Attr: map[string]any{"arguments": "{arguments}"},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPossibleIsWhatSomeCallIs has the engine decide every call that the inputSchema allows,
// of which there are few: a list shows what it allows one of, and knows such a call.
func TestPossibleIsWhatSomeCallIs(t *testing.T) {
	r := rand.New(rand.NewPCG(18, 2)) //nolint:gosec // a test wants the same numbers each time
	met := map[matrix.Access]int{}
	for range rounds.Of(3, 60) {
		list := make([]settling, 100)
		for i := range list {
			list[i] = drawSettling(r)
		}
		m := settlingWorldBehind(t, list, true, possibleProfile(t))
		for _, col := range m.Columns {
			if col.Operation != authz.List {
				continue
			}
			var i int
			if _, err := fmt.Sscanf(col.Item.Name, "t%d", &i); err != nil {
				t.Fatal(err)
			}
			s, who := list[i], m.Classes[0].First()
			want := matrix.Denied
			for _, arguments := range s.arguments {
				if decidedOf(t, m, col.Twin, who, arguments) == matrix.Allowed {
					want = matrix.Allowed
				}
			}
			cell := m.Cell(m.Classes[0], col)
			met[cell.Access]++
			if cell.Access != want {
				t.Errorf("%s unless %s over %s: %v, %q; the engine: %v", s.allows, s.denies, s.schema, cell.Access, cell.Reason(), want)
			}
			holdShown(t, m, col, who, cell)
		}
	}
	if t.Log(met); met[matrix.Denied] < 30 || met[matrix.Allowed] < 30 {
		t.Error("little was shown")
	}
}

func decidedOf(t *testing.T, m *matrix.Matrix, col *matrix.Column, who *authz.Principal, arguments map[string]any) matrix.Access {
	t.Helper()
	cells, err := m.Ask(t.Context(), []matrix.Attempt{{Principal: who, Column: col, Arguments: arguments}})
	if err != nil {
		t.Fatal(err)
	}
	return cells[0].Access
}

// holdShown holds the use that a list is shown for to the engine and to the inputSchema.
func holdShown(t *testing.T, m *matrix.Matrix, list *matrix.Column, who *authz.Principal, cell *matrix.Cell) {
	t.Helper()
	shown := cell.Settlement.Shown
	if shown == nil {
		return
	}
	if got := decidedOf(t, m, list.Twin, who, shown); got != matrix.Allowed {
		t.Errorf("%s shows to %v: %s, such as %v, which is %v", list.Item.Name, who.Attr, cell.Reason(), shown, got)
	}
	arguments, _ := authz.SplitArguments(shown)
	if schema := witness.NewSchema(list.Item.ArgumentsSchema()); schema.Known() && !schema.Allows(arguments) {
		t.Errorf("%s: the inputSchema refuses %v", list.Item.Name, shown)
	}
}

// TestPossibleIsSound makes conditions, schemas and principals at random, and values that are
// looked up. What is hidden no call of those that are made up is allowed of, what shows has a
// call that is allowed, and it shows or not as the use is denied, allowed or unguarded.
func TestPossibleIsSound(t *testing.T) {
	met, calls := map[matrix.Access]int{}, 0
	for seed := range rounds.Of(3, 80) {
		s := celgen.New(7300 + uint64(seed)) //nolint:gosec // a small number
		w, err := fixture.Open(t.Context(), possibleAtRandom(t, s), "", workspace.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.Matrix(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, col := range m.Columns {
			if col.Operation != authz.List {
				continue
			}
			schema := witness.NewSchema(col.Item.ArgumentsSchema())
			for _, class := range m.Classes {
				who, cell, use := class.First(), m.Cell(class, col), m.Cell(class, col.Twin)
				if use.Access != matrix.Conditional && use.Access != cell.Access {
					t.Errorf("%s is %v and shows: %v, %s", col.Item.Name, use.Access, cell.Access, cell.Reason())
				}
				if use.Access == matrix.Conditional {
					met[cell.Access]++
				}
				holdShown(t, m, col, who, cell)
				if cell.Access != matrix.Denied {
					continue
				}
				for range 40 {
					arguments := s.Arguments()
					if schema.Known() && !schema.Allows(arguments) {
						continue
					}
					if s.IntN(2) == 0 {
						arguments = maps.Clone(arguments)
						arguments[authz.LookedUp] = map[string]any{"state": s.Value()}
					}
					if calls++; decidedOf(t, m, col.Twin, who, arguments) == matrix.Allowed {
						t.Errorf("%s is hidden from %v (%s), who may call it with %v", col.Item.Name, who.Attr, cell.Reason(), arguments)
						break
					}
				}
			}
		}
	}
	t.Logf("of what is conditional: %v; %d calls", met, calls)
	if met[matrix.Allowed] < 30 || calls < 500 {
		t.Error("little was shown")
	}
}

// possibleAtRandom is a folder with tools on conditions at random, behind an enforcement point
// that shows what is possible.
func possibleAtRandom(t *testing.T, s *celgen.Source) fstest.MapFS {
	t.Helper()
	texts, err := s.Conditions(t.Context(), 40)
	if err != nil {
		t.Fatal(err)
	}
	var tools []string
	var rules, principals strings.Builder
	for i, text := range texts {
		tool := fmt.Sprintf(`{"name": "t%d"`, i)
		if schema := s.Schema(); schema != "" {
			tool += `, "inputSchema": ` + schema
		}
		tools = append(tools, tool+"}")
		text = []string{text, text, "(" + text + `) && R.attr.state == "open"`, "(" + text + ") && !(" + text + ")"}[s.IntN(4)]
		fmt.Fprintf(&rules, "    - {actions: [t%d], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: %q}}}\n", i, text)
		if s.IntN(3) == 0 {
			fmt.Fprintf(&rules, "    - {actions: [t%d], effect: EFFECT_DENY, roles: [A], condition: {match: {expr: %q}}}\n", i, texts[s.IntN(len(texts))])
		}
	}
	for i, id := range []string{"bob", "ann", "red"} {
		fmt.Fprintf(&principals, "  %s: {id: %q, roles: [%s], attr: %s}\n", id, s.ID(), []string{"A", "A", "B"}[i], source.JSONText(s.Attributes("a b n m f l o t")))
	}
	return fstest.MapFS{
		"mcpolicy.yaml": {Data: []byte(`servers: {trees: {manifest: manifest.json, enforcement: core}}
policies: policies
principals: principals.yaml
enforcement:
  core:
    tools/list: {filter: possible}
    tools/call: [{kind: tool, id: "{name}", action: "{name}", attr: {tool_name: "{name}", source: client, arguments: "{arguments}", state: "{unknown}"}}]
`)},
		"manifest.json":   {Data: []byte(`{"tools": [` + strings.Join(tools, ", ") + "]}")},
		"principals.yaml": {Data: []byte("principals:\n" + principals.String())},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: tool\n  version: default\n  rules:\n" + rules.String())},
	}
}
