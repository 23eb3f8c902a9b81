package prove_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/prove"
)

// possible returns the list that shows what is possible of the call.
func (x *standing) possible() *matrix.Column {
	list := *x.call
	list.Operation, list.Twin, list.Question.Possible = authz.List, x.call, true
	return &list
}

// ofLists are sentences about the list.
func (x *standing) ofLists(r *rand.Rand) []saying {
	whom := []*prove.Who{nil, {Roles: []string{"A", "D"}}, {Roles: []string{"B"}}, {Where: "principal.n < 2"}, {Roles: []string{"A"}, Where: "principal.n == 1"}}
	who := whom[r.IntN(len(whom))]
	shows := func(p *authz.Principal) bool { return x.mayAs(p, nil)[1] }
	inner, outer := []string{"A"}, []string{"B", "D"}
	return []saying{
		{prove.Sentence{Kind: prove.Always, Who: who, Of: x.list}, func(_ *standing, p *authz.Principal, _, _ map[string]any) bool { return means(who, p) && !shows(p) }},
		{prove.Sentence{Kind: prove.Somebody, Who: who, Of: x.list}, func(_ *standing, p *authz.Principal, _, _ map[string]any) bool { return means(who, p) && shows(p) }},
		{prove.Sentence{Kind: prove.Within, Of: x.list, Inner: inner, Outer: outer}, func(_ *standing, p *authz.Principal, _, _ map[string]any) bool {
			q := *p
			q.Roles = outer
			return slices.Equal(p.Roles, inner) && shows(p) && !shows(&q)
		}},
	}
}

// TestProofsOfWhatIsPossibleHold is TestProofsHold for a list that shows what is possible.
func TestProofsOfWhatIsPossibleHold(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	counts := map[string]int{}
	for seed := range rounds.Of(8, 1000) {
		r := rand.New(rand.NewPCG(uint64(seed), 18)) //nolint:gosec // a test
		fsys, w, x := someWorld(t, r, 4)
		p, err := w.Prover(t.Context(), w.Now, nil)
		if err != nil {
			t.Fatal(err)
		}
		x.list = x.possible()
		for _, s := range append(x.sayings(r), x.ofLists(r)...) {
			proof, err := p.Prove(t.Context(), &s.Sentence)
			if err != nil {
				t.Fatalf("seed %d: %s: %v\n%s", seed, &s.Sentence, err, texts(fsys))
			}
			if s.Of == x.list || s.Then == x.list {
				counts[s.Kind.String()+" "+proof.Verdict.String()]++
			}
			x.check(r, seed, &s, proof, func() string { return texts(fsys) })
		}
	}
	t.Log(counts)
	for _, shown := range []string{"never refuted", "always refuted", "always proved", "implies proved", "within proved", "somebody proved"} {
		if counts[shown] == 0 {
			t.Errorf("no sentence is %s: %v", shown, counts)
		}
	}
}
