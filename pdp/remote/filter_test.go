package remote_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// TestRemoteConditions has a PDP plan for expressions, and reads what it makes
// of them. What is printed is then the policy: it has to come out the same.
func TestConditions(t *testing.T) {
	tests := []struct{ expr, want string }{
		{`R.attr.arguments.region == P.attr.region`, `arguments.region == "EMEA"`},
		{`R.attr.arguments.region != P.attr.region`, `arguments.region != "EMEA"`},
		{`!(R.attr.arguments.region == P.attr.region)`, `arguments.region != "EMEA"`},
		{`R.attr.arguments.n < 5 && R.attr.arguments.n <= 4 && R.attr.arguments.n > 1 && R.attr.arguments.n >= 2`, `arguments.n < 5 && arguments.n <= 4 && arguments.n > 1 && arguments.n >= 2`},
		{`R.attr.arguments.n + P.attr.level > 2.5`, `arguments.n + 2.0 > 2.5`},
		{`R.attr.arguments.n * 2.0 - 1.0 == 3.0 / R.attr.arguments.n`, `arguments.n * 2.0 - 1.0 == 3.0 / arguments.n`},
		{`-R.attr.arguments.n < 0.0`, `-arguments.n < 0`},
		{`size(R.attr.arguments.list) + 1 > 2`, `size(arguments.list) + 1 > 2`},
		{`R.attr.arguments.list[0] == "a"`, `arguments.list[0] == "a"`},
		{`R.attr.arguments["my-arg"] == "a"`, `arguments["my-arg"] == "a"`},
		{`R.attr.arguments.deep.er.still == true`, `arguments.deep.er.still == true`},
		{`R.attr.arguments.list[0].name == null`, `arguments.list[0].name == null`},
		{`R.attr.arguments.region in P.attr.regions`, `arguments.region in ["EMEA", "APAC"]`},
		{`R.attr.arguments.region in [P.attr.region, R.attr.arguments.other]`, `arguments.region in ["EMEA", arguments.other]`},
		{`"x" in R.attr.arguments`, `"x" in arguments`},
		{`R.attr.arguments == {"region": P.attr.region, "n": 1.0}`, `arguments == {"n": 1, "region": "EMEA"}`},
		{`R.attr.arguments.a == 1 || R.attr.arguments.b == 2 && R.attr.arguments.c == 3`, `arguments.a == 1 || arguments.b == 2 && arguments.c == 3`},
		{`(R.attr.arguments.a == 1 || R.attr.arguments.b == 2) && R.attr.arguments.c == 3`, `(arguments.a == 1 || arguments.b == 2) && arguments.c == 3`},
		{`R.attr.arguments.a == 1 && R.attr.arguments.a == 1`, `arguments.a == 1`},
		{`R.attr.arguments.dry ? R.attr.arguments.n == 1 : P.attr.level == 2`, `arguments.dry ? (arguments.n == 1) : (principal.level == 2)`},
		{`R.attr.arguments.path.startsWith("/home/" + P.id)`, `arguments.path.startsWith("/home/sally")`},
		{`R.attr.arguments.path.matches("^/[a-z]+$")`, `arguments.path.matches("^/[a-z]+$")`},
		{`R.attr.arguments.path.substring(0, 3) == "abc"`, `arguments.path.substring(0, 3) == "abc"`},
		{`timestamp(R.attr.arguments.when) > timestamp("2026-01-01T00:00:00Z")`, `timestamp(arguments.when) > timestamp("2026-01-01T00:00:00Z")`},
		{`R.attr.arguments.list.exists(x, x == P.attr.region)`, `arguments.list.exists(x, x == "EMEA")`},
		{`R.attr.arguments.list.all(x, x in P.attr.regions)`, `arguments.list.all(x, x in ["EMEA", "APAC"])`},
		{`R.attr.arguments.list.exists_one(x, x == "a")`, `arguments.list.exists_one(x, x == "a")`},
		{`R.attr.arguments.list.filter(x, x.n > 1).size() == 0`, `size(arguments.list.filter(x, x.n > 1)) == 0`},
		{`R.attr.arguments.list.map(x, x.name) == ["a"]`, `arguments.list.map(x, x.name) == ["a"]`},
		{`R.attr.arguments.list.all(i, x, i < 3 || x == "a")`, `arguments.list.all(i, x, i < 3 || x == "a")`},
		{`hasIntersection(R.attr.arguments.list, P.attr.regions)`, `arguments.list.hasIntersection(["EMEA", "APAC"])`},
		{`sets.contains(P.attr.regions, R.attr.arguments.list)`, `sets.contains(["EMEA", "APAC"], arguments.list)`},
		{`math.greatest(R.attr.arguments.n, 3.0) == 3.0`, `math.greatest(arguments.n, 3) == 3`},
		{`hierarchy(R.attr.arguments.team).descendentOf(hierarchy("a.b"))`, `hierarchy(arguments.team).descendentOf(hierarchy("a.b"))`},
		{`R.attr.arguments.n == 1 && P.attr.nobody.has.this == 1`, `arguments.n == 1 && principal.nobody.has.this == 1`},
	}
	policyOf := func(exprs []string) string {
		var b strings.Builder
		for i, expr := range exprs {
			fmt.Fprintf(&b, "    - {actions: [\"call::%d\"], effect: EFFECT_ALLOW, roles: [SALES], condition: {match: {expr: %q}}}\n", i, expr)
		}
		return pdptest.Rules(b.String())
	}
	p := &authz.Principal{Key: "sally", ID: "sally", Roles: []string{"SALES"}, Attr: map[string]any{
		"region": "EMEA", "regions": []any{"EMEA", "APAC"}, "level": 2.0,
	}}
	plans := func(exprs []string) []authz.Decision {
		var requests []authz.Request
		for i := range exprs {
			requests = append(requests, authz.Request{
				Principal: p, Action: fmt.Sprint("call::", i), Unknown: []string{"arguments"}, Resource: authz.Resource{Kind: "mcp_server", ID: "t"},
			})
		}
		return pdptest.Decide(t, pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, policyOf(exprs)), nil), remote.Options{}), requests)
	}
	var exprs, again []string
	names := strings.NewReplacer("arguments", "R.attr.arguments", "principal.", "P.attr.")
	for _, tt := range tests {
		exprs = append(exprs, tt.expr)
		again = append(again, names.Replace(tt.want))
	}
	first, second := plans(exprs), plans(again)
	for i, tt := range tests {
		if first[i].Effect != authz.Conditional || first[i].Condition.String() != tt.want {
			t.Errorf("%s\n got %v %s\nwant %s", tt.expr, first[i].Effect, first[i].Condition, tt.want)
		}
		if !second[i].Condition.Equal(first[i].Condition) {
			t.Errorf("%s, read back:\n got %v %s", tt.want, second[i].Effect, second[i].Condition)
		}
	}
}
