package embedded_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// TestActionsAtOnce holds engines that ask about many actions at once to one that asks
// about each alone: whatever is supposed about conditions beforehand, that they matter
// is found out.
func TestActionsAtOnce(t *testing.T) {
	ctx := t.Context()
	for seed := range uint64(rounds.Of(2, 10)) {
		c := newCompany(seed, 6)
		options := pdp.Options{StrictEvaluation: seed%2 == 1, LenientScopeSearch: seed%3 == 1}
		e, err := embedded.Open(ctx, c.fsys(), options)
		if err != nil {
			t.Fatal(err)
		}
		// Of one compilation: where evaluation is strict, which rule errs first is up to it.
		var engines [3]*embedded.Engine
		for i := range engines {
			if engines[i], err = embedded.Whole(e); err != nil {
				t.Fatal(err)
			}
		}
		alone, supposing, knowing := engines[0], engines[1], engines[2]
		embedded.Suppose(alone, true)
		embedded.Suppose(supposing, false)
		var requests []authz.Request
		for _, r := range c.requests(6, rounds.Of(12, 60)) {
			for _, action := range []string{"call", "list", "view:all", "edit"} {
				r.Action = action
				requests = append(requests, r)
			}
		}
		sameAnswers(ctx, t, supposing, alone, requests)
		sameAnswers(ctx, t, knowing, alone, requests)
		if knowing.Checks() > alone.Checks() {
			t.Errorf("%d checks at once, %d alone", knowing.Checks(), alone.Checks())
		}
	}
}
