package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/source"
)

func Example() {
	policies := fstest.MapFS{"p.yaml": {Data: []byte(`
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - name: own-region
      actions: ["tools/call::get_sales_data"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
`)}}
	ctx := context.Background()
	engine, err := embedded.Open(ctx, policies, pdp.Options{})
	if err != nil {
		panic(err)
	}
	sally := &authz.Principal{ID: "sally", Roles: []string{"SALES"}, Attr: map[string]any{"region": "EMEA"}}
	decisions, err := engine.Decide(ctx, []authz.Request{{
		Principal: sally, Action: "tools/call::get_sales_data",
		Resource: authz.Resource{Kind: "mcp_server", ID: "get_sales_data"},
		Unknown:  []string{"arguments"},
	}})
	if err != nil {
		panic(err)
	}
	fmt.Println(decisions[0].Effect, decisions[0].Condition)
	// Output: conditional arguments.region == "EMEA"
}

func open(t testing.TB, options pdp.Options, policies ...string) *embedded.Engine {
	t.Helper()
	fsys := fstest.MapFS{}
	for i, p := range policies {
		name := fmt.Sprintf("p%d.yaml", i)
		if rest, ok := strings.CutPrefix(p, "// "); ok {
			name, p, _ = strings.Cut(rest, "\n")
		}
		fsys[name] = &fstest.MapFile{Data: []byte(p)}
	}
	e, err := embedded.Open(t.Context(), fsys, options)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func ask(t testing.TB, e pdp.Decider, p *authz.Principal, arguments map[string]any) authz.Decision {
	t.Helper()
	r := authz.Request{Principal: p, Action: "call", Resource: authz.Resource{Kind: "mcp_server", ID: "t", Attr: map[string]any{"tool_name": "t"}}}
	if arguments == nil {
		r.Unknown = []string{"arguments"}
	} else {
		r.Resource.Attr["arguments"] = arguments
	}
	d, err := e.Decide(t.Context(), []authz.Request{r})
	if err != nil {
		t.Fatal(err)
	}
	return d[0]
}

func TestUnknownArguments(t *testing.T) {
	expr := func(s string) string { return fmt.Sprintf("{expr: %q}", s) }
	tests := map[string]struct {
		policy  string
		options pdp.Options
		effect  authz.Effect
		want    string
	}{
		"unconditional":          {pdptest.Rule("ALLOW", "A", ""), pdp.Options{}, authz.Allow, ""},
		"nothing":                {pdptest.Rule("ALLOW", "X", ""), pdp.Options{}, authz.Deny, ""},
		"principal met":          {pdptest.Rule("ALLOW", "A", expr(`P.attr.region == "EMEA"`)), pdp.Options{}, authz.Allow, ""},
		"principal not met":      {pdptest.Rule("ALLOW", "A", expr(`P.attr.region == "APAC"`)), pdp.Options{}, authz.Deny, ""},
		"principal attr missing": {pdptest.Rule("ALLOW", "A", expr(`P.attr.nope == "x"`)), pdp.Options{}, authz.Deny, ""},
		"argument":               {pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.n <= P.attr.limit`)), pdp.Options{}, authz.Conditional, `arguments.n <= 100`},
		"argument in list":       {pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.region in P.attr.regions`)), pdp.Options{}, authz.Conditional, `arguments.region in ["EMEA", "US"]`},
		"has":                    {pdptest.Rule("ALLOW", "A", expr(`!has(R.attr.arguments.x) || R.attr.arguments.x == 1`)), pdp.Options{}, authz.Conditional, `!has(arguments.x) || arguments.x == 1`},
		"attribute not sent":     {pdptest.Rule("ALLOW", "A", expr(`R.attr.owner == "x"`)), pdp.Options{}, authz.Deny, ""},
		"attribute sent":         {pdptest.Rule("ALLOW", "A", expr(`R.attr.tool_name == "t" && R.attr.arguments.x == 1`)), pdp.Options{}, authz.Conditional, `arguments.x == 1`},
		"mixed or":               {pdptest.Rule("ALLOW", "A", expr(`P.attr.region == "EMEA" || R.attr.arguments.x == 1`)), pdp.Options{}, authz.Allow, ""},
		"deny fails open":        {pdptest.Rule("ALLOW", "A", "") + pdptest.Rule("DENY", "A", expr(`R.attr.arguments.secret == true`)), pdp.Options{}, authz.Conditional, `unless arguments.secret == true`},
		"allow unless deny": {
			pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.region == P.attr.region`)) + pdptest.Rule("DENY", "A", expr(`R.attr.arguments.secret == true`)),
			pdp.Options{},
			authz.Conditional, `arguments.region == "EMEA" unless arguments.secret == true`,
		},
		"strict": {
			pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.region == P.attr.region`)) + pdptest.Rule("DENY", "A", expr(`R.attr.arguments.secret == true`)),
			pdp.Options{StrictEvaluation: true},
			authz.Conditional, `arguments.region == "EMEA" && arguments.secret != true`,
		},
		"denied for one role, allowed by another": {
			pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.x == 1`)) + pdptest.Rule("DENY", "A", expr(`R.attr.arguments.y == 1`)) + pdptest.Rule("ALLOW", "B", expr(`R.attr.arguments.z == 1`)),
			pdp.Options{},
			authz.Conditional, `arguments.z == 1 || (arguments.x == 1 unless arguments.y == 1)`,
		},
		"none":       {pdptest.Rule("ALLOW", "A", `{none: {of: [{expr: R.attr.arguments.x == 1}, {expr: "P.attr.region == 'APAC'"}]}}`), pdp.Options{}, authz.Conditional, `unless arguments.x == 1`},
		"all":        {pdptest.Rule("ALLOW", "A", `{all: {of: [{expr: R.attr.arguments.x == 1}, {expr: R.attr.arguments.y == 2}]}}`), pdp.Options{}, authz.Conditional, `arguments.x == 1 && arguments.y == 2`},
		"any":        {pdptest.Rule("ALLOW", "A", `{any: {of: [{expr: R.attr.arguments.x == 1}, {expr: R.attr.arguments.y == 2}]}}`), pdp.Options{}, authz.Conditional, `arguments.x == 1 || arguments.y == 2`},
		"same twice": {pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.x == 1`)) + pdptest.Rule("ALLOW", "B", expr(`R.attr.arguments.x == 1`)), pdp.Options{}, authz.Conditional, `arguments.x == 1`},
		"exists":     {pdptest.Rule("ALLOW", "A", expr(`P.attr.regions.exists(r, r == R.attr.arguments.region)`)), pdp.Options{}, authz.Conditional, `["EMEA", "US"].exists(r, r == arguments.region)`},
		"now":        {pdptest.Rule("ALLOW", "A", expr(`now() > timestamp("2026-01-01T00:00:00Z")`)), pdp.Options{Now: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}, authz.Deny, ""},
		"timestamp":  {pdptest.Rule("ALLOW", "A", expr(`timestamp(R.attr.arguments.when) > timestamp(P.attr.since)`)), pdp.Options{}, authz.Conditional, `timestamp(arguments.when) > timestamp(principal.since)`},
		"now and argument": {
			pdptest.Rule("ALLOW", "A", expr(`now() - timestamp(R.attr.arguments.when) < duration("24h")`)),
			pdp.Options{},
			authz.Conditional,
			`now() - timestamp(arguments.when) < duration("24h")`,
		},
		"hierarchy":    {pdptest.Rule("ALLOW", "A", expr(`hierarchy(P.attr.region).ancestorOf(hierarchy(R.attr.arguments.h))`)), pdp.Options{}, authz.Conditional, `hierarchy(principal.region).ancestorOf(hierarchy(arguments.h))`},
		"startsWith":   {pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.s.startsWith(P.attr.region)`)), pdp.Options{}, authz.Conditional, `arguments.s.startsWith("EMEA")`},
		"lower":        {pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.s == P.attr.region.lowerAscii()`)), pdp.Options{}, authz.Conditional, `arguments.s == "emea"`},
		"map":          {pdptest.Rule("ALLOW", "A", expr(`{"a": 1}[R.attr.arguments.s] == 1`)), pdp.Options{}, authz.Conditional, `{"a": 1}[arguments.s] == 1`},
		"index":        {pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments["x y"] == 1`)), pdp.Options{}, authz.Conditional, `arguments["x y"] == 1`},
		"list":         {pdptest.Rule("ALLOW", "A", expr(`[R.attr.arguments.x, P.attr.limit].exists(v, v == 1)`)), pdp.Options{}, authz.Conditional, `[arguments.x, 100.0].exists(v, v == 1)`},
		"all elements": {pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.l.all(v, v in P.attr.regions)`)), pdp.Options{}, authz.Conditional, `arguments.l.all(v, v in ["EMEA", "US"])`},
		"arithmetic":   {pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.x * 2.0 < P.attr.limit / 4.0`)), pdp.Options{}, authz.Conditional, `arguments.x * 2.0 < 25`},
		"ternary":      {pdptest.Rule("ALLOW", "A", expr(`P.attr.limit > 50 ? R.attr.arguments.x == 1 : R.attr.arguments.y == 1`)), pdp.Options{}, authz.Conditional, `arguments.x == 1`},
		"negations":    {pdptest.Rule("ALLOW", "A", expr(`!(!(R.attr.arguments.x == 1) || P.attr.region == "APAC")`)), pdp.Options{}, authz.Conditional, `arguments.x == 1`},
		"optional":     {pdptest.Rule("ALLOW", "A", expr(`R.attr.arguments.?x.orValue(0) == 1`)), pdp.Options{}, authz.Conditional, `arguments.?x.orValue(0) == 1`},
		"whole":        {pdptest.Rule("ALLOW", "A", expr(`size(R.attr.arguments) == 0`)), pdp.Options{}, authz.Conditional, `size(arguments) == 0`},
		"dynamic":      {pdptest.Rule("ALLOW", "A", expr(`P.attr.quota[R.attr.arguments.kind] > 3`)), pdp.Options{}, authz.Conditional, `principal.quota[arguments.kind] > 3`},
	}
	p := &authz.Principal{ID: "p", Roles: []string{"A", "B"}, Attr: map[string]any{
		"region": "EMEA", "since": "2026-01-01T00:00:00Z", "limit": 100.0, "regions": []any{"EMEA", "US"}, "quota": map[string]any{"a": 5.0},
	}}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ask(t, open(t, tt.options, pdptest.Rules(tt.policy)), p, nil)
			if got.Effect != tt.effect || got.Condition.String() != tt.want {
				t.Errorf("got %v %q, want %v %q", got.Effect, got.Condition, tt.effect, tt.want)
			}
		})
	}
}

func TestAnyPrincipal(t *testing.T) {
	e := open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "A", "{expr: R.attr.arguments.region == P.attr.region && P.id != 'root'}")+
		pdptest.Rule("ALLOW", "B", "")+pdptest.Rule("DENY", "B", "{expr: P.attr.suspended}")))
	for role, want := range map[string]string{
		"A": `conditional arguments.region == principal.region && P.id != "root"`,
		"B": `conditional unless principal.suspended`,
		"C": `deny `,
	} {
		d, err := e.Decide(t.Context(), []authz.Request{{
			Principal: &authz.Principal{ID: "x", Roles: []string{role}}, Action: "call", Unknown: []string{"arguments"}, AnyPrincipal: true,
			Resource: authz.Resource{Kind: "mcp_server", ID: "t"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := d[0].Effect.String() + " " + d[0].Condition.String(); got != want {
			t.Errorf("role %s: %s, want %s", role, got, want)
		}
	}
}

func TestEvaluate(t *testing.T) {
	e := open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "A", "{expr: R.attr.arguments.region == P.attr.region}")))
	of := func(text string) pdp.Expression {
		return pdp.Expression{Rule: "resource.mcp_server.vdefault#rule-001", Text: text}
	}
	// one after the other: of the same expressions and of others, for several requests
	for _, x := range []struct {
		region string
		of     []pdp.Expression
		want   []pdp.Value
	}{
		{"APAC", []pdp.Expression{of("R.attr.arguments.region"), of("P.attr.region"), of("R.attr.arguments.region == P.attr.region"), of("R.attr.arguments.nope")}, []pdp.Value{{V: "APAC"}, {V: "EMEA"}, {V: false}, {Error: "no such key: nope"}}},
		{"APAC", []pdp.Expression{of("R.attr.arguments.region == P.attr.region")}, []pdp.Value{{V: false}}},
		{"EMEA", []pdp.Expression{of("R.attr.arguments.region == P.attr.region")}, []pdp.Value{{V: true}}},
		{"EMEA", []pdp.Expression{of("R.attr.arguments.region != P.attr.region")}, []pdp.Value{{V: false}}},
		{"APAC", []pdp.Expression{of("R.attr.arguments.region == P.attr.region")}, []pdp.Value{{V: false}}},
	} {
		got, err := e.Evaluate(t.Context(), authz.Request{
			Principal: &authz.Principal{ID: "p", Roles: []string{"A"}, Attr: map[string]any{"region": "EMEA"}}, Action: "call",
			Resource: authz.Resource{Kind: "mcp_server", ID: "t", Attr: map[string]any{"arguments": map[string]any{"region": x.region}}},
		}, x.of)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%v with %s (-want +got):\n%s", x.of, x.region, diff)
		}
	}
}

func TestRulesAreNamed(t *testing.T) {
	e := open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "A", "{expr: R.attr.arguments.x == 1}")+pdptest.Rule("DENY", "A", "{expr: P.attr.y == 1}")))
	p := &authz.Principal{ID: "p", Roles: []string{"A"}, Attr: map[string]any{"y": 2.0}}
	want := []authz.RuleRef{
		{ID: "resource.mcp_server.vdefault#rule-001", Effect: authz.Allow, Met: authz.Depends},
		{ID: "resource.mcp_server.vdefault#rule-002", Effect: authz.Deny, Met: authz.Unmet},
	}
	if diff := cmp.Diff(want, ask(t, e, p, nil).Rules); diff != "" {
		t.Errorf("unknown arguments (-want +got):\n%s", diff)
	}
	want[0].Met = authz.Fired
	if diff := cmp.Diff(want, ask(t, e, p, map[string]any{"x": 1.0}).Rules); diff != "" {
		t.Errorf("known arguments (-want +got):\n%s", diff)
	}
}

func TestNow(t *testing.T) {
	e := open(t, pdp.Options{Now: time.Date(2030, 5, 1, 0, 0, 0, 0, time.UTC)},
		pdptest.Rules(pdptest.Rule("ALLOW", "A", `{expr: "now() == timestamp('2030-05-01T00:00:00Z') && timestamp('2030-04-30T00:00:00Z').timeSince() == duration('24h')"}`)))
	p := &authz.Principal{ID: "p", Roles: []string{"A"}}
	if d := ask(t, e, p, map[string]any{}); d.Effect != authz.Allow {
		t.Errorf("the clock is not pinned: %+v", d)
	}
}

func TestNoPolicy(t *testing.T) {
	e := open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "A", "")))
	for _, unknown := range [][]string{nil, {"arguments"}} {
		d, err := e.Decide(t.Context(), []authz.Request{{
			Principal: &authz.Principal{ID: "p", Roles: []string{"A"}}, Action: "call",
			Resource: authz.Resource{Kind: "other", ID: "t"}, Unknown: unknown,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if !d[0].NoPolicy || d[0].Effect != authz.Deny {
			t.Errorf("unknown %v: %+v, want a denial by no policy", unknown, d[0])
		}
	}
}

func TestCompileErrorsAllAtOnce(t *testing.T) {
	_, err := embedded.Open(t.Context(), fstest.MapFS{
		"a.yaml": {Data: []byte(pdptest.Rules(pdptest.Rule("ALLOW", "A", "{expr: P.attr.x ==}")))},
		"b.yaml": {Data: []byte(strings.Replace(pdptest.Rules(pdptest.Rule("ALLOW", "A", "{expr: P.attr.x +}")+pdptest.Rule("DENY", "A", "{expr: nope(1)}")), "mcp_server", "other", 1))},
	}, pdp.Options{Prefix: "policies"})
	if n := len(source.Mistakes(err)); n != 3 {
		t.Errorf("%d mistakes, want 3:\n%v", n, err)
	}
	for _, e := range source.Mistakes(err) {
		var at *source.Error
		if !errors.As(e, &at) || at.Pos.Line == 0 || !strings.HasPrefix(at.Pos.File, "policies/") {
			t.Errorf("no position: %v", e)
		}
	}
	if _, err := embedded.Open(t.Context(), fstest.MapFS{"readme.md": {}}, pdp.Options{}); !errors.Is(err, pdp.ErrNoPolicies) {
		t.Errorf("empty directory: %v", err)
	}
}

func TestSchemas(t *testing.T) {
	const policy = `
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  schemas: {resourceSchema: {ref: "cerbos:///r.json"}}
  rules:
    - {actions: [call], effect: EFFECT_ALLOW, roles: [A]}
`
	p := &authz.Principal{ID: "p", Roles: []string{"A"}}
	tests := map[string]struct {
		schema      string
		enforcement pdp.Enforcement
		effect      authz.Effect
		condition   string
		refused     bool
	}{
		"refused, not enforced": {`{"additionalProperties": false}`, pdp.EnforceNone, authz.Allow, "", true},
		"refused, enforced":     {`{"additionalProperties": false}`, pdp.EnforceReject, authz.Deny, "", true},
		"any arguments":         {`{"properties": {"tool_name": {}, "arguments": {"type": "object"}}, "additionalProperties": false}`, pdp.EnforceReject, authz.Allow, "", false},
		"some arguments":        {`{"properties": {"arguments": {"properties": {"n": {"type": "number"}}}}}`, pdp.EnforceReject, authz.Conditional, "valid(arguments)", false},
		"any property":          {`{"additionalProperties": {"properties": {"n": {"type": "number"}}}}`, pdp.EnforceReject, authz.Conditional, "valid(arguments)", false},
		"required argument":     {`{"properties": {"arguments": {"required": ["n"], "type": "object"}}}`, pdp.EnforceReject, authz.Conditional, "valid(arguments)", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := open(t, pdp.Options{Schemas: tt.enforcement}, policy, "// _schemas/r.json\n"+tt.schema)
			d := ask(t, e, p, nil)
			if d.Effect != tt.effect || d.Condition.String() != tt.condition {
				t.Errorf("got %v %q, want %v %q", d.Effect, d.Condition, tt.effect, tt.condition)
			}
			found, err := e.Validate(t.Context(), []authz.Request{{
				Principal: p, Action: "call", Unknown: []string{"arguments"},
				Resource: authz.Resource{Kind: "mcp_server", ID: "t", Attr: map[string]any{"tool_name": "t"}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			if refused := len(found[0]) > 0; refused != tt.refused {
				t.Errorf("validation errors %+v, want some: %v", found[0], tt.refused)
			}
		})
	}
}

func TestSchemasOfOtherKinds(t *testing.T) {
	const policy = `
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: %s
  version: default
  schemas: {resourceSchema: {ref: "cerbos:///%s.json"}}
  rules:
    - {actions: [call], effect: EFFECT_ALLOW, roles: [A]}
`
	e := open(t, pdp.Options{Schemas: pdp.EnforceReject}, fmt.Sprintf(policy, "mcp_server", "open"), fmt.Sprintf(policy, "other", "narrow"),
		"// _schemas/open.json\n{}", "// _schemas/narrow.json\n"+`{"properties": {"arguments": {"type": "object", "required": ["n"]}}}`)
	if d := ask(t, e, &authz.Principal{ID: "p", Roles: []string{"A"}}, nil); d.Effect != authz.Allow {
		t.Errorf("another kind's schema counts: %v %q", d.Effect, d.Condition)
	}
}

// TestConfused holds what Confused says to what fresh loads decide.
func TestConfused(t *testing.T) {
	policies := func(first, second string) []string {
		const text = "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: %s\n  version: default\n  rules:\n" +
			"    - {name: r, actions: [call], effect: EFFECT_ALLOW, roles: [A], condition: {match: {%s: {of: [{expr: R.attr.x == 1}, {expr: R.attr.y == 1}]}}}}\n"
		return []string{fmt.Sprintf(text, "a", first), fmt.Sprintf(text, "b", second)}
	}
	for _, tt := range []struct {
		first, second string
		confused      bool
	}{{"any", "all", true}, {"all", "all", false}, {"any", "none", true}} {
		decided := map[authz.Effect]int{}
		var got [][]string
		for range 60 {
			e := open(t, pdp.Options{}, policies(tt.first, tt.second)...)
			d, err := e.Decide(t.Context(), []authz.Request{{
				Principal: &authz.Principal{ID: "p", Roles: []string{"A"}}, Action: "call",
				Resource: authz.Resource{Kind: "b", ID: "x", Attr: map[string]any{"x": 1.0, "y": 2.0}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			decided[d[0].Effect]++
			got = e.Confused()
		}
		if confused := len(got) > 0; confused != tt.confused {
			t.Errorf("%s and %s: Confused says %v", tt.first, tt.second, got)
		}
		if tt.confused {
			if diff := cmp.Diff([][]string{{"resource.a.vdefault#r", "resource.b.vdefault#r"}}, got); diff != "" {
				t.Errorf("%s and %s (-want +got):\n%s", tt.first, tt.second, diff)
			}
		}
		// None of the second conditions is met, so whatever is allowed is so by
		// the first rule's. It is in most loads.
		if wrong := decided[authz.Allow] > 0; wrong != tt.confused {
			t.Errorf("%s and %s: %v in 60 loads, confused: %v", tt.first, tt.second, decided, tt.confused)
		}
	}
}

// TestConfusedAction holds that rules are confused by the actions that both are about, wherever
// these stand among others.
func TestConfusedAction(t *testing.T) {
	rule := func(name, role, op, actions string) string {
		return fmt.Sprintf("    - {name: %s, actions: [%s], effect: EFFECT_ALLOW, roles: [%s], condition: {match: {%s: {of: [{expr: R.attr.x == 1}, {expr: R.attr.y == 1}]}}}}\n", name, actions, role, op)
	}
	for range 4 { // the rows of a rule come in the order of a Go map
		e := open(t, pdp.Options{}, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: a\n  version: default\n  rules:\n"+rule("r", "A", "any", "call, list")+rule("s", "B", "all", "list, drop"))
		if diff := cmp.Diff([][]string{{"resource.a.vdefault#r", "resource.a.vdefault#s"}}, e.Confused()); diff != "" {
			t.Errorf("Confused (-want +got):\n%s", diff)
		}
		for action, want := range map[string]bool{"list": true, "call": false, "drop": false} {
			if got := e.ByChance(&authz.Request{Action: action, Resource: authz.Resource{Kind: "a"}}); got != want {
				t.Errorf("%s by chance: %v, want %v", action, got, want)
			}
		}
	}
}

func TestClass(t *testing.T) {
	e := open(t, pdp.Options{}, pdptest.Rules(pdptest.Rule("ALLOW", "A", "{expr: P.attr.region == 'EMEA' && P.attr.team.lead}")))
	base := authz.Principal{ID: "a", Roles: []string{"A", "B"}, Attr: map[string]any{"region": "EMEA", "name": "x", "team": map[string]any{"lead": true}}}
	with := func(f func(*authz.Principal)) *authz.Principal { p := base; f(&p); return &p }
	same := []*authz.Principal{
		with(func(p *authz.Principal) { p.ID = "b" }),
		with(func(p *authz.Principal) { p.Roles = []string{"B", "A", "A"} }),
		with(func(p *authz.Principal) {
			p.Attr = map[string]any{"region": "EMEA", "team": map[string]any{"lead": true, "size": 3.0}}
		}),
	}
	for i, p := range same {
		if e.Class(p) != e.Class(&base) {
			t.Errorf("same[%d] is told apart", i)
		}
	}
	different := []*authz.Principal{
		with(func(p *authz.Principal) { p.Roles = []string{"A"} }),
		with(func(p *authz.Principal) { p.Scope = "x" }),
		with(func(p *authz.Principal) {
			p.Attr = map[string]any{"region": "APAC", "team": map[string]any{"lead": true}}
		}),
		with(func(p *authz.Principal) { p.Attr = map[string]any{"region": "EMEA"} }),
	}
	for i, p := range different {
		if e.Class(p) == e.Class(&base) {
			t.Errorf("different[%d] is not told apart", i)
		}
	}
}
