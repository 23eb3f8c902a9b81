package pdp_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestActionsAtOnce holds engines that ask about many actions at once to one that asks
// about each alone: whatever is supposed about conditions beforehand, that they matter
// is found out.
func TestActionsAtOnce(t *testing.T) {
	ctx := t.Context()
	for seed := range uint64(rounds.Of(2, 10)) {
		c := newCompany(seed, 6)
		options := pdp.Options{StrictEvaluation: seed%2 == 1, LenientScopeSearch: seed%3 == 1}
		alone, err := pdp.Open(ctx, c.fsys(), options)
		if err != nil {
			t.Fatal(err)
		}
		pdp.Suppose(alone, true)
		supposing, err := pdp.Open(ctx, c.fsys(), options)
		if err != nil {
			t.Fatal(err)
		}
		pdp.Suppose(supposing, false)
		knowing, err := pdp.Open(ctx, c.fsys(), options)
		if err != nil {
			t.Fatal(err)
		}
		requests := c.requests(6, rounds.Of(25, 150))
		sameAnswers(ctx, t, supposing, alone, requests)
		sameAnswers(ctx, t, knowing, alone, requests)
		if knowing.Checks() > alone.Checks() {
			t.Errorf("%d checks at once, %d alone", knowing.Checks(), alone.Checks())
		}
	}
}
