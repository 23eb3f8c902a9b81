package expr_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// TestConjunction holds what is left of conditions to all of them, for values of each type.
func TestConjunction(t *testing.T) {
	env, err := cel.NewEnv(cel.OptionalTypes(), cel.Variable("a", cel.MapType(cel.StringType, cel.DynType)))
	if err != nil {
		t.Fatal(err)
	}
	met := func(text string, a map[string]any) bool {
		checked, issues := env.Compile(text)
		if issues.Err() != nil {
			t.Fatalf("%s: %v", text, issues.Err())
		}
		program, err := env.Program(checked)
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := program.Eval(map[string]any{"a": a})
		return err == nil && v == types.True
	}
	r := rand.New(rand.NewPCG(18, 9))
	parts := []string{
		"has(%s)", "type(%s) == string", "type(%s) == double", `%s != ""`, `%s == "x"`, `%s == ""`, "%s > 1", "!(%s > 1)", "%s <= 2.0", `%s.startsWith("x")`, `%s.startsWith("")`,
		`!%s.startsWith("x")`, `%s in ["x", 1]`, `%s != "y"`, "!has(%s)", `%s > "a"`, `type(%[1]s <= 1 || has(%[1]s)) == bool`, `%[1]s <= 1 || has(%[1]s)`, `%s.matches("x*")`, `a.?x.orValue("") == "x"`,
	}
	values := []any{nil, "", "x", "xy", "y", 0.0, 1.0, 2.0, 3.0, true, map[string]any{"y": "x"}, map[string]any{}}
	shorter := 0
	for range rounds.Of(300, 20_000) {
		var list []string
		for range 1 + r.IntN(4) {
			path := []string{"a.x", "a.x.y", "a.z"}[r.IntN(3)]
			text := parts[r.IntN(len(parts))]
			if text[0] != 'a' || text[1] != '.' || text[2] != '?' {
				text = fmt.Sprintf(text, path)
			}
			list = append(list, text)
		}
		got := expr.Conjunction(list)
		whole := expr.Joined(list, "_&&_")
		if len(got) < len(whole) {
			shorter++
		}
		for range 6 {
			a := map[string]any{}
			for _, name := range []string{"x", "z"} {
				if v := values[r.IntN(len(values))]; v != nil {
					a[name] = v
				}
			}
			if met(got, a) != met(whole, a) {
				t.Fatalf("%s\nis not\n%s\nfor %v", got, whole, a)
			}
		}
	}
	if shorter < rounds.Of(25, 2000) {
		t.Errorf("only %d are shorter", shorter)
	}
	want := `type(a.object) == string && a.object != "" && a.weeks > 26`
	if got := expr.Conjunction([]string{"has(a.object)", "type(a.object) == string", `a.object != ""`, "has(a.weeks) && type(a.weeks) == double", "a.weeks > 26"}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
