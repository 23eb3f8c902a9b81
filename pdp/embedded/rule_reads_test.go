package embedded_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// shortReads renders reads, one a line: what is read, "?" where it may be
// missing, and what it is taken for.
func shortReads(r *pdp.RuleReads) []string {
	var list []string
	claims := len(r.Reads)
	for i, x := range slices.Concat(r.Reads, r.Claims) {
		s := map[bool]string{true: "P", false: "R"}[x.Principal]
		if i >= claims {
			s = "auxData"
		}
		for i, step := range x.Path {
			s += "." + strings.Replace(step, pdp.Element, "[]", 1)
			if !x.Guarded[i] {
				s += "?"
			}
		}
		for _, f := range []struct {
			set  bool
			text string
		}{
			{x.Below, " below"},
			{x.Tested, " tested"},
			{x.Alternative, " or"},
			{x.Place.DerivedRole != "", " of " + x.Place.DerivedRole},
			{x.Place.Variable != "", " in " + x.Place.Variable},
			{len(x.Types) > 0, " " + strings.Join(x.Types, "|")},
		} {
			if f.set {
				s += f.text
			}
		}
		list = append(list, s)
	}
	if r.Other {
		list = append(list, "other")
	}
	for _, c := range r.Clock {
		list = append(list, "clock: "+c.Expr)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestRuleReads(t *testing.T) {
	const policy = `
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  importDerivedRoles: [roles]
  constants: {local: {limit: 500, regions: [EMEA, 7]}}
  variables:
    local:
      args: R.attr.arguments
      own: V.args.region == P.attr.region
      unused: R.attr.arguments.nobody
  rules:
    - {actions: [call], effect: EFFECT_ALLOW, %s, condition: {match: %s}}
`
	const roles = `
apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: roles
  definitions:
    - {name: desk, parentRoles: [A], condition: {match: {expr: has(P.attr.desk)}}}
`
	for condition, want := range map[string][]string{
		`{expr: 'P.attr.a == 1 && R.attr.b["x y"] > 2.5'}`: {"P.a? int", "R.b?.x y? double"},
		`{expr: V.own}`:                                                                        {"P.region? in own", "R.arguments?.region? in args"},
		`{expr: V.args.amount <= C.limit}`:                                                     {"R.arguments?.amount? in args double"},
		`{expr: P.attr.region in C.regions}`:                                                   {"P.region? string|double"},
		`{expr: '"x" in R.attr.tags'}`:                                                         {"R.tags? list|map"},
		`{expr: 'P.attr.quota[R.attr.arguments.kind] > 3'}`:                                    {"P.quota? below", "R.arguments?.kind?"},
		`{expr: 'R.attr.list[0].name == "x"'}`:                                                 {"R.list?.[]?.name? string"},
		`{expr: 'R.attr.arguments.a[1].b[0] == 2'}`:                                            {"R.arguments?.a?.[]?.b?.[]? int"},
		`{expr: 'R.attr.list.exists(i, i.tags.all(j, j != "" && has(i.x)))'}`:                  {"R.list?", "R.list?.[]?.tags?", "R.list?.[]?.tags?.[]? string", "R.list?.[]?.x tested"},
		`{expr: 'R.attr.list.filter(i, i.a == 1).map(i, i.b).exists(b, b.c)'}`:                 {"R.list?", "R.list?.[]?.a? int", "R.list?.[]?.b?", "R.list?.[]?.b?.c?"},
		`{expr: 'V.args.list.all(i, i.all(i, i == 1))'}`:                                       {"R.arguments?.list? in args", "R.arguments?.list?.[]? in args", "R.arguments?.list?.[]?.[]? in args int"},
		`{expr: '[1, 2].all(i, R.attr.m[i].x == i)'}`:                                          {"R.m? below"},
		`{expr: 'R.attr.list.all(i, i.x in P.attr.y)'}`:                                        {"P.y? list|map", "R.list?", "R.list?.[]?.x?"},
		`{expr: 'size(R.attr) == 0 || P.attr.x'}`:                                              {"P.x? or bool", "other"},
		`{expr: 'R.attr.arguments.?x.orValue(0) == 1'}`:                                        {"R.arguments?.x"},
		`{expr: 'R.attr.?arguments.x.orValue(0) == 1'}`:                                        {"R.arguments.x"},
		`{expr: 'R.attr.arguments.s.startsWith("a")'}`:                                         {"R.arguments?.s? string"},
		`{expr: 'has(R.attr.arguments.s.t)'}`:                                                  {"R.arguments?.s?.t tested"},
		`{expr: '!R.attr.arguments.s'}`:                                                        {"R.arguments?.s? bool"},
		`{expr: 'request.principal.attr.x == P.id'}`:                                           {"P.x?"},
		`{expr: 'request.auxData.jwt.sub == P.id && request.aux_data.jwt["a b"].c > 2'}`:       {"auxData.jwt?.a b?.c? int", "auxData.jwt?.sub?"},
		`{expr: '"x" in request.auxData.jwt.aud || has(request.auxData.jwt.aud)'}`:             {"auxData.jwt?.aud tested or", "auxData.jwt?.aud? or list|map"},
		`{expr: 'request.auxData.jwts.web.claims.iss == "x"'}`:                                 {"auxData.jwts?.web?.claims?.iss? string"},
		`{expr: 'size(request.auxData.jwt) > 1 || size(request.auxData.jwts.web.claims) > 1'}`: nil,
		`{expr: 'now() > timestamp(P.attr.until)'}`:                                            {"P.until?", `clock: now() > timestamp(P.attr.until)`},
		`{expr: 'timestamp(P.attr.t).timeSince() > duration("1h")'}`:                           {"P.t?", `clock: timestamp(P.attr.t).timeSince() > duration("1h")`},
		`{all: {of: [{expr: P.attr.a}, {any: {of: [{expr: P.attr.b}, {expr: P.attr.c}]}}]}}`:   {"P.a? bool", "P.b? or bool", "P.c? or bool"},
	} {
		e := open(t, pdp.Options{}, fmt.Sprintf(policy, "roles: [A]", condition), roles)
		if diff := cmp.Diff(want, shortReads(e.RuleReads()["resource.mcp_server.vdefault#rule-001"])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", condition, diff)
		}
	}
	e := open(t, pdp.Options{}, fmt.Sprintf(policy, "derivedRoles: [desk]", "{expr: P.attr.a}"), roles)
	want := []string{"P.a? bool", "P.desk tested of desk"}
	if diff := cmp.Diff(want, shortReads(e.RuleReads()["resource.mcp_server.vdefault#rule-001"])); diff != "" {
		t.Errorf("derived role (-want +got):\n%s", diff)
	}
}

// TestRuleReadsOfVariables looks at variables that name each other twice, forty
// in a row.
func TestRuleReadsOfVariables(t *testing.T) {
	var b strings.Builder
	b.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  variables:\n    local:\n      v0: P.attr.a\n")
	for i := range 40 {
		fmt.Fprintf(&b, "      v%d: V.v%d && V.v%d\n", i+1, i, i)
	}
	b.WriteString("  rules:\n" + pdptest.Rule("ALLOW", "A", "{expr: V.v40}"))
	r := open(t, pdp.Options{}, b.String()).RuleReads()["resource.mcp_server.vdefault#rule-001"]
	if !r.Other {
		t.Errorf("%v, want to be told that this is not all", shortReads(r))
	}
}

// TestGuards holds what is said about guards to the engine: where x is
// missing, an expression errors if and only if a read of x is not guarded.
func TestGuards(t *testing.T) {
	for condition, guarded := range map[string]bool{
		`{expr: 'has(X) && X == 1'}`:                                                        true,
		`{expr: 'X == 1 && has(X)'}`:                                                        true,
		`{expr: '!has(X) || X == 1'}`:                                                       true,
		`{expr: 'X == 1 || !has(X)'}`:                                                       true,
		`{expr: 'has(X) ? X == 1 : false'}`:                                                 true,
		`{expr: '!has(X) ? false : X == 1'}`:                                                true,
		`{expr: '!(!has(X)) && X == 1'}`:                                                    true,
		`{expr: '"x" in R.attr.arguments && X == 1'}`:                                       true,
		`{expr: '(has(X) && P.attr.t) && (X == 1 || X == 2)'}`:                              true,
		`{expr: 'R.attr.arguments.?x.orValue(1) == 1'}`:                                     true,
		`{all: {of: [{expr: has(X)}, {expr: X == 1}]}}`:                                     true,
		`{any: {of: [{expr: "!has(X)"}, {expr: X == 1}]}}`:                                  true,
		`{none: {of: [{expr: "!has(X)"}, {expr: X == 1}]}}`:                                 true,
		`{all: {of: [{none: {of: [{expr: "!has(X)"}]}}, {expr: X == 1}]}}`:                  true,
		`{all: {of: [{all: {of: [{expr: P.attr.t}, {expr: has(X)}]}}, {expr: X == 1}]}}`:    true,
		`{any: {of: [{all: {of: [{expr: P.attr.f}, {expr: "!has(X)"}]}}, {expr: X == 1}]}}`: false,
		`{expr: 'X == 1'}`:                                                                  false,
		`{expr: 'X == 1 || P.attr.f'}`:                                                      false,
		`{expr: 'has(X) || X == 1'}`:                                                        false,
		`{expr: '!has(X) && X == 1'}`:                                                       false,
		`{expr: 'has(X) ? false : X == 1'}`:                                                 false,
		`{expr: '(has(X) || P.attr.t) && X == 1'}`:                                          false,
		`{all: {of: [{expr: P.attr.t}, {expr: X == 1}, {expr: has(X)}]}}`:                   false,
		`{any: {of: [{expr: has(X)}, {expr: X == 1}]}}`:                                     false,
		`{any: {of: [{expr: X == 1}, {expr: "!has(X)"}]}}`:                                  false,
		`{none: {of: [{expr: has(X)}, {expr: X == 1}]}}`:                                    false,
		`{expr: 'R.attr.arguments["x"].y == 1'}`:                                            false,
	} {
		for _, of := range []string{"R.attr.arguments", "request.auxData.jwt", "request.aux_data.jwt"} {
			text := strings.ReplaceAll(strings.ReplaceAll(condition, "R.attr.arguments", of), "X", of+".x")
			e := open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "A", text)))
			unguarded := false
			reads := e.RuleReads()["resource.mcp_server.vdefault#rule-001"]
			for _, r := range slices.Concat(reads.Reads, reads.Claims) {
				unguarded = unguarded || !r.Principal && len(r.Path) > 1 && r.Path[1] == "x" && !r.Guarded[1]
			}
			if unguarded == guarded {
				t.Errorf("%s: guarded %t, want %t", text, !unguarded, guarded)
			}
			p := &authz.Principal{ID: "p", Roles: []string{"A"}, Attr: map[string]any{"t": true, "f": false}, AuxData: map[string]any{"y": 1.0}}
			d := ask(t, e, p, map[string]any{})
			if (len(d.Errors) == 0) != guarded {
				t.Errorf("%s: the engine's errors without x: %v, want none: %t", text, d.Errors, guarded)
			}
		}
	}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]pdp.Mentioned{
		`V.a.b == C.c && variables.d in constants["e f"]`: {Variables: []string{"a", "d"}, Constants: []string{"c", "e f"}},
		`V[P.attr.x] == 1 && size(C) > 1`:                 {Any: true},
		`V.quota[C.x] > 1`:                                {Variables: []string{"quota"}, Constants: []string{"x"}},
		`"x" in runtime.effectiveDerivedRoles`:            {Runtime: true},
		`not CEL`:                                         {Any: true, Runtime: true},
	} {
		if diff := cmp.Diff(want, pdp.Mentions(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestDecideAt(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e := open(t, pdp.Options{Now: start}, pdptest.Rules(pdptest.Rule("ALLOW", "A", `{expr: 'now() < timestamp("2026-06-01T00:00:00Z") || R.attr.arguments.x == 1'}`)))
	p := &authz.Principal{ID: "p", Roles: []string{"A"}}
	for _, unknown := range [][]string{nil, {"arguments"}} {
		r := authz.Request{Principal: p, Action: "call", Resource: authz.Resource{Kind: "mcp_server", ID: "t"}, Unknown: unknown}
		otherwise := map[bool]authz.Effect{true: authz.Deny, false: authz.Conditional}[unknown == nil]
		for at, want := range map[time.Time]authz.Effect{start: authz.Allow, start.AddDate(1, 0, 0): otherwise, start.AddDate(0, 1, 0): authz.Allow} {
			d, err := e.DecideAt(t.Context(), at, []authz.Request{r})
			if err != nil || d[0].Effect != want {
				t.Errorf("unknown %v at %v: %v %v, want %v", unknown, at, d, err, want)
			}
		}
		d, err := e.Decide(t.Context(), []authz.Request{r})
		if err != nil || d[0].Effect != authz.Allow {
			t.Errorf("unknown %v: the engine's own clock moved: %v %v", unknown, d, err)
		}
	}
}
