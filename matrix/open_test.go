package matrix_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cutoff"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// TestWhatIsNotKnownStaysOpen holds that a use and its list, which shows what is possible, are
// settled for whatever arguments and whatever is looked up, and not for whoever asks or whenever.
func TestWhatIsNotKnownStaysOpen(t *testing.T) {
	t.Parallel()
	profile, err := pep.Custom("core", "trees", []pep.Spec{
		{Endpoint: "tools/list", Filter: authz.FilterPossible},
		{Endpoint: "tools/call", Requests: []pep.RequestSpec{{
			Kind: "mcp_server", ID: "{name}", Action: "tools/call::{name}",
			Attr: map[string]any{"arguments": "{arguments}", "state": "{unknown}", "owner": "{principal.attr.name}"},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, allows, closed, anybody, anytime string }{
		{"an argument", "R.attr.arguments.n < 5", "conditional allowed", "conditional allowed", "conditional allowed"},
		{"an attribute", "R.attr.arguments.n < P.attr.limit", "conditional allowed", "conditional conditional", "conditional allowed"},
		{"the clock", `R.attr.arguments.n < 5 && now() > timestamp("2020-01-01T00:00:00Z")`, "conditional allowed", "conditional allowed", "conditional conditional"},
		{"what is looked up", `R.attr.state == "open"`, "conditional allowed", "conditional allowed", "conditional allowed"},
		{"an attribute that is sent as the resource's", "R.attr.owner == R.attr.arguments.s", "conditional allowed", "conditional conditional", "conditional allowed"},
	}
	list := make([]settling, len(tests))
	for i, x := range tests {
		list[i] = settling{allows: x.allows}
	}
	m := settlingWorldBehind(t, list, false, profile)
	who := []*authz.Principal{{Key: "una", ID: "una", Roles: []string{"USER"}, Attr: map[string]any{"limit": 3.0, "name": "una"}}}
	for i, x := range tests {
		for _, open := range []struct {
			principal, time bool
			want            string
		}{{false, false, x.closed}, {true, false, x.anybody}, {false, true, x.anytime}} {
			got := ""
			for _, col := range []*matrix.Column{m.Columns[2*i+1], m.Columns[2*i]} {
				cells, err := m.Look(t.Context(), col.Open(open.principal, open.time), who)
				if err != nil {
					t.Fatal(err)
				}
				got += cells[0].Access.String() + " "
			}
			if got != open.want+" " {
				t.Errorf("%s, principal open %t, time open %t: %s, want %s", x.name, open.principal, open.time, got, open.want)
			}
		}
	}
}

// TestSettlingIsCutAnywhere holds that a matrix that is cut short anywhere is an error, or all
// that it is otherwise.
func TestSettlingIsCutAnywhere(t *testing.T) {
	t.Parallel()
	const schema = `{"properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["n"]}`
	in := settlingInput(t, []settling{
		{schema: schema, allows: "R.attr.arguments.n > 10"},
		{schema: schema, allows: "R.attr.arguments.n < 10"},
		{schema: schema, allows: "R.attr.arguments.n < 5"},
	}, true, possibleProfile(t))
	decided := build(t, in)
	said := func(m *matrix.Matrix) (text string) {
		for c := range m.All() {
			text += c.Access.String() + " " + c.Reason() + "\n"
		}
		return text
	}
	want := `denied no arguments that the inputSchema allows meet: arguments.n > 10
denied no arguments that the inputSchema allows meet: arguments.n > 10
allowed some arguments meet: arguments.n < 10
allowed all arguments that the inputSchema allows meet: arguments.n < 10
allowed some arguments meet: arguments.n < 5
conditional 
`
	if diff := cmp.Diff(want, said(decided)); diff != "" {
		t.Errorf("settled (-want +got):\n%s", diff)
	}
	for n := 0; ; n++ {
		ctx := cutoff.After(t.Context(), n)
		m, err := matrix.Build(ctx, in)
		if err == nil && said(m) != want {
			t.Errorf("cut after %d looks:\n%s", n, said(m))
		}
		if !ctx.End() {
			return
		}
	}
}

// TestRefused holds that what an enforcement point refuses by itself is refused, and what it
// asks about is not.
func TestRefused(t *testing.T) {
	t.Parallel()
	w, err := fixture.Open(t.Context(), fstest.MapFS{
		"mcpolicy.yaml":   {Data: []byte("servers: {shop: {manifest: manifest.json, enforcement: coaz, with: {aud: here}}}\npolicies: policies\nprincipals: principals.yaml\n")},
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "find"}], "resourceTemplates": [{"uriTemplate": "shop://{x}", "name": "x"}]}`)},
		"principals.yaml": {Data: []byte("principals: {ada: {id: ada, roles: [clerk]}}\n")},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules: [{actions: [tools/list], effect: EFFECT_ALLOW, roles: [identity]}]\n")},
	}, "", workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Matrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for c := range m.All() {
		got += fmt.Sprintf("%v %s %v\n", c.Column.Operation, c.Column.Item.Name, c.Access)
	}
	want := "list find allowed\ncall find denied\nlist shop://{x} refused\nread shop://{x} denied\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
}
