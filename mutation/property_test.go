package mutation_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/mutation"
)

// conditions are of the rule of a number. No two rules share expressions: it would be chance
// by which of their conditions Cerbos decides.
var conditions = []string{
	"", "", `, condition: {match: {expr: R.attr.arguments.amount <= 50%d}}`, `, condition: {match: {expr: "R.attr.arguments.amount < P.attr.limit + %d.0 && R.attr.arguments.to != \"x\""}}`,
	`, condition: {match: {any: {of: [{expr: "has(R.attr.arguments.to)"}, {expr: "P.attr.desk == \"a\" && R.attr.arguments.amount != %d"}]}}}`,
	`, condition: {match: {none: {of: [{expr: "R.attr.arguments.amount > 1%d"}, {expr: "R.attr.arguments.amount > P.attr.limit"}]}}}`,
	`, condition: {match: {all: {of: [{expr: "R.attr.arguments.amount > 2%d"}, {expr: "R.attr.arguments.amount > P.attr.limit"}]}}}`,
}

func numbered(condition string, rule int) string {
	return strings.ReplaceAll(condition, "%d", strconv.Itoa(rule))
}

func randomWorld(t *rapid.T) world {
	var w world
	for i := range rapid.IntRange(2, 5).Draw(t, "rules") {
		actions := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"tools/list", "tools/list::refund", "tools/call::refund", "tools/call::close", "tools/call::*", "*"}), 1, 3, rapid.ID).Draw(t, "actions")
		roles := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"clerk", "manager", "*"}), 1, 2, rapid.ID).Draw(t, "roles")
		w.rules += fmt.Sprintf("\n    - {name: r%d, actions: [\"%s\"], effect: EFFECT_%s, roles: [\"%s\"]%s}", i, strings.Join(actions, `", "`),
			rapid.SampledFrom([]string{"ALLOW", "ALLOW", "DENY"}).Draw(t, "effect"), strings.Join(roles, `", "`), numbered(rapid.SampledFrom(conditions).Draw(t, "condition"), i))
	}
	if rapid.Bool().Draw(t, "defined") {
		w.rules += "\n    - {name: owned, actions: [\"tools/call::refund\"], effect: EFFECT_ALLOW, derivedRoles: [owner], condition: {match: {expr: V.small || R.attr.arguments.amount == C.exactly}}}" +
			"\n  importDerivedRoles: [owners]\n  variables: {local: {small: R.attr.arguments.amount < C.limit, unused: P.attr.limit > 1}}\n  constants: {local: {limit: 70, exactly: 99}}"
		w.beside = "apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: owners\n  definitions:\n    - {name: owner, parentRoles: [clerk, manager], condition: {match: {expr: P.attr.limit > 600}}}\n"
	}
	w.rules += "\n"
	if w.beside != "" {
		return w
	}
	switch rapid.IntRange(0, 3).Draw(t, "beside") {
	case 0:
		w.beside = "apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: ada\n  version: default\n  rules:\n    - resource: mcp_server\n      actions: [{action: \"tools/call::*\", effect: EFFECT_DENY, condition: {match: {expr: R.attr.arguments.amount > 100}}}]\n"
	case 1:
		w.beside = "apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: clerk\n  rules:\n    - {resource: mcp_server, allowActions: [\"tools/list\", \"tools/call::refund\"]}\n"
	}
	return w
}

// TestOpenedAlike holds that the quick way comes to the same as policies that are opened
// again for each mutant.
func TestOpenedAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	var n mutation.Counts
	worlds := 0
	rapid.Check(t, func(t *rapid.T) {
		if worlds++; worlds > rounds.Of(2, 150) {
			return
		}
		w, err := openWorld(t.Context(), randomWorld(t))
		if err != nil {
			t.Skip(err) // nobody may do anything, so that there is no suite
		}
		quick, err := w.run(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := w.run(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		for i := range quick.Outcomes {
			x, y := &quick.Outcomes[i], &opened.Outcomes[i]
			// What is beside the declared cells is looked for by what was changed, of which the
			// two know different things.
			if x.Status != y.Status && (x.Status < mutation.Equivalent || y.Status < mutation.Equivalent) {
				t.Errorf("%s %s at %v: %v, and opened %v\n%s", x.Operator, x.After, x.Pos, x.Status, y.Status, w.files["p.yaml"].Data)
			}
			n[x.Status]++
		}
	})
	t.Log(n)
	if n[mutation.Killed] == 0 || n[mutation.Survived] == 0 || n[mutation.Equivalent] == 0 {
		t.Error("mutants of some status were not tried")
	}
}
