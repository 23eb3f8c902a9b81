package prove_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/prove"
)

// A saying is a sentence and how to see that it does not hold for somebody.
type saying struct {
	prove.Sentence
	broken func(x *standing, who *authz.Principal, arguments, others map[string]any) bool
}

func (x *standing) sayings(r *rand.Rand) []saying {
	whom := []*prove.Who{
		nil,
		{Roles: []string{"A", "D"}},
		{Not: &prove.Who{Roles: []string{"A"}}},
		{Roles: []string{"B"}, Not: &prove.Who{Roles: []string{"C"}}},
		{Where: "principal.n < 2"},
		{Roles: []string{"A"}, Not: &prove.Who{Where: "principal.n == 1"}},
	}
	who := whom[r.IntN(len(whom))]
	is := func(p *authz.Principal) bool { return means(who, p) }
	may := func(p *authz.Principal, arguments map[string]any) [2]bool { return x.mayAs(p, arguments) }
	inner, outer := []string{"A"}, []string{"B", "D"}
	return []saying{
		{prove.Sentence{Kind: prove.Never, Who: who, Of: x.call}, func(_ *standing, p *authz.Principal, a, _ map[string]any) bool { return is(p) && may(p, a)[0] }},
		{prove.Sentence{Kind: prove.Always, Who: who, Of: x.call}, func(_ *standing, p *authz.Principal, a, _ map[string]any) bool { return is(p) && !may(p, a)[0] }},
		{prove.Sentence{Kind: prove.Never, Who: who, Of: x.list}, func(_ *standing, p *authz.Principal, a, _ map[string]any) bool { return is(p) && may(p, a)[1] }},
		{prove.Sentence{Kind: prove.Needs, Who: who, Of: x.call, Condition: "arguments.x == principal.n"}, func(_ *standing, p *authz.Principal, a, _ map[string]any) bool {
			return is(p) && may(p, a)[0] && (a["x"] == nil || p.Attr["n"] == nil || !reflect.DeepEqual(a["x"], p.Attr["n"]))
		}},
		{prove.Sentence{Kind: prove.Implies, Who: who, Of: x.call, Then: x.list}, func(_ *standing, p *authz.Principal, a, _ map[string]any) bool {
			return is(p) && may(p, a)[0] && !may(p, a)[1]
		}},
		{prove.Sentence{Kind: prove.Apart, Who: who, Of: x.call, Then: x.list}, func(_ *standing, p *authz.Principal, a, _ map[string]any) bool {
			return is(p) && may(p, a)[0] && may(p, a)[1]
		}},
		{prove.Sentence{Kind: prove.Within, Of: x.call, Inner: inner, Outer: outer}, func(_ *standing, p *authz.Principal, a, _ map[string]any) bool {
			q := *p
			q.Roles = outer
			return slices.Equal(p.Roles, inner) && may(p, a)[0] && !may(&q, a)[0]
		}},
		{prove.Sentence{Kind: prove.Somebody, Who: who, Of: x.call}, func(_ *standing, p *authz.Principal, a, _ map[string]any) bool { return is(p) && may(p, a)[0] }},
	}
}

// means reports whether a principal is one of some.
func means(w *prove.Who, p *authz.Principal) bool {
	if w == nil {
		return true
	}
	if len(w.Roles) > 0 && !slices.ContainsFunc(w.Roles, func(r string) bool { return slices.Contains(p.Roles, r) }) {
		return false
	}
	n, there := p.Attr["n"].(float64)
	switch w.Where {
	case "principal.n < 2":
		if !there || n >= 2 {
			return false
		}
	case "principal.n == 1":
		if !there || n != 1 {
			return false
		}
	}
	return w.Not == nil || !means(w.Not, p)
}

// TestProofsHold looks at random for principals and calls that break what is proved, and
// has the engine decide every counterexample.
func TestProofsHold(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	counts := map[string]int{}
	for seed := range rounds.Of(8, 2000) {
		r := rand.New(rand.NewPCG(uint64(seed), 15)) //nolint:gosec // a test
		fsys, w, x := someWorld(t, r, 4)
		p, err := w.Prover(t.Context(), w.Now, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range x.sayings(r) {
			proof, err := p.Prove(t.Context(), &s.Sentence)
			if err != nil {
				t.Fatalf("seed %d: %s: %v\n%s", seed, &s.Sentence, err, texts(fsys))
			}
			counts[s.Kind.String()+" "+proof.Verdict.String()]++
			x.check(r, seed, &s, proof, func() string { return texts(fsys) })
		}
	}
	t.Log(counts)
	for _, shown := range []string{"never proved", "never refuted", "needs proved", "needs refuted", "implies refuted", "within proved", "somebody proved"} {
		if counts[shown] == 0 {
			t.Errorf("no sentence is %s: %v", shown, counts)
		}
	}
}

// check holds a proof to the engine.
func (x *standing) check(r *rand.Rand, seed int, s *saying, proof *prove.Proof, policies func() string) {
	x.t.Helper()
	shown := proof.Verdict == prove.Refuted // by the counterexample
	nothing := proof.Verdict == prove.Proved
	if s.Kind == prove.Somebody {
		shown, nothing = nothing, shown
	}
	if shown {
		c := proof.Counterexample
		if !s.broken(x, c.Principal, c.Arguments, nil) {
			x.t.Errorf("seed %d: %s: the counterexample is none: %v %v %v with %v\n%s", seed, &s.Sentence, c.Principal.ID, c.Principal.Roles, c.Principal.Attr, c.Arguments, policies())
		}
	}
	if !nothing {
		return
	}
	for range 60 {
		who, arguments := somebody(r)
		if s.Kind == prove.Within {
			who.Roles = s.Inner
		}
		if s.broken(x, who, arguments, nil) {
			x.t.Errorf("seed %d: %s: %s, and not for %v %v %v with %v\n%s", seed, &s.Sentence, proof.Verdict, who.ID, who.Roles, who.Attr, arguments, policies())
			return
		}
	}
}

func somebody(r *rand.Rand) (*authz.Principal, map[string]any) {
	all := []string{"A", "B", "C", "D", "E", "F", "G", "T", "team-a", "team-b", "x", "y"}
	who := &authz.Principal{Key: "somebody", ID: []string{"somebody", "pia"}[r.IntN(2)], Attr: map[string]any{}}
	for range 1 + r.IntN(4) {
		if role := all[r.IntN(len(all))]; !slices.Contains(who.Roles, role) {
			who.Roles = append(who.Roles, role)
		}
	}
	arguments := map[string]any{}
	if r.IntN(4) > 0 {
		who.Attr["n"] = float64(r.IntN(3))
	}
	if r.IntN(4) > 0 {
		arguments["x"] = float64(r.IntN(3))
	}
	return who, arguments
}

// mayAs says whether a principal may call and list.
func (x *standing) mayAs(who *authz.Principal, arguments map[string]any) [2]bool {
	cells, err := x.m.Ask(x.t.Context(), []matrix.Attempt{{Principal: who, Column: x.call, Arguments: arguments}, {Principal: who, Column: x.list}})
	if err != nil {
		x.t.Fatal(err)
	}
	return [2]bool{cells[0].Access.Possible(), cells[1].Access.Possible()}
}
