package embedded_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestAllowedIsCovered holds that what the policy of a principal allows is not open for want of a
// policy, though Cerbos names none where the default version is another.
func TestAllowedIsCovered(t *testing.T) {
	const of = "apiVersion: api.cerbos.dev/v1\n"
	e := open(t, pdp.Options{DefaultPolicyVersion: "next"},
		of+"principalPolicy: {principal: mia, version: default, rules: [{resource: safe, actions: [{action: open, effect: EFFECT_ALLOW}]}]}\n",
		of+"resourcePolicy: {resource: safe, version: default, rules: [{actions: [shut], effect: EFFECT_ALLOW, roles: [clerk]}]}\n")
	for _, tt := range []struct {
		id, version string
		want        authz.Decision
	}{
		{"mia", "default", authz.Decision{Effect: authz.Allow}},
		{"mia", "", authz.Decision{NoPolicy: true}},
		{"leo", "default", authz.Decision{}},
		{"leo", "", authz.Decision{NoPolicy: true}},
	} {
		for _, unknown := range [][]string{nil, {"arguments"}} {
			r := authz.Request{
				Principal: &authz.Principal{ID: tt.id, Roles: []string{"clerk"}}, Action: "open", OpenUncovered: true,
				Resource: authz.Resource{Kind: "safe", ID: "s", PolicyVersion: tt.version}, Unknown: unknown,
			}
			got := pdptest.Decide(t, e, []authz.Request{r})[0]
			want := r.Enforced(tt.want)
			if got = r.Enforced(got); got.Effect != want.Effect || got.NoPolicy != want.NoPolicy {
				t.Errorf("%s in version %q, open %v: %v, for want of a policy %t; want %v, %t", tt.id, tt.version, unknown, got.Effect, got.NoPolicy, want.Effect, want.NoPolicy)
			}
		}
	}
}
