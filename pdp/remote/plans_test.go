package remote_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	responsev1 "github.com/cerbos/cerbos/api/genpb/cerbos/response/v1"
	"github.com/google/go-cmp/cmp"
	_ "google.golang.org/grpc/encoding/gzip" // which the SDK uses

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// TestRemotePlans holds what becomes of decisions that a plan and a check see
// differently.
func TestPlans(t *testing.T) {
	both := &authz.Principal{Key: "both", ID: "p", Roles: []string{"A", "B"}, Attr: map[string]any{"orgs": []any{"acme"}}}
	one := &authz.Principal{Key: "one", ID: "p", Roles: []string{"A"}, Attr: both.Attr}
	tests := map[string]struct {
		rules     string
		principal *authz.Principal
		effect    authz.Effect
		condition string
		embedded  string // what the embedded engine says, if it knows better
	}{
		"present": {
			rules:     pdptest.Rule("ALLOW", "A", "{expr: has(R.attr.arguments.x)}"),
			principal: one, effect: authz.Conditional, condition: "(denied without arguments)",
		},
		"absent": {
			rules:     pdptest.Rule("ALLOW", "A", "") + pdptest.Rule("DENY", "A", "{expr: '!has(R.attr.arguments.x)'}"),
			principal: one, effect: authz.Conditional, condition: "(denied without arguments)",
		},
		"denied when present": {
			rules:     pdptest.Rule("ALLOW", "A", "") + pdptest.Rule("DENY", "A", "{expr: has(R.attr.arguments.x)}"),
			principal: one, effect: authz.Conditional, condition: "(allowed without arguments)",
		},
		"denied with another": {
			rules:     pdptest.Rule("ALLOW", "A", "") + pdptest.Rule("DENY", "A", `{expr: "!has(R.attr.arguments.x) && size(R.attr.arguments) > 0"}`),
			principal: one, effect: authz.Conditional, condition: "(depends on which arguments are given)",
		},
		"the id is known": {
			rules:     pdptest.Rule("ALLOW", "A", "{expr: R.id == 't'}"),
			principal: one, effect: authz.Allow,
		},
		"the id is another": {
			rules:     pdptest.Rule("ALLOW", "A", "{expr: R.id == 'u' && R.attr.arguments.x == 1}"),
			principal: one, effect: authz.Deny,
		},
		"the id beside an argument": {
			rules:     pdptest.Rule("ALLOW", "A", "{expr: R.id == 't' && R.attr.arguments.x == 1}"),
			principal: one, effect: authz.Conditional, condition: "arguments.x == 1",
		},
		"an attribute by its index": {
			rules:     pdptest.Rule("ALLOW", "A", `{expr: "R.attr['tool_name'] == 't'"}`),
			principal: one, effect: authz.Allow,
		},
		"an attribute that is not sent": {
			rules:     pdptest.Rule("ALLOW", "A", "{expr: R.attr.owner == P.id}"),
			principal: one, effect: authz.Conditional, condition: `resource.owner == "p"`, embedded: "deny",
		},
		"a DENY that needs an argument": {
			rules:     pdptest.Rule("ALLOW", "A", "") + pdptest.Rule("DENY", "A", "{expr: R.attr.arguments.x == 1}"),
			principal: one, effect: authz.Conditional, condition: "arguments.x != 1",
		},
		"a DENY of one role, on a condition": {
			rules:     pdptest.Rule("ALLOW", "B", "") + pdptest.Rule("DENY", "A", "{expr: R.attr.arguments.x == 1}"),
			principal: both, effect: authz.Allow,
		},
		"a DENY of one role, and an ALLOW of another on a condition": {
			rules:     pdptest.Rule("ALLOW", "B", "{expr: R.attr.arguments.x == 1}") + pdptest.Rule("DENY", "A", "") + pdptest.Rule("DENY", "A", "{expr: R.attr.arguments.y == 1}"),
			principal: both, effect: authz.Conditional, condition: "arguments.x == 1",
		},
		"out of sight, and denied": {
			rules:     pdptest.Rule("ALLOW", "A", "{expr: R.attr.arguments.owner in P.attr.orgs}") + pdptest.Rule("DENY", "A", "{expr: has(R.attr.arguments.force)}"),
			principal: one, effect: authz.Deny, embedded: "conditional",
		},
		"out of sight, and allowed": {
			rules:     pdptest.Rule("ALLOW", "A", "") + pdptest.Rule("DENY", "A", "{expr: 'has(R.attr.arguments.amount) && !has(R.attr.arguments.approval)'}"),
			principal: one, effect: authz.Allow, embedded: "conditional",
		},
		"no policy": {rules: pdptest.Rule("ALLOW", "A", ""), principal: one, effect: authz.Deny},
	}
	var policies []string
	kinds := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt, kind := tests[name], fmt.Sprintf("kind%d", len(kinds))
		kinds[name] = kind
		if name != "no policy" {
			policies = append(policies, strings.Replace(pdptest.Rules(tt.rules), "mcp_server", kind, 1))
		}
	}
	running := pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, policies...), nil), remote.Options{})
	engine := open(t, policies...)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			requests := []authz.Request{{
				Principal: tt.principal, Action: "call", Unknown: []string{"arguments"},
				Resource: authz.Resource{Kind: kinds[name], ID: "t", Attr: map[string]any{"tool_name": "t"}},
			}}
			got := pdptest.Decide(t, running, requests)[0]
			want := authz.Decision{Effect: tt.effect, Condition: authz.Unwritten(tt.condition), NoPolicy: name == "no policy"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
			if tt.embedded == "" {
				tt.embedded = tt.effect.String()
			}
			if e := pdptest.Decide(t, engine, requests)[0]; e.Effect.String() != tt.embedded {
				t.Errorf("the embedded engine says %v %q, want %s", e.Effect, e.Condition, tt.embedded)
			}
		})
	}
}

