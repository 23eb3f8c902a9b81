package embedded_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestTogetherKeepsSchemas holds that the schemas of a policy are enforced in changes of it that
// are made together, though none of its rules is about what is asked and a role policy about the
// same kind is, in whatever order the compiler has the two.
func TestTogetherKeepsSchemas(t *testing.T) {
	const header = "apiVersion: api.cerbos.dev/v1\n"
	const safe = header + "resourcePolicy: {resource: safe, version: default, schemas: {resourceSchema: {ref: 'cerbos:///safe.json'}}, rules: [{name: shut, actions: [shut], effect: EFFECT_ALLOW, roles: [clerk]}, {name: lock, actions: [lock], effect: EFFECT_ALLOW, roles: [clerk]}]}\n"
	r := authz.Request{
		Principal: &authz.Principal{ID: "mia", Roles: []string{"clerk"}}, Action: "open",
		Resource: authz.Resource{Kind: "safe", ID: "s", Attr: map[string]any{"height": "tall"}},
	}
	for range 20 {
		e := open(t, pdp.Options{Schemas: pdp.EnforceReject}, safe,
			header+"rolePolicy: {role: guest, version: default, parentRoles: [clerk], rules: [{resource: safe, allowActions: ['*']}]}\n",
			header+"principalPolicy: {principal: mia, version: default, rules: [{resource: safe, actions: [{action: open, effect: EFFECT_ALLOW}]}]}\n",
			"// _schemas/safe.json\n"+`{"properties": {"height": {"type": "number"}}}`)
		changed, err := e.Change(t.Context(), []pdp.Change{{Rule: "resource.safe.vdefault#shut"}})
		if err != nil || changed[0] == nil {
			t.Fatalf("%v: %v", changed, err)
		}
		together, err := e.Together([]pdp.Wanted{{Changed: changed[0], Actions: []string{"open"}}})
		if err != nil {
			t.Fatal(err)
		}
		if d := pdptest.Decide(t, together[0], []authz.Request{r})[0]; d.Effect != authz.Deny {
			t.Fatalf("%v, though the schema refuses it", d.Effect)
		}
	}
}
