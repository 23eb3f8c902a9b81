package testrunner_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/testrunner"
)

// TestParseShard holds which shards there are.
func TestParseShard(t *testing.T) {
	for text, want := range map[string]string{
		"1/1": "", "2/4": "", "10000/10000": "",
		"": "have \"\"", "2": "like 2/4", "a/b": "like 2/4", "1/2/3": "like 2/4", "1.5/2": "like 2/4", " 1/2": "like 2/4",
		"0/2": "1/2 to 2/2", "3/2": "1/2 to 2/2", "-1/2": "1/2 to 2/2", "1/0": "1 to 10000 shards", "1/-2": "1 to 10000 shards", "1/10001": "1 to 10000 shards",
	} {
		s, err := testrunner.ParseShard(text)
		if want == "" {
			if err != nil || s.String() != text {
				t.Errorf("%s: %v, %v", text, s, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || s.Count != 0 {
			t.Errorf("%q: shard %v, error %v; want %q", text, s, err, want)
		}
	}
}

// TestShardsOfNames holds that each name is in exactly one shard, whatever the order, and
// that shards are about the same.
func TestShardsOfNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.StringN(0, 3, -1), 0, 40).Draw(t, "names")
		count := rapid.IntRange(1, 12).Draw(t, "count")
		shuffled := rapid.Permutation(names).Draw(t, "shuffled")
		in := map[string]int{}
		least, most := len(names), 0
		for i := range count {
			shard := testrunner.Shard{Index: i + 1, Count: count}
			mine := shard.Of(names)
			if !maps.Equal(mine, shard.Of(shuffled)) {
				t.Fatalf("shard %v goes by the order of %q", shard, names)
			}
			for name := range mine {
				in[name]++
			}
			least, most = min(least, len(mine)), max(most, len(mine))
		}
		for _, name := range names {
			if in[name] != 1 {
				t.Fatalf("%q is in %d shards of %d", name, in[name], count)
			}
		}
		if most > least+1 {
			t.Fatalf("shards of %d to %d", least, most)
		}
	})
}

// TestShards holds that the shards of a run are the whole run, each case once and as it
// is there, whatever else is filtered and in whatever order suites come.
func TestShards(t *testing.T) {
	in := quickstart(t)
	run := func(f testrunner.Filter, suites []*testrunner.Suite) map[string]string {
		t.Helper()
		filtered := *in
		filtered.Filter, filtered.Suites = f, suites
		r, err := testrunner.Run(t.Context(), &filtered)
		cases := map[string]string{}
		if err != nil {
			if f.Shard.Count == 0 || !strings.Contains(err.Error(), "ask for") {
				t.Fatal(err)
			}
			return cases
		}
		for _, s := range r.Suites {
			for _, c := range s.Cases {
				for i, p := range c.About() {
					name := ""
					if p != nil {
						name = p.Key
					}
					key := fmt.Sprintf("%s %s %s %v %s %s %v %s %d", s.Name, c.Test, name, c.Operation, c.Item.Name, c.Pos, c.Arguments, c.Sentence, i)
					if name != "" {
						key = strings.TrimRight(key, "0123456789")
					}
					if cases[key] != "" {
						t.Fatalf("%s twice", key)
					}
					cases[key] = c.Want + " " + c.Got + " " + c.Outcome.String()
				}
			}
		}
		return cases
	}
	for _, f := range []testrunner.Filter{{}, {Items: []string{"get_*"}}, {Principals: []string{"@desk"}}, {Texts: []string{"customer"}}} {
		whole := run(f, in.Suites)
		if len(whole) < 10 {
			t.Fatalf("%d cases", len(whole))
		}
		home := map[string]int{}
		for _, count := range []int{1, 2, 3, 28} {
			joined := map[string]string{}
			for i := range count {
				suites := slices.Clone(in.Suites)
				rand.Shuffle(len(suites), func(i, j int) { suites[i], suites[j] = suites[j], suites[i] })
				f.Shard = testrunner.Shard{Index: i + 1, Count: count}
				for key, got := range run(f, suites) {
					if joined[key] != "" {
						t.Errorf("%s is in two shards of %d", key, count)
					}
					joined[key] = got
					if count == 3 {
						home[key] = i
					}
				}
			}
			if diff := cmp.Diff(whole, joined); diff != "" {
				t.Errorf("%+v in %d shards (-whole +joined):\n%s", f, count, diff)
			}
		}
		if len(home) != len(whole) {
			t.Errorf("%d of %d cases", len(home), len(whole))
		}
	}
}
