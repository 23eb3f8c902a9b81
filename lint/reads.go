package lint

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// A reader is a rule about what the enforcement points ask for, what its
// condition reads, and the requests that it is about.
type reader struct {
	rule   *policy.Rule
	reads  []pdp.Read
	claims []pdp.Read
	clock  []pdp.Location
	about  []columnRequest
	idle   map[idleKey]bool
	// names are the items that the rule's own condition is about, where the
	// action is asked about every item.
	names map[*matrix.Column]bool
	own   pdp.Read // stands for the condition: it has its premises
}

// readings are the readers, in the order of their rules.
type readings struct {
	list []*reader
	of   map[*policy.Rule]*reader
}

// An idleKey is a read and a request of a reader, by number.
type idleKey struct{ read, request int }

// A columnRequest is a request that is made for a column.
type columnRequest struct {
	col *matrix.Column
	coverage.Asked
}

// findReaders sorts what the conditions of rules read.
func findReaders(p *Pass) {
	engine, ok := p.input.Engine.(pdp.Reader)
	if p.Policies == nil || !ok {
		return
	}
	p.readings.of = map[*policy.Rule]*reader{}
	reads := engine.RuleReads()
	about := map[*policy.Rule][]columnRequest{}
	for _, col := range p.Matrix.Columns {
		for _, a := range p.index.Asked(col) {
			for _, r := range a.Target.Rules(a.Action) {
				if reads[r.ID] != nil {
					about[r] = append(about[r], columnRequest{col, a})
				}
			}
		}
	}
	for r := range p.Policies.Rules() {
		if len(about[r]) == 0 {
			continue
		}
		x := &reader{rule: r, about: about[r], names: map[*matrix.Column]bool{}}
		x.own.Premises = reads[r.ID].Premises
		for _, read := range reads[r.ID].Reads {
			if isPlace(r, read.Place) {
				x.reads = append(x.reads, read)
			}
		}
		for _, read := range reads[r.ID].Claims {
			if isPlace(r, read.Place) {
				x.claims = append(x.claims, read)
			}
		}
		for _, place := range reads[r.ID].Clock {
			if isPlace(r, place) {
				x.clock = append(x.clock, place)
			}
		}
		p.readings.list, p.readings.of[r] = append(p.readings.list, x), x
	}
}

// findIdle finds the reads that have no say in a request, because of what the
// condition asks about the resource beside them.
func findIdle(ctx context.Context, p *Pass) error {
	engine, ok := p.input.Engine.(pdp.Reader)
	if !ok {
		return nil
	}
	type reading struct {
		of *reader
		at idleKey // the read is -1 for the condition itself
	}
	var readings []pdp.Reading
	var readingOf []reading
	add := func(x *reader, read *pdp.Read, i, j int) {
		if len(read.Premises) > 0 {
			readings = append(readings, pdp.Reading{Rule: x.rule.ID, Read: read, Request: x.about[j].Request})
			readingOf = append(readingOf, reading{x, idleKey{i, j}})
		}
	}
	for _, x := range p.readings.list {
		for j := range x.about {
			for i := range x.reads {
				add(x, &x.reads[i], i, j)
			}
			if x.about[j].General {
				add(x, &x.own, -1, j)
			}
		}
	}
	idle, err := engine.Idle(ctx, readings)
	if err != nil {
		return err
	}
	for i, at := range readingOf {
		switch {
		case at.at.read < 0:
			col := at.of.about[at.at.request].col
			at.of.names[col] = at.of.names[col] || !idle[i]
		case idle[i]:
			if at.of.idle == nil {
				at.of.idle = map[idleKey]bool{}
			}
			at.of.idle[at.at] = true
		}
	}
	return nil
}

// namedBy returns the rules that name what is asked about: by an action of its
// own, or one for every item and a condition on the resource that it meets.
func (p *Pass) namedBy(a coverage.Asked, col *matrix.Column) []*policy.Rule {
	list := a.Target.Named(a.Action)
	if !a.General {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(r *policy.Rule) bool {
		x := p.readings.of[r]
		return x == nil || !x.names[col]
	})
}

// rulesFor returns the rules whose actions match what is asked about the
// operation, by position; whether there are some for each request; and whether
// an ALLOW among them names the item.
func (p *Pass) rulesFor(col *matrix.Column) (list []*policy.Rule, all, named bool) {
	all = len(p.index.Asked(col)) > 0
	for _, a := range p.index.Asked(col) {
		rules := a.Target.Rules(a.Action)
		all = all && len(rules) > 0
		for _, r := range rules {
			if !slices.Contains(list, r) {
				list = append(list, r)
			}
		}
		named = named || slices.ContainsFunc(p.namedBy(a, col), func(r *policy.Rule) bool { return r.Effect == authz.Allow })
	}
	slices.SortFunc(list, func(a, b *policy.Rule) int { return a.Pos.Compare(b.Pos) })
	return list, all, named
}

