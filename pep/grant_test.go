package pep_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

const grants = `
principals:
  zoe: [close]
  gus: []
roles:
  CLERK: ["get_*", transfer]
  AUDITOR: [close]
`

func granting(t testing.TB, missing authz.Fallback, item string, anybody bool) *pep.Granting {
	t.Helper()
	names, err := pep.ParseGrants("grants.yaml", []byte(grants))
	if err != nil {
		t.Fatal(err)
	}
	return &pep.Granting{Grant: &pep.Grant{File: "grants.yaml", Names: names, Missing: missing}, Item: item, AnyPrincipal: anybody}
}

func TestGrantedByFile(t *testing.T) {
	tests := []struct {
		key, roles, item string
		anybody          bool
		missing          authz.Fallback
		want             string
	}{
		{"zoe", "", "close", false, authz.Refuse, "allow by itself at grants.yaml:3:9"},
		{"zoe", "", "transfer", false, authz.Pass, "deny"},
		{"zoe", "CLERK", "transfer", false, authz.Refuse, "allow by CLERK at grants.yaml:6:20"},
		{"ann", "CLERK", "get_order", false, authz.Refuse, "allow by CLERK at grants.yaml:6:11"},
		{"ann", "GUEST", "close", false, authz.Refuse, "deny, none"},
		{"ann", "GUEST", "close", false, authz.NotKnown, "deny, none"},
		{"ann", "GUEST", "close", false, authz.Pass, "allow, none"},
		{"gus", "GUEST", "close", false, authz.Pass, "deny"},
		{"zoe", "CLERK", "transfer", true, authz.Refuse, "allow by CLERK at grants.yaml:6:20"},
		{"zoe", "CLERK", "close", true, authz.Refuse, "conditional"}, // zoe, but who else?
		{"zoe", "CLERK", "other", true, authz.Refuse, "deny"},
		{"zoe", "CLERK", "other", true, authz.Pass, "conditional"},
		{"zoe", "GUEST", "other", true, authz.Pass, "conditional"},
	}
	for _, x := range tests {
		g := granting(t, x.missing, x.item, x.anybody)
		d := g.To(&authz.Principal{Key: x.key, ID: "someone", Roles: strings.Fields(x.roles)})
		got := d.Effect.String()
		if d.None {
			got += ", none"
		}
		if d.Whose != "" {
			got += " by " + d.Whose + " at " + d.Pos.String()
		}
		if got != x.want {
			t.Errorf("%s (%s) and %s, anybody %v, missing %v: %s, want %s", x.key, x.roles, x.item, x.anybody, x.missing, got, x.want)
		}
		if (d.Open != "") != (d.Effect == authz.Conditional) {
			t.Errorf("%s and %s: %+v", x.key, x.item, d)
		}
		if by := pep.GrantedBy(d.Reason()); d.Effect != authz.Conditional && (by == nil || by.Effect != d.Effect || by.None != d.None) {
			t.Errorf("%q is read as %+v", d.Reason(), by)
		}
	}
}

func TestGrantedByAttribute(t *testing.T) {
	for _, x := range []struct {
		of   any
		want authz.Effect
		none bool
	}{
		{[]any{"close", "get"}, authz.Allow, false},
		{[]any{"get", "clo*"}, authz.Deny, false}, // names as they are
		{[]any{}, authz.Deny, false},
		{nil, authz.Deny, true},
		{"close", authz.Conditional, false},
		{[]any{"close", 7.0}, authz.Conditional, false},
		{map[string]any{"close": true}, authz.Conditional, false},
	} {
		g := &pep.Granting{Grant: &pep.Grant{Attr: authz.Origin{"principal", "attr", "may", "see"}, Missing: authz.Refuse}, Item: "close"}
		who := &authz.Principal{Key: "zoe", Attr: map[string]any{"may": map[string]any{"see": x.of}}}
		if d := g.To(who); d.Effect != x.want || d.None != x.none {
			t.Errorf("%v: %+v", x.of, d)
		}
		g.AnyPrincipal = true
		if d := g.To(who); d.Effect != authz.Conditional {
			t.Errorf("%v: %+v for anybody", x.of, d)
		}
	}
}

// TestGrantsOfAnybodyHold draws grants, and holds what is said of anybody with some roles to
// what each principal with these gets.
func TestGrantsOfAnybodyHold(t *testing.T) {
	name := rapid.SampledFrom([]string{"get_a", "get_b", "put", "get_*", "*"})
	lists := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.SliceOfN(name, 0, 3), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		file := source.JSONText(map[string]any{"principals": lists.Draw(t, "principals"), "roles": lists.Draw(t, "roles")})
		names, err := pep.ParseGrants("g.yaml", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		g := &pep.Granting{Grant: &pep.Grant{File: "g.yaml", Names: names, Missing: rapid.SampledFrom([]authz.Fallback{authz.Refuse, authz.Pass}).Draw(t, "missing")}}
		g.Item = rapid.SampledFrom([]string{"get_a", "put", "none"}).Draw(t, "item")
		roles := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "other"}), 1, 2).Draw(t, "roles held")
		anybody := *g
		anybody.AnyPrincipal = true
		said := anybody.To(&authz.Principal{Key: "somebody", Roles: roles})
		for _, key := range []string{"a", "b", "c", "nobody"} {
			if is := g.To(&authz.Principal{Key: key, Roles: roles}); said.Effect != authz.Conditional && said.Effect != is.Effect {
				t.Errorf("%s: %s is %v to %s with %v, and %v to anybody", file, g.Item, is.Effect, key, roles, said.Effect)
			}
		}
		if said.Effect == authz.Allow && !slices.Contains(roles, said.Whose) {
			t.Errorf("%s: %+v", file, said)
		}
	})
}

