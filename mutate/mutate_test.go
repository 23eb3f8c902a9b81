package mutate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/source"
)

// rule returns a resource policy with one rule, and what else is in it.
func rule(rule, more string) string {
	return "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: shop\n  version: default\n" + more + "  rules:\n    - " + rule + "\n"
}

func on(expr string) string {
	return rule("{actions: ['*'], roles: ['*'], effect: EFFECT_ALLOW, condition: {match: {expr: "+fmt.Sprintf("%q", expr)+"}}}", "")
}

// inExpressions are what is made of expressions, but for the whole being negated or left out.
var inExpressions = []struct{ of, want string }{
	{"P.attr.on", ""},
	{"P.attr.a && P.attr.b", "part-removed P.attr.b; part-removed P.attr.a; and-or-swapped P.attr.a || P.attr.b"},
	{"P.attr.a || P.attr.b && P.attr.c", "part-removed P.attr.b && P.attr.c; part-removed P.attr.a; part-removed P.attr.a || P.attr.c; part-removed P.attr.a || P.attr.b; " +
		"and-or-swapped P.attr.a && P.attr.b && P.attr.c; and-or-swapped P.attr.a || P.attr.b || P.attr.c"},
	{"!(P.attr.a || P.attr.b)", "part-removed !P.attr.b; part-removed !P.attr.a; and-or-swapped !(P.attr.a && P.attr.b)"},
	{"P.attr.n < 5", "comparison-moved P.attr.n <= 5; constant-moved P.attr.n < 6; constant-moved P.attr.n < 4"},
	{"P.attr.n >= -1", "comparison-moved P.attr.n > -1; constant-moved P.attr.n >= 0; constant-moved P.attr.n >= -2"},
	{"2.5 == P.attr.n", "comparison-moved 2.5 != P.attr.n; constant-moved 3.5 == P.attr.n; constant-moved 1.5 == P.attr.n"},
	{"0u != uint(P.attr.n)", "comparison-moved 0u == uint(P.attr.n); constant-moved 1u != uint(P.attr.n)"},
	{"P.attr.n > 9223372036854775807", "comparison-moved P.attr.n >= 9223372036854775807; constant-moved P.attr.n > 9223372036854775806"},
	{"P.attr.n > -9223372036854775808", "comparison-moved P.attr.n >= -9223372036854775808; constant-moved P.attr.n > -9223372036854775807"},
	{"P.attr.n < 1e300", "comparison-moved P.attr.n <= 1e+300"}, // one more is the same number
	{`P.attr.s == "red"`, `comparison-moved P.attr.s != "red"; constant-moved P.attr.s == "red~"`},
	{"now() < timestamp('2026-05-01T00:00:00Z')", `comparison-moved now() <= timestamp("2026-05-01T00:00:00Z"); constant-moved now() < timestamp("2026-05-01T00:00:01Z"); ` +
		`constant-moved now() < timestamp("2026-04-30T23:59:59Z")`},
	{"now().timeSince() > duration('2m')", `comparison-moved now().timeSince() >= duration("2m"); constant-moved now().timeSince() > duration("2m1s"); constant-moved now().timeSince() > duration("1m59s")`},
	{"has(P.attr.a)", "has-dropped true"},
	{"has(P.attr.a) && P.attr.a", "part-removed has(P.attr.a); and-or-swapped has(P.attr.a) || P.attr.a; has-dropped P.attr.a"},
	{"!has(P.attr.a) || P.attr.a", "part-removed P.attr.a; part-removed !has(P.attr.a); and-or-swapped !has(P.attr.a) && P.attr.a; has-dropped !true || P.attr.a"},
	{"P.attr.l.exists(x, x > 1 && x != 4)", "part-removed P.attr.l.exists(x, x != 4); part-removed P.attr.l.exists(x, x > 1); and-or-swapped P.attr.l.exists(x, x > 1 || x != 4); " +
		"comparison-moved P.attr.l.exists(x, x >= 1 && x != 4); comparison-moved P.attr.l.exists(x, x > 1 && x == 4); constant-moved P.attr.l.exists(x, x > 2 && x != 4); " +
		"constant-moved P.attr.l.exists(x, x > 0 && x != 4); constant-moved P.attr.l.exists(x, x > 1 && x != 5); constant-moved P.attr.l.exists(x, x > 1 && x != 3)"},
	{`P.attr["two words"] == P.id`, `comparison-moved P.attr["two words"] != P.id`},
}

