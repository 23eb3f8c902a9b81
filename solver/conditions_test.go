package solver_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"gopkg.in/yaml.v3"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A labelled condition says what one comes to for any request.
type labelled struct {
	ID         string
	Expr       string
	Schema     any            // of the arguments
	Attributes any            // the schema of the principal's attributes
	JWT        any            // the schema of the principal's claims
	Roles      []string       // that the principal holds, any if there are none
	Constants  map[string]any // C and G in the expression
	Globals    map[string]any
	Now        string   // "any" leaves the clock open
	Outcomes   []string // met, unmet, error: all that it comes to
	Open       []string // outcomes that are not answered
	Reason     string   // why they are not
}

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// engine returns the engine without policies.
func engine(t testing.TB) solver.Evaluator {
	t.Helper()
	const policy = `{"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": {"resource": "none", "version": "default", "rules": [{"actions": ["*"], "effect": "EFFECT_DENY", "roles": ["*"]}]}}`
	e, err := embedded.Open(t.Context(), fstest.MapFS{"none.json": {Data: []byte(policy)}}, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e.Leaves()
}

// world has one call of anybody.
func world(schema, attributes any, roles ...string) *solver.World {
	return &solver.World{
		Requests: []authz.Request{{
			Principal: &authz.Principal{ID: "ida", Roles: roles}, AnyPrincipal: true, Unknown: []string{"arguments"}, Action: "tools/call::transfer",
			Resource: authz.Resource{Kind: "mcp_server", ID: "transfer", Attr: map[string]any{"tool_name": "transfer"}},
		}},
		Arguments: []any{schema}, Principal: attributes, Now: &noon,
	}
}

func readLabelled(t *testing.T, name string) []labelled {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var list []labelled
	if err := yaml.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// filledIn replaces constants and globals, as whoever asks the solver does.
func filledIn(t testing.TB, text string, constants, globals map[string]any) string {
	t.Helper()
	e, err := expr.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return expr.Print(expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		path, exact := expr.Path(x)
		if !exact || len(path) != 2 || path[0] != "C" && path[0] != "G" {
			return nil, false
		}
		of := constants
		if path[0] == "G" {
			of = globals
		}
		return written(t, of[path[1]]), true
	}))
}

func written(t testing.TB, v any) ast.Expr {
	t.Helper()
	f := ast.NewExprFactory()
	switch v := v.(type) {
	case string:
		return f.NewLiteral(0, types.String(v))
	case bool:
		return f.NewLiteral(0, types.Bool(v))
	case int:
		return f.NewLiteral(0, types.Double(v))
	case float64:
		return f.NewLiteral(0, types.Double(v))
	case []any:
		var list []ast.Expr
		for _, x := range v {
			list = append(list, written(t, x))
		}
		return f.NewList(0, list, nil)
	case map[string]any:
		var entries []ast.EntryExpr
		for name, x := range v {
			entries = append(entries, f.NewMapEntry(0, f.NewLiteral(0, types.String(name)), written(t, x), false))
		}
		return f.NewMap(0, entries)
	}
	t.Fatalf("no constant: %v", v)
	return nil
}

// world returns the world that a condition is said of.
func (c *labelled) world() *solver.World {
	roles := c.Roles
	if len(roles) == 0 {
		roles = []string{"staff"}
	}
	w := world(c.Schema, c.Attributes, roles...)
	if c.Now == "any" {
		w.Now = nil
	}
	w.Claims = c.JWT
	return w
}

var outcomes = []solver.Outcome{solver.Met, solver.Unmet, solver.Errored}

// judge asks whether each outcome is possible, and returns how many were answered. What
// contradicts the label is an error.
func judge(ctx context.Context, t *testing.T, s *solver.Solver, c labelled) (answered int) {
	t.Helper()
	w := c.world()
	f := solver.Expr(filledIn(t, c.Expr, c.Constants, c.Globals))
	for _, o := range outcomes {
		answer, err := s.Solve(ctx, w, []solver.Goal{{Formula: f, To: solver.Only(o)}})
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		want := solver.Impossible
		if slices.Contains(c.Outcomes, o.String()) {
			want = solver.Possible
		}
		switch {
		case answer.Verdict == want:
			answered++
		case answer.Verdict != solver.Unknown:
			t.Errorf("%s: %s is %s\n%s", c.ID, o, answer.Verdict, c.Expr)
		case !slices.Contains(c.Open, o.String()):
			t.Logf("%s: %s is unknown: %s\n%s", c.ID, o, strings.Join(answer.Open, "; "), c.Expr)
		}
	}
	return answered
}

// TestConditions holds what is said of conditions that authors write to what they come to.
func TestConditions(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	s := solver.New(engine(t))
	answered, asked := 0, 0
	for _, name := range labels(t) {
		for _, c := range readLabelled(t, name) {
			answered += judge(t.Context(), t, s, c)
			asked += len(outcomes)
		}
	}
	t.Logf("%d of %d questions answered", answered, asked)
	if answered*100 < asked*98 {
		t.Errorf("only %d of %d questions are answered", answered, asked)
	}
}

func labels(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
