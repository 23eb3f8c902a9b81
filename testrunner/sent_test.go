package testrunner_test

import (
	"reflect"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// holdSent holds what is sent for the cases of a run to how they came out: whoever asks that
// of the engine that decided them gets the same answer, and with other arguments it is another
// request just where a case leaves them open.
func holdSent(t *testing.T, in *testrunner.Input, r *testrunner.Result) {
	t.Helper()
	of := map[string]*testrunner.Suite{}
	for _, s := range in.Suites {
		of[s.Name] = s
	}
	for _, s := range r.Suites {
		decided := false
		for _, c := range s.Cases {
			decided = decided || c.Requests() != nil
			if c.Decider() == nil {
				continue
			}
			one := map[string]any{"x": 1.0}
			for i, p := range c.Callers() {
				if p.Key != c.Principals[i].Key {
					t.Errorf("%v: %s calls in the place of %s", c.Pos, p.Key, c.Principals[i].Key)
				}
				if differ := !reflect.DeepEqual(c.Sent(p, one), c.Sent(p, map[string]any{"x": 2.0})); differ != c.Open() {
					t.Errorf("%v: requests differ by their arguments: %v, and they are open: %v", c.Pos, differ, c.Open())
				}
				if c.Open() && c.Arguments == nil || c.Cell.Access != matrix.Allowed && c.Cell.Access != matrix.Denied {
					continue
				}
				decisions, err := c.Decider().Decide(t.Context(), c.Sent(p, c.Arguments))
				if err != nil {
					t.Fatal(err)
				}
				got := authz.Allow
				for _, d := range decisions {
					got = min(got, d.Effect)
				}
				if (got == authz.Allow) != (c.Cell.Access == matrix.Allowed) {
					t.Errorf("%v: %s gets %v, where the case is %v", c.Pos, p.Key, got, c.Cell.Access)
				}
			}
		}
		want := testrunner.Options{}
		if decided && !s.Cerbos {
			want = of[s.Name].Options
		}
		if got := s.Options(); !reflect.DeepEqual(got, want) {
			t.Errorf("suite %q: options %+v, want %+v", s.Name, got, want)
		}
	}
}
