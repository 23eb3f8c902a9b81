package prove_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// someConditions are what conditions of generated policies ask.
var someConditions = []string{
	`P.attr.n < 2`, `R.attr.arguments.x == P.attr.n`, `"B" in P.roles`, `!("C" in P.roles)`, `size(P.roles) == 2`, `P.roles.size() < 3`,
	`P.roles.exists(r, r == "D")`, `P.roles.all(r, r in ["A", "B"])`, `["A", "C"].all(r, r in P.roles)`, `P.roles.isSubset(["A", "B", "E"])`,
	`hasIntersection(P.roles, ["D", "E"])`, `"owner" in runtime.effectiveDerivedRoles`, `V.trainee`, `P.attr.missing == 1`, `P.id == "pia"`,
}

// somePolicies writes policies about one tool: roles, derived roles, role policies,
// a principal policy.
func somePolicies(r *rand.Rand) fstest.MapFS {
	fsys := fstest.MapFS{}
	add := func(text string) {
		fsys[fmt.Sprintf("policies/p%d.yaml", len(fsys))] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\n" + text)}
	}
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	condition := func() string {
		if r.IntN(3) == 0 {
			return ""
		}
		text := pick(someConditions...)
		if r.IntN(3) == 0 {
			text += pick(" && ", " || ") + pick(someConditions...)
		}
		return fmt.Sprintf(", condition: {match: {expr: %q}}", text)
	}
	var b strings.Builder
	b.WriteString("resourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [roles]\n  variables: {local: {trainee: '\"T\" in P.roles'}}\n  rules:\n")
	for i := range 2 + r.IntN(5) {
		whom := "roles: [" + pick("A", "B", "C", "A, B", "D", `"*"`, `"team-*"`, `"*-a"`) + "]"
		if r.IntN(4) == 0 {
			whom = "derivedRoles: [" + pick("owner", "anyone") + "]"
		}
		fmt.Fprintf(&b, "    - {name: r%d, actions: [%s], effect: EFFECT_%s, %s%s}\n", i,
			pick(`"tools/call::pump"`, `"tools/call::pump"`, `"tools/list::pump"`, `"tools/*"`), pick("ALLOW", "ALLOW", "DENY"), whom, condition())
	}
	add(b.String())
	plain := func() string { return fmt.Sprintf(", condition: {match: {expr: %q}}", pick(someConditions[:11]...)) }
	add("derivedRoles:\n  name: roles\n  definitions:\n    - {name: owner, parentRoles: [" + pick("A", "F") + "]" + plain() + "}\n    - {name: anyone, parentRoles: [\"*\"]" + plain() + "}\n")
	if r.IntN(3) == 0 {
		add("rolePolicy:\n  role: " + pick("B", "G") + "\n" + pick("", "  parentRoles: [A]\n") + "  rules:\n    - {resource: mcp_server, allowActions: [" +
			pick(`"tools/call::pump"`, `"tools/list*"`, `"tools/*"`) + "]}\n")
	}
	return fsys
}

const oneTool = `{"tools": [{"name": "pump", "inputSchema": {"type": "object"}}]}`

// someWorld loads generated policies about one tool, of which one in so many is evaluated
// strictly.
func someWorld(t *testing.T, r *rand.Rand, strict int) (fstest.MapFS, *workspace.Workspace, *standing) {
	t.Helper()
	fsys := somePolicies(r)
	fsys["manifest.json"] = &fstest.MapFile{Data: []byte(oneTool)}
	fsys["mcpolicy.yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil,
		"servers: {crm: {manifest: manifest.json, enforcement: cerbos-fastmcp}}\npolicies: policies\nprincipals: principals.yaml\nengine: {strictEvaluation: %t}\n", r.IntN(strict) == 0)}
	w, err := fixture.Open(t.Context(), fsys, "principals: {ada: {id: ada, roles: [A]}}\n", workspace.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, texts(fsys))
	}
	m, err := w.Matrix(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x := &standing{t: t, m: m, known: map[string][2]bool{}}
	for _, col := range m.Columns {
		if col.Operation == authz.Call {
			x.call = col
		} else {
			x.list = col
		}
	}
	return fsys, w, x
}

// TestSetsStandForAll holds to the engine that whatever some roles may, or may not, one of
// the sets may, or may not, that stand for all, with the same attributes and
// arguments: alone, and of two operations at once.
func TestSetsStandForAll(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	for seed := range rounds.Of(50, 2500) {
		r := rand.New(rand.NewPCG(uint64(seed), 14)) //nolint:gosec // a test
		fsys, w, x := someWorld(t, r, 3)
		some := universe.Of(w.Policies, x.call, x.list)
		sets, open := some.Sets(nil, 2)
		if len(open) > 0 {
			t.Fatalf("seed %d: open: %v\n%s", seed, open, texts(fsys))
		}
		x.sets = sets
		for range 12 {
			x.holds(r, seed, func() string { return texts(fsys) })
		}
	}
}

func texts(fsys fstest.MapFS) string {
	var b strings.Builder
	for name, f := range fsys {
		if strings.HasPrefix(name, "policies") {
			b.WriteString(string(f.Data))
		}
	}
	return b.String()
}

// A standing knows what sets of roles may.
type standing struct {
	t          *testing.T
	m          *matrix.Matrix
	call, list *matrix.Column
	sets       [][]string
	known      map[string][2]bool
}

// may says whether somebody may call and list.
func (x *standing) may(roles []string, attr, arguments map[string]any) [2]bool {
	key, err := json.Marshal([]any{roles, attr, arguments})
	if err != nil {
		x.t.Fatal(err)
	}
	if known, ok := x.known[string(key)]; ok {
		return known
	}
	who := &authz.Principal{Key: "somebody", ID: "somebody", Roles: roles, Attr: attr}
	cells, err := x.m.Ask(x.t.Context(), []matrix.Attempt{{Principal: who, Column: x.call, Arguments: arguments}, {Principal: who, Column: x.list}})
	if err != nil {
		x.t.Fatal(err)
	}
	may := [2]bool{cells[0].Access.Possible(), cells[1].Access.Possible()}
	x.known[string(key)] = may
	return may
}

func (x *standing) holds(r *rand.Rand, seed int, policies func() string) {
	all := []string{"A", "B", "C", "D", "E", "F", "G", "T", "team-a", "team-b", "b-a", "x", "y"}
	var some []string
	for range 1 + r.IntN(5) {
		if role := all[r.IntN(len(all))]; !slices.Contains(some, role) {
			some = append(some, role)
		}
	}
	attr, arguments := map[string]any{}, map[string]any{}
	if r.IntN(3) > 0 {
		attr["n"] = float64(r.IntN(3))
	}
	if r.IntN(3) > 0 {
		arguments["x"] = float64(r.IntN(3))
	}
	have := x.may(some, attr, arguments)
	for name, holds := range map[string]func(may [2]bool) bool{
		"call":          func(may [2]bool) bool { return may[0] },
		"no call":       func(may [2]bool) bool { return !may[0] },
		"call and list": func(may [2]bool) bool { return may[0] && may[1] },
		"call, no list": func(may [2]bool) bool { return may[0] && !may[1] },
		"list, no call": func(may [2]bool) bool { return may[1] && !may[0] },
	} {
		if holds(have) && !slices.ContainsFunc(x.sets, func(set []string) bool { return holds(x.may(set, attr, arguments)) }) {
			x.t.Errorf("seed %d: roles %v, attributes %v, arguments %v come to %q, and none of %d sets does\n%s", seed, some, attr, arguments, name, len(x.sets), policies())
		}
	}
}
