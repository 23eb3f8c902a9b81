package authz_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
)

// TestLookedUp holds what a request has looked up: as a value, in a text, and where an argument goes
// before it.
func TestLookedUp(t *testing.T) {
	at := func(path ...string) authz.Origin { return append(authz.Origin{"arguments", authz.LookedUp}, path...) }
	schema := map[string]any{"type": "string"}
	r := authz.Request{Made: []authz.Made{
		{At: []string{"attr", "state"}, From: at("state"), Schema: schema},
		{At: []string{"attr", "box", "of"}, From: at("box", "of"), Schema: schema},
		{At: []string{"id"}, Text: []authz.Piece{{From: at("aud"), Type: "string"}}},
		{At: []string{"attr", "team"}, From: authz.Origin{"arguments", "team"}, Else: map[string]any{
			"lead": &authz.Made{At: []string{"attr", "team", "lead"}, From: at("lead"), Schema: schema}, "kind": "plain",
		}},
	}}
	got := map[string]any{}
	r.LookedUp(got)
	if diff := cmp.Diff(map[string]any{"state": schema, "box": map[string]any{}, "aud": map[string]any{}, "lead": schema}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
