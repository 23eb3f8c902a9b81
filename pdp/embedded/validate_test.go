package embedded_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestValidateAsEnforced holds that schemas say the same of a request however they
// are enforced, and what the engine says when it decides the request.
func TestValidateAsEnforced(t *testing.T) {
	files := []string{
		`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: depot
  version: default
  schemas:
    principalSchema: {ref: "cerbos:///person.json"}
    resourceSchema: {ref: "cerbos:///depot.json", ignoreWhen: {actions: ["peek*"]}}
  rules:
    - {actions: ["*"], effect: EFFECT_ALLOW, roles: ["*"]}
`, `
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: depot
  version: default
  scope: north
  schemas: {resourceSchema: {ref: "cerbos:///depot.json"}}
  rules:
    - {actions: [open], effect: EFFECT_DENY, roles: [guard]}
`, `
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: depot
  version: next
  rules:
    - {actions: [open], effect: EFFECT_ALLOW, roles: [guard]}
`, `
apiVersion: api.cerbos.dev/v1
principalPolicy:
  principal: vera
  version: default
  rules:
    - resource: depot
      actions: [{action: open, effect: EFFECT_DENY}]
`, `
apiVersion: api.cerbos.dev/v1
rolePolicy:
  role: guard
  rules:
    - {resource: depot, allowActions: [open, peek]}
`,
		"// _schemas/person.json\n" + `{"type": "object", "properties": {"badge": {"type": "number"}}, "required": ["badge"]}`,
		"// _schemas/depot.json\n" + `{"type": "object", "properties": {"gate": {"type": "string", "minLength": 2}}, "additionalProperties": false}`,
	}
	var requests []authz.Request
	for _, id := range []string{"vera", "wim"} {
		for _, badge := range []map[string]any{{"badge": 4.0}, {"badge": "four"}, nil} {
			for _, action := range []string{"open", "peek", "peek_in"} {
				for _, scope := range []string{"", "north", "south"} {
					for _, version := range []string{"", "next", "none"} {
						for _, attr := range []map[string]any{nil, {"gate": "east"}, {"gate": "e", "lock": true}} {
							requests = append(requests, authz.Request{
								Principal: &authz.Principal{ID: id, Roles: []string{"guard"}, Attr: badge}, Action: action,
								Resource: authz.Resource{Kind: "depot", ID: "d", Scope: scope, PolicyVersion: version, Attr: attr},
							})
						}
					}
				}
			}
		}
	}
	var first [][]authz.ValidationError
	refused := 0
	for _, enforcement := range []pdp.Enforcement{pdp.EnforceReject, pdp.EnforceWarn, pdp.EnforceNone} {
		e := open(t, pdp.Options{Schemas: enforcement}, files...)
		found, err := e.Validate(t.Context(), requests)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = found
		}
		decided, err := e.Decide(t.Context(), requests)
		if err != nil {
			t.Fatal(err)
		}
		for i := range requests {
			what := fmt.Sprintf("enforcement %v: %+v of %+v", enforcement, requests[i], requests[i].Principal)
			if diff := cmp.Diff(first[i], found[i]); diff != "" {
				t.Errorf("%s (-rejecting +here):\n%s", what, diff)
			}
			if diff := cmp.Diff(decided[i].Validation, found[i]); enforcement != pdp.EnforceNone && diff != "" {
				t.Errorf("%s (-decided +validated):\n%s", what, diff)
			}
			refused += min(1, len(found[i]))
		}
	}
	if refused == 0 || refused == 3*len(requests) {
		t.Errorf("%d refused of three times %d", refused, len(requests))
	}
}
