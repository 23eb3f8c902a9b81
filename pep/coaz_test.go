package pep_test

import (
	"slices"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestAllEntriesAsked holds that each entry of a mapping is asked about, and that an entry
// which Cerbos does not take refuses the call whatever becomes of the others.
func TestAllEntriesAsked(t *testing.T) {
	const invalid = `{"action": {"name": "give"}, "resource": {"type": "thing", "id": "t", "more": 1}}`
	for _, test := range []struct {
		name, entries string
		code          int // of the refusal of each
	}{
		{"plain", `{"action": {"name": "take"}}, {"action": {"name": "give"}}`, 0},
		{"second invalid", `{"action": {"name": "take"}}, ` + invalid, coaz.CodePDP},
		{"first invalid", invalid + `, {"action": {"name": "take"}}`, coaz.CodePDP},
		{"second made of the arguments as a whole", `{"action": {"name": "take"}}, {"action": {"name": "give"}, "resource": "$params.arguments"}`, 0},
		{"first unclear", `{"action": {"name": "give"}, "resource": {"type": "thing", "id": "$params.arguments.id", "properties": {"list": ["$token.sub"]}}}, {"action": {"name": "take"}}`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			schema, err := source.ParseJSON("", []byte(`{"x-authzen-mapping": {"evaluations": {"resource": {"type": "thing", "id": "t"}, "evaluations": [`+test.entries+`]}}}`))
			if err != nil {
				t.Fatal(err)
			}
			p, err := pep.New(authz.COAZ, "depot", pep.With{Aud: "x"}, "")
			if err != nil {
				t.Fatal(err)
			}
			q := p.Ask(pep.Item{Name: "swap", Inputs: schema}, authz.Call)
			if len(q.Requests) != 2 {
				t.Fatalf("%d requests of two entries", len(q.Requests))
			}
			for i, r := range q.Requests {
				r.Principal = &authz.Principal{Key: "rosa", ID: "rosa", Roles: []string{"curator"}}
				known := pep.Bind(r, map[string]any{"type": "thing", "id": "t"})
				for name, r := range map[string]*authz.Request{"open": &r, "known": &known} {
					_, refusal := r.Sent()
					if code := codeOf(refusal); code != test.code {
						t.Errorf("%s, entry %d: refused with %d, want %d", name, i, code, test.code)
					}
				}
			}
		})
	}
}

func codeOf(r *authz.Refusal) int {
	if r == nil {
		return 0
	}
	return r.Code
}

// TestReadsRoles holds principals apart whose roles are in another order, where a mapping
// reads the claim.
func TestReadsRoles(t *testing.T) {
	schema, err := source.ParseJSON("", []byte(`{"x-authzen-mapping": {"evaluation": {"action": {"name": "take"}, "resource": {"type": "thing", "id": "$token.roles[0]"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pep.New(authz.COAZ, "depot", pep.With{}, "")
	if err != nil {
		t.Fatal(err)
	}
	roles := func(o authz.Origin) bool { return slices.Equal(o, authz.Origin{"principal", "roles"}) }
	if !slices.ContainsFunc(p.ReadsOfPrincipal([]pep.Item{{Inputs: schema}}), roles) {
		t.Error("the roles make no difference")
	}
}
