package embedded_test

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// sortedTable puts the rows, which come in the order of Go maps, into one.
func sortedTable(t *testing.T, table *runtimev1.RuleTable) *runtimev1.RuleTable {
	t.Helper()
	keys := map[*runtimev1.RuleTable_RuleRow]string{}
	for _, row := range table.Rules {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		keys[row] = string(b)
	}
	slices.SortFunc(table.Rules, func(a, b *runtimev1.RuleTable_RuleRow) int { return cmp.Compare(keys[a], keys[b]) })
	return table
}

// differences says how two tables differ, but for the order of rows.
func differences(t *testing.T, a, b *runtimev1.RuleTable) string {
	t.Helper()
	if a, b = sortedTable(t, a), sortedTable(t, b); proto.Equal(a, b) {
		return ""
	}
	return "they differ:" + gocmp.Diff(a, b, protocmp.Transform()) // which takes its time
}

// TestSharedCompilation holds a table whose imports were compiled once to the one that
// the compiler makes of the policies as they are.
func TestSharedCompilation(t *testing.T) {
	for seed := range uint64(rounds.Of(1, 30)) {
		shared, plain, err := embedded.CompileShared(t.Context(), newCompany(seed, 20).fsys())
		if err != nil {
			t.Fatal(err)
		}
		if shared == nil {
			t.Fatal("nothing was shared")
		}
		if diff := differences(t, plain, shared); diff != "" {
			t.Fatalf("company %d (-as they are +shared):\n%s", seed, diff)
		}
	}
}

// TestSharedMistakes holds that no mistake goes unnoticed because of sharing: for
// whatever is wrong with a text, either both ways refuse the policies or both come to
// the same.
func TestSharedMistakes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	refused, taken := 0, 0
	for n := range rounds.Of(20, 600) {
		c := newCompany(uint64(n%7), 6)
		name := slices.Sorted(maps.Keys(c.files))[random.IntN(len(c.files))]
		if random.IntN(2) == 0 { // what others import
			name = []string{"vars.yaml", "consts.json.yaml", "more.yaml", "roles/set0.yaml", "roles/set1.yaml", "roles/set2.yaml"}[random.IntN(6)]
		}
		before := c.files[name]
		c.files[name] = spoilt(random, before)
		shared, plain, err := embedded.CompileShared(t.Context(), c.fsys())
		switch {
		case err != nil && shared != nil:
			t.Errorf("only the compiler refuses %s: %v\n%s", name, err, c.files[name])
		case err != nil:
			refused++
		case shared != nil:
			taken++
			if diff := differences(t, plain, shared); diff != "" {
				t.Errorf("%s (-as they are +shared):\n%s\n%s", name, diff, c.files[name])
			}
		}
	}
	t.Logf("%d refused, %d the same", refused, taken)
	if refused == 0 || taken == 0 {
		t.Error("the mistakes are all of one kind")
	}
}

// spoilt changes a text in one place.
func spoilt(random *rand.Rand, text string) string {
	swaps := [][2]string{
		{"P.attr", "P.atr"},
		{"level ==", "level =="},
		{"== 1", "== ("},
		{"V.senior", "V.junior"},
		{"V.wide", "V.limit"},
		{"C.top", "C.topp"},
		{"common", "comon"},
		{"numbers", "nunbers"},
		{"d0_0", "d0_9"},
		{"d1_1", "d1_0"},
		{"set0", "set1"},
		{"set2", "set9"},
		{"name:", "nmae:"},
		{"own:", "senior:"},
		{"senior:", "wide:"},
		{"level == 2", "level == V.wide"},
		{"'a' + 'b'", "'a' + 1"},
		{"{", "["},
		{"parentRoles", "parents"},
		{"top: 2", "top: [2, {a: b}]"},
		{"match: {expr", "script: {expr"},
		{"apiVersion: api.cerbos.dev/v1", "disabled: true\napiVersion: api.cerbos.dev/v1"},
		{"apiVersion: api.cerbos.dev/v1", "apiVersion: api.cerbos.dev/v1\nvariables: {senior: \"1 == 1\"}"},
		{"limit: \"C.top + 4.0\"", "limit: V.wide"},
		{"[\"*\"]", "[]"},
		{"\"'a' + 'b'\"", "timestamp('x')"},
	}
	for range 20 {
		swap := swaps[random.IntN(len(swaps))]
		if n := strings.Count(text, swap[0]); n > 0 {
			parts := strings.SplitAfter(text, swap[0])
			i := random.IntN(n)
			parts[i] = strings.TrimSuffix(parts[i], swap[0]) + swap[1]
			return strings.Join(parts, "")
		}
	}
	i := random.IntN(len(text))
	return text[:i] + text[i+1:]
}

// TestSharedSpelling holds that what is shared may be spelt in any way that Cerbos
// reads, and that what a policy says is no stand-in.
func TestSharedSpelling(t *testing.T) {
	importer := func(name string) string {
		return "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: " + name + "\n  version: default\n  importDerivedRoles: [set]\n" +
			"  variables: {import: [vars], local: {own: \"'mcpolicy X 0'\"}}\n  rules:\n" +
			"    - {actions: [call], effect: EFFECT_ALLOW, derivedRoles: [d], condition: {match: {expr: \"V.own == V.big\"}}}\n"
	}
	for _, roles := range []string{
		"apiVersion: api.cerbos.dev/v1\nderived_roles: {name: set, definitions: [{name: d, parent_roles: [A], condition: {match: {expr: P.id == \"x\"}}}]}\n",
		"---\n# roles\n\"derivedRoles\":\n  \"name\": set\n  definitions:\n  - {name: d, parentRoles: [A, \"*\"], condition: {match: {none: {of: [{expr: \"false\"}]}}}}\napiVersion: api.cerbos.dev/v1\n",
		`{"apiVersion": "api.cerbos.dev/v1", "derivedRoles": {"name": "set", "definitions": [{"name": "d", "parentRoles": ["A"], "condition": {"match": {"expr": "P.id == 'x'"}}}]}}`,
		"{derivedRoles: {name: set, definitions: [{name: d, parentRoles: [A], condition: {match: {expr: P.id == 'x'}}}]}, apiVersion: api.cerbos.dev/v1}\n",
	} {
		fsys := fstest.MapFS{
			"sub/roles.yaml":  {Data: []byte(roles)},
			"vars.yml":        {Data: []byte("apiVersion: api.cerbos.dev/v1\nexportVariables: {name: vars, definitions: {big: P.attr.n > 1, none: \"'}'\"}}\n")},
			"testdata/x.yaml": {Data: []byte(roles)},
			"a_Test.yaml":     {Data: []byte(roles)},
			".hidden.yaml":    {Data: []byte(roles)},
		}
		for _, kind := range []string{"a", "b", "c", "d", "e"} {
			fsys[kind+".yaml"] = &fstest.MapFile{Data: []byte(importer(kind))}
		}
		shared, plain, err := embedded.CompileShared(t.Context(), fsys)
		if err != nil {
			t.Fatal(err)
		}
		if shared == nil {
			t.Errorf("nothing is shared of\n%s", roles)
			continue
		}
		if diff := differences(t, plain, shared); diff != "" {
			t.Errorf("%s (-as they are +shared):\n%s", roles, diff)
		}
	}
}
