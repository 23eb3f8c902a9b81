package principals

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// maxCandidates is the number of keys above which no nearest one is looked
// for: with many of both, that would take longer than all the rest.
const maxCandidates = 5_000

// An Index finds the mistakes between principals: keys that stand twice, and
// delegations to nobody or in a circle. It keeps the keys and nothing else, so
// that a [Stream] can be checked as it passes. The zero value is ready to use.
type Index struct {
	keys        map[string]keyPos
	delegations map[string]delegation // by the key of the delegate
}

// A keyPos is where a key first stands: as how many-th principal, from 0, and on which
// line.
type keyPos struct{ number, line int32 }

type delegation struct {
	to  string // the key of who is acted for
	pos source.Pos
}

// Add takes note of a principal. A key that it has already is a mistake.
func (x *Index) Add(p *authz.Principal) error { return x.add(p, p.Pos) }

func (x *Index) add(p *authz.Principal, onBehalfOf source.Pos) error {
	if first, ok := x.keys[p.Key]; ok {
		return source.Errorf(p.Pos, "principal %q stands here twice, first on line %d", p.Key, first.line)
	}
	if x.keys == nil {
		x.keys = map[string]keyPos{}
		x.delegations = map[string]delegation{}
	}
	x.keys[p.Key] = keyPos{number: int32(len(x.keys)), line: int32(p.Pos.Line)} //nolint:gosec // far below 2^31
	if p.OnBehalfOf != "" {
		x.delegations[p.Key] = delegation{to: p.OnBehalfOf, pos: onBehalfOf}
	}
	return nil
}

// Check reports the delegations to unknown principals and those in a circle.
// It is called once, when all principals have been added.
func (x *Index) Check() error {
	var errs []error
	seen := map[string]bool{} // delegates that were followed to their end
	for _, key := range slices.SortedFunc(maps.Keys(x.delegations), x.inOrder) {
		d := x.delegations[key]
		if _, ok := x.keys[d.to]; !ok {
			errs = append(errs, source.Errorf(d.pos, "onBehalfOf: no principal %q%s", d.to, x.didYouMean(d.to)))
		}
		if circle := x.circle(key, seen); circle != nil {
			errs = append(errs, source.Errorf(d.pos, "onBehalfOf: %s", describe(circle)))
		}
	}
	return errors.Join(errs...)
}

func (x *Index) inOrder(a, b string) int { return int(x.keys[a].number - x.keys[b].number) }

// circle follows the delegations from key and returns those who stand in a
// circle, if it ends in one that was not seen before.
func (x *Index) circle(key string, seen map[string]bool) []string {
	var path []string
	for !seen[key] {
		d, ok := x.delegations[key]
		if !ok {
			return nil
		}
		seen[key] = true
		path = append(path, key)
		key = d.to
	}
	if i := slices.Index(path, key); i >= 0 {
		return path[i:]
	}
	return nil
}

func describe(circle []string) string {
	if len(circle) == 1 {
		return "a principal cannot act for itself"
	}
	return "principals act for each other in a circle: " + strings.Join(circle, " -> ") + " -> " + circle[0]
}

func (x *Index) didYouMean(key string) string {
	if len(x.keys) > maxCandidates {
		return ""
	}
	return source.DidYouMean(key, slices.Sorted(maps.Keys(x.keys)))
}
