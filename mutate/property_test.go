package mutate_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// places counts the places in which two trees differ: what is taken out of a list or a
// mapping is one, and so is a field of another name.
func places(a, b any) int {
	if reflect.DeepEqual(a, b) {
		return 0
	}
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			return placesOfMaps(a, b)
		}
	case []any:
		b, ok := b.([]any)
		switch {
		case !ok, reflect.DeepEqual(b, []any{"*"}): // replaced as a whole
		case len(a) == len(b):
			n := 0
			for i := range a {
				n += places(a[i], b[i])
			}
			return n
		case len(a) == len(b)+1:
			for i := range a {
				if reflect.DeepEqual(slices.Delete(slices.Clone(a), i, i+1), b) {
					return 1
				}
			}
			return 99
		}
	}
	return 1
}

func placesOfMaps(a, b map[string]any) int {
	var gone, come []string
	n := 0
	for k := range a {
		if of, ok := b[k]; ok {
			n += places(a[k], of)
		} else {
			gone = append(gone, k)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			come = append(come, k)
		}
	}
	if len(gone) == 1 && len(come) == 1 && reflect.DeepEqual(a[gone[0]], b[come[0]]) {
		return n + 1
	}
	return n + len(gone) + len(come)
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// rulesSay returns what the rules of a file say, in order, and its definitions.
func rulesSay(set *policy.Set, file string) (list []*pdp.Rule) {
	for r := range set.Rules() {
		if r.Policy.File == file {
			list = append(list, mutate.Says(r))
		}
	}
	return list
}

// changedRules returns what rules would say with a change made.
func changedRules(set *policy.Set, file string, c *pdp.Change) (list []*pdp.Rule) {
	for r := range set.Rules() {
		switch {
		case r.Policy.File != file:
		case r.ID != c.Rule:
			list = append(list, mutate.Says(r))
		case c.Says != nil:
			list = append(list, c.Says)
		}
	}
	return list
}

// A mutant's file reads as the policies with the one change made, and it is the change that
// an engine is asked to make.
func TestOneChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	seen := map[mutate.Operator]int{}
	for seed := range rounds.Of(8, 300) {
		m := newMaker(t, seed)
		files := m.others()
		files["server.yaml"] = m.resource("server")
		if seed%3 == 0 {
			_, roots := read(t, files)
			files["server.yaml"] = asJSON(t, roots["server.yaml"])
		}
		set, roots := read(t, files)
		ids, contents := map[string]bool{}, map[string]bool{}
		for _, mutant := range mutate.Of(set, func(file string) *source.Node { return roots[file] }) {
			seen[mutant.Operator]++
			file, text := mutant.Pos.File, content(t, mutant)
			what := fmt.Sprintf("%v: %s: %s -> %s\n%s\n%s", mutant.Pos, mutant.Operator, mutant.Before, mutant.After, files[file], text)
			if n := places(roots[file].Value(), decoded(t, text)); n != 1 {
				t.Fatalf("%d places differ: %s", n, what)
			}
			if ids[mutant.ID] || contents[file+text] {
				t.Fatalf("there is another: %s", what)
			}
			ids[mutant.ID], contents[file+text] = true, true
			with := maps.Clone(files)
			with[file] = text
			after, _ := read(t, with)
			if mutant.Change.File == "" {
				if diff := cmp.Diff(changedRules(set, file, mutant.Change), rulesSay(after, file), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("the change, the file (-, +):\n%s\n%s", diff, what)
				}
			}
			for _, r := range set.Policies { // what else there is, is as before
				if r.File != file && len(r.Rules) > 0 {
					if diff := cmp.Diff(rulesSay(set, r.File), rulesSay(after, r.File)); diff != "" {
						t.Fatalf("%s: %s\n%s", r.File, diff, what)
					}
				}
			}
		}
	}
	for _, o := range mutate.Operators() {
		if seen[o] == 0 {
			t.Errorf("no %s was made", o)
		}
	}
	t.Log(seen)
}

// By an engine that makes the change and by one that is opened with the mutant's file,
// decisions are the same.
func TestChangeAndContent(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	compared, changed, invalid := 0, 0, 0
	for seed := range rounds.Of(1, 40) {
		m := newMaker(t, 1000+seed)
		files := m.others()
		files["server.yaml"] = m.resource("server")
		before, err := open(t, files)
		if err != nil {
			t.Fatalf("%v\n%s", err, files)
		}
		requests := m.requests("server", 12)
		was := pdptest.Decide(t, before, requests)
		for _, mutant := range mutantsOf(t, files) {
			with := maps.Clone(files)
			with[mutant.Pos.File] = content(t, mutant)
			after, err := open(t, with)
			if err != nil {
				invalid++
				t.Logf("%v: %s: %s -> %s: %v", mutant.Pos, mutant.Operator, mutant.Before, mutant.After, err)
				continue
			}
			want := pdptest.Decide(t, after, requests)
			for i := range requests {
				if effect(&was[i]) != effect(&want[i]) {
					changed++
				}
			}
			list, err := before.Change(t.Context(), []pdp.Change{*mutant.Change})
			if err != nil {
				t.Fatal(err)
			}
			if list[0] == nil {
				continue
			}
			d, err := list[0].For(nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, got := range pdptest.Decide(t, d, requests) {
				if list[0].ByChance(&requests[i]) {
					continue
				}
				compared++
				if effect(&got) != effect(&want[i]) {
					t.Errorf("%v: %s: %s -> %s: %s opened, %s changed", mutant.Pos, mutant.Operator, mutant.Before, mutant.After, effect(&want[i]), effect(&got))
				}
			}
		}
	}
	t.Logf("%d decisions compared; mutants changed %d; %d do not load", compared, changed, invalid)
	if compared < 200 || changed < compared/100 || invalid > compared/500 {
		t.Errorf("%d compared, %d changed, %d invalid", compared, changed, invalid)
	}
}

func effect(d *authz.Decision) string { return fmt.Sprint(d.Effect, " ", d.NoPolicy) }