func TestExpressions(t *testing.T) {
	for _, tt := range inExpressions {
		want := "condition-removed; condition-negated !(" + tt.of + ")"
		if tt.want != "" {
			want += "; " + tt.want
		}
		var got []string
		for _, m := range mutantsOf(t, map[string]string{"p.yaml": on(tt.of)}) {
			if m.Operator.InCondition() {
				got = append(got, strings.TrimSpace(string(m.Operator)+" "+m.After))
			}
		}
		if diff := cmp.Diff(strings.Split(want, "; "), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.of, diff)
		}
	}
}

// lines lists mutants: where, what, and what it becomes.
func lines(list []*mutate.Mutant) string {
	var b strings.Builder
	for _, m := range list {
		fmt.Fprintf(&b, "%d %s: %s -> %s\n", m.Pos.Line, m.Operator, m.Before, m.After)
	}
	return b.String()
}

var whole = []struct{ name, policy, want string }{
	{"a rule", rule(`name: sell
      actions: ["tools/call::sell", refund, "list:*"]
      effect: EFFECT_ALLOW
      roles:
        - CLERK
        - HEAD`, ""), `
6 rule-removed: rule sell -> 
7 action-widened: tools/call::sell -> tools/call::*
7 action-removed: action tools/call::sell -> 
7 action-widened: refund -> *
7 action-removed: action refund -> 
7 action-removed: action list:* -> 
8 effect-flipped: effect: EFFECT_ALLOW -> effect: EFFECT_DENY
9 role-widened: roles: [CLERK, HEAD] -> roles: ["*"]
10 role-removed: role CLERK -> 
11 role-removed: role HEAD -> 
`},
	{"nothing to widen", rule(`{actions: ['a:b', 'a:*'], roles: ['*', X], effect: EFFECT_DENY}`, ""), `
6 rule-removed: rule rule-001 -> 
6 action-removed: action a:b -> 
6 action-removed: action a:* -> 
6 role-removed: role * -> 
6 role-removed: role X -> 
6 effect-flipped: effect: EFFECT_DENY -> effect: EFFECT_ALLOW
`},
	{"the denial of everything", rule(`{actions: ['*'], roles: [X], effect: EFFECT_DENY}`, ""), `
6 default-deny-removed: rule rule-001 -> 
6 role-widened: roles: [X] -> roles: ["*"]
6 effect-flipped: effect: EFFECT_DENY -> effect: EFFECT_ALLOW
`},
	{"derived roles", rule(`{actions: ['*'], roles: [X], derived_roles: [near, far], effect: EFFECT_ALLOW}`, ""), `
6 rule-removed: rule rule-001 -> 
6 role-widened: roles: [X] -> roles: ["*"]
6 role-removed: role X -> 
6 role-removed: derived role near -> 
6 role-removed: derived role far -> 
6 effect-flipped: effect: EFFECT_ALLOW -> effect: EFFECT_DENY
`},
	{"lists of conditions", rule(`actions: ['*']
      effect: EFFECT_ALLOW
      roles: ['*']
      condition:
        match:
          any:
            of:
              - expr: P.attr.a
              - none:
                  of:
                    - expr: P.attr.b`, ""), `
6 rule-removed: rule rule-001 -> 
7 effect-flipped: effect: EFFECT_ALLOW -> effect: EFFECT_DENY
9 condition-removed: (P.attr.a) || (!(P.attr.b)) -> 
11 all-any-none-swapped: any -> all
11 all-any-none-swapped: any -> none
13 part-removed: P.attr.a -> 
13 part-negated: P.attr.a -> !(P.attr.a)
14 part-removed: !(P.attr.b) -> 
14 all-any-none-swapped: none -> all
14 all-any-none-swapped: none -> any
16 part-negated: P.attr.b -> !(P.attr.b)
`},
	{"definitions", rule(`{actions: ['*'], roles: ['*'], effect: EFFECT_ALLOW}`, `  constants:
    local:
      most: 9
      who: ann
      until: "2026-05-01T00:00:00Z"
      list: [1]
  variables:
    local:
      few: R.attr.n < 3 && P.id == C.who
`), `
7 constant-moved: most: 9 -> most: 10
7 constant-moved: most: 9 -> most: 8
8 constant-moved: who: "ann" -> who: "ann~"
9 constant-moved: until: "2026-05-01T00:00:00Z" -> until: "2026-05-01T00:00:01Z"
9 constant-moved: until: "2026-05-01T00:00:00Z" -> until: "2026-04-30T23:59:59Z"
13 part-removed: R.attr.n < 3 && P.id == C.who -> P.id == C.who
13 part-removed: R.attr.n < 3 && P.id == C.who -> R.attr.n < 3
13 and-or-swapped: R.attr.n < 3 && P.id == C.who -> R.attr.n < 3 || P.id == C.who
13 comparison-moved: R.attr.n < 3 && P.id == C.who -> R.attr.n <= 3 && P.id == C.who
13 comparison-moved: R.attr.n < 3 && P.id == C.who -> R.attr.n < 3 && P.id != C.who
13 constant-moved: R.attr.n < 3 && P.id == C.who -> R.attr.n < 4 && P.id == C.who
13 constant-moved: R.attr.n < 3 && P.id == C.who -> R.attr.n < 2 && P.id == C.who
15 rule-removed: rule rule-001 -> 
15 effect-flipped: effect: EFFECT_ALLOW -> effect: EFFECT_DENY
`},
	{"a derived role", `apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: kin
  definitions:
    - name: owner
      parentRoles: [A, B]
      condition:
        match:
          expr: R.attr.owner == P.id
`, `
6 derived-role-parent-widened: parentRoles: [A, B] -> parentRoles: ["*"]
6 derived-role-parent-removed: parent role A -> 
6 derived-role-parent-removed: parent role B -> 
7 derived-role-condition-removed: R.attr.owner == P.id -> 
9 comparison-moved: R.attr.owner == P.id -> R.attr.owner != P.id
9 derived-role-condition-negated: R.attr.owner == P.id -> !(R.attr.owner == P.id)
`},
	{"a principal policy", `apiVersion: api.cerbos.dev/v1
principalPolicy:
  principal: ann
  version: default
  rules:
    - resource: shop
      actions:
        - action: tools/call::sell
          effect: EFFECT_DENY
          condition: {match: {expr: P.attr.a}}
`, `
8 rule-removed: rule shop_rule-001 -> 
8 action-widened: tools/call::sell -> tools/call::*
9 effect-flipped: effect: EFFECT_DENY -> effect: EFFECT_ALLOW
10 condition-removed: P.attr.a -> 
10 condition-negated: P.attr.a -> !(P.attr.a)
`},
	{"a role policy", `apiVersion: api.cerbos.dev/v1
rolePolicy:
  role: CLERK
  rules:
    - resource: shop
      allow_actions: ["tools/call::sell", view]
      condition: {match: {expr: P.attr.a}}
`, `
5 rule-removed: rule shop_rule-001 -> 
6 action-widened: tools/call::sell -> tools/call::*
6 action-removed: action tools/call::sell -> 
6 action-widened: view -> *
6 action-removed: action view -> 
7 condition-removed: P.attr.a -> 
7 condition-negated: P.attr.a -> !(P.attr.a)
`},
	{"disabled", strings.Replace(rule(`{actions: ['*'], roles: [X], effect: EFFECT_DENY}`, ""), "\n", "\ndisabled: true\n", 1), ""},
}

