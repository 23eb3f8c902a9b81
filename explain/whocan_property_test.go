package explain_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestSettledRolesHold asks who can call tools on conditions at random, many of which are
// met by nobody or by everybody. A role that is denied gives nobody access, and one that
// is allowed gives it to whoever has it, whatever principals and arguments there are.
func TestSettledRolesHold(t *testing.T) {
	denied, allowed, decisions := 0, 0, 0
	for seed := range rounds.Of(2, 60) {
		s := celgen.New(9100 + uint64(seed)) //nolint:gosec // a small number
		w, err := fixture.Open(t.Context(), rolesAtRandom(t, s), "", workspace.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.Matrix(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var columns []*matrix.Column
		for _, col := range m.Columns {
			if col.Operation == authz.Call {
				columns = append(columns, col)
			}
		}
		answers, err := explain.WhoCan(t.Context(), m, w.Engine, w.Policies, columns)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			want := matrix.Denied
			if len(a.ByRole) > 0 {
				want = a.ByRole[0].Access
			}
			if want == matrix.Conditional {
				continue
			}
			if want == matrix.Denied {
				denied++
			} else {
				allowed++
			}
			for _, attempt := range attemptsAtRandom(s, a.Column) {
				cells, err := m.Ask(t.Context(), []matrix.Attempt{attempt})
				if err != nil {
					t.Fatal(err)
				}
				if decisions++; cells[0].Access != want {
					t.Errorf("%s: %v by role, and %v for %v with %v", a.Column.Item.Name, want, cells[0].Access, attempt.Principal.Attr, attempt.Arguments)
					break
				}
			}
		}
	}
	t.Logf("%d denied, %d allowed, %d decisions", denied, allowed, decisions)
	if denied < 5 || allowed < 1 {
		t.Error("nothing was shown")
	}
}

// attemptsAtRandom returns calls by principals with the role, with arguments that the
// inputSchema allows.
func attemptsAtRandom(s *celgen.Source, col *matrix.Column) []matrix.Attempt {
	schema := witness.NewSchema(col.Item.ArgumentsSchema())
	var list []matrix.Attempt
	for range 80 {
		arguments := s.Arguments()
		if schema.Known() && !schema.Allows(arguments) {
			continue
		}
		who := &authz.Principal{Key: "x", ID: s.ID(), Roles: []string{"A"}, Attr: s.Attributes("a b n m f l o t"), AuxData: s.Attributes("a l")}
		list = append(list, matrix.Attempt{Principal: who, Column: col, Arguments: arguments})
	}
	return list
}

func rolesAtRandom(t *testing.T, s *celgen.Source) fstest.MapFS {
	t.Helper()
	texts, err := s.Conditions(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	var tools []string
	var rules strings.Builder
	for i, text := range texts {
		other := texts[s.IntN(len(texts))]
		text = []string{text, "(" + text + ") && !(" + text + ")", "has(P.attr.a) || !has(P.attr.a) || (" + text + ")", "(" + text + ") && (" + other + ") && !(" + other + ")", "0 > 1 && (" + text + ")"}[s.IntN(5)]
		tool := fmt.Sprintf(`{"name": "t%d"`, i)
		if schema := s.Schema(); schema != "" {
			tool += `, "inputSchema": ` + schema
		}
		tools = append(tools, tool+"}")
		fmt.Fprintf(&rules, "    - {actions: [\"tools/call::t%d\"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: %q}}}\n", i, text)
	}
	return fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [` + strings.Join(tools, ", ") + "]}")},
		"principals.yaml": {Data: []byte("principals: {bob: {id: bob, roles: [B]}}\n")},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + rules.String())},
	}
}
