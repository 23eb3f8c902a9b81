package explain_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

const policies = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  importDerivedRoles: [desk]
  variables: {local: {own_region: R.attr.arguments.region == P.attr.region}}
  rules:
    - name: own-region
      actions: ["tools/call::report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: V.own_region}}
    - name: all
      actions: ["tools/list", "tools/list::*", "tools/call::*"]
      effect: EFFECT_ALLOW
      roles: [ADMIN]
    - name: no-secrets
      actions: ["tools/call::report"]
      effect: EFFECT_DENY
      roles: ["*"]
      condition: {match: {expr: R.attr.arguments.secret}}
    - name: leads
      actions: ["tools/call::wipe"]
      effect: EFFECT_ALLOW
      derivedRoles: [lead]
    - name: greeting
      actions: ["tools/call::greet"]
      effect: EFFECT_ALLOW
      roles: ["*"]
`

const derived = `apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: desk
  definitions:
    - {name: lead, parentRoles: [SALES], condition: {match: {expr: P.attr.lead == true}}}
`

type world struct {
	engine *embedded.Engine
	matrix *matrix.Matrix
	set    *policy.Set
}

func load(t testing.TB) *world {
	t.Helper()
	fsys := fstest.MapFS{"mcp.yaml": {Data: []byte(policies)}, "roles.yaml": {Data: []byte(derived)}}
	set, err := policy.Load(fsys, "policies")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.Open(context.Background(), fsys, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("crm.json", []byte(`{"tools": [{"name": "report"}, {"name": "wipe"}, {"name": "greet"}], "resources": [{"uri": "crm://a", "name": "a"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := pep.New("cerbos-fastmcp", "crm", pep.With{}, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := matrix.Build(context.Background(), &matrix.Input{
		Servers: []*matrix.Server{{Name: "crm", Inventory: inventories[0], Profile: profile}},
		Principals: []*authz.Principal{
			{Key: "sally", ID: "sally", Roles: []string{"SALES"}, Attr: map[string]any{"region": "EMEA"}},
			{Key: "ian", ID: "ian", Roles: []string{"ADMIN"}},
		},
		Decider: engine, Class: engine.Class, Policies: set,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &world{engine, m, set}
}

func (w *world) column(item string, op authz.Operation) *matrix.Column {
	for _, c := range w.matrix.Columns {
		if c.Item.Name == item && c.Operation == op {
			return c
		}
	}
	return nil
}

func (w *world) explain(t testing.TB, principal, item string, op authz.Operation, arguments map[string]any) *explain.Explanation {
	t.Helper()
	x, err := explain.Explain(context.Background(), &explain.Input{
		Matrix: w.matrix, Engine: w.engine, Policies: w.set, Principal: w.matrix.ClassOf(principal).First(),
		Column: w.column(item, op), Arguments: arguments,
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestSentences(t *testing.T) {
	w := load(t)
	tests := []struct {
		principal, item string
		op              authz.Operation
		arguments       map[string]any
		want            string
		ways            []string
	}{
		{"sally", "report", authz.Call, map[string]any{"region": "EMEA"}, `allowed: rule "own-region" allows it.`, nil},
		{
			"sally", "report", authz.Call,
			map[string]any{"region": "APAC"},
			`denied: no rule allows it. "own-region" would, but its condition is not met.`,
			[]string{`arguments.region = "EMEA"`, `principal.region = "APAC"`, `the role ADMIN`},
		},
		{
			"sally", "report", authz.Call,
			map[string]any{},
			`denied: no rule allows it. "own-region" would, but its condition is not met.`,
			[]string{`arguments.region = "EMEA"`, `the role ADMIN`},
		},
		{"sally", "report", authz.Call, map[string]any{"region": "EMEA", "secret": true}, `denied: rule "no-secrets" denies it.`, nil},
		{"sally", "report", authz.Call, nil, `conditional: rule "own-region" allows it when arguments.region == "EMEA" unless arguments.secret.`, nil},
		{"sally", "wipe", authz.Call, nil, `denied: no rule allows it. "leads" would, but its derived role is not active.`, []string{`principal.lead = true`, `the role ADMIN`}},
		{"sally", "wipe", authz.List, nil, `denied: no rule allows it. "all" would, but for other roles.`, []string{`the role ADMIN`}},
		{"ian", "wipe", authz.Call, nil, `allowed: rule "all" allows it.`, nil},
		{"sally", "greet", authz.Call, nil, `allowed: rule "greeting" allows it.`, nil},
		{"sally", "crm://a", authz.Read, nil, `unguarded: cerbos-fastmcp asks nothing on resources/read, so no policy has a say and anyone who connects may do it.`, nil},
		{"sally", "crm://a", authz.List, nil, `denied: no rule is about it.`, nil},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.principal, " ", tt.item, " ", tt.op, " ", tt.arguments), func(t *testing.T) {
			x := w.explain(t, tt.principal, tt.item, tt.op, tt.arguments)
			if x.Sentence != tt.want {
				t.Errorf("got  %s\nwant %s", x.Sentence, tt.want)
			}
			var ways []string
			for _, way := range x.Ways {
				ways = append(ways, way.Text)
			}
			if diff := cmp.Diff(tt.ways, ways); diff != "" {
				t.Errorf("ways (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParts(t *testing.T) {
	x := load(t).explain(t, "sally", "report", authz.Call, map[string]any{"region": "APAC"})
	r := x.Requests[0].Rules[0]
	var parts []string
	for _, p := range r.Exprs[0].Parts {
		parts = append(parts, fmt.Sprintf("%s@%d = %v", p.Text, p.Offset, p.Value.V))
	}
	if diff := cmp.Diff([]string{"R.attr.arguments.region@0 = APAC", "P.attr.region@27 = EMEA"}, parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if r.Label() != "own-region" || r.Via != "role SALES" || r.Result != explain.Unmet || r.Exprs[0].Value.V != false {
		t.Errorf("rule %+v", r)
	}
	if other := x.Requests[0].Rules[1]; other.Label() != "no-secrets" || other.Via != "everyone" || other.Exprs[0].Value.Error != "no such key: secret" {
		t.Errorf("other rule %+v", other)
	}
}

func TestDerivedRoles(t *testing.T) {
	w := load(t)
	d := w.explain(t, "sally", "wipe", authz.Call, nil).Requests[0].Derived[0]
	if d.Name != "lead" || d.Active || d.Why != "its condition is not met" || d.Exprs[0].Value.Error != "no such key: lead" {
		t.Errorf("sally's lead: %+v", d)
	}
	d = w.explain(t, "ian", "wipe", authz.Call, nil).Requests[0].Derived[0]
	if d.Active || !strings.Contains(d.Why, "SALES") {
		t.Errorf("ian's lead: %+v", d)
	}
}

func TestWhoCan(t *testing.T) {
	w := load(t)
	answers, err := explain.WhoCan(t.Context(), w.matrix, w.engine, w.set, []*matrix.Column{w.column("report", authz.Call), w.column("greet", authz.Call), w.column("crm://a", authz.Read), w.column("wipe", authz.List)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range answers {
		for _, h := range a.Declared {
			for _, p := range h.Principals {
				got = append(got, fmt.Sprint(a.Column.Item.Name, ": ", p.Key, " ", h.Access, " ", h.Condition))
			}
		}
		for _, h := range a.ByRole {
			got = append(got, fmt.Sprint(a.Column.Item.Name, ": role ", h.Role, " ", h.Access, " ", h.Condition, " wildcard ", h.Wildcard))
		}
	}
	want := []string{
		`report: ian conditional unless arguments.secret`,
		`report: sally conditional arguments.region == "EMEA" unless arguments.secret`,
		`report: role ADMIN conditional unless arguments.secret wildcard false`,
		`report: role SALES conditional arguments.region == principal.region unless arguments.secret wildcard false`,
		`greet: ian allowed `, `greet: sally allowed `,
		`greet: role ADMIN allowed  wildcard false`, `greet: role SALES allowed  wildcard true`, `greet: role * allowed  wildcard true`,
		`crm://a: ian unguarded `, `crm://a: sally unguarded `,
		`crm://a: role ADMIN unguarded  wildcard true`, `crm://a: role SALES unguarded  wildcard true`, `crm://a: role * unguarded  wildcard true`,
		`wipe: ian allowed `, `wipe: role ADMIN allowed  wildcard false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func Example() {
	t := new(testing.T)
	w := load(t)
	fmt.Println(w.explain(t, "sally", "report", authz.Call, map[string]any{"region": "APAC"}).Sentence)
	// Output: denied: no rule allows it. "own-region" would, but its condition is not met.
}

// BenchmarkWhoCan reports how often the engine is asked by the first question
// and by the same one again: answers are kept for each different combination
// of roles, action and values of conditions.
func BenchmarkWhoCan(b *testing.B) {
	ask := func(w *world) int64 {
		before := w.engine.Checks()
		if _, err := explain.WhoCan(b.Context(), w.matrix, w.engine, w.set, []*matrix.Column{w.column("report", authz.Call)}); err != nil {
			b.Fatal(err)
		}
		return w.engine.Checks() - before
	}
	w := load(b)
	first := ask(w)
	n, again := 0, int64(0)
	for b.Loop() {
		again += ask(w)
		n++
	}
	b.ReportMetric(float64(first), "checks/first")
	b.ReportMetric(float64(again)/float64(n), "checks/op")
}

func BenchmarkExplain(b *testing.B) {
	w := load(b)
	before, n := w.engine.Checks(), 0
	for b.Loop() {
		w.explain(b, "sally", "report", authz.Call, map[string]any{"region": "APAC"})
		n++
	}
	b.ReportMetric(float64(w.engine.Checks()-before)/float64(n), "checks/op")
}
