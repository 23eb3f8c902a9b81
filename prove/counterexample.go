package prove

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// shown makes a counterexample of requests that the solver found, has the engine decide
// it as a whole, and leaves out what does not matter. Where the engine decides otherwise
// nothing is known.
func (x *search) shown(ctx context.Context, answer *solver.Answer) (*Counterexample, []string, error) {
	found := x.counterexample(answer.Requests, answer.Now)
	switch agrees, err := x.agrees(ctx, found); {
	case err != nil:
		return nil, nil, err
	case !agrees:
		return nil, []string{"a request that conditions tell of and that the engine decides otherwise"}, nil
	case x.sentence.Kind == Somebody:
		return found, nil, nil // anybody will do
	}
	found, err := x.shrunk(ctx, found)
	return found, nil, err
}

// counterexample is what some requests are at a time.
func (x *search) counterexample(requests []authz.Request, now time.Time) *Counterexample {
	who := *requests[0].Principal
	who.Kind = x.cohort.kind
	c := &Counterexample{Principal: &who, Now: now, Arguments: argumentsOf(x.sentence.Of, &requests[0], x.request(0))}
	if x.sentence.Kind == Apart {
		c.Then = argumentsOf(x.sentence.Then, &requests[1], x.request(1))
	}
	return c
}

// agrees has the engine decide a counterexample, and reports whether it is one.
func (x *search) agrees(ctx context.Context, c *Counterexample) (bool, error) {
	s := x.sentence
	var err error
	if c.Cell, err = x.decided(ctx, s.Of, c.Principal, c.Arguments, c.Now); err != nil {
		return false, err
	}
	c.ThenCell = nil
	switch s.Kind {
	case Apart:
		c.ThenCell, err = x.decided(ctx, s.Then, c.Principal, c.Then, c.Now)
		return err == nil && c.Cell.Access.Possible() && c.ThenCell.Access.Possible(), err
	case Implies:
		c.ThenCell, err = x.decided(ctx, s.Then, c.Principal, nil, c.Now)
	case Within:
		outer := *c.Principal
		outer.Roles = s.Outer
		c.ThenCell, err = x.decided(ctx, s.Of, &outer, c.Arguments, c.Now)
	case Delegated:
		c.ThenCell, err = x.decided(ctx, s.Of, s.Person, c.Arguments, c.Now)
	case Always:
		return !c.Cell.Access.Possible(), nil
	case Never, Needs, Somebody:
		return c.Cell.Access.Possible(), nil
	}
	return err == nil && c.Cell.Access.Possible() && !c.ThenCell.Access.Possible(), err
}

// shrunk leaves out of a counterexample what it does without: the time, the id,
// attributes, claims and arguments, one after the other.
func (x *search) shrunk(ctx context.Context, c *Counterexample) (*Counterexample, error) {
	for _, less := range x.lesser(c) {
		smaller := *c
		who := *c.Principal
		who.Attr, who.AuxData = maps.Clone(who.Attr), maps.Clone(who.AuxData)
		smaller.Principal = &who
		smaller.Arguments, smaller.Then = maps.Clone(c.Arguments), maps.Clone(c.Then)
		less(&smaller)
		if !x.fits(x.sentence.Of, smaller.Arguments) || x.sentence.Kind == Apart && !x.fits(x.sentence.Then, smaller.Then) {
			continue
		}
		holds, err := x.holds(ctx, &smaller)
		if err == nil && holds {
			holds, err = x.agrees(ctx, &smaller)
		}
		if err != nil {
			return nil, err
		}
		if holds {
			c = &smaller
		}
	}
	return c, nil
}

// lesser lists what may be left out of a counterexample.
func (x *search) lesser(c *Counterexample) []func(*Counterexample) {
	list := []func(*Counterexample){func(c *Counterexample) { c.Now = time.Time{} }}
	if x.sentence.Kind != Delegated {
		if x.cohort.id == "" {
			list = append(list, func(c *Counterexample) { c.Principal.ID = anybody })
		}
		for _, key := range slices.Sorted(maps.Keys(c.Principal.Attr)) {
			list = append(list, func(c *Counterexample) { delete(c.Principal.Attr, key) })
		}
		for _, key := range slices.Sorted(maps.Keys(c.Principal.AuxData)) {
			list = append(list, func(c *Counterexample) { delete(c.Principal.AuxData, key) })
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.Arguments)) {
		list = append(list, func(c *Counterexample) { delete(c.Arguments, key) })
	}
	for _, key := range slices.Sorted(maps.Keys(c.Then)) {
		list = append(list, func(c *Counterexample) { delete(c.Then, key) })
	}
	return list
}

// fits reports whether arguments are as the schema says, where that counts.
func (x *search) fits(col *matrix.Column, arguments map[string]any) bool {
	if x.sentence.IgnoreSchema || !col.TakesArguments() {
		return true
	}
	schema := witness.NewSchema(x.arguments(col.Item))
	return !schema.Known() || schema.Allows(arguments)
}

// holds reports whether the conditions of the search hold for a counterexample.
func (x *search) holds(ctx context.Context, c *Counterexample) (bool, error) {
	w := x.world
	w.Requests = make([]authz.Request, len(x.world.Requests))
	if !c.Now.IsZero() {
		w.Now = &c.Now
	} else if w.Now == nil {
		now := x.in.Start
		w.Now = &now
	}
	for i, r := range x.world.Requests {
		who := *c.Principal
		who.Roles = r.Principal.Roles
		arguments, col := c.Arguments, x.sentence.Of
		if i == 1 && x.sentence.Kind == Apart {
			arguments, col = c.Then, x.sentence.Then
		}
		if !col.Question.Possible {
			r = pep.Bind(r, arguments)
		}
		r.Principal, r.AnyPrincipal, r.AnyTime = &who, false, false
		w.Requests[i] = r
	}
	answer, err := x.in.Solver.Solve(ctx, &w, x.goals)
	return answer.Verdict == solver.Possible, err
}

// decided has the engine decide what a principal does.
func (x *search) decided(ctx context.Context, col *matrix.Column, who *authz.Principal, arguments map[string]any, now time.Time) (*matrix.Cell, error) {
	d := pdp.At(x.in.Matrix.Decider(), now)
	cells, err := x.in.Matrix.Try(ctx, d, []matrix.Trial{{Column: col, Arguments: arguments, Principals: []*authz.Principal{who}}})
	if err != nil {
		return nil, err
	}
	return cells[0][0], nil
}

// argumentsOf returns what stands in a request where another left arguments open.
func argumentsOf(col *matrix.Column, r, open *authz.Request) map[string]any {
	if !col.TakesArguments() {
		return nil
	}
	if arguments := r.Resource.Mapping(open.Unknown); arguments != nil && open.Unknown != nil {
		return arguments
	}
	return map[string]any{}
}

// arguments returns what the arguments of an item have to fit, as a JSON Schema, the same
// each time, or nil.
func (p *Prover) arguments(item *manifest.Item) *source.Node {
	n, known := p.schemas[item]
	if !known {
		n = item.ArgumentsSchema()
		p.schemas[item] = n
	}
	return n
}