// uses yields what the reader reads, with each request that it has a say in.
func (x *reader) uses() iter.Seq2[*pdp.Read, *columnRequest] {
	return func(yield func(*pdp.Read, *columnRequest) bool) {
		for i := range x.reads {
			for j := range x.about {
				if !x.idle[idleKey{i, j}] && !yield(&x.reads[i], &x.about[j]) {
					return
				}
			}
		}
	}
}

// isPlace reports whether an expression stands in the rule itself: rules that
// are named alike share an ID.
func isPlace(r *policy.Rule, at pdp.Location) bool {
	if at.DerivedRole != "" {
		return true
	}
	for x := range r.Condition.Exprs() {
		if x.Value == at.Expr {
			return true
		}
	}
	return false
}

// posOf returns where a condition of a rule reads something.
func posOf(p *Pass, r *policy.Rule, at pdp.Location) source.Pos {
	condition, in, pos := r.Condition, r.Policy, r.Pos
	if at.DerivedRole != "" {
		if d := p.Policies.DerivedRole(r.Policy, at.DerivedRole); d != nil {
			condition, in, pos = d.Condition, d.Set, d.Pos
		}
	}
	if at.Variable != "" {
		if v := variable(p, in, at.Variable); v != nil {
			return v.Expr.Pos
		}
	}
	for x := range condition.Exprs() {
		if x.Value == at.Expr {
			return x.Pos
		}
	}
	return pos
}

// variable returns the definition of a variable that a policy sees, or nil.
func variable(p *Pass, in *policy.Policy, name string) *policy.Variable {
	lists := [][]policy.Variable{in.Variables.Local}
	for _, imported := range in.Variables.Imports {
		if set := p.Policies.Import(policy.ExportVariables, imported.Value); set != nil {
			lists = append(lists, set.Variables.Local)
		}
	}
	for _, list := range lists {
		for i := range list {
			if list[i].Name.Value == name {
				return &list[i]
			}
		}
	}
	return nil
}

// argumentPath returns the path below the arguments of a call that is read, if it
// is one.
func (q *columnRequest) argumentPath(r *pdp.Read) ([]string, bool) {
	if of, m := q.Behind(append([]string{"attr"}, r.Path...)); of != nil && m.Else == nil && !r.Principal && of[0] == "R" {
		made := *r
		made.Path = of[2:]
		if path, ok := below(&made, q.Arguments); ok && path[0] != authz.LookedUp {
			return path, true
		}
	}
	return below(r, q.Unknown)
}

// guarded says for each of the last steps of a read whether it does no harm there if what is
// read is missing. A path that is longer than the read begins where the read does.
func guarded(r *pdp.Read, steps int) []bool {
	if more := steps - len(r.Guarded); more > 0 {
		return slices.Concat(slices.Repeat(r.Guarded[:1], more), r.Guarded)
	}
	return r.Guarded[len(r.Guarded)-steps:]
}

// below returns what a read of the resource adds to a path.
func below(r *pdp.Read, path []string) ([]string, bool) {
	if r.Principal || len(path) == 0 || len(r.Path) <= len(path) || !slices.Equal(r.Path[:len(path)], path) {
		return nil, false
	}
	return r.Path[len(path):], true
}

// exact reports whether the rule names the action that is asked about, and with
// it the item: an action that is asked about every item names none.
func (q *columnRequest) exact(r *policy.Rule) bool {
	return !q.General && slices.ContainsFunc(r.Actions, func(a policy.Text) bool { return a.Value == q.Action })
}

// argumentName spells an argument in a message.
func argumentName(path []string) string { return "arguments." + pathName(path) }

// pathName spells a path, as in items[].price.
func pathName(path []string) string {
	return strings.ReplaceAll(strings.Join(path, "."), "."+pdp.Element, "[]")
}

// argumentsOf returns where the arguments of a call stand among the attributes
// that are sent about an item, or nil if they are not sent.
func argumentsOf(p *Pass, col *matrix.Column) []string {
	if col.Operation == authz.List {
		col = col.Twin
	}
	for _, a := range p.index.Asked(col) {
		if a.Unknown != nil {
			return a.Unknown
		}
	}
	return nil
}
