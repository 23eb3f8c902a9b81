package prove_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// till is a world in which each sentence that follows is read off the policies by eye.
var till = fstest.MapFS{
	"manifest.json": {Data: []byte(`{"tools": [
		{"name": "refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number", "maximum": 900}, "to": {"type": "string"}}}},
		{"name": "close"},
		{"name": "audit"},
		{"name": "spend", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}},
		{"name": "shred"},
		{"name": "odd"},
		{"name": "odder"},
		{"name": "stuck", "inputSchema": {"type": "object", "properties": {"n": {"type": "number"}, "x": {"type": "string", "minLength": 2, "maxLength": 1}}, "required": ["x"]}},
		{"name": "blank", "inputSchema": {"type": "object", "properties": {"x": {"type": "string", "minLength": 2, "maxLength": 1}}, "required": ["x"]}}
	], "prompts": [{"name": "hello"}]}`)},
	"policies/p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list", "tools/list::*", "prompts/list"], effect: EFFECT_ALLOW, roles: [clerk, manager]}
    - {actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [clerk], condition: {match: {expr: R.attr.arguments.amount <= 500}}}
    - {actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [manager], condition: {match: {expr: P.attr.team == "till"}}}
    - {actions: ["tools/call::close"], effect: EFFECT_ALLOW, roles: [manager]}
    - {actions: ["tools/call::audit"], effect: EFFECT_ALLOW, roles: [clerk], condition: {match: {expr: now() < timestamp("2130-01-01T00:00:00Z")}}}
    - {actions: ["tools/call::audit"], effect: EFFECT_ALLOW, roles: [auditor]}
    - {actions: ["tools/call::spend"], effect: EFFECT_ALLOW, roles: [spender], condition: {match: {expr: R.attr.arguments.amount <= P.attr.limit}}}
    - {actions: ["tools/call::shred"], effect: EFFECT_ALLOW, roles: [shredder], condition: {match: {expr: P.id == "pia"}}}
    - {actions: ["tools/call::odd"], effect: EFFECT_ALLOW, roles: [late], condition: {match: {expr: now() > timestamp("2130-01-01T00:00:00Z")}}}
    - {actions: ["tools/call::odd"], effect: EFFECT_ALLOW, roles: [rare], condition: {match: {expr: now() > timestamp("2027-08-01T00:00:00Z") && now().getMonth() == 3}}}
    - {actions: ["tools/call::stuck"], effect: EFFECT_ALLOW, roles: [sticky], condition: {match: {expr: R.attr.arguments.n > 1}}}
    - {actions: ["tools/call::blank"], effect: EFFECT_ALLOW, roles: [boss]}
    - {actions: ["tools/call::blank"], effect: EFFECT_ALLOW, roles: [king], condition: {match: {expr: P.attr.team == "till"}}}
    - {actions: ["tools/call::odder"], effect: EFFECT_ALLOW, roles: [one], condition: {match: {expr: now() > timestamp("2027-08-01T00:00:00Z") && now().getMonth() == 3}}}
    - {actions: ["tools/call::odder"], effect: EFFECT_ALLOW, roles: [another], condition: {match: {expr: now() > timestamp("2027-08-01T00:00:00Z") && now().getMonth() == 4}}}
`)},
	"policies/pia.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
principalPolicy:
  principal: pia
  version: default
  rules:
    - resource: mcp_server
      actions: [{action: "tools/call::close", effect: EFFECT_ALLOW}, {action: "tools/call::shred", effect: EFFECT_DENY}]
`)},
}

