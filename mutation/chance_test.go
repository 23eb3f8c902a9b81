package mutation_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/mutation"
)

// alike are two rules of which Cerbos takes one for the other once one has "all" for "any": the
// hash that it keeps conditions by leaves out how they are combined.
const alike = `
    - {name: see, actions: ["tools/list"], effect: EFFECT_ALLOW, roles: [clerk]}
    - {name: first, actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [clerk], condition: {match: {any: {of: [{expr: P.attr.limit > 100}, {expr: P.attr.desk == "a"}]}}}}
    - {name: second, actions: ["tools/call::refund"], effect: EFFECT_ALLOW, roles: [manager], condition: {match: {any: {of: [{expr: P.attr.limit > 100}, {expr: P.attr.desk == "a"}]}}}}
`

// TestByChance holds that a mutant whose rules the engine takes for each other is unknown each
// time, in the quick way and opened.
func TestByChance(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	w, err := openWorld(t.Context(), world{rules: alike, suite: "name: s\ntests: [{name: t, principals: [ada], call: {cases: [{tool: refund, arguments: {}, expect: allow}]}}]"})
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range []bool{false, true} {
		r, err := w.run(t.Context(), again)
		if err != nil {
			t.Fatal(err)
		}
		unknown := 0
		for i := range r.Outcomes {
			o := &r.Outcomes[i]
			chance := o.Difference.ByChance()
			if want := o.Operator == mutate.AllAnyNoneSwapped; want != chance {
				t.Errorf("%v %s: %v, by chance: %v", o.Pos, o.After, o.Status, chance)
			}
			if chance && o.Status != mutation.Unknown {
				t.Errorf("%v %s: %v", o.Pos, o.After, o.Status)
			}
			unknown += len(o.Difference.Open)
		}
		if unknown != 4 { // each rule has two other ways to combine its parts
			t.Errorf("%d are unknown by chance, want 4", unknown)
		}
	}
}
