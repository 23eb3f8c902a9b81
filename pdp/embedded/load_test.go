package embedded_test

import (
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestRoleRulesOfOneNumber holds that the outputs which name rules change no
// decision where two rules of a role policy share a number.
func TestRoleRulesOfOneNumber(t *testing.T) {
	const role = `apiVersion: api.cerbos.dev/v1
rolePolicy:
  role: R
  version: default
  parentRoles: [A]
  rules:
    - {resource: mcp_server, allowActions: [call]}
    - {resource: "mcp_*", allowActions: [call], condition: {match: {expr: "true"}}}
`
	for range 40 { // the order of the two differs from load to load
		e := open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "A", "")), role)
		p := &authz.Principal{ID: "p", Roles: []string{"R"}}
		for _, arguments := range []map[string]any{nil, {}} {
			d := ask(t, e, p, arguments)
			if d.Effect != authz.Allow {
				t.Fatalf("arguments %v: %v, want allow", arguments, d.Effect)
			}
			if len(d.Rules) != 3 || !strings.HasSuffix(d.Rules[1].ID, "mcp_*_rule-001") {
				t.Errorf("rules %v, want all three", d.Rules)
			}
		}
	}
}
