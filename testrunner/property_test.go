package testrunner_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// The property: a suite written off the matrix passes, and after any single
// change to what it lists exactly the changed case fails.

var (
	toolNames = []string{"get", "get_all", "put", "drop", "a:b", "a/b", "x{y}", "z*"}
	roleNames = []string{"A", "B", "C"}
)

// randomWorld draws tools, principals and policies.
func randomWorld(t *rapid.T) fstest.MapFS {
	var tools, people, rules []string
	for _, name := range toolNames[:rapid.IntRange(1, len(toolNames)).Draw(t, "tools")] {
		tools = append(tools, fmt.Sprintf(`{"name": %q}`, name))
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "principals") {
		roles := rapid.SliceOfNDistinct(rapid.SampledFrom(roleNames), 1, 2, rapid.ID).Draw(t, "roles")
		people = append(people, fmt.Sprintf("  p%d: {id: p%d, roles: [%s], attr: {n: %d}}", i, i, strings.Join(roles, ", "), rapid.IntRange(0, 1).Draw(t, "n")))
	}
	for range rapid.IntRange(1, 6).Draw(t, "rules") {
		action := rapid.SampledFrom([]string{"tools/list", "tools/list::*", "tools/call::*", "tools/call::get*", "tools/*::drop", "tools/list::put", "**"}).Draw(t, "action")
		rule := fmt.Sprintf("    - {actions: [%q], effect: EFFECT_%s, roles: [%s]", action,
			rapid.SampledFrom([]string{"ALLOW", "ALLOW", "DENY"}).Draw(t, "effect"), rapid.SampledFrom(roleNames).Draw(t, "role"))
		if condition := rapid.SampledFrom([]string{"", "", "P.attr.n == 1", "R.attr.arguments.x == P.attr.n", "!has(R.attr.arguments.x)"}).Draw(t, "condition"); condition != "" {
			rule += fmt.Sprintf(", condition: {match: {expr: %q}}", condition)
		}
		rules = append(rules, rule+"}")
	}
	return fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [` + strings.Join(tools, ", ") + "]}")},
		"principals.yaml": {Data: []byte("principals:\n" + strings.Join(people, "\n") + "\n")},
		"policies/p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + strings.Join(rules, "\n") + "\n")},
	}
}

// expectations maps each principal and operation to what a suite lists: the
// item names by the key of the list.
type expectations map[string]map[authz.Operation]map[string][]string

func (e expectations) suite(t *rapid.T) []*testrunner.Suite {
	var b strings.Builder
	b.WriteString("name: generated\ntests:\n")
	for _, who := range slices.Sorted(maps.Keys(e)) {
		fmt.Fprintf(&b, "  - name: %s\n    principals: [%s]\n", who, who)
		for _, op := range []authz.Operation{authz.List, authz.Call} {
			fmt.Fprintf(&b, "    %v:\n", op)
			for _, key := range []string{"exactly", "allow", "deny", "conditional"} {
				if names := e[who][op][key]; len(names) > 0 || key == "exactly" {
					fmt.Fprintf(&b, "      %s: [", key)
					for _, n := range names {
						fmt.Fprintf(&b, "%q, ", n)
					}
					b.WriteString("]\n")
				}
			}
		}
	}
	suites, err := testrunner.Parse("t.yaml", []byte(b.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return suites
}

// written writes down what the matrix says.
func written(m *matrix.Matrix) expectations {
	e := expectations{}
	for ref := range m.All() {
		for _, p := range ref.Class.Principals {
			if e[p.Key] == nil {
				e[p.Key] = map[authz.Operation]map[string][]string{authz.List: {}, authz.Call: {}}
			}
			lists := e[p.Key][ref.Column.Operation]
			key := map[matrix.Access]string{matrix.Allowed: "allow", matrix.Denied: "deny", matrix.Conditional: "conditional"}[ref.Access]
			lists[key] = append(lists[key], ref.Column.Item.Name)
			if ref.Access.Possible() {
				lists["exactly"] = append(lists["exactly"], ref.Column.Item.Name)
			}
		}
	}
	return e
}

func TestWrittenOffTheMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	rapid.Check(t, func(t *rapid.T) {
		in, err := load(t.Context(), randomWorld(t))
		if err != nil {
			t.Fatal(err)
		}
		want := written(in.Matrix)
		count := func(failing string) {
			in.Suites = want.suite(t)
			r, err := testrunner.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range r.Suites {
				for _, c := range s.Cases {
					if c.Outcome != testrunner.Passed {
						got = append(got, fmt.Sprint(c.Principals[0].Key, c.Operation, c.Item.Name))
					}
				}
			}
			if strings.Join(got, "; ") != failing {
				t.Fatalf("failing: %q, want %q\n%s", got, failing, describe(r))
			}
		}
		count("")
		for _, who := range slices.Sorted(maps.Keys(want)) {
			for _, op := range []authz.Operation{authz.List, authz.Call} {
				lists := want[who][op]
				for _, item := range in.Matrix.Servers[0].Inventory.Items {
					from := ""
					for _, key := range []string{"allow", "deny", "conditional"} {
						if slices.Contains(lists[key], item.Name) {
							from = key
						}
					}
					to := rapid.SampledFrom(slices.DeleteFunc([]string{"allow", "deny", "conditional"}, func(s string) bool { return s == from })).Draw(t, "to")
					for _, change := range []func() func(){
						func() func() { return toggle(lists, "exactly", item.Name) },
						func() func() {
							undo, undoToo := toggle(lists, from, item.Name), toggle(lists, to, item.Name)
							return func() { undo(); undoToo() }
						},
					} {
						undo := change()
						count(fmt.Sprint(who, op, item.Name))
						undo()
					}
				}
			}
		}
		count("")
	})
}

// toggle takes a name out of a list, or puts it in, and returns what undoes it.
func toggle(lists map[string][]string, key, name string) func() {
	before := lists[key]
	if i := slices.Index(before, name); i >= 0 {
		lists[key] = slices.Delete(slices.Clone(before), i, i+1)
	} else {
		lists[key] = append(slices.Clone(before), name)
	}
	return func() { lists[key] = before }
}
