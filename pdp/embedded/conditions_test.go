package embedded_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

var conditional = fstest.MapFS{
	"roles.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: desk
  constants: {local: {home: EMEA}}
  definitions:
    - {name: emea, parentRoles: [SALES], condition: {match: {expr: P.attr.region == C.home}}}
`)},
	"crm.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  importDerivedRoles: [desk]
  constants: {local: {limit: 50, tools: [a, b]}}
  variables: {local: {small: R.attr.arguments.amount <= C.limit, big: "!V.small"}}
  rules:
    - {name: amount, actions: [call], effect: EFFECT_ALLOW, derivedRoles: [emea], condition: {match: {expr: V.big && R.attr.tool_name in C.tools}}}
    - {name: again, actions: [call], effect: EFFECT_DENY, roles: [HR], condition: {match: {expr: V.big && R.attr.tool_name in C.tools}}}
    - {name: unknown, actions: [call], effect: EFFECT_DENY, roles: [HR], condition: {match: {any: {of: [{expr: R.attr.arguments.x.lowerAscii() == G.word}, {expr: size(R.attr.arguments.x) > 2}]}}}}
`)},
	"agent.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
rolePolicy:
  role: AGENT
  version: default
  rules:
    - {resource: mcp_server, allowActions: [call], condition: {match: {expr: request.auxData.jwt.tier == "gold"}}}
`)},
	"pat.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
principalPolicy:
  principal: pat
  version: default
  rules:
    - {resource: mcp_server, actions: [{name: own, action: call, effect: EFFECT_ALLOW, condition: {match: {expr: has(R.attr.arguments.x)}}}]}
`)},
}

func path(names ...string) pdp.Term { return pdp.Term{Path: names} }

