package matrix_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

const inventory = `{
  "tools": [{"name": "greet"}, {"name": "report"}, {"name": "wipe"}],
  "prompts": [{"name": "review"}],
  "resources": [{"uri": "crm://terms", "name": "terms"}]
}`

const policies = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - name: gates
      actions: ["tools/list", "prompts/list"]
      effect: EFFECT_ALLOW
      roles: [SALES, ADMIN]
    - name: tools
      actions: ["tools/list::greet", "tools/call::greet", "tools/list::report"]
      effect: EFFECT_ALLOW
      roles: [SALES, GUEST]
    - name: own-region
      actions: ["tools/call::report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
    - name: all
      actions: ["tools/list::*", "tools/call::*"]
      effect: EFFECT_ALLOW
      roles: [ADMIN]
    - name: no-wiping
      actions: ["tools/call::wipe"]
      effect: EFFECT_DENY
      roles: [ADMIN]
`

func principal(key string, region string, roles ...string) *authz.Principal {
	return &authz.Principal{Key: key, ID: key, Roles: roles, Attr: map[string]any{"region": region}}
}

type world struct {
	engine *embedded.Engine
	input  *matrix.Input
}

func load(t testing.TB, policyText string, people ...*authz.Principal) world {
	t.Helper()
	return loadFiles(t, fstest.MapFS{"mcp.yaml": {Data: []byte(policyText)}}, people...)
}

func loadFiles(t testing.TB, fsys fstest.MapFS, people ...*authz.Principal) world {
	t.Helper()
	set, err := policy.Load(fsys, "policies")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.Open(context.Background(), fsys, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("crm.json", []byte(inventory))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := pep.New("cerbos-fastmcp", "crm", pep.With{}, "")
	if err != nil {
		t.Fatal(err)
	}
	return world{engine, &matrix.Input{
		Servers:    []*matrix.Server{{Name: "crm", Inventory: inventories[0], Profile: profile}},
		Principals: people, Decider: engine, Class: engine.Class, Policies: set,
	}}
}

func build(t testing.TB, in *matrix.Input) *matrix.Matrix {
	t.Helper()
	m, err := matrix.Build(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// table renders a matrix, one item a line, one letter an operation.
func table(m *matrix.Matrix) string {
	var b strings.Builder
	for _, col := range m.Columns {
		if col.Operation != authz.List {
			continue
		}
		fmt.Fprintf(&b, "%-12s", col.Item.Name)
		for _, c := range m.Classes {
			fmt.Fprintf(&b, " %c%c", m.Cell(c, col).Access.String()[0], m.Cell(c, col.Twin).Access.String()[0])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestBuild(t *testing.T) {
	w := load(t, policies,
		principal("sally", "EMEA", "SALES"), principal("sam", "EMEA", "SALES"), principal("ian", "EMEA", "ADMIN"),
		principal("guest", "EMEA", "GUEST"), principal("susan", "APAC", "SALES"))
	m := build(t, w.input)
	want := `greet        da aa aa aa
report       dd aa ac ac
wipe         dd ad dd dd
review       du au au au
crm://terms  du du du du
`
	if diff := cmp.Diff(want, table(m)); diff != "" {
		t.Errorf("matrix (-want +got):\n%s", diff)
	}
	if c := m.ClassOf("sam"); len(c.Principals) != 2 || c.First().Key != "sally" || c != m.ClassOf("sally") {
		t.Errorf("sam is not in sally's class: %+v", c)
	}
	report := m.Columns[3]
	cell := m.Cell(m.ClassOf("susan"), report)
	if cell.Condition.String() != `arguments.region == "APAC"` {
		t.Errorf("condition %q", cell.Condition)
	}
	var rules []string
	for _, r := range cell.Decisive() {
		rules = append(rules, fmt.Sprintf("%s %v %s", r.Name, r.Effect, r.Pos))
	}
	if diff := cmp.Diff([]string{"own-region allow policies/mcp.yaml:14:7"}, rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	wipe := m.Cell(m.ClassOf("ian"), m.Columns[5])
	if d := wipe.Decisive(); len(d) != 1 || d[0].Name != "no-wiping" {
		t.Errorf("ian's wipe is decided by %+v", d)
	}
	// Three gates, and a list and a call for each of three tools.
	if want := 9 * len(m.Classes); m.Decisions != want {
		t.Errorf("%d decisions, want %d", m.Decisions, want)
	}
}

func TestAsk(t *testing.T) {
	sally := principal("sally", "EMEA", "SALES")
	w := load(t, policies, sally)
	m := build(t, w.input)
	report, terms := m.Columns[3], m.Columns[9]
	cells, err := m.Ask(t.Context(), []matrix.Attempt{
		{Principal: sally, Column: report, Arguments: map[string]any{"region": "EMEA"}},
		{Principal: sally, Column: report, Arguments: map[string]any{"region": "APAC"}},
		{Principal: sally, Column: terms},
		{Principal: sally, Column: report},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range cells {
		got = append(got, c.Access.String())
	}
	if diff := cmp.Diff([]string{"allowed", "denied", "unguarded", "denied"}, got); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
	if e := cells[3].Errors; len(e) != 1 || e[0].Message != "no such key: region" {
		t.Errorf("without arguments: errors %+v", e)
	}
}

type broken struct{}

func (broken) Decide(context.Context, []authz.Request) ([]authz.Decision, error) {
	return nil, errors.New("out of order")
}

func TestAnErrorIsNoDenial(t *testing.T) {
	w := load(t, policies, principal("sally", "EMEA", "SALES"))
	w.input.Decider = broken{}
	if m, err := matrix.Build(t.Context(), w.input); err == nil || m != nil {
		t.Errorf("a matrix was built: %v, %v", m, err)
	}
}

// TestClassesChangeNothing holds the matrix by classes against one that asks
// the engine about every principal, in any order.
func TestClassesChangeNothing(t *testing.T) {
	w := load(t, policies)
	rapid.Check(t, func(t *rapid.T) {
		var people []*authz.Principal
		for i := range rapid.IntRange(1, 12).Draw(t, "n") {
			p := principal(fmt.Sprint("p", i), rapid.SampledFrom([]string{"EMEA", "APAC"}).Draw(t, "region"),
				rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"SALES", "ADMIN", "GUEST"}), 1, 3, rapid.ID).Draw(t, "roles")...)
			if rapid.Bool().Draw(t, "bare") {
				p.Attr = nil
			}
			people = append(people, p)
		}
		by := *w.input
		by.Principals = people
		each := by
		each.Class = nil
		each.Principals = rapid.Permutation(people).Draw(t, "order")
		a, err := matrix.Build(t.Context(), &by)
		if err != nil {
			t.Fatal(err)
		}
		b, err := matrix.Build(t.Context(), &each)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Classes) != len(people) || len(a.Classes) > len(b.Classes) {
			t.Fatalf("%d and %d classes of %d principals", len(a.Classes), len(b.Classes), len(people))
		}
		for _, p := range people {
			for i := range a.Columns {
				x, y := a.Cell(a.ClassOf(p.Key), a.Columns[i]), b.Cell(b.ClassOf(p.Key), b.Columns[i])
				if diff := cmp.Diff(x, y, cmp.Comparer(func(a, b *policy.Rule) bool { return a == b })); diff != "" {
					t.Fatalf("%s, %s %v (-by class +each):\n%s", p.Key, a.Columns[i].Item.Name, a.Columns[i].Operation, diff)
				}
			}
		}
	})
}

func TestAll(t *testing.T) {
	m := build(t, load(t, policies, principal("a", "x", "SALES"), principal("b", "x", "ADMIN")).input)
	n := 0
	for ref := range m.All() {
		if ref.Cell != m.Cell(ref.Class, ref.Column) {
			t.Error("a reference to another cell")
		}
		n++
	}
	if want := 2 * len(m.Columns); n != want {
		t.Errorf("%d cells, want %d", n, want)
	}
	if keys := slices.Collect(m.Principals()); len(keys) != 2 {
		t.Errorf("%d principals", len(keys))
	}
}

func Example() {
	t := new(testing.T)
	m := build(t, load(t, policies, principal("sally", "EMEA", "SALES")).input)
	for ref := range m.All() {
		if ref.Access == matrix.Conditional {
			fmt.Println(ref.Class.First().Key, "may", ref.Column.Operation, ref.Column.Item.Name, "when", ref.Condition)
		}
	}
	// Output: sally may call report when arguments.region == "EMEA"
}

func BenchmarkBuild(b *testing.B) {
	var people []*authz.Principal
	for i := range 50 {
		people = append(people, principal(fmt.Sprint("p", i), fmt.Sprint("r", i), "SALES"))
	}
	w := load(b, policies, people...)
	for b.Loop() {
		m := build(b, w.input)
		b.ReportMetric(float64(m.Decisions), "decisions/op")
	}
}

// TestBy holds that a matrix by another engine is what that engine decides, and that the first
// one stays as it is.
func TestBy(t *testing.T) {
	people := []*authz.Principal{principal("sally", "EMEA", "SALES"), principal("ian", "EMEA", "ADMIN")}
	m := build(t, load(t, policies, people...).input)
	before := table(m)
	other := load(t, strings.ReplaceAll(policies, "EFFECT_DENY", "EFFECT_ALLOW"), people...)
	by := m.By(other.engine)
	if by.Decided(by.Columns[1]) {
		t.Error("a cell is decided that the other engine was not asked about")
	}
	if err := by.Decide(t.Context(), by.Columns); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(table(build(t, other.input)), table(by)); diff != "" || table(by) == before {
		t.Errorf("by the other engine (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, table(m)); diff != "" {
		t.Errorf("the first matrix (-before +after):\n%s", diff)
	}
}

// TestSeveralRequests holds that a column of several requests is denied by those that are.
func TestSeveralRequests(t *testing.T) {
	w := load(t, policies, principal("ian", "EMEA", "ADMIN"))
	for _, actions := range [][]string{{"tools/call::greet", "tools/call::wipe"}, {"tools/call::wipe", "tools/call::greet"}} {
		var requests []pep.RequestSpec
		for _, action := range actions {
			requests = append(requests, pep.RequestSpec{Kind: "mcp_server", ID: "{name}", Action: action})
		}
		profile, err := pep.Custom("gateway", "crm", []pep.Spec{{Endpoint: "tools/call", Requests: requests}})
		if err != nil {
			t.Fatal(err)
		}
		in := *w.input
		in.Servers = []*matrix.Server{{Name: "crm", Inventory: w.input.Servers[0].Inventory, Profile: profile}}
		m := build(t, &in)
		cell := m.Cell(m.Classes[0], m.Columns[1])
		if d := cell.Decisive(); cell.Access != matrix.Denied || len(d) != 1 || d[0].Name != "no-wiping" {
			t.Errorf("%s: %v by %+v", actions, cell.Access, d)
		}
	}
}

// TestProgress holds that progress goes from nothing to all there is, and not back.
func TestProgress(t *testing.T) {
	w := load(t, policies, principal("sally", "EMEA", "SALES"), principal("ian", "EMEA", "ADMIN"))
	var told [][2]int
	w.input.Progress = func(done, total int) { told = append(told, [2]int{done, total}) }
	build(t, w.input)
	for i, x := range told {
		if x[1] != told[0][1] || i == 0 && x[0] != 0 || i > 0 && x[0] < told[i-1][0] || i == len(told)-1 && x[0] != x[1] {
			t.Fatalf("told %v", told)
		}
	}
	if len(told) < 2 {
		t.Errorf("told %v", told)
	}
}

// TestThrough holds through which tools a call is reached: those that may be called, and
// call it.
func TestThrough(t *testing.T) {
	w := load(t, policies, principal("sally", "EMEA", "SALES"), principal("ian", "EMEA", "ADMIN"), principal("guest", "EMEA", "GUEST"), principal("nobody", "EMEA", "X"))
	s := w.input.Servers[0]
	item := func(name string) *manifest.Item {
		return s.Inventory.Items[slices.IndexFunc(s.Inventory.Items, func(i *manifest.Item) bool { return i.Name == name })]
	}
	s.MetaTools = []manifest.MetaTool{{Item: item("greet")}, {Item: item("report"), Names: []string{"greet"}}}
	m := build(t, w.input)
	var got []string
	for c := range m.All() {
		for _, by := range m.Through(c.Class, c.Column) {
			got = append(got, fmt.Sprintf("%s %v %s by %s", c.Class.First().Key, c.Column.Operation, c.Column.Item.Name, by.Name))
		}
	}
	want := []string{"guest call report by greet", "guest call wipe by greet", "ian call wipe by greet", "sally call report by greet", "sally call wipe by greet"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reached (-want +got):\n%s", diff)
	}
}

// TestTold holds that a matrix that a report tells is the one that it tells of, and that
// principals with the same cells are a class.
func TestTold(t *testing.T) {
	people := []*authz.Principal{principal("sally", "EMEA", "SALES"), principal("sam", "EMEA", "SALES"), principal("ian", "EMEA", "ADMIN")}
	w := load(t, policies, people...)
	w.input.Class = nil
	m := build(t, w.input)
	told := matrix.Told(w.input.Servers, people, func(p *authz.Principal, col *matrix.Column) *matrix.Cell {
		return m.Cell(m.ClassOf(p.Key), m.Columns[col.Index])
	})
	if len(m.Classes) != 3 || len(told.Classes) != 2 {
		t.Errorf("%d classes, told as %d", len(m.Classes), len(told.Classes))
	}
	for _, p := range people {
		for i, col := range m.Columns {
			of := told.Columns[i]
			if of.Operation != col.Operation || of.Item != col.Item || of.Twin.Item != col.Item || of.Twin.Operation == of.Operation {
				t.Fatalf("column %d is %v %s", i, of.Operation, of.Item.Name)
			}
			if got, want := told.Cell(told.ClassOf(p.Key), of), m.Cell(m.ClassOf(p.Key), col); got.Access != want.Access || got.Condition.Key() != want.Condition.Key() {
				t.Errorf("%s %v %s: told %v, is %v", p.Key, col.Operation, col.Item.Name, got.Access, want.Access)
			}
		}
	}
}