func TestMutants(t *testing.T) {
	for _, tt := range whole {
		files := map[string]string{"p.yaml": tt.policy, "z.yaml": strings.Replace(rule("{actions: [x], roles: ['*'], effect: EFFECT_ALLOW}", ""), "shop", "other", 1)}
		list := slices.DeleteFunc(mutantsOf(t, files), func(m *mutate.Mutant) bool { return m.Pos.File != "p.yaml" })
		if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), lines(list)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
	}
}

// A mutant keeps its ID when lines move, and differs from those of other rules.
func TestIDs(t *testing.T) {
	ids := func(text string) (list []string) {
		for _, m := range mutantsOf(t, map[string]string{"p.yaml": text}) {
			list = append(list, m.ID)
		}
		return list
	}
	text := rule("{name: a, actions: [x, y], roles: [A, B], effect: EFFECT_ALLOW}\n    - {name: b, actions: [x, y], roles: [A, B], effect: EFFECT_ALLOW}", "")
	was := ids(text)
	if diff := cmp.Diff(was, ids("# moved\n\n"+text)); diff != "" {
		t.Errorf("(-before +moved)\n%s", diff)
	}
	slices.Sort(was)
	if n := len(slices.Compact(was)); n != len(ids(text)) || n < 10 {
		t.Errorf("%d IDs of %d mutants", n, len(ids(text)))
	}
}