func TestConditions(t *testing.T) {
	e, err := embedded.Open(t.Context(), conditional, pdp.Options{Globals: map[string]any{"word": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	x := []string{"R", "attr", "arguments", "x"}
	amount := []pdp.Part{
		{Relation: pdp.Ordered, Terms: []pdp.Term{path("R", "attr", "arguments", "amount"), {Value: 50.0}}},
		{Relation: pdp.In, Terms: []pdp.Term{path("R", "attr", "tool_name"), {Value: []any{"a", "b"}}}},
	}
	const crm = "resource.mcp_server.vdefault#"
	want := map[string][]pdp.Part{
		crm + "amount":      amount,
		crm + "again":       amount,
		crm + "amount emea": {{Relation: pdp.Equal, Terms: []pdp.Term{path("P", "attr", "region"), {Value: "EMEA"}}}},
		crm + "unknown": {
			{Terms: []pdp.Term{{Path: x}, {Value: "x"}}, Functions: []string{"_==_", "lowerAscii"}},
			{Relation: pdp.Ordered, Terms: []pdp.Term{{Path: x, Size: true}, {Value: 2.0}}},
		},
		"role.AGENT.vdefault#mcp_server_rule-001": {{Relation: pdp.Equal, Terms: []pdp.Term{path("jwt", "tier"), {Value: "gold"}}}},
		"principal.pat.vdefault#own":              {{Relation: pdp.Has, Terms: []pdp.Term{{Path: x}}}},
	}
	got := map[string][]pdp.Part{}
	for _, c := range e.Conditions() {
		for _, u := range c.Uses {
			name := u.Rule
			if u.DerivedRole != "" {
				name += " " + u.DerivedRole
			}
			got[name] = c.Parts
			if c.Globals != (name == crm+"unknown") {
				t.Errorf("%s: reads globals: %v", name, c.Globals)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// TestTry tries each condition on requests that meet it, fail it, and make it
// err; and on one that it has no say on.
func TestTry(t *testing.T) {
	e, err := embedded.Open(t.Context(), conditional, pdp.Options{Globals: map[string]any{"word": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range e.Conditions() {
		rule := c.Uses[0].Rule
		for _, try := range []struct {
			who       authz.Principal
			arguments map[string]any
			kind      string
			want      map[string]pdp.Outcome // by rule, and "derived"
		}{
			{
				authz.Principal{ID: "pat", Roles: []string{"X"}, Attr: map[string]any{"region": "EMEA"}, AuxData: map[string]any{"tier": "gold"}},
				map[string]any{"amount": 51.0, "x": "X"},
				"mcp_server",
				map[string]pdp.Outcome{"derived": pdp.Met, "amount": pdp.Met, "unknown": pdp.Met, "role": pdp.Met, "principal": pdp.Met},
			},
			{
				authz.Principal{ID: "pat", Roles: []string{"X"}, Attr: map[string]any{"region": "APAC"}, AuxData: map[string]any{"tier": "tin"}},
				map[string]any{"amount": 50.0},
				"mcp_server",
				map[string]pdp.Outcome{"derived": pdp.Unmet, "amount": pdp.Unmet, "unknown": pdp.Errored, "role": pdp.Unmet, "principal": pdp.Unmet},
			},
			{
				authz.Principal{ID: "sam", Roles: []string{"X"}},
				map[string]any{"x": "abc"},
				"mcp_server",
				map[string]pdp.Outcome{"derived": pdp.Errored, "amount": pdp.Errored, "unknown": pdp.Met, "role": pdp.Errored, "principal": pdp.Unasked},
			},
			{
				authz.Principal{ID: "sam", Roles: []string{"X"}},
				map[string]any{"x": "abc"},
				"album",
				map[string]pdp.Outcome{"derived": pdp.Unasked, "amount": pdp.Unasked, "unknown": pdp.Unasked, "role": pdp.Unasked, "principal": pdp.Unasked},
			},
		} {
			name := map[string]string{
				"resource.mcp_server.vdefault#amount": "amount", "resource.mcp_server.vdefault#again": "amount", "resource.mcp_server.vdefault#unknown": "unknown",
				"role.AGENT.vdefault#mcp_server_rule-001": "role", "principal.pat.vdefault#own": "principal",
			}[rule]
			if c.Uses[0].DerivedRole != "" {
				name = "derived"
			}
			got, err := e.Try(t.Context(), []pdp.Trial{{Condition: c, Request: authz.Request{
				Principal: &try.who,
				Resource:  authz.Resource{Kind: try.kind, ID: "t", Attr: map[string]any{"tool_name": "a", "arguments": try.arguments}},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if got[0] != try.want[name] {
				t.Errorf("%s (%s) for %s on %s with %v: %v, want %v", rule, name, try.who.ID, try.kind, try.arguments, got[0], try.want[name])
			}
		}
	}
}

func TestWithout(t *testing.T) {
	e, err := embedded.Open(t.Context(), conditional, pdp.Options{Globals: map[string]any{"word": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	request := authz.Request{Action: "call", Principal: &authz.Principal{ID: "s", Roles: []string{"SALES"}, Attr: map[string]any{"region": "EMEA"}}, Resource: authz.Resource{
		Kind: "mcp_server", ID: "t", Attr: map[string]any{"tool_name": "a", "arguments": map[string]any{"amount": 51.0}},
	}}
	without, err := e.Without([]string{"resource.mcp_server.vdefault#amount"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		engine pdp.Decider
		want   authz.Effect
	}{{e, authz.Allow}, {without, authz.Deny}, {e, authz.Allow}} {
		d, err := c.engine.Decide(t.Context(), []authz.Request{request})
		if err != nil {
			t.Fatal(err)
		}
		if d[0].Effect != c.want {
			t.Errorf("%v, want %v", d[0].Effect, c.want)
		}
	}
}

// TestForeignErrors holds that what else errs for a request, a derived role or a
// variable, is not taken for an error of the condition that is tried.
func TestForeignErrors(t *testing.T) {
	const text = `R.attr.arguments.desk == P.attr.desk`
	e, err := embedded.Open(t.Context(), fstest.MapFS{
		"roles.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: desks
  definitions:
    - {name: same_desk, parentRoles: [CLERK], condition: {match: {expr: ` + text + `}}}
`)},
		"desk.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  importDerivedRoles: [desks]
  variables: {local: {urgent: R.attr.arguments.urgent, late: R.attr.arguments.due < 3}}
  rules:
    - {name: guarded, actions: [call], effect: EFFECT_DENY, roles: [CLERK], condition: {match: {expr: "!has(R.attr.arguments.sealed) || R.attr.arguments.sealed"}}}
    - {name: plain, actions: [call], effect: EFFECT_DENY, roles: [CLERK], condition: {match: {expr: R.attr.arguments.sealed}}}
    - {name: uses, actions: [call], effect: EFFECT_DENY, roles: [CLERK], condition: {match: {expr: V.late}}}
    - {name: swallows, actions: [call], effect: EFFECT_DENY, roles: [CLERK], condition: {match: {expr: V.late || !has(R.attr.arguments.due)}}}
    - {name: same-words, actions: [call], effect: EFFECT_DENY, roles: [CLERK], condition: {match: {all: {of: [{expr: has(R.attr.arguments.desk)}, {expr: ` + text + `}]}}}}
    - {name: other, actions: [other], effect: EFFECT_ALLOW, roles: [CLERK], condition: {match: {expr: V.urgent}}}
    - {name: desk, actions: [call], effect: EFFECT_ALLOW, derivedRoles: [same_desk]}
`)},
	}, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]pdp.Outcome{ // without arguments, and with sealed = false
		"guarded": {pdp.Met, pdp.Unmet}, "plain": {pdp.Errored, pdp.Unmet}, "uses": {pdp.Errored, pdp.Errored},
		"swallows": {pdp.Met, pdp.Met}, "same-words": {pdp.Unmet, pdp.Unmet}, "other": {pdp.Errored, pdp.Errored}, "desk": {pdp.Errored, pdp.Errored},
	}
	for _, c := range e.Conditions() {
		_, rule, _ := strings.Cut(c.Uses[0].Rule, "#")
		if rule == "uses" {
			if diff := cmp.Diff([]string{"R.attr.arguments.due < 3", "V.late"}, c.Expressions); diff != "" {
				t.Errorf("expressions (-want +got):\n%s", diff)
			}
		}
		for i, arguments := range []map[string]any{{}, {"sealed": false}} {
			got, err := e.Try(t.Context(), []pdp.Trial{{Condition: c, Request: authz.Request{
				Principal: &authz.Principal{ID: "cleo", Roles: []string{"CLERK"}},
				Resource:  authz.Resource{Kind: "mcp_server", ID: "t", Attr: map[string]any{"arguments": arguments}},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if got[0] != want[rule][i] {
				t.Errorf("%s with %v: %v, want %v", rule, arguments, got[0], want[rule][i])
			}
		}
	}
	if len(e.Conditions()) != len(want) {
		t.Errorf("have %d conditions, want %d", len(e.Conditions()), len(want))
	}
}
