package embedded_test

import (
	"fmt"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
)

var clerk = &authz.Principal{ID: "kim", Roles: []string{"clerk"}, Attr: map[string]any{
	"branch": "Porto", "desk": 4.0, "keys": []any{"k1", "k2"}, "trainee": false, "till": map[string]any{"a": 1.0}, "pattern": "[a-", "none": nil, "idle": []any{},
}}

// TestTypesSettle has conditions that no arguments can meet, because of what the
// principal's attributes are, beside some that only look so.
func TestTypesSettle(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	tests := map[string]string{ // what the cell says, by expression
		`R.attr.arguments.branch in P.attr.branch`:                           "deny",
		`R.attr.arguments.branch in P.attr.desk`:                             "deny",
		`R.attr.arguments.branch in P.attr.keys`:                             `conditional arguments.branch in ["k1", "k2"]`,
		`R.attr.arguments.key in P.attr.idle`:                                "deny",
		`P.attr.desk in R.attr.arguments.desks`:                              `conditional 4 in arguments.desks`,
		`R.attr.arguments.name.startsWith(P.attr.desk)`:                      "deny",
		`R.attr.arguments.name.matches(P.attr.pattern)`:                      "deny",
		`R.attr.arguments.name + P.attr.desk == "Porto4"`:                    "deny",
		`R.attr.arguments.name + P.attr.branch == "x-Porto"`:                 `conditional arguments.name + "Porto" == "x-Porto"`,
		`R.attr.arguments.sum + 1 > 3.0`:                                     "deny", // numbers of JSON are doubles
		`R.attr.arguments.sum + 1.0 > 3`:                                     `conditional arguments.sum + 1.0 > 3`,
		`R.attr.arguments.sum > P.attr.desk`:                                 `conditional arguments.sum > 4`,
		`R.attr.arguments.sum > P.attr.till`:                                 "deny",
		`R.attr.arguments.sum > P.attr.none`:                                 "deny",
		`R.attr.arguments.sum == P.attr.none`:                                `conditional arguments.sum == null`,
		`R.attr.arguments.sum == now()`:                                      "deny",
		`R.attr.arguments.sum != now()`:                                      `conditional arguments.sum != now()`,
		`size(R.attr.arguments.sum) == P.attr.branch`:                        "deny",
		`R.attr.arguments.open && P.attr.branch`:                             "deny",
		`R.attr.arguments.open || P.attr.branch`:                             `conditional arguments.open`,
		`size(R.attr.arguments.list)`:                                        "deny", // a number
		`R.attr.arguments.list.exists(x, x in P.attr.branch)`:                "deny",
		`R.attr.arguments.list.all(x, x in P.attr.branch)`:                   `conditional arguments.list.all(x, x in dyn("Porto"))`, // of nothing
		`P.attr.desk.exists(x, x == R.attr.arguments.x)`:                     "deny",
		`P.attr.keys[R.attr.arguments.n] == "k1"`:                            `conditional ["k1", "k2"][arguments.n] == "k1"`,
		`R.attr.arguments.list[P.attr.desk] == "k1"`:                         `conditional arguments.list[4.0] == "k1"`,
		`R.attr.arguments.list[P.attr.trainee] == "k1"`:                      `conditional arguments.list[false] == "k1"`, // a map may have any key
		`R.attr.arguments.?sum.orValue(P.attr.branch) in P.attr.desk`:        "deny",
		`timestamp(P.attr.desk) < timestamp(R.attr.arguments.at)`:            "deny",
		`(R.attr.arguments.x == 1 ? P.attr.branch : P.attr.desk) == true`:    "deny",
		`(R.attr.arguments.x == 1 ? P.attr.branch : P.attr.trainee) == true`: "deny", // not a trainee
		`(R.attr.arguments.x == 1 ? P.attr.branch : P.attr.desk) == "Porto"`: `conditional ((arguments.x == 1) ? "Porto" : dyn(4.0)) == "Porto"`,
	}
	for expr, want := range tests {
		e := open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "clerk", fmt.Sprintf("{expr: %q}", expr))))
		d := ask(t, e, clerk, nil)
		if got := saidOf(d); got != want {
			t.Errorf("%s:\n got %s\nwant %s", expr, got, want)
		}
		// What keeps nobody out does not make a cell depend on anything.
		e = open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "clerk", "")+pdptest.Rule("DENY", "clerk", fmt.Sprintf("{expr: %q}", expr))))
		if d := ask(t, e, clerk, nil); (d.Effect == authz.Allow) != (want == "deny") {
			t.Errorf("unless %s: %s", expr, saidOf(d))
		}
	}
}

func saidOf(d authz.Decision) string {
	if d.Condition.IsZero() {
		return d.Effect.String()
	}
	return d.Effect.String() + " " + d.Condition.String()
}

