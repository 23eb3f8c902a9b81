package mutate_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/source"
)

// ofKind returns the file of a mutant as a policy about a kind of its own. Its conditions
// have the kind in them: rules of one PDP that differ in all, any and none alone may be
// decided by each other's conditions, whatever kinds they are about.
func ofKind(t *testing.T, text, kind string) string {
	t.Helper()
	v, _ := decoded(t, text).(map[string]any)
	body, _ := v["resourcePolicy"].(map[string]any)
	body["resource"] = kind
	mark(body["rules"], kind)
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// mark makes the expressions below a value other ones that come to the same.
func mark(v any, by string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			mark(item, by)
		}
	case map[string]any:
		for key, of := range v {
			if text, ok := of.(string); ok && key == "expr" {
				v[key] = fmt.Sprintf("(%s) || %q == ''", text, by)
			}
			mark(of, by)
		}
	}
}

// deciderOf returns an engine that decides as the policies with a mutant, or nil if these
// do not load, or are decided by chance.
func deciderOf(t *testing.T, before *embedded.Engine, files map[string]string, m *mutate.Mutant) pdp.Decider {
	t.Helper()
	list, err := before.Change(t.Context(), []pdp.Change{*m.Change})
	if err != nil {
		t.Fatal(err)
	}
	if c := list[0]; c != nil {
		if c.Err != nil {
			return nil
		}
		d, err := c.For(nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.(pdp.Confusable).Confused()) > 0 {
			return nil
		}
		return d
	}
	with := maps.Clone(files)
	with[m.Pos.File] = content(t, m)
	d, err := open(t, with)
	if err != nil || len(d.Confused()) > 0 {
		return nil
	}
	return d
}

// A batch is mutants that one PDP decides by, and what is asked of it.
type batch struct {
	policies []string
	asked    []authz.Request
	ours     []string
	of       []*mutate.Mutant // by request
	changed  int              // decisions that are others than without the mutant
}

// add adds the mutants of a made-up policy, each about a kind of its own.
func (b *batch) add(t *testing.T, world int) {
	t.Helper()
	m := newMaker(t, 2000+world)
	kind := fmt.Sprintf("w%d", world)
	files := map[string]string{"derived.yaml": newMaker(t, 5).derived(), "server.yaml": m.resource(kind)}
	set, roots := read(t, files)
	before, err := open(t, files)
	if err != nil {
		t.Fatal(err)
	}
	requests := m.requests(kind, rounds.Of(4, 20))
	was := pdptest.Decide(t, before, requests)
	for i, mutant := range mutate.Of(set, func(file string) *source.Node { return roots[file] }) {
		if mutant.Pos.File != "server.yaml" {
			continue
		}
		d := deciderOf(t, before, files, mutant)
		if d == nil {
			continue
		}
		of := fmt.Sprintf("w%d_%d", world, i)
		b.policies = append(b.policies, ofKind(t, content(t, mutant), of))
		for k, decision := range pdptest.Decide(t, d, requests) {
			if effect(&decision) != effect(&was[k]) {
				b.changed++
			}
			r := requests[k]
			r.Resource.Kind = of
			b.asked, b.ours, b.of = append(b.asked, r), append(b.ours, effect(&decision)), append(b.of, mutant)
		}
	}
}

// differ asks the official PDP, and returns how often it decides otherwise.
func (b *batch) differ(t *testing.T) int {
	t.Helper()
	policies := append([]string{"// derived.yaml\n" + newMaker(t, 5).derived()}, b.policies...)
	official := pdptest.Dial(t, cerbosbin.Serve(t, pdptest.Folder(t, policies...), nil), remote.Options{})
	n := 0
	for i, d := range pdptest.Decide(t, official, b.asked) {
		if got := effect(&d); got != b.ours[i] {
			n++
			m := b.of[i]
			t.Errorf("%v: %s of %s: %s -> %s: %s, the PDP %s\n%+v by %+v", m.Pos, m.Operator, m.Of, m.Before, m.After, b.ours[i], got, b.asked[i].Resource, b.asked[i].Principal)
		}
	}
	return n
}

// TestDifferentialMutants has the official PDP decide by the files of mutants, and compares
// that with the engine of which one rule says something else.
func TestDifferentialMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	cerbosbin.Path(t)
	const worlds = 4 // a PDP
	asked, mutants, changed, differ := 0, 0, 0, 0
	for from := 0; from < rounds.Of(2, 20); from += worlds {
		b := &batch{}
		for world := from; world < min(from+worlds, rounds.Of(2, 20)); world++ {
			b.add(t, world)
		}
		differ += b.differ(t)
		asked, mutants, changed = asked+len(b.asked), mutants+len(b.policies), changed+b.changed
	}
	t.Logf("%d decisions of %d mutants, %d differ; the mutants changed %d", asked, mutants, differ, changed)
	if changed < asked/100 {
		t.Error("the mutants change too little")
	}
}
