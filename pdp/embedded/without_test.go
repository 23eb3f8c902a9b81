package embedded_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestEnginesApart holds that an engine says the same whatever was asked before of
// those that were made of it: of one without a policy's only rule, and of one at
// another time.
func TestEnginesApart(t *testing.T) {
	few := []string{
		"// _schemas/crate.json\n" + `{"type": "object", "properties": {"weight": {"type": "number"}, "arguments": {"type": "object", "required": ["bay"]}}, "required": ["weight"]}`,
		`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: crate
  version: default
  schemas: {resourceSchema: {ref: "cerbos:///crate.json"}}
  rules:
    - {name: only, actions: [lift], effect: EFFECT_ALLOW, roles: [porter]}
`,
	}
	many := slices.Clone(few)
	for i := range 12 {
		many = append(many, fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: barrel%d\n  version: default\n  rules:\n    - {actions: [roll], effect: EFFECT_ALLOW, roles: [porter]}\n", i))
	}
	var requests []authz.Request
	for _, attr := range []map[string]any{nil, {"weight": "much"}, {"weight": 7.0}, {"weight": 7.0, "arguments": map[string]any{"bay": 2.0}}} {
		for _, unknown := range [][]string{nil, {"arguments"}} {
			requests = append(requests, authz.Request{
				Principal: &authz.Principal{ID: "pia", Roles: []string{"porter"}}, Action: "lift", Unknown: unknown,
				Resource: authz.Resource{Kind: "crate", ID: "c", Attr: attr},
			})
		}
	}
	type answers struct {
		Decisions []authz.Decision
		Found     [][]authz.ValidationError
	}
	ask := func(d pdp.Decider) answers {
		t.Helper()
		found, err := d.(pdp.Validator).Validate(t.Context(), requests)
		if err != nil {
			t.Fatal(err)
		}
		return answers{pdptest.Decide(t, d, requests), found}
	}
	for name, files := range map[string][]string{"few kinds": few, "many kinds": many} {
		for _, enforcement := range []pdp.Enforcement{pdp.EnforceNone, pdp.EnforceWarn, pdp.EnforceReject} {
			want := ask(open(t, pdp.Options{Schemas: enforcement}, files...))
			if len(want.Found[0]) == 0 || len(want.Found[len(requests)-2]) > 0 {
				t.Fatalf("%s: %+v, want the first refused and the last but one not", name, want.Found)
			}
			e := open(t, pdp.Options{Schemas: enforcement}, files...)
			without, err := e.Without([]string{"resource.crate.vdefault#only"})
			if err != nil {
				t.Fatal(err)
			}
			before := ask(without)
			if _, err := e.DecideAt(t.Context(), time.Unix(0, 0), requests); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, ask(e)); diff != "" {
				t.Errorf("%s, enforcement %v (-alone +after others):\n%s", name, enforcement, diff)
			}
			if diff := cmp.Diff(before, ask(without)); diff != "" {
				t.Errorf("%s, enforcement %v, without the rule (-before +after the engine):\n%s", name, enforcement, diff)
			}
		}
	}
}
