package probe

import (
	"context"
	"fmt"
	"maps"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// A call is what a tool is called with.
type call struct {
	arguments map[string]any
	spoilt    bool // the inputSchema forbids the arguments
	want      matrix.Access
	cell      *matrix.Cell    // that decides the call
	condition authz.Condition // of the tool's cell, if arguments matter
}

// extra is the argument that no tool has.
const extra = "mcpolicy_probe"

// most bounds the required arguments that are tried.
const most = 8

// spoil returns variants of arguments that a schema forbids, those with most
// faults first. Without a schema that can be held against them there are none.
func spoil(schema *witness.Schema, item *manifest.Item, base map[string]any) []map[string]any {
	if !schema.Known() {
		return nil
	}
	var faults []func(map[string]any)
	for i, name := range required(item.Schema) {
		if i == most {
			break
		}
		faults = append(faults, func(m map[string]any) { delete(m, name) })
		for _, v := range []any{map[string]any{"mcpolicy": "probe"}, "mcpolicy probe"} {
			wrong := with(base, name, v)
			if schema.Allows(base) && !schema.Allows(wrong) {
				faults = append(faults, func(m map[string]any) { m[name] = v })
				break
			}
		}
	}
	one := with(base, extra, "forbidden")
	surplus := schema.Allows(base) && !schema.Allows(one)
	var list []map[string]any
	if surplus {
		for _, fault := range faults {
			two := maps.Clone(one)
			fault(two)
			list = append(list, two)
		}
		list = append(list, one)
	}
	for _, fault := range faults {
		single := maps.Clone(base)
		fault(single)
		list = append(list, single)
	}
	var forbidden []map[string]any
	for _, m := range list {
		if !schema.Allows(m) {
			forbidden = append(forbidden, m)
		}
	}
	return forbidden
}

// required returns the names that an inputSchema requires.
func required(schema *source.Node) []string {
	list := schema.Get("required")
	if !list.Is(source.Sequence) {
		return nil
	}
	var names []string
	for _, n := range list.Items {
		if n.Is(source.String) {
			names = append(names, n.Text)
		}
	}
	return names
}

func with(m map[string]any, name string, v any) map[string]any {
	copied := maps.Clone(m)
	if copied == nil {
		copied = map[string]any{}
	}
	copied[name] = v
	return copied
}

// sample returns arguments that a tool's schema allows, as far as that can be
// found.
func (p *prober) sample(item *manifest.Item) map[string]any {
	q := witness.Search{Schema: p.finder.Schema(item), Request: authz.Request{Principal: &authz.Principal{}, Unknown: []string{"arguments"}}}
	for c := range q.Candidates().Each {
		return c.Arguments
	}
	return map[string]any{}
}

// calls returns what a tool is to be called with as a principal: something for
// each side of its cell. What there is nothing for is said.
func (p *prober) calls(ctx context.Context, col *matrix.Column, who *authz.Principal, cell *matrix.Cell) ([]call, error) {
	type side struct {
		want matrix.Access
		base map[string]any
		name string
	}
	sides := []side{{cell.Access, nil, ""}}
	if cell.Access != matrix.Conditional {
		sides[0].base = p.sample(col.Item)
	} else {
		meets, misses, err := p.split(ctx, col, who, cell)
		if err != nil {
			return nil, err
		}
		sides = nil
		for _, s := range []struct {
			c    *witness.Candidate
			want matrix.Access
			name string
		}{{meets, matrix.Allowed, "meet"}, {misses, matrix.Denied, "miss"}} {
			if s.c == nil {
				p.skip(col.Item, fmt.Sprintf("not called with arguments that %s the condition %s: none were found", s.name, cell.Condition))
				continue
			}
			sides = append(sides, side{s.want, s.c.Arguments, s.name})
		}
	}
	var calls []call
	for _, s := range sides {
		c, err := p.call(ctx, col, who, s.want, s.base)
		switch {
		case err != nil:
			return nil, err
		case c != nil:
			c.condition = cell.Condition
			calls = append(calls, *c)
		case s.name != "":
			p.skip(col.Item, fmt.Sprintf("not called with arguments that %s the condition %s: %s", s.name, cell.Condition, p.reason(col.Item, s.want)))
		default:
			p.skip(col.Item, fmt.Sprintf("not called where the matrix says %s: %s", s.want, p.reason(col.Item, s.want)))
		}
	}
	return calls, nil
}

// reason says why there is no call of a tool.
func (p *prober) reason(item *manifest.Item, want matrix.Access) string {
	const forbidden = "no arguments were found that its inputSchema forbids and that are decided alike"
	if !want.Possible() && p.harmful(item) {
		return forbidden + ", and the tool is destructive (--allow-destructive names those to be tried)"
	}
	return forbidden
}

// call returns a call that is decided as wanted: one that the inputSchema
// forbids, or, if it must be refused and harms nothing, one that it allows.
func (p *prober) call(ctx context.Context, col *matrix.Column, who *authz.Principal, want matrix.Access, base map[string]any) (*call, error) {
	tries := spoil(p.finder.Schema(col.Item), col.Item, base)
	spoilt := len(tries)
	if !want.Possible() && !p.harmful(col.Item) {
		tries = append(tries, base)
	}
	cases := make([]matrix.Attempt, len(tries))
	for i, arguments := range tries {
		cases[i] = matrix.Attempt{Principal: who, Column: col, Arguments: arguments}
	}
	cells, err := p.in.Matrix.Ask(ctx, cases)
	if err != nil {
		return nil, err
	}
	for i := range cells {
		if cells[i].Access == want || !cells[i].Access.Possible() && !want.Possible() {
			return &call{arguments: tries[i], spoilt: i < spoilt, want: want, cell: &cells[i]}, nil
		}
	}
	return nil, nil
}