// TestSentences holds what each kind of sentence comes to, and how it is said.
func TestSentences(t *testing.T) {
	t.Parallel()
	p, m := proving(t, till, "principals: {ada: {id: ada, roles: [clerk]}, max: {id: max, roles: [manager], attr: {team: till}}, "+
		"bot: {id: bot, roles: [clerk], kind: agent, onBehalfOf: ada}, bad: {id: bad, roles: [manager], kind: agent, onBehalfOf: ada}, "+
		"low: {id: low, roles: [spender], attr: {limit: 5}}, high: {id: high, roles: [spender], attr: {limit: 9}}, rob: {id: rob, roles: [rare]}, lea: {id: lea, roles: [late]}}\n")
	col := func(name string) *matrix.Column {
		op, item, _ := strings.Cut(name, " ")
		for _, c := range m.Columns {
			if c.Operation.String() == op && c.Item.Name == item {
				return c
			}
		}
		t.Fatalf("no column %s", name)
		return nil
	}
	people := map[string]*authz.Principal{}
	for who := range m.Principals() {
		people[who.Key] = who
	}
	possible := func(tool string) *matrix.Column { // a list that shows what is possible
		list := *col("call " + tool)
		list.Operation, list.Twin, list.Question.Possible = authz.List, col("call "+tool), true
		return &list
	}
	with := func(roles ...string) *prove.Who { return &prove.Who{Roles: roles} }
	not := func(w *prove.Who) *prove.Who { return &prove.Who{Not: w} }
	all := []struct {
		s    prove.Sentence
		want string
	}{
		{prove.Sentence{Kind: prove.Never, Of: col("call refund")}, `nobody may call refund: refuted: {"roles": ["clerk"]} may call refund with {"amount": 499} [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: col("call close"), Who: not(with("manager"))}, `nobody without manager may call close: refuted: {"id": "pia", "roles": ["role-that-no-policy-names"]} may call close with {} [1 roles, 2 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: col("call close"), Who: with("clerk", "auditor")}, `nobody with clerk or auditor may call close: refuted: {"id": "pia", "roles": ["auditor"]} may call close with {} [4 roles, 20 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: col("call audit"), Who: &prove.Who{Kinds: []authz.Kind{authz.Agent}}}, `nobody of kind agent may call audit: refuted: {"kind": "agent", "roles": ["auditor"]} may call audit with {} [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: col("call refund"), Who: &prove.Who{Roles: []string{"manager"}, Where: `principal.team != "till"`, Not: with("clerk")}}, `nobody with manager, where principal.team != "till", without clerk may call refund: proved [2 roles, 2 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: col("call refund"), Who: &prove.Who{Where: `principal.team == "till"`, Not: &prove.Who{Roles: []string{"clerk"}, Where: `"manager" in principal.roles`}}}, `nobody where principal.team == "till", not (with clerk, where "manager" in principal.roles) may call refund: refuted: {"roles": ["clerk"], "attr": {"team": "till"}} may call refund with {"amount": 499} [3 roles, 5 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: col("list refund"), Who: not(with("clerk", "manager"))}, `nobody without clerk and manager may list refund: proved [1 roles, 1 sets, arguments none, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: col("list hello"), Who: not(with("clerk"))}, `nobody without clerk may list hello: refuted: {"roles": ["manager"]} may list hello [2 roles, 2 sets, arguments none, attributes any]`},
		{prove.Sentence{Kind: prove.Always, Of: col("call close"), Who: with("manager")}, `everybody with manager may always call close: proved [2 roles, 4 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Always, Of: col("call refund"), Who: with("clerk")}, `everybody with clerk may always call refund: refuted: {"roles": ["clerk"]} may not call refund with {} [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Always, Of: col("call audit"), Who: with("clerk")}, `everybody with clerk may always call audit: refuted: {"roles": ["clerk"]} may not call audit with {}, at 2130-01-01T01:00:00Z [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Needs, Of: col("call refund"), Condition: "arguments.amount <= 500", Who: not(with("manager"))}, `whoever without manager may call refund meets arguments.amount <= 500: proved [2 roles, 2 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Needs, Of: col("call refund"), Condition: "arguments.amount <= 400", Who: not(with("manager"))}, `whoever without manager may call refund meets arguments.amount <= 400: refuted: {"roles": ["clerk"]} may call refund with {"amount": 500} [2 roles, 2 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Needs, Of: col("call refund"), Condition: "arguments.amount <= 900", Who: with("manager")}, `whoever with manager may call refund meets arguments.amount <= 900: refuted: {"roles": ["manager"], "attr": {"team": "till"}} may call refund with {} [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Implies, Of: col("call close"), Then: col("list close"), Who: with("manager")}, `whoever with manager may call close may list it too: proved [3 roles, 6 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Implies, Of: col("call close"), Then: col("list close")}, `whoever may call close may list it too: refuted: {"id": "pia", "roles": ["role-that-no-policy-names"]} may call close with {}, and may not list it [3 roles, 6 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Implies, Of: col("call close"), Then: col("call audit")}, `whoever may call close may call audit too: refuted: {"id": "pia", "roles": ["clerk"]} may call close with {}, and may not call audit, at 2130-01-01T01:00:00Z [4 roles, 8 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Implies, Of: col("call close"), Then: col("call refund")}, `whoever may call close may call refund too: refuted: {"roles": ["manager"]} may call close with {}, and may not call refund [3 roles, 6 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Within, Of: col("call refund"), Inner: []string{"clerk"}, Outer: []string{"manager"}}, `clerk may call refund only where manager may: refuted: {"roles": ["clerk"]} may call refund with {"amount": 499}, which manager may not [1 roles, 1 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Within, Of: col("call audit"), Inner: []string{"clerk"}, Outer: []string{"auditor"}}, `clerk may call audit only where auditor may: proved [1 roles, 1 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Apart, Of: col("call close"), Then: col("call audit"), Who: not(with("clerk", "auditor"))}, `nobody without clerk and auditor may both call close and call audit: proved [2 roles, 8 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Apart, Of: col("call close"), Then: col("call refund")}, `nobody may both call close and call refund: refuted: {"id": "pia", "roles": ["clerk"]} may call close with {}, and call refund with {"amount": 499} [3 roles, 18 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Apart, Of: col("call refund"), Then: col("call refund"), IgnoreSchema: true}, `nobody may both call refund and call refund: refuted: {"roles": ["clerk"]} may call refund with {"amount": 499}, and call refund with {"amount": 500} [3 roles, 9 sets, arguments any, attributes any]`},
		{prove.Sentence{Kind: prove.Somebody, Of: col("call audit"), Who: with("clerk")}, `somebody with clerk may call audit: proved: {"id": "someone", "roles": ["clerk"]} may call audit with {}, at 2129-12-31T23:00:00Z [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Somebody, Of: col("call close"), Who: with("clerk")}, `somebody with clerk may call close: proved: {"id": "pia", "roles": ["clerk"]} may call close with {}, at 2026-01-01T12:00:00Z [3 roles, 6 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Delegated, Of: col("call refund"), Delegate: people["bot"], Person: people["ada"]}, `bot may call refund only where ada may: proved [1 roles, 1 sets, arguments within the inputSchema, attributes declared]`},
		{prove.Sentence{Kind: prove.Delegated, Of: col("call close"), Delegate: people["bad"], Person: people["ada"]}, `bad may call close only where ada may: refuted: bad may call close with {}, which ada may not [1 roles, 1 sets, arguments within the inputSchema, attributes declared]`},
		{prove.Sentence{Kind: prove.Delegated, Of: col("call audit"), Delegate: people["bot"], Person: people["max"]}, `bot may call audit only where max may: refuted: bot may call audit with {}, which max may not [1 roles, 1 sets, arguments within the inputSchema, attributes declared]`},
		{prove.Sentence{Kind: prove.Always, Of: possible("stuck"), Who: with("sticky")}, `everybody with sticky may always list stuck: refuted: {"roles": ["sticky"]} may not list stuck [2 roles, 2 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Always, Of: possible("stuck"), Who: with("clerk")}, `everybody with clerk may always list stuck: refuted: {"roles": ["clerk"]} may not list stuck [3 roles, 3 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Implies, Of: col("call refund"), Then: col("list refund")}, `whoever may call refund may list it too: proved [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Implies, Of: col("call refund"), Then: col("list refund"), Who: with("clerk")}, `whoever with clerk may call refund may list it too: proved [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Implies, Of: col("call spend"), Then: possible("spend")}, `whoever may call spend may list it too: proved [2 roles, 2 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Implies, Of: col("call refund"), Then: possible("spend")}, `whoever may call refund may list spend too: refuted: {"roles": ["clerk"]} may call refund with {"amount": 499}, and may not list spend [4 roles, 4 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Always, Of: possible("spend"), Who: with("spender")}, `everybody with spender may always list spend: refuted: {"roles": ["spender"]} may not list spend [2 roles, 2 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Always, Of: possible("spend"), Who: &prove.Who{Roles: []string{"spender"}, Where: "principal.limit == 5.0"}}, `everybody with spender, where principal.limit == 5.0 may always list spend: unknown, open: ["whether some arguments would be allowed to everybody"] [2 roles, 2 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: possible("spend"), Who: with("clerk"), IgnoreSchema: true}, `nobody with clerk may list spend: refuted: {"roles": ["spender", "clerk"], "attr": {"limit": 2}} may list spend [3 roles, 3 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: col("call shred")}, `nobody may call shred: proved [2 roles, 4 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Delegated, Of: col("call spend"), Delegate: people["low"], Person: people["high"]}, `low may call spend only where high may: proved [1 roles, 1 sets, arguments within the inputSchema, attributes declared]`},
		{prove.Sentence{Kind: prove.Delegated, Of: col("call spend"), Delegate: people["high"], Person: people["low"]}, `high may call spend only where low may: refuted: high may call spend with {"amount": 6}, which low may not [1 roles, 1 sets, arguments within the inputSchema, attributes declared]`},
		{prove.Sentence{Kind: prove.Never, Of: col("call odd")}, `nobody may call odd: refuted: {"roles": ["late"]} may call odd with {}, at 2130-01-01T01:00:00Z [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Delegated, Of: col("call odd"), Delegate: people["rob"], Person: people["ada"]}, `rob may call odd only where ada may: unknown, open: ["now().getMonth() == 3"] [1 roles, 1 sets, arguments within the inputSchema, attributes declared]`},
		{prove.Sentence{Kind: prove.Delegated, Of: col("call odd"), Delegate: people["lea"], Person: people["ada"]}, `lea may call odd only where ada may: refuted: lea may call odd with {}, which ada may not, at 2130-01-01T01:00:00Z [1 roles, 1 sets, arguments within the inputSchema, attributes declared]`},
		{prove.Sentence{Kind: prove.Delegated, Of: col("call odd"), Delegate: people["lea"], Person: people["lea"]}, `lea may call odd only where lea may: proved [1 roles, 1 sets, arguments within the inputSchema, attributes declared]`},
		{prove.Sentence{Kind: prove.Never, Of: col("call odder")}, `nobody may call odder: unknown, open: ["now().getMonth() == 3" "now().getMonth() == 4"] [3 roles, 3 sets, arguments within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: possible("stuck"), Who: with("sticky")}, `nobody with sticky may list stuck: proved [2 roles, 2 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Always, Of: possible("blank"), Who: &prove.Who{Roles: []string{"clerk"}, Where: "principal.n > 1"}}, `everybody with clerk, where principal.n > 1 may always list blank: refuted: {"roles": ["clerk"], "attr": {"n": 2}} may not list blank [4 roles, 4 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Always, Of: possible("blank"), Who: with("king")}, `everybody with king may always list blank: refuted: {"roles": ["king"]} may not list blank [3 roles, 3 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Always, Of: possible("blank"), Who: with("boss")}, `everybody with boss may always list blank: proved [3 roles, 3 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: possible("blank"), Who: with("boss")}, `nobody with boss may list blank: refuted: {"roles": ["boss"]} may list blank [3 roles, 3 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: possible("blank"), Who: with("king")}, `nobody with king may list blank: refuted: {"roles": ["king"], "attr": {"team": "till"}} may list blank [3 roles, 3 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Never, Of: possible("blank"), Who: not(with("king", "boss"))}, `nobody without king and boss may list blank: proved [1 roles, 1 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Within, Of: possible("blank"), Inner: []string{"king"}, Outer: []string{"boss"}}, `king may list blank only where boss may: proved [1 roles, 1 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Within, Of: possible("blank"), Inner: []string{"boss"}, Outer: []string{"king"}}, `boss may list blank only where king may: refuted: {"roles": ["boss"]} may list blank, which king may not [1 roles, 1 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Apart, Of: possible("blank"), Then: possible("spend")}, `nobody may both list blank and list spend: refuted: {"roles": ["boss", "spender"], "attr": {"limit": 2}} may list blank, and list spend [4 roles, 16 sets, arguments left open within the inputSchema, attributes any]`},
		{prove.Sentence{Kind: prove.Apart, Of: possible("blank"), Then: possible("stuck")}, `nobody may both list blank and list stuck: proved [4 roles, 16 sets, arguments left open within the inputSchema, attributes any]`},
	}
	for i := range all {
		proof, err := p.Prove(t.Context(), &all[i].s)
		if err != nil {
			t.Fatalf("%s: %v", &all[i].s, err)
		}
		got := said(&all[i].s, proof)
		if diff := cmp.Diff(all[i].want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", &all[i].s, diff)
		}
	}
}