// TestRemoteNestedArguments has the arguments in a part of an attribute, of
// which a plan knows nothing then, or as all attributes.
func TestNestedArguments(t *testing.T) {
	policy := pdptest.Rules(`
    - {actions: [a], effect: EFFECT_ALLOW, roles: [SALES], condition: {match: {expr: "R.attr.params.name == 't'"}}}
    - {actions: [b], effect: EFFECT_ALLOW, roles: [SALES], condition: {match: {expr: "R.attr.params.name == 'u' && R.attr.params.args.n == 1"}}}
    - {actions: [c], effect: EFFECT_ALLOW, roles: [SALES], condition: {match: {expr: "R.attr.params.name == 't' && R.attr.params.args.n == 1"}}}
    - {actions: [d], effect: EFFECT_ALLOW, roles: [SALES], condition: {match: {expr: "R.attr.n == 1"}}}
`)
	tests := []struct {
		action  string
		unknown []string
		want    authz.Decision
	}{
		{"a", []string{"params", "args"}, authz.Decision{Effect: authz.Allow}},
		{"b", []string{"params", "args"}, authz.Decision{}},
		{"c", []string{"params", "args"}, authz.Decision{Effect: authz.Conditional, Condition: authz.Unwritten("arguments.n == 1")}},
		{"d", []string{}, authz.Decision{Effect: authz.Conditional, Condition: authz.Unwritten("arguments.n == 1")}},
	}
	var requests []authz.Request
	for _, tt := range tests {
		requests = append(requests, authz.Request{Principal: sally, Action: tt.action, Unknown: tt.unknown, Resource: authz.Resource{
			Kind: "mcp_server", ID: "t", Attr: map[string]any{"params": map[string]any{"name": "t"}},
		}})
	}
	for i, got := range pdptest.Decide(t, pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, policy), nil), remote.Options{}), requests) {
		if diff := cmp.Diff(tests[i].want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tests[i].action, diff)
		}
	}
}

// TestRemoteStrangePlans has plans that this package does not know how to write.
func TestStrangePlans(t *testing.T) {
	expression := func(operator string, operands ...*enginev1.PlanResourcesFilter_Expression_Operand) *enginev1.PlanResourcesFilter_Expression_Operand {
		return &enginev1.PlanResourcesFilter_Expression_Operand{Node: &enginev1.PlanResourcesFilter_Expression_Operand_Expression{
			Expression: &enginev1.PlanResourcesFilter_Expression{Operator: operator, Operands: operands},
		}}
	}
	variable := &enginev1.PlanResourcesFilter_Expression_Operand{Node: &enginev1.PlanResourcesFilter_Expression_Operand_Variable{Variable: "R.attr.arguments.x"}}
	tests := map[string]*enginev1.PlanResourcesFilter_Expression_Operand{
		"(depends on arguments: eq with 1 operands)":            expression("eq", variable),
		"(depends on arguments: and with 0 operands)":           expression("and"),
		"(depends on arguments: a struct with eq)":              expression("struct", expression("eq")),
		"(depends on arguments: all with 1 operands in lambda)": expression("all", variable, expression("lambda", variable)),
		"(depends on arguments: an operand of no kind)":         expression("not", &enginev1.PlanResourcesFilter_Expression_Operand{}),
		"arguments.x.frobnicate(arguments.x)":                   expression("frobnicate", variable, variable),
	}
	for want, condition := range tests {
		f := &pdpFake{plan: func(r *responsev1.PlanResourcesResponse) {
			r.Filter = &enginev1.PlanResourcesFilter{Kind: enginev1.PlanResourcesFilter_KIND_CONDITIONAL, Condition: condition}
		}}
		got := pdptest.Decide(t, pdptest.Dial(t, fake(t, f), remote.Options{}), requestsFor(1, sally))[0]
		if got.Effect != authz.Conditional || got.Condition.String() != want {
			t.Errorf("got %v %q, want %q", got.Effect, got.Condition, want)
		}
	}
}
