package simplify_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/simplify"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/solver"
)

func condition(allows, denies string) authz.Condition {
	return authz.AnyOf(authz.Alternative{Allows: expr.Clause(allows), Denies: expr.Clause(denies)})
}

// simplified has conditions simplified, of requests about whom nothing is known.
func simplified(t *testing.T, list ...authz.Condition) []authz.Condition {
	t.Helper()
	engine, err := embedded.Open(t.Context(), fstest.MapFS{"p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy: {resource: none, version: default, rules: []}\n")}}, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	asked := make([]simplify.Asked, len(list))
	for i, c := range list {
		asked[i] = simplify.Asked{Condition: c, Request: authz.Request{
			Principal: &authz.Principal{ID: "kim", Roles: []string{"porter"}}, Resource: authz.Resource{Kind: "desk", ID: "t"},
			Action: "call", Unknown: []string{"arguments"},
		}}
	}
	var shorter []authz.Condition
	for few := range slices.Chunk(asked, 5) { // of which each is far from what one report may spend
		more, err := simplify.New(solver.New(engine.Leaves())).Conditions(t.Context(), few)
		if err != nil {
			t.Fatal(err)
		}
		shorter = append(shorter, more...)
	}
	return shorter
}

func TestConditions(t *testing.T) {
	tests := []struct{ allows, denies, want string }{
		{`arguments.weight < 90 && arguments.weight < 20`, ``, `arguments.weight < 20`},
		{`arguments.weight < 90 || arguments.weight < 20`, ``, `arguments.weight < 90`},
		{`arguments.gate == "n" && arguments.weight < 20 && arguments.gate == "n"`, ``, `arguments.gate == "n" && arguments.weight < 20`},
		{`has(arguments.weight) && arguments.weight < 20`, ``, `arguments.weight < 20`},
		{`arguments.gate == "n" || arguments.gate == "n" && arguments.weight < 20`, ``, `arguments.gate == "n"`},
		{`(has(arguments.tag) || !has(arguments.tag)) && arguments.gate == "n"`, ``, `arguments.gate == "n"`},
		{`arguments.gate in ["n", "s"]`, `arguments.gate == "w"`, `arguments.gate in ["n", "s"]`},
		{`has(arguments.gate) || !has(arguments.gate)`, `arguments.gate == "w"`, `unless arguments.gate == "w"`},
		{`principal.desk.startsWith("a") && principal.desk.startsWith("ab") && arguments.gate == principal.desk`, ``, `principal.desk.startsWith("ab") && arguments.gate == principal.desk`},
		{`!(arguments.weight < 20 || arguments.weight < 10)`, ``, `!(arguments.weight < 20)`},
		// What may err does not go without saying.
		{`(arguments.open || !arguments.open) && arguments.gate == "n"`, ``, `(arguments.open || !arguments.open) && arguments.gate == "n"`},
		{`arguments.gate != "n" || arguments.gate != "s"`, ``, `arguments.gate != "n" || arguments.gate != "s"`},
		{`!has(arguments.gate) || arguments.gate == "n"`, ``, `!has(arguments.gate) || arguments.gate == "n"`},
		// Not all roles of somebody with a role are known.
		{`"porter" in P.roles && "porter" in P.roles`, ``, `"porter" in P.roles && "porter" in P.roles`},
		{`"lead" in P.roles || arguments.gate == "n"`, ``, `"lead" in P.roles || arguments.gate == "n"`},
		{`has(V.sum) && has(V.sum)`, ``, `has(V.sum) && has(V.sum)`},
	}
	list := make([]authz.Condition, len(tests))
	for i, test := range tests {
		list[i] = condition(test.allows, test.denies)
	}
	for i, got := range simplified(t, list...) {
		if got.String() != tests[i].want {
			t.Errorf("%s is said as %s, want %s", list[i], got, tests[i].want)
		}
	}
}

// TestParts holds that conditions all of which have to be met lose what another implies,
// and that alternatives lose those within another.
func TestParts(t *testing.T) {
	small, any, none := condition(`arguments.weight < 20`, ``), condition(`arguments.weight < 90`, ``), authz.Unwritten("(what it takes)")
	wide := authz.AnyOf(authz.Alternative{Allows: expr.Clause(`arguments.gate == "n"`)},
		authz.Alternative{Allows: expr.Clause(`arguments.gate in ["n", "s"]`), Denies: expr.Clause(`arguments.weight > 9`)},
		authz.Alternative{Allows: expr.Clause(`arguments.gate == "n"`), Denies: expr.Clause(`arguments.weight > 5`)})
	shorter := simplified(t, authz.AllOf(small, any), wide, authz.AllOf(small, none), authz.Condition{})
	for i, want := range []string{
		`arguments.weight < 20`, `arguments.gate == "n" || (arguments.gate in ["n", "s"] unless arguments.weight > 9)`,
		authz.AllOf(small, none).String(), ``,
	} {
		if shorter[i].String() != want {
			t.Errorf("got %s, want %s", shorter[i], want)
		}
	}
}