// said is a sentence, what it comes to, by what, and over what.
func said(s *prove.Sentence, p *prove.Proof) string {
	text := fmt.Sprintf("%s: %s", s, p.Verdict)
	if p.Counterexample != nil || p.Verdict == prove.Refuted {
		text += ": " + s.Against(p)
	}
	if len(p.Open) > 0 {
		text += fmt.Sprintf(", open: %q", p.Open)
	}
	return text + fmt.Sprintf(" [%d roles, %d sets, arguments %s, attributes %s]", p.Over.Roles, p.Over.Sets, p.Over.Arguments, p.Over.Attributes)
}

// TestPopulated holds who there may be.
func TestPopulated(t *testing.T) {
	t.Parallel()
	for _, now := range []time.Time{{}, time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)} {
		w, err := fixture.Open(t.Context(), till, "principals: {ada: {id: ada, roles: [clerk]}}\n", workspace.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.Prover(t.Context(), now, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			who  *prove.Who
			want bool
		}{
			{nil, true},
			{&prove.Who{Roles: []string{"clerk"}}, true},
			{&prove.Who{Kinds: []authz.Kind{authz.Agent}, Not: &prove.Who{Kinds: []authz.Kind{authz.Human}}}, true},
			{&prove.Who{Kinds: []authz.Kind{authz.Agent}, Not: &prove.Who{Kinds: []authz.Kind{authz.Agent}}}, false},
			{&prove.Who{Roles: []string{"clerk"}, Where: "principal.n > 1"}, true},
			{&prove.Who{Where: "principal.n > 1 && principal.n < 1"}, false},
			{&prove.Who{Where: "principal.n > 1", Not: &prove.Who{Where: "principal.n > 0"}}, false},
			{&prove.Who{Roles: []string{"clerk"}, Not: &prove.Who{Not: &prove.Who{Roles: []string{"clerk"}}}}, true},
			{&prove.Who{Where: `now() > timestamp("2130-01-01T00:00:00Z")`}, now.IsZero()},
		} {
			got, err := p.Populated(t.Context(), x.who)
			if err != nil || got != x.want {
				t.Errorf("at %v, somebody %s: %v %v, want %v", now, x.who, got, err, x.want)
			}
		}
	}
}

