package embedded_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

const vaultRoles = `apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: vault
  variables: {local: {box: R.attr.arguments.box, holder: P.attr.holder}}
  definitions:
    - {name: witness, parentRoles: [teller], condition: {match: {expr: R.attr.arguments.witnessed == true}}}
    - {name: manager, parentRoles: [chief], condition: {match: {expr: R.attr.arguments.signed == true}}}
    - {name: regular, parentRoles: [teller], condition: {match: {expr: P.attr.since < 2020}}}
    - name: cautious
      parentRoles: ["*"]
      condition: {match: {none: {of: [{expr: R.attr.arguments.sum > 100}, {expr: R.attr.arguments.loud}]}}}
    - {name: elsewhere, parentRoles: [teller], condition: {match: {expr: V.box != "b7"}}}
    - {name: stranger, parentRoles: [teller], condition: {match: {expr: V.holder != R.attr.arguments.box}}}
`

// vault returns policies in which a condition reads the derived roles. Only
// roles that a rule is for are in the list.
func vault(expr string, more ...string) []string {
	policy := `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  importDerivedRoles: [vault]
  variables: {local: {witnessed: '"witness" in runtime.effectiveDerivedRoles'}}
  rules:
    - {actions: [other], effect: EFFECT_ALLOW, derivedRoles: [witness, manager, regular, cautious, elsewhere, stranger]}
` + pdptest.Rule("ALLOW", `"*"`, "{expr: '"+expr+"'}")
	return append([]string{vaultRoles, policy}, more...)
}

// TestConditionsOnDerivedRoles holds that a condition on the derived roles is
// printed as their conditions.
func TestConditionsOnDerivedRoles(t *testing.T) {
	teller := &authz.Principal{ID: "t", Roles: []string{"teller"}, Attr: map[string]any{"since": 2015.0, "holder": "b1"}}
	for _, tt := range []struct{ expr, lenient, strict string }{
		{`"witness" in runtime.effectiveDerivedRoles`, `conditional arguments.witnessed == true`, ""},
		{`"witness" in runtime.effective_derived_roles && R.attr.arguments.box == "b1"`, `conditional arguments.witnessed == true && arguments.box == "b1"`, ""},
		{`V.witnessed`, `conditional arguments.witnessed == true`, ""},
		{`!("witness" in runtime.effectiveDerivedRoles)`, `conditional unless arguments.witnessed == true`, ""},
		{`"manager" in runtime.effectiveDerivedRoles`, `deny`, `deny`}, // of another role
		{`"regular" in runtime.effectiveDerivedRoles`, `allow`, ""},
		{`"nobody" in runtime.effectiveDerivedRoles`, `deny`, `deny`},
		{`"cautious" in runtime.effectiveDerivedRoles`, `conditional unless arguments.sum > 100 || arguments.loud`, ""},
		{`"elsewhere" in runtime.effectiveDerivedRoles`, `conditional arguments.?box.orValue(null) != "b7"`, ""}, // a variable without a value is null
		{`"stranger" in runtime.effectiveDerivedRoles`, `conditional "b1" != arguments.box`, ""},
		{`runtime.effectiveDerivedRoles.exists(r, r == "manager")`, `deny`, `deny`},
	} {
		got := saidOf(ask(t, open(t, pdp.Options{}, vault(tt.expr)...), teller, nil))
		if got != tt.lenient {
			t.Errorf("%s:\n got %s\nwant %s", tt.expr, got, tt.lenient)
		}
		if tt.strict == "" {
			continue
		}
		if got := saidOf(ask(t, open(t, pdp.Options{StrictEvaluation: true}, vault(tt.expr)...), teller, nil)); got != tt.strict {
			t.Errorf("%s, strictly:\n got %s\nwant %s", tt.expr, got, tt.strict)
		}
	}
}

