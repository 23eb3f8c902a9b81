package witness

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// ofCell bounds the candidates for one cell.
const ofCell = 256

// A Finder finds arguments for the cells of a matrix. It is not to be used
// from several goroutines.
type Finder struct {
	matrix  *matrix.Matrix
	byRule  map[string][]*pdp.Condition
	schemas map[*manifest.Item]*Schema
}

// NewFinder returns a finder over the conditions of the policies that the
// matrix was built with.
func NewFinder(m *matrix.Matrix, conditions []*pdp.Condition) *Finder {
	f := &Finder{matrix: m, byRule: map[string][]*pdp.Condition{}, schemas: map[*manifest.Item]*Schema{}}
	for _, c := range conditions {
		for _, u := range c.Uses {
			if !slices.Contains(f.byRule[u.Rule], c) {
				f.byRule[u.Rule] = append(f.byRule[u.Rule], c)
			}
		}
	}
	return f
}

// Conditions returns the conditions of a rule: its own, and those of its
// derived roles.
func (f *Finder) Conditions(rule string) []*pdp.Condition { return f.byRule[rule] }

// Schema returns what the arguments of an item have to be like, or nil.
func (f *Finder) Schema(item *manifest.Item) *Schema {
	s, ok := f.schemas[item]
	if !ok {
		s = NewSchema(item.ArgumentsSchema())
		f.schemas[item] = s
	}
	return s
}

// Parts returns the parts of the conditions of rules, each rule's once.
func (f *Finder) Parts(rules ...matrix.Rule) []pdp.Part {
	var parts []pdp.Part
	var seen []*pdp.Condition
	for _, r := range rules {
		for _, c := range f.byRule[r.ID] {
			if !slices.Contains(seen, c) {
				seen = append(seen, c)
				parts = append(parts, c.Parts...)
			}
		}
	}
	return parts
}

// Search is for what a principal may call a column's item with, so that the
// conditions of the given rules come out differently.
func (f *Finder) Search(col *matrix.Column, principal *authz.Principal, rules ...matrix.Rule) *Search {
	q := &Search{Parts: f.Parts(rules...), Schema: f.Schema(col.Item), Most: ofCell}
	for _, r := range col.Question.Requests {
		q.Request = r
		if r.Unknown != nil {
			break // where it is asked about arguments
		}
	}
	q.Request.Principal = principal
	return q
}

// Split finds, for a cell that depends on arguments, some that meet its
// condition and some that miss it, each confirmed by the matrix's engine and
// within the inputSchema where that is possible. What is not found is nil.
func (f *Finder) Split(ctx context.Context, col *matrix.Column, principal *authz.Principal, cell *matrix.Cell) (meets, misses *Candidate, err error) {
	list := slices.Collect(f.Search(col, principal, cell.Rules...).Candidates().Each)
	cases := make([]matrix.Attempt, len(list))
	for i, c := range list {
		cases[i] = matrix.Attempt{Principal: principal, Column: col, Arguments: c.Arguments}
	}
	cells, err := f.matrix.Ask(ctx, cases)
	if err != nil {
		return nil, nil, err
	}
	for i := range list {
		into := &misses
		if cells[i].Access == matrix.Allowed {
			into = &meets
		}
		if *into == nil || list[i].Within && !(*into).Within {
			*into = &list[i]
		}
	}
	return meets, misses, nil
}