// TestProvingFails holds that a run that is cut short is an error, and no verdict: whether
// what a sentence is about was decided before or not.
func TestProvingFails(t *testing.T) {
	t.Parallel()
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	for _, decided := range []bool{false, true} {
		p, m := proving(t, till, "principals: {ada: {id: ada, roles: [clerk]}}\n")
		for _, kind := range []prove.Kind{prove.Never, prove.Needs, prove.Within} {
			s := &prove.Sentence{Kind: kind, Of: m.Columns[1], Condition: "arguments.amount <= 400", Inner: []string{"clerk"}, Outer: []string{"manager"}}
			if decided {
				if err := p.Prepare(t.Context(), []*prove.Sentence{s}); err != nil {
					t.Fatal(err)
				}
			} else if err := p.Prepare(cut, []*prove.Sentence{s}); err == nil {
				t.Errorf("%s is prepared in no time", s)
			}
			if proof, err := p.Prove(cut, s); err == nil || proof != nil {
				t.Errorf("%s, decided %t: %+v, %v", s, decided, proof, err)
			}
			if proof, err := p.Prove(t.Context(), s); err != nil || proof.Verdict != prove.Refuted {
				t.Errorf("%s, decided %t, after that: %+v, %v", s, decided, proof, err)
			}
		}
	}
}