// TestConditionsOnDerivedRolesOfOthers has places that derived roles are read
// in where there are others, or none.
func TestConditionsOnDerivedRolesOfOthers(t *testing.T) {
	teller := &authz.Principal{ID: "t", Roles: []string{"teller"}, Attr: map[string]any{"since": 2015.0}}
	principal := `apiVersion: api.cerbos.dev/v1
principalPolicy:
  principal: t
  version: default
  rules:
    - resource: mcp_server
      actions:
        - {action: call, effect: EFFECT_ALLOW, condition: {match: {expr: 'size(runtime.effectiveDerivedRoles) == 0 && R.attr.arguments.box == "b1"'}}}
`
	e := open(t, pdp.Options{}, vault(`"witness" in runtime.effectiveDerivedRoles`, principal)...)
	if got, want := saidOf(ask(t, e, teller, nil)), `conditional arguments.box == "b1" || arguments.witnessed == true`; got != want {
		t.Errorf("beside a principal policy:\n got %s\nwant %s", got, want)
	}
	anybody := authz.Request{Principal: teller, Action: "call", AnyPrincipal: true, Unknown: []string{"arguments"}, Resource: authz.Resource{Kind: "mcp_server", ID: "t"}}
	d, err := open(t, pdp.Options{}, vault(`"regular" in runtime.effectiveDerivedRoles || "witness" in runtime.effectiveDerivedRoles`)...).Decide(t.Context(), []authz.Request{anybody})
	if want := `conditional principal.since < 2020 || arguments.witnessed == true`; err != nil || saidOf(d[0]) != want {
		t.Errorf("for a role:\n got %s, %v\nwant %s", saidOf(d[0]), err, want)
	}
	// When evaluation is strict, one derived role that errs spoils the list.
	e = open(t, pdp.Options{StrictEvaluation: true}, vault(`"witness" in runtime.effectiveDerivedRoles`)...)
	complete := map[string]any{"witnessed": true, "sum": 5.0, "loud": false, "box": "b2"}
	teller.Attr["holder"] = "b1"
	if d := ask(t, e, teller, complete); d.Effect != authz.Allow {
		t.Errorf("with all that the roles ask for: %s", saidOf(d))
	}
	delete(complete, "sum")
	if d := ask(t, e, teller, complete); d.Effect != authz.Deny {
		t.Errorf("without a sum: %s", saidOf(d))
	}
	if d := ask(t, e, teller, nil); d.Effect != authz.Conditional || !embedded.HasName(d.Condition.String(), "arguments") || embedded.HasName(d.Condition.String(), "runtime") {
		t.Errorf("strictly: %s", saidOf(d))
	}
}

// TestRolesThatErr has a derived role err where evaluation is strict: then only what
// comes to look at the roles errs.
func TestRolesThatErr(t *testing.T) {
	e := open(t, pdp.Options{StrictEvaluation: true}, `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: pier
  version: default
  importDerivedRoles: [harbour]
  rules:
    - {actions: [moor], effect: EFFECT_ALLOW, roles: [PILOT]}
    - {actions: [moor], effect: EFFECT_DENY, roles: [PILOT], condition: {match: {expr: 'R.attr.arguments.size == "large" && !("master" in runtime.effectiveDerivedRoles)'}}}
    - {actions: [leave], effect: EFFECT_ALLOW, roles: [PILOT], condition: {match: {expr: '"master" in runtime.effectiveDerivedRoles || R.attr.arguments.size == "small"'}}}
    - {actions: [none], effect: EFFECT_ALLOW, derivedRoles: [master]}
    - {actions: [list], effect: EFFECT_ALLOW, roles: [PILOT], condition: {match: {expr: 'R.attr.arguments.size == "small" || has(runtime.effectiveDerivedRoles)'}}}
`, `apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: harbour
  definitions:
    - {name: master, parentRoles: [PILOT], condition: {match: {expr: R.attr.arguments.by == P.id}}}
`)
	for _, action := range []string{"moor", "leave", "list"} {
		r := authz.Request{Principal: &authz.Principal{ID: "pat", Roles: []string{"PILOT"}}, Action: action, Resource: authz.Resource{Kind: "pier", ID: "t"}}
		open := r
		open.Unknown = []string{"arguments"}
		condition := pdptest.Decide(t, e, []authz.Request{open})[0].Condition
		var known []authz.Request
		var given []pdp.Given
		for _, arguments := range []map[string]any{{}, {"by": "pat"}, {"by": "kit"}} {
			for _, size := range []any{nil, "large", "small", 3.0} {
				x := r
				of := map[string]any{"size": size}
				if size == nil {
					of = map[string]any{}
				}
				for name, v := range arguments {
					of[name] = v
				}
				x.Resource.Attr = map[string]any{"arguments": of}
				known = append(known, x)
				x.Unknown = open.Unknown
				given = append(given, pdp.Given{Condition: condition, Request: x})
			}
		}
		held, err := e.Holds(t.Context(), given)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range pdptest.Decide(t, e, known) {
			if told := !condition.Reads().Policy; held[i] != d.Effect && (told || held[i] != authz.Conditional) {
				t.Errorf("%s: %s is held to be %v, and the engine says %v with %v", action, condition, held[i], d.Effect, known[i].Resource.Attr)
			}
		}
		t.Log(action, condition)
	}
}
