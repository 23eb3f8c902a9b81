package testrunner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Shard is one part of several that a run is split into. Each test is in exactly one
// of them, with all its cases. Which one it is goes by the names of suites and tests
// alone: neither by the order of files, nor by what else a filter leaves out. The zero
// value is the whole run.
type Shard struct{ Index, Count int } // Index is from 1 to Count

// maxShards is far more than anybody has machines.
const maxShards = 10_000

// ParseShard parses a shard like 2/4.
func ParseShard(text string) (Shard, error) {
	index, count, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(index)
	n, errCount := strconv.Atoi(count)
	switch {
	case !ok || err != nil || errCount != nil:
		return Shard{}, fmt.Errorf("want a shard and how many there are, like 2/4, have %q", text)
	case n < 1 || n > maxShards:
		return Shard{}, fmt.Errorf("want 1 to %d shards, like 2/4, have %q", maxShards, text)
	case i < 1 || i > n:
		return Shard{}, fmt.Errorf("want a shard from 1/%d to %d/%d, have %q", n, n, n, text)
	}
	return Shard{i, n}, nil
}

// String returns 2/4.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// Of returns which of a list of names are in the shard. The names are dealt out in
// their order by the alphabet, so that shards differ by one name at most. Equal names
// are in the same shard.
func (s Shard) Of(names []string) map[string]bool {
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	mine := map[string]bool{}
	for i, name := range sorted {
		if s.Count == 0 || i%s.Count == s.Index-1 {
			mine[name] = true
		}
	}
	return mine
}

// shardName is what a test goes by when it is put into a shard.
func shardName(suite, test string) string { return suite + "\x00" + test }