// What an alias repeats is changed in one place at a time.
func TestAliases(t *testing.T) {
	text := rule("{name: a, actions: [x], effect: EFFECT_ALLOW, roles: &r [A, B]}\n    - {name: b, actions: [y], effect: EFFECT_ALLOW, roles: *r}", "")
	n := 0
	for _, m := range mutantsOf(t, map[string]string{"p.yaml": text}) {
		if m.Operator == mutate.RoleRemoved {
			n++
			if got := strings.Count(content(t, m), `"A","B"`); got != 1 {
				t.Errorf("%s: %s", m.Of, content(t, m))
			}
		}
	}
	if n != 4 {
		t.Errorf("%d mutants", n)
	}
}

func TestUnreadableFile(t *testing.T) {
	set, _ := read(t, map[string]string{"p.yaml": on("true")})
	if list := mutate.Of(set, func(string) *source.Node { return nil }); len(list) > 0 {
		t.Errorf("%d mutants of nothing", len(list))
	}
}

// Numbers that stand for texts are the same texts in the file of a mutant.
func TestNumbers(t *testing.T) {
	files := map[string]string{"p.yaml": rule("{actions: [x, 7], roles: [089, 010, 0x1F, -3, 12345678901234567, 12345678901234567890, true], effect: 1, condition: {match: {all: {of: [{expr: true}, {expr: P.attr.a}]}}}}", "  constants: {local: {long: 9007199254740991, half: 0.50, exp: 1e3}}\n")}
	was, _ := read(t, files)
	for _, m := range mutantsOf(t, files) {
		if m.Operator == mutate.RuleRemoved || m.Operator == mutate.RoleRemoved || m.Operator == mutate.RoleWidened {
			continue
		}
		after, _ := read(t, map[string]string{"p.yaml": content(t, m)})
		want, got := rulesSay(was, "p.yaml")[0], rulesSay(after, "p.yaml")[0]
		if diff := cmp.Diff(want.Roles, got.Roles); diff != "" {
			t.Fatalf("%s (-before +after)\n%s\n%s", m.Operator, diff, content(t, m))
		}
		_, before := open(t, files)
		_, err := open(t, map[string]string{"p.yaml": content(t, m)})
		if before != nil || err != nil {
			t.Errorf("%s: %v, %v", m.Operator, before, err)
		}
	}
}