type generator struct{ *rand.Rand }

func (g generator) of(list ...string) string { return list[g.IntN(len(list))] }

func (g generator) leaf() string {
	place := g.of(`arguments.x`, `arguments.x`, `arguments.y`, `principal.t`)
	switch g.IntN(10) {
	case 9:
		return g.of(`"r0" in P.roles`, `"r0" in P.roles`, `"r1" in P.roles`)
	case 0:
		return "has(" + place + ")"
	case 1:
		return place
	case 2, 3:
		return place + g.of(" < ", " <= ", " > ", " >= ") + g.of("1", "2.5", "7", `"b"`)
	case 4:
		return place + " in " + g.of(`["a", "b"]`, `["a"]`, `[1, 7]`)
	case 5:
		return place + "." + g.of("startsWith", "endsWith", "contains") + "(" + g.of(`"a"`, `"ab"`, `"b"`) + ")"
	case 6:
		return g.of(`arguments.x == arguments.y`, `arguments.y == principal.t`, `arguments.x < arguments.y`, `size(arguments.y) > 1`, `arguments.x.exists(e, e == "a")`)
	}
	return place + g.of(" == ", " != ") + g.of("1", "7", `"a"`, `"ab"`, "true", "null")
}

func (g generator) text(depth int) string {
	if depth == 0 {
		return g.leaf()
	}
	a, b := g.text(depth-1), g.text(g.IntN(depth))
	switch g.IntN(9) {
	case 0:
		return "!(" + a + ")"
	case 1:
		return "(" + a + " ? " + b + " : " + g.leaf() + ")"
	case 2:
		return "(" + a + " || !(" + a + ")) && " + b
	case 3, 4, 5:
		return "(" + a + ") && (" + b + ")"
	}
	return "(" + a + ") || (" + b + ")"
}

// printed is a text as the engine prints it.
func (g generator) printed(depth int) string {
	e, err := expr.Parse(g.text(depth))
	if err != nil {
		panic(err)
	}
	return expr.Print(e)
}

func (g generator) condition() authz.Condition {
	alternatives := make([]authz.Alternative, 1+g.IntN(2))
	for i := range alternatives {
		alternatives[i].Allows = expr.Clause(g.printed(1 + g.IntN(2)))
		if g.IntN(3) == 0 {
			alternatives[i].Denies = expr.Clause(g.printed(1))
		}
	}
	c := authz.AnyOf(alternatives...)
	if g.IntN(5) == 0 {
		c = authz.AllOf(c, condition(g.printed(1), ""))
	}
	return c
}

func (g generator) attributes(names ...string) map[string]any {
	m := map[string]any{}
	for _, name := range names {
		if g.IntN(6) > 0 {
			list := []any{0.0, 1.0, 2.0, 2.5, 3.0, 7.0, 8.0, "", "a", "ab", "b", "c", "ba", true, false, nil, []any{"a"}, []any{}, []any{1.0}, map[string]any{"a": 1.0}}
			m[name] = list[g.IntN(len(list))]
		}
	}
	return m
}

var names = regexp.MustCompile(`\b(arguments|principal)\.`)

