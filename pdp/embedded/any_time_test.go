package embedded_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestAnyTime decides requests at no time in particular: the clock stays in the
// condition, also where a variable or a derived role looks at it.
func TestAnyTime(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ condition, want string }{
		{`{expr: 'now() < timestamp("2030-01-01T00:00:00Z")'}`, `now() < timestamp("2030-01-01T00:00:00Z")`},
		{`{expr: 'timestamp(P.attr.since).timeSince() > duration("1h")'}`, `timestamp(principal.since).timeSince() > duration("1h")`},
		{`{expr: 'now() < timestamp(R.attr.arguments.until) && P.attr.since == "2020-01-01T00:00:00Z"'}`, `now() < timestamp(arguments.until)`},
		{`{expr: 'V.early'}`, `now().getHours() < 9`},
		{`{expr: '"night" in runtime.effectiveDerivedRoles'}`, `now().getHours() > 22`},
		{`{expr: 'P.attr.since == "2020-01-01T00:00:00Z"'}`, ``},
	} {
		e := open(t, pdp.Options{}, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [roles]\n  variables: {local: {early: now().getHours() < 9}}\n  rules:\n"+
			pdptest.Rule("ALLOW", "A", x.condition)+"    - {actions: [rest], effect: EFFECT_ALLOW, derivedRoles: [night]}\n",
			"apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: roles\n  definitions:\n    - {name: night, parentRoles: [A], condition: {match: {expr: now().getHours() > 22}}}\n")
		r := authz.Request{
			Principal: &authz.Principal{Key: "ada", ID: "ada", Roles: []string{"A"}, Attr: map[string]any{"since": "2020-01-01T00:00:00Z"}},
			Resource:  authz.Resource{Kind: "mcp_server", ID: "x"}, Action: "call", Unknown: []string{"arguments"}, AnyTime: true,
		}
		d := pdptest.Decide(t, e, []authz.Request{r})[0]
		want := authz.Conditional
		if x.want == "" {
			want = authz.Allow
		}
		if d.Effect != want || d.Condition.String() != x.want {
			t.Errorf("%s: %v, %q", x.condition, d.Effect, d.Condition)
		}
		if r.AnyTime = false; x.want != "" && len(d.Condition.Reads().Arguments) == 0 {
			if d := pdptest.Decide(t, e, []authz.Request{r})[0]; d.Effect == authz.Conditional {
				t.Errorf("%s at a time: %v, %q", x.condition, d.Effect, d.Condition)
			}
		}
	}
}
