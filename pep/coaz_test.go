package pep_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// TestReadsClaims holds what of a principal each path of a mapping reads.
func TestReadsClaims(t *testing.T) {
	always := []string{"{principal.attr.aud}", "{principal.attr.sub}", "{principal.attr.who}"}
	for reads, want := range map[string][]string{
		"x":                  nil,
		"$token.sub":         {"{principal.id}"},
		"$token.roles[0]":    {"{principal.attr.roles}", "{principal.roles}"},
		"$token.team":        {"{principal.attr.team}"},
		"$token.team.site":   {"{principal.attr.team}"},
		"$token":             {"{principal.attr}", "{principal.id}", "{principal.roles}"},
		"$params.name":       nil,
		"$params.name.first": nil,
	} {
		schema, err := source.ParseJSON("", []byte(`{"x-authzen-mapping": {"evaluation": {"action": {"name": "take"}, "resource": {"type": "thing", "id": "t", "properties": {"x": "`+reads+`"}}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		p, err := pep.New(authz.COAZ, "depot", pep.With{Subject: "who"}, "")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range p.ReadsOfPrincipal([]pep.Item{{Inputs: schema}, {}}) {
			got = append(got, o.String())
		}
		if diff := cmp.Diff(sorted(append(want, always...)), sorted(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reads, diff)
		}
	}
}

// TestSentByCOAZ holds what goes out for a principal: about whom, whether the time is left
// open, and what is not known of the server.
func TestSentByCOAZ(t *testing.T) {
	schema, err := source.ParseJSON("", []byte(`{"x-authzen-mapping": {"evaluation": {"action": {"name": "take"}, "resource": {"type": "thing", "id": "$params.arguments.id"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	rosa := &authz.Principal{Key: "rosa", ID: "r-1", Roles: []string{"curator"}}
	of := func(with pep.With, item pep.Item, op authz.Operation) authz.Request {
		p, err := pep.New(authz.COAZ, "depot", with, "")
		if err != nil {
			t.Fatal(err)
		}
		r := p.Ask(item, op).Requests[0]
		r.Principal, r.AnyTime = rosa, true
		return r
	}
	for _, aud := range []string{"", "x"} {
		r := of(pep.With{Aud: aud}, pep.Item{Name: "swap", Inputs: schema}, authz.List)
		sent, refusal := r.By.Send(&r)
		if refusal != nil {
			t.Fatal(refusal)
		}
		if sent.Principal == nil || sent.Principal.Key != "rosa" || sent.Principal == rosa || !sent.AnyTime {
			t.Errorf("server %q: %+v is sent of %+v", aud, sent, sent.Principal)
		}
		if open := aud == ""; (sent.Made != nil) != open || (sent.Unknown != nil) != open {
			t.Errorf("server %q: made %v, unknown %v", aud, sent.Made, sent.Unknown)
		}
		again, _ := r.By.Send(&r)
		if again.Principal != sent.Principal {
			t.Error("another principal the second time")
		}
	}
	// Arguments are open only where a mapping reads them.
	if r := of(pep.With{Aud: "x"}, pep.Item{Name: "swap", Inputs: schema}, authz.Call); r.Unknown == nil {
		t.Error("the arguments that a mapping reads are known")
	}
	if r := of(pep.With{Aud: "x"}, pep.Item{Name: "swap"}, authz.Call); r.Unknown != nil {
		t.Errorf("%v is open, which nothing reads", r.Unknown)
	}
	constant, err := source.ParseJSON("", []byte(`{"x-authzen-mapping": {"evaluation": {"action": {"name": "take"}, "resource": {"type": "thing", "id": "t"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if r := of(pep.With{Aud: "x"}, pep.Item{Name: "swap", Inputs: constant}, authz.Call); r.Unknown != nil {
		t.Errorf("%v is open, which the mapping does not read", r.Unknown)
	}
}

// TestAnybody holds when it is known what policies see of whoever asks: on a default mapping, where
// the subject is what identifies them, as it is.
func TestAnybody(t *testing.T) {
	mapping, err := source.ParseJSON("", []byte(`{"x-authzen-mapping": {"evaluation": {"action": {"name": "take"}, "resource": {"type": "thing", "id": "t"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		with  pep.With
		item  pep.Item
		known bool
	}{
		{pep.With{}, pep.Item{Name: "swap"}, true},
		{pep.With{Subject: "sub"}, pep.Item{Name: "swap"}, true},
		{pep.With{Claims: map[string]any{"team": "{principal.attr.team}"}}, pep.Item{Name: "swap"}, true},
		{pep.With{Claims: map[string]any{"sub": "{principal.attr.login}"}}, pep.Item{Name: "swap"}, false},
		{pep.With{Subject: "login"}, pep.Item{Name: "swap"}, false},
		{pep.With{}, pep.Item{Name: "swap", Inputs: mapping}, false},
	} {
		p, err := pep.New(authz.COAZ, "depot", x.with, "")
		if err != nil {
			t.Fatal(err)
		}
		r := p.Ask(x.item, authz.Call).Requests[0]
		r.Principal, r.AnyPrincipal = &authz.Principal{ID: "r-1"}, true
		sent, refusal := r.By.Send(&r)
		if refusal != nil {
			t.Fatal(refusal)
		}
		unclear := slices.ContainsFunc(sent.Made, func(m authz.Made) bool { return m.Unclear == "who asks" })
		if unclear == x.known || x.known && (!sent.AnyPrincipal || sent.Principal.ID != "r-1") {
			t.Errorf("%+v: unclear %v, %+v of %+v", x.with, unclear, sent, sent.Principal)
		}
	}
}

// TestByDefault holds when it makes a difference that a point does not know a mapping.
func TestByDefault(t *testing.T) {
	schema, err := source.ParseJSON("", []byte(`{"x-authzen-mapping": {"evaluation": {"action": {"name": "take"}, "resource": {"type": "thing", "id": "t"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		profile string
		with    pep.With
		item    pep.Item
		want    bool
	}{
		{authz.COAZ, pep.With{Aud: "x"}, pep.Item{Name: "swap", Inputs: schema}, true},
		{authz.COAZ, pep.With{Aud: "x"}, pep.Item{Name: "swap"}, false},
		{authz.COAZ, pep.With{Aud: "x", NoMappings: true}, pep.Item{Name: "swap", Inputs: schema}, false},
		{authz.ToolAsAction, pep.With{}, pep.Item{Name: "swap", Inputs: schema}, false},
	} {
		p, err := pep.New(x.profile, "depot", x.with, "")
		if err != nil {
			t.Fatal(err)
		}
		q, is := p.ByDefault(x.item)
		if is != x.want || q.Guarded() != x.want {
			t.Errorf("%s %+v: %v, %d requests", x.profile, x.with, is, len(q.Requests))
		}
		if is && q.Requests[0].By.Key() == p.Ask(x.item, authz.Call).Requests[0].By.Key() {
			t.Error("the mapping makes no difference to what is sent")
		}
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
