package scaffold_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// TestActsForSomebody holds that a text with something in it lets an agent read, and no other value of
// the attribute does.
func TestActsForSomebody(t *testing.T) {
	made := makeProject(t, options(t, "wiki.json", []byte(`{"tools": [{"name": "get_page", "annotations": {"readOnlyHint": true}}]}`)))
	folder := fstest.MapFS{}
	for _, f := range made.Files {
		folder[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	policies, err := fs.Sub(folder, "policies")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.Open(t.Context(), policies, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	leaf := rapid.OneOf(
		rapid.SampledFrom([]any{nil, "", " ", "reader", "false", false, true, 0.0, -1.0}),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Float64Range(-1e9, 1e9), func(x float64) any { return x }),
	)
	value := rapid.OneOf(leaf,
		rapid.Map(rapid.SliceOfN(leaf, 0, 2), func(list []any) any { return list }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"", "id"}), leaf, 0, 2), func(m map[string]any) any { return m }))
	rapid.Check(t, func(t *rapid.T) {
		attr := map[string]any{}
		if rapid.IntRange(0, 9).Draw(t, "given") > 0 {
			attr["on_behalf_of"] = value.Draw(t, "value")
		}
		text, _ := attr["on_behalf_of"].(string)
		want := authz.Deny
		if text != "" {
			want = authz.Allow
		}
		got, err := engine.Decide(t.Context(), []authz.Request{{
			Principal: &authz.Principal{ID: "bot", Roles: []string{"agent"}, Attr: attr},
			Resource:  authz.Resource{Kind: "mcp_server", ID: "get_page", Attr: map[string]any{"arguments": map[string]any{}}},
			Action:    "tools/call::get_page",
		}})
		if err != nil || got[0].Effect != want {
			t.Fatalf("%#v: have %+v, %v, want %v", attr["on_behalf_of"], got, err, want)
		}
	})
}
