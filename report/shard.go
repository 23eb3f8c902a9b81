package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// shard says of which part of a run that was split the cases are.
func (s *stream) shard(of testrunner.Shard) {
	if of.Count > 1 {
		s.raw(",\n \"shard\": " + string(jsonOf(of.String())))
	}
}

// A split is a run of which several reports have a shard each.
type split struct {
	shards map[int]bool
	count  int
	first  source.Pos // of what tells so
}

// readShard reads which part of a run a report tells of.
func (r *reading) readShard(x *mergedFile, at *source.Node) {
	if x.Shard == "" {
		return
	}
	shard, err := testrunner.ParseShard(x.Shard)
	if err != nil {
		r.errs = append(r.errs, source.Errorf(at.Pos, "shard: %w", err))
		return
	}
	s := r.splits[r.label]
	if s == nil {
		s = &split{shards: map[int]bool{}, count: shard.Count, first: at.Pos}
		r.splits[r.label] = s
	}
	if s.count != shard.Count {
		r.errs = append(r.errs, source.Errorf(at.Pos, "shard %v, and %s has one of %d: they are not of one run", shard, s.first.File, s.count))
	}
	s.shards[shard.Index] = true
	r.shard = shard
}

// complete reports runs of which a shard is missing: what is in it would pass unseen. One
// report alone stays that of its shard.
func (m *Merged) complete() error {
	var errs []error
	for _, label := range slices.Sorted(maps.Keys(m.splits)) {
		s := m.splits[label]
		var missing []string
		for i := 1; i <= s.count; i++ {
			if !s.shards[i] {
				missing = append(missing, testrunner.Shard{Index: i, Count: s.count}.String())
			}
		}
		switch {
		case len(missing) == 0:
			m.shard = testrunner.Shard{} // it is the whole run
		case m.several:
			errs = append(errs, source.Errorf(s.first, "this is a shard of %d, and the report of %s is missing: merge those of all shards", s.count, shorten(missing)))
		}
	}
	return joined(errs)
}

// shorten lists a few of many.
func shorten(list []string) string {
	const most = 5
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}
