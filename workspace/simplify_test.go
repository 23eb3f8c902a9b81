package workspace_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// harbour has a tool with a condition that says too much, and one that hangs on more
// rules than a condition is written down of.
func harbour() fstest.MapFS {
	var rules strings.Builder
	rule := func(tool, effect, who, condition string) {
		fmt.Fprintf(&rules, "    - {actions: ['tools/call::%s'], effect: EFFECT_%s, %s, condition: {match: {expr: '%s'}}}\n", tool, effect, who, condition)
	}
	rule("moor", "ALLOW", "roles: [pilot]", `R.attr.arguments.draught < 9.0 && R.attr.arguments.draught < 6.0 && R.attr.arguments.pilot == P.id`)
	for i := range 8 {
		rule("berth", "ALLOW", "roles: [pilot]", fmt.Sprintf(`R.attr.arguments.quay%d == P.attr.quay`, i))
	}
	rule("berth", "ALLOW", "derivedRoles: [warden]", `R.attr.arguments.cargo.all(c, c.startsWith("food/") || c.startsWith("cloth/") || c.startsWith("timber/") || c.startsWith("empty/"))`)
	for i := range 7 {
		rule("berth", "DENY", "roles: [pilot]", fmt.Sprintf(`R.attr.arguments.storm%d`, i))
	}
	return fstest.MapFS{
		"mcpolicy.yaml":       {Data: []byte("policies: policies\nprincipals: people.yaml\nservers:\n  port: {manifest: port.json}\n")},
		"port.json":           {Data: []byte(`{"tools": [{"name": "moor"}, {"name": "berth"}]}`)},
		"people.yaml":         {Data: []byte("principals:\n  ines: {id: ines, roles: [pilot], attr: {quay: north}}\n")},
		"policies/roles.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: port\n  definitions:\n    - {name: warden, parentRoles: [pilot]}\n")},
		"policies/port.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  importDerivedRoles: [port]
  rules:
` + rules.String())},
	}
}

const berths = `(depends on 16 rules: policies/port.yaml:8 allows if arguments.quay0 == principal.quay; ` +
	`policies/port.yaml:9 allows if arguments.quay1 == principal.quay; policies/port.yaml:10 allows if arguments.quay2 == principal.quay; ` +
	`policies/port.yaml:11 allows if arguments.quay3 == principal.quay; policies/port.yaml:12 allows if arguments.quay4 == principal.quay; ` +
	`policies/port.yaml:13 allows if arguments.quay5 == principal.quay; 3 more allow; ` +
	`policies/port.yaml:17 denies if arguments.storm0; policies/port.yaml:18 denies if arguments.storm1; ` +
	`policies/port.yaml:19 denies if arguments.storm2; policies/port.yaml:20 denies if arguments.storm3; ` +
	`policies/port.yaml:21 denies if arguments.storm4; policies/port.yaml:22 denies if arguments.storm5; 1 more deny)`

// TestSimplify holds what people are told of conditions in a matrix, by who-can and by
// explain.
func TestSimplify(t *testing.T) {
	w, m := matrixOf(t, harbour())
	if err := w.Simplify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"moor": `arguments.draught < 6.0 && arguments.pilot == "ines"`, "berth": berths}
	for _, col := range m.Columns {
		if col.Operation != authz.Call {
			continue
		}
		cell := m.Cell(m.Classes[0], col)
		if got := cell.Condition.String(); got != want[col.Item.Name] {
			t.Errorf("the matrix says %s of %s, want %s", got, col.Item.Name, want[col.Item.Name])
		}
		x, err := w.Explain(t.Context(), &workspace.Attempt{Principal: m.Classes[0].Principals[0], Server: m.Servers[0], Item: col.Item, Operation: authz.Call})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(x.Sentence, "when "+want[col.Item.Name]+".") {
			t.Errorf("explain says %s", x.Sentence)
		}
	}
	answers, _, err := w.WhoCan(t.Context(), &workspace.Access{Operation: authz.Call})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		checkAnswer(t, &a, want[a.Column.Item.Name])
	}
}

func checkAnswer(t *testing.T, a *explain.Answer, declared string) {
	t.Helper()
	byRole := map[string]string{"moor": `arguments.draught < 6.0 && arguments.pilot == P.id`, "berth": berths}[a.Column.Item.Name]
	if len(a.Declared) != 1 || a.Declared[0].Condition.String() != declared {
		t.Errorf("of %s: %v, want %s", a.Column.Item.Name, a.Declared, declared)
	}
	if len(a.ByRole) != 1 || a.ByRole[0].Condition.String() != byRole {
		t.Errorf("of %s by role: %v, want %s", a.Column.Item.Name, a.ByRole, byRole)
	}
}

// matrixOf opens a folder, and builds its matrix.
func matrixOf(t *testing.T, fsys fstest.MapFS) (*workspace.Workspace, *matrix.Matrix) {
	t.Helper()
	w, err := workspace.Open(t.Context(), fsys, workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	m, err := w.Matrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w, m
}

// TestSimplifyKeepsReads holds that what is told of a condition that is not written down
// is no less than what is known of it: what it reads.
func TestSimplifyKeepsReads(t *testing.T) {
	w, m := matrixOf(t, harbour())
	reads := func() (n int) {
		for _, col := range m.Columns {
			n += len(m.Cell(m.Classes[0], col).Condition.Reads().Arguments)
		}
		return n
	}
	before := reads()
	if err := w.Simplify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if after := reads(); before == 0 || after != before {
		t.Errorf("%d arguments are read, %d before", after, before)
	}
}

// TestSimplifyServer holds that nothing is left out of a condition on what identifies the server,
// where the enforcement point finds that out by itself.
func TestSimplifyServer(t *testing.T) {
	fsys := fstest.MapFS{
		"mcpolicy.yaml":   {Data: []byte("servers: {desk: {manifest: m.json, enforcement: coaz}}\npolicies: policies\nprincipals: p.yaml\n")},
		"m.json":          {Data: []byte(`{"tools": [{"name": "look"}]}`)},
		"p.yaml":          {Data: []byte("principals: {ada: {id: ada, roles: [clerk]}, bob: {id: bob, roles: [clerk]}}\n")},
		"policies/p.yaml": {Data: []byte(deskPolicy)},
	}
	w, m := matrixOf(t, fsys)
	if err := w.Simplify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"ada": `resource.aud != "" && (resource.aud == "desk" || resource.aud in ["x", "y"])`,
		"bob": `resource.aud != "" && resource.aud in ["x", "y"]`,
	}
	for who := range m.Principals() {
		for _, col := range m.Columns {
			if got := m.Cell(m.ClassOf(who.Key), col).Condition.String(); col.Operation == authz.List && got != want[who.Key] {
				t.Errorf("%s %s %s when %s, want %s", who.Key, col.Operation, col.Item.Name, got, want[who.Key])
			}
		}
	}
}

const deskPolicy = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["*"], effect: EFFECT_ALLOW, roles: ["*"], condition: {match: {expr: 'R.id == "desk" && P.id == "ada"'}}}
    - {actions: ["*"], effect: EFFECT_ALLOW, roles: ["*"], condition: {match: {expr: 'R.id in ["x", "y"]'}}}
`
