package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// manyConditions is a policy of a kind whose decision hangs on many conditions, and the
// arguments that these read. No two rules of any kinds read the same: the engine may take
// them for one.
func manyConditions(r *rand.Rand, kind string) (policy string, arguments []string) {
	leaf := func(again int) string {
		name := fmt.Sprintf("%s_%d", kind, len(arguments))
		if len(arguments) > 0 && r.IntN(5) < again {
			name = arguments[r.IntN(len(arguments))]
		} else {
			arguments = append(arguments, name)
		}
		return fmt.Sprintf("{expr: 'R.attr.arguments.%s == 1'}", name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: %s\n  version: default\n  rules:\n", kind)
	for len(arguments) < 9 {
		match := leaf(0)
		for range r.IntN(3) {
			match = fmt.Sprintf("{%s: {of: [%s, %s]}}", []string{"all", "any", "none", "all"}[r.IntN(4)], match, leaf(1))
		}
		fmt.Fprintf(&b, "    - {actions: [call], effect: EFFECT_%s, roles: [%s], condition: {match: %s}}\n",
			[]string{"ALLOW", "ALLOW", "DENY"}[r.IntN(3)], []string{"A", "A", "A", "B"}[r.IntN(4)], match)
	}
	return b.String(), arguments
}

// TestDifferentialManyConditions holds the conditions of decisions that hang on more than
// a shortest one is looked for against the official PDP, which reads them back.
func TestDifferentialManyConditions(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	for part := range rounds.Of(1, 10) {
		d := &printed{policies: fstest.MapFS{}}
		r := rand.New(rand.NewPCG(uint64(part), 21))
		for i := range rounds.Of(25, 60) {
			kind := fmt.Sprintf("kind%d", i)
			policy, arguments := manyConditions(r, kind)
			d.policies[kind+".yaml"] = &fstest.MapFile{Data: []byte(policy)}
			c := printedCell{policies: []string{policy}, request: authz.Request{
				Principal: &authz.Principal{ID: kind, Key: kind, Roles: []string{"A", "B"}}, Action: "call", Unknown: []string{"arguments"},
				Resource: authz.Resource{Kind: kind, ID: "t", Attr: map[string]any{"label": "EU"}},
			}}
			for range 40 {
				given := map[string]any{}
				for _, name := range arguments {
					if r.IntN(2) == 0 {
						given[name] = float64(r.IntN(2))
					}
				}
				c.known = append(c.known, withArguments(c.request, given))
			}
			d.cells = append(d.cells, c)
		}
		d.open(t)
		d.readBack(t)
		if d.conditions < len(d.cells)/3 {
			t.Errorf("%d of %d conditions are written down", d.conditions, len(d.cells))
		}
		t.Logf("%d decisions, %d of them on %d conditions", d.plain+d.read, d.read, d.conditions)
	}
}

// TestManyConditions holds how a decision reads that hangs on many conditions: written
// down where that is short, or else all of these.
func TestManyConditions(t *testing.T) {
	rules := func(n int, effect, name string) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("    - {actions: [call], effect: EFFECT_%s, roles: [A], condition: {match: {expr: 'R.attr.arguments.%s%d == 1'}}}", effect, name, i))
		}
		return list
	}
	for _, test := range []struct {
		rules []string
		want  string
	}{
		{
			append(rules(7, "ALLOW", "in"), rules(2, "DENY", "out")...),
			"arguments.in0 == 1 || arguments.in1 == 1 || arguments.in2 == 1 || arguments.in3 == 1 || arguments.in4 == 1 || arguments.in5 == 1 || arguments.in6 == 1 unless arguments.out0 == 1 || arguments.out1 == 1",
		},
		{
			rules(14, "ALLOW", "in"),
			"(depends on 14 conditions: arguments.in0 == 1; arguments.in1 == 1; arguments.in2 == 1; arguments.in3 == 1; arguments.in4 == 1; arguments.in5 == 1; arguments.in6 == 1; arguments.in7 == 1; arguments.in8 == 1; arguments.in9 == 1; arguments.in10 == 1; arguments.in11 == 1; arguments.in12 == 1; arguments.in13 == 1)",
		},
	} {
		text := "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + strings.Join(test.rules, "\n") + "\n"
		e, err := embedded.Open(t.Context(), fstest.MapFS{"p.yaml": {Data: []byte(text)}}, pdp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		d := pdptest.Decide(t, e, []authz.Request{{
			Principal: &authz.Principal{ID: "kim", Roles: []string{"A"}}, Action: "call", Unknown: []string{"arguments"}, Resource: authz.Resource{Kind: "mcp_server", ID: "t"},
		}})[0]
		if got := d.Condition.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
		if n := len(d.Condition.Reads().Arguments); n != len(test.rules) {
			t.Errorf("%d arguments are read, want %d", n, len(test.rules))
		}
	}
}