// policies writes a condition as policies of a kind: a part of it for each action.
func policies(kind string, c authz.Condition) (text string, actions []string) {
	parts := c.Parts()
	if len(parts) == 0 {
		parts = []authz.Condition{c}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: %s\n  version: default\n  rules:\n", kind)
	long := func(c authz.Clause) string {
		if c.IsZero() {
			return "true"
		}
		return names.ReplaceAllStringFunc(c.String(), func(s string) string {
			return map[string]string{"arguments.": "R.attr.arguments.", "principal.": "P.attr."}[s]
		})
	}
	for i, part := range parts {
		action := fmt.Sprintf("part%d", i)
		actions = append(actions, action)
		for j, a := range part.Alternatives() {
			fmt.Fprintf(&b, "    - {actions: [%s], effect: EFFECT_ALLOW, roles: [r%d], condition: {match: {expr: %q}}}\n", action, j, long(a.Allows))
			if !a.Denies.IsZero() {
				fmt.Fprintf(&b, "    - {actions: [%s], effect: EFFECT_DENY, roles: [r%d], condition: {match: {expr: %q}}}\n", action, j, long(a.Denies))
			}
		}
	}
	return b.String(), actions
}

// TestDifferentialSimplified has the official PDP decide by conditions as they were, and
// as they are said: for any arguments and attributes it comes to the same.
func TestDifferentialSimplified(t *testing.T) {
	cerbosbin.Path(t)
	decisions, changed, differ := 0, 0, 0
	for part := range rounds.Of(1, 8) {
		g := generator{rand.New(rand.NewPCG(uint64(part), 5))}
		list := make([]authz.Condition, rounds.Of(25, 250))
		for i := range list {
			list[i] = g.condition()
		}
		files := []string{}
		var requests []authz.Request
		var of []int // how many requests are of one side of one comparison
		less := make([]authz.Condition, len(list))
		for i, c := range list {
			less[i] = simplify.Held(c, "r0")
		}
		for i, c := range simplified(t, less...) {
			if c.Equal(list[i]) {
				continue
			}
			changed++
			if len(c.String()) >= len(list[i].String()) {
				t.Errorf("%s is no shorter than %s", c, list[i])
			}
			var sides [2][]string
			for side, x := range []authz.Condition{list[i], c} {
				text, actions := policies(fmt.Sprintf("kind%d_%d", i, side), x)
				files, sides[side] = append(files, text), actions
			}
			for range 25 {
				arguments := map[string]any{"arguments": g.attributes("x", "y")}
				who := &authz.Principal{ID: "kim", Roles: []string{"r0", "r1"}, Attr: g.attributes("t")}
				for side, actions := range sides {
					of = append(of, len(actions))
					for _, action := range actions {
						requests = append(requests, authz.Request{Principal: who, Action: action, Resource: authz.Resource{Kind: fmt.Sprintf("kind%d_%d", i, side), ID: "t", Attr: arguments}})
					}
				}
			}
		}
		answers := pdptest.Decide(t, pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, files...), nil), remote.Options{Timeout: 2 * time.Minute}), requests)
		decisions += len(answers)
		at := 0
		next := func(n int) bool {
			met := true
			for range n {
				met, at = met && answers[at].Effect == authz.Allow, at+1
			}
			return met
		}
		for i := 0; i < len(of); i += 2 {
			asked := requests[at]
			if was, is := next(of[i]), next(of[i+1]); was != is {
				differ++
				t.Errorf("%s: met was %v, is %v: %v %v", asked.Resource.Kind, was, is, asked.Resource.Attr, asked.Principal.Attr)
			}
		}
	}
	t.Logf("%d decisions on %d conditions that are said shorter, %d differences", decisions, changed, differ)
}

// TestHeld holds that it is no part of a condition of somebody with a role that they have
// it; what other roles they have is not known.
func TestHeld(t *testing.T) {
	for _, test := range []struct{ allows, denies, want string }{
		{`"porter" in P.roles && arguments.weight < 20`, ``, `arguments.weight < 20`},
		{`arguments.weight < 20 || !("porter" in P.roles)`, ``, `arguments.weight < 20`},
		{`("porter" in P.roles) ? arguments.weight < 20 : arguments.gate == "n"`, ``, `arguments.weight < 20`},
		{`arguments.weight < 20`, `!("porter" in P.roles) || arguments.gate == "n"`, `arguments.weight < 20 unless arguments.gate == "n"`},
		{`"lead" in P.roles && arguments.weight < 20`, ``, `"lead" in P.roles && arguments.weight < 20`},
		{`"porter" in P.roles || arguments.weight < 20`, ``, `"porter" in P.roles || arguments.weight < 20`},
		{`arguments.tag in P.roles`, ``, `arguments.tag in P.roles`},
		{`"porter" in principal.roles && arguments.weight < 20`, ``, `"porter" in principal.roles && arguments.weight < 20`},
	} {
		c := condition(test.allows, test.denies)
		if got := simplify.Held(c, "porter").String(); got != test.want {
			t.Errorf("%s is said as %s, want %s", c, got, test.want)
		}
	}
	both := authz.AllOf(condition(`"porter" in P.roles && arguments.weight < 20`, ``), condition(`arguments.gate == "n"`, ``))
	if got, want := simplify.Held(both, "porter").String(), `(arguments.gate == "n") && (arguments.weight < 20)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
