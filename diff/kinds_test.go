package diff_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/diff"
)

// A rule about other actions decides what runtime.effectiveDerivedRoles has: no derived
// role that no rule names.
func TestRulesAboutOtherActionsMatter(t *testing.T) {
	t.Parallel()
	before := &world{
		schema: `{"type": "object"}`, tools: []string{"pump"}, owner: "P.attr.n < 2", low: "P.attr.n < 1", people: []string{"ada: {id: ada, roles: [A], attr: {n: 1}}"},
		rules: []string{
			`{actions: ["tools/call::pump"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: '"owner" in runtime.effectiveDerivedRoles'}}}`,
			`{actions: ["else"], effect: EFFECT_ALLOW, derivedRoles: [owner]}`,
		},
	}
	after := *before
	after.rules = before.rules[:1]
	r, err := after.open(t).Diff(t.Context(), before.open(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 1 || r.Cells[0].Kind != diff.Narrowed {
		t.Errorf("verdict %s, %d cells", r.Verdict(), len(r.Cells))
	}
}