// TestWhatIsSent has questions about the arguments as a whole, which an
// enforcement point that leaves them open does send.
func TestWhatIsSent(t *testing.T) {
	allowed := []string{
		`has(R.attr.arguments)`, `has(request.resource.attr.arguments)`, `"arguments" in R.attr`, `R.attr.arguments != null`, `!(null == R.attr.arguments)`,
		`type(R.attr.arguments) == map`, `size(R.attr) == 2`, `R.attr.size() > 1`, `R.attr.?arguments.hasValue()`, `R.attr.exists(k, k == "arguments")`,
		`V.sent && P.attr.desk == 4`,
	}
	for _, expr := range allowed {
		policy := "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  variables: {local: {sent: has(R.attr.arguments)}}\n  rules:\n" +
			pdptest.Rule("ALLOW", "clerk", fmt.Sprintf("{expr: %q}", expr))
		if d := ask(t, open(t, pdp.Options{}, policy), clerk, nil); d.Effect != authz.Allow {
			t.Errorf("%s: %s", expr, saidOf(d))
		}
		if d := ask(t, open(t, pdp.Options{}, policy), clerk, map[string]any{}); d.Effect != authz.Allow {
			t.Errorf("%s with empty arguments: %s", expr, saidOf(d))
		}
	}
	for expr, want := range map[string]string{
		`has(R.attr.arguments.to)`:                       `conditional has(arguments.to)`,
		`size(R.attr.arguments) > 0`:                     `conditional size(arguments) > 0`,
		`R.attr.arguments == {}`:                         `conditional arguments == {}`,
		`R.attr.exists(k, R.attr[k] == "t")`:             `conditional R.attr.exists(k, R.attr[k] == "t")`,
		`R.attr.?arguments.to.orValue("nobody") == "me"`: `conditional optional.of(arguments).to.orValue("nobody") == "me"`,
	} {
		if d := ask(t, open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "clerk", fmt.Sprintf("{expr: %q}", expr)))), clerk, nil); saidOf(d) != want {
			t.Errorf("%s:\n got %s\nwant %s", expr, saidOf(d), want)
		}
	}
	// Without arguments in the request there are none.
	e := open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "clerk", "{expr: has(R.attr.arguments)}")))
	d, err := e.Decide(t.Context(), []authz.Request{{Principal: clerk, Action: "call", Resource: authz.Resource{Kind: "mcp_server", ID: "t"}}})
	if err != nil || d[0].Effect != authz.Deny {
		t.Errorf("not sent: %v, %v", d, err)
	}
	nested := authz.Request{Principal: clerk, Action: "call", Unknown: []string{"call", "input"}, Resource: authz.Resource{
		Kind: "mcp_server", ID: "t", Attr: map[string]any{"call": map[string]any{"tool": "t"}},
	}}
	e = open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "clerk", "{expr: has(R.attr.call.input) && size(R.attr.call) == 2 && R.attr.call.tool == 't'}")))
	if d, err := e.Decide(t.Context(), []authz.Request{nested}); err != nil || d[0].Effect != authz.Allow {
		t.Errorf("further down: %v, %v", d, err)
	}
}

// TestNoBooleans has conditions that come to something else than a boolean,
// which is as good as false and, by itself, no error.
func TestNoBooleans(t *testing.T) {
	for _, tt := range []struct{ effect, expr, lenient, strict string }{
		{"ALLOW", `R.attr.arguments.urgent`, `conditional arguments.urgent`, `conditional arguments.urgent == true`},
		{"DENY", `R.attr.arguments.urgent`, `conditional unless arguments.urgent`, `conditional arguments.urgent != true`},
		{"ALLOW", `R.attr.arguments.?urgent`, `conditional arguments.?urgent.orValue(false)`, `conditional arguments.?urgent.orValue(false) == true`},
		{"ALLOW", `R.attr.arguments.a && R.attr.arguments.b`, `conditional arguments.a && arguments.b`, `conditional arguments.a && arguments.b`},
		{"DENY", `R.attr.arguments.a && R.attr.arguments.b`, `conditional unless arguments.a && arguments.b`, `conditional !arguments.a || !arguments.b`},
		{"ALLOW", `P.attr.branch`, `deny`, `deny`},
		{"DENY", `P.attr.branch`, `allow`, `allow`},
		{"DENY", `P.attr.missing`, `allow`, `deny`},
		{"DENY", `P.attr.branch && true == P.attr.trainee`, `allow`, `allow`},
		{"DENY", `P.attr.branch || P.attr.trainee`, `allow`, `deny`},
		{"DENY", `size(R.attr.arguments.list)`, `allow`, `conditional dyn(size(arguments.list)) != true`},
		{"DENY", `P.attr.desk > 2 ? R.attr.arguments.urgent : R.attr.arguments.late`, `conditional unless arguments.urgent`, `conditional arguments.urgent != true`},
		{"DENY", `R.attr.arguments.branch in P.attr.branch`, `allow`, `deny`},
	} {
		policy := pdptest.Rule("ALLOW", "clerk", "")
		if tt.effect == "ALLOW" {
			policy = ""
		}
		policy = pdptest.Rules(policy + pdptest.Rule(tt.effect, "clerk", fmt.Sprintf("{expr: %q}", tt.expr)))
		for strict, want := range map[bool]string{false: tt.lenient, true: tt.strict} {
			if got := saidOf(ask(t, open(t, pdp.Options{StrictEvaluation: strict}, policy), clerk, nil)); got != want {
				t.Errorf("%s %s, strict %v:\n got %s\nwant %s", tt.effect, tt.expr, strict, got, want)
			}
		}
	}
}