func TestGrantMistakes(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       {"g.yaml: want one mapping with principals and roles"},
		"{}":                     {"g.yaml:1:1: want a mapping with principals and roles, have a mapping without either"},
		"[a]":                    {"g.yaml:1:1: want a mapping with principals and roles, have a list"},
		"roles: {A: x, B: ['']}": {`g.yaml:1:12: A: want a list of names, [] for none, have "x"`, `g.yaml:1:19: want the name of an item or a pattern of names, have ""`},
		"roles: {'': [x]}":       {"g.yaml:1:9: roles: a name is empty"},
		"rols: {A: [x]}":         {`g.yaml:1:1: unknown key "rols" (did you mean roles?)`},
		"roles: [A]":             {"g.yaml:1:8: roles: want a mapping of lists of names, have a list"},
		"roles: {A: [x], A: []}": {`g.yaml:1:9: key "A" stands here twice`},
	} {
		_, err := pep.ParseGrants("g.yaml", []byte(text))
		var got []string
		for _, mistake := range source.Mistakes(err) {
			got = append(got, mistake.Error())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func FuzzParseGrants(f *testing.F) {
	f.Add([]byte(grants))
	f.Add([]byte("roles: {A: [\"[a\"]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := pep.ParseGrants("g.yaml", data)
		if (g == nil) != (err != nil) {
			t.Fatalf("%v, %v", g, err)
		}
		if g != nil {
			whole := pep.Grant{File: "g.yaml", Names: g}
			_ = whole.Content()
			_ = (&pep.Granting{Grant: &whole, Item: "x"}).To(&authz.Principal{Key: "a", Roles: []string{"A"}})
		}
	})
}

// TestWrongGrants holds that a list which is filtered by a grant has one of either kind.
func TestWrongGrants(t *testing.T) {
	attr := authz.Origin{"principal", "attr", "may"}
	for _, x := range []struct {
		name  string
		grant *pep.Grant
		want  string
	}{
		{"a file", &pep.Grant{File: "g.yaml"}, ""},
		{"an attribute", &pep.Grant{Attr: attr}, ""},
		{"none", nil, "tools/list: filter grant needs a grant: a file, or an attribute of the principal"},
		{"neither", &pep.Grant{}, "tools/list: filter grant needs a grant: a file, or an attribute of the principal"},
		{"both", &pep.Grant{File: "g.yaml", Attr: attr}, "tools/list: filter grant needs a grant: a file, or an attribute of the principal"},
		{"an id", &pep.Grant{Attr: authz.Origin{"principal", "id"}}, `tools/list: grant: want an attribute of the principal, such as principal.attr.tools, have "principal.id"`},
		{"no name", &pep.Grant{Attr: authz.Origin{"principal", "attr", ""}}, `tools/list: grant: want an attribute of the principal, such as principal.attr.tools, have "principal.attr."`},
	} {
		_, err := pep.Custom("gateway", "crm", []pep.Spec{{Endpoint: "tools/list", Filter: authz.FilterGrant, Grant: x.grant}})
		if got := strings.Join(mistakes(err), "\n"); got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

// TestContentOfGrants holds that what a grant says is the same in any order of a file, and
// differs wherever it says something else.
func TestContentOfGrants(t *testing.T) {
	content := func(file string, missing authz.Fallback) string {
		names, err := pep.ParseGrants("g.yaml", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		return (&pep.Grant{File: "g.yaml", Names: names, Missing: missing}).Content()
	}
	one := content("principals: {a: [x, y]}\nroles: {B: [z], C: []}", authz.Refuse)
	if other := content("roles: {C: [], B: [z]}\nprincipals: {a: [y, x]}", authz.Refuse); other != one {
		t.Errorf("in another order:\n%s\n%s", one, other)
	}
	seen := map[string]bool{one: true}
	for _, file := range []string{
		"principals: {a: [x]}\nroles: {B: [z], C: []}", "principals: {a: [x, y]}\nroles: {B: [], C: []}", "principals: {b: [x, y]}\nroles: {B: [z], C: []}",
		"principals: {a: [x, y]}\nroles: {B: [z]}", "roles: {B: [z], C: [], a: [x, y]}",
	} {
		if got := content(file, authz.Refuse); seen[got] {
			t.Errorf("%s says what another says", file)
		} else {
			seen[got] = true
		}
	}
	if seen[content("principals: {a: [x, y]}\nroles: {B: [z], C: []}", authz.Pass)] {
		t.Error("what is missing makes no difference")
	}
}
