package matrix_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// A recorder notes what an engine is asked, and fails at the requests about one
// principal, if any.
type recorder struct {
	pdp.Decider
	asked  map[string]int // by principal and action
	failAt string
}

func (r *recorder) Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error) {
	failed := &authz.UndecidedError{Requests: len(requests), Err: errors.New("gone")}
	for i, q := range requests {
		r.asked[q.Principal.Key+" "+q.Action]++
		if q.Principal.Key == r.failAt {
			failed.At = append(failed.At, i)
		}
	}
	if len(failed.At) > 0 {
		return nil, failed
	}
	return r.Decider.Decide(ctx, requests)
}

// TestDecideCells decides some cells twice, and holds that each is what it is
// in the whole matrix, that the engine is asked nothing else and nothing twice, and
// that cells are undecided after an error.
func TestDecideCells(t *testing.T) {
	sally, susan := principal("sally", "EMEA", "SALES"), principal("susan", "APAC", "SALES")
	w := load(t, policies, sally, susan, principal("gus", "", "GUEST"), principal("ian", "", "ADMIN"))
	whole := build(t, w.input)
	rapid.Check(t, func(t *rapid.T) {
		in := *w.input
		r := &recorder{Decider: w.engine, asked: map[string]int{}}
		in.Decider = r
		m := matrix.New(&in)
		want := map[string]int{}
		var keys []matrix.CellKey
		for range rapid.IntRange(1, 20).Draw(t, "cells") {
			at := matrix.CellKey{Class: rapid.SampledFrom(m.Classes).Draw(t, "class"), Column: rapid.SampledFrom(m.Columns).Draw(t, "column")}
			keys = append(keys, at)
			for _, request := range at.Column.Question.Requests {
				want[at.Class.First().Key+" "+request.Action] = 1
			}
		}
		for range 2 {
			if err := m.DecideCells(t.Context(), keys); err != nil {
				t.Fatal(err)
			}
		}
		for _, at := range keys {
			there := whole.Cell(whole.Classes[at.Class.Index], whole.Columns[at.Column.Index])
			if got := m.Cell(at.Class, at.Column); got.Access != there.Access || got.Condition.Key() != there.Condition.Key() {
				t.Errorf("%s %s: %v, in the whole matrix %v", at.Class.First().Key, at.Column.Item.Name, got, there)
			}
		}
		if diff := cmp.Diff(want, r.asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		if m.Decisions != len(want) {
			t.Errorf("%d decisions, want %d", m.Decisions, len(want))
		}
	})
}

func TestDecideCellsFails(t *testing.T) {
	w := load(t, policies, principal("sally", "EMEA", "SALES"), principal("gus", "", "GUEST"), principal("ian", "", "ADMIN"))
	in := *w.input
	r := &recorder{Decider: w.engine, asked: map[string]int{}, failAt: "gus"}
	in.Decider = r
	m := matrix.New(&in)
	greet, wipe := m.Columns[1], m.Columns[5]
	keys := []matrix.CellKey{{Class: m.ClassOf("sally"), Column: greet}, {Class: m.ClassOf("gus"), Column: wipe}, {Class: m.ClassOf("ian"), Column: wipe}}
	err := m.DecideCells(t.Context(), keys)
	var undecided *matrix.UndecidedError
	if !errors.As(err, &undecided) {
		t.Fatalf("error %v", err)
	}
	if want := "1 of 3 cells not decided (gus call wipe on crm): gone"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	r.failAt = ""
	if err := m.DecideCells(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(m.Cell(keys[0].Class, greet).Access, m.Cell(keys[2].Class, wipe).Access); got != "allowed denied" {
		t.Error(got)
	}
	if n := r.asked["sally "+greet.Question.Requests[0].Action]; n != 2 {
		t.Errorf("sally is asked about %d times, want twice: the first error left her undecided", n)
	}
	if m.Decided(greet) || m.Decided(wipe) {
		t.Error("a column is decided of which only some cells are")
	}
}
