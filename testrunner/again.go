package testrunner

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Engine is what decided some of the cases of a run: each clock and each set of
// globals that suites ask for has its own.
type Engine struct {
	Decider pdp.Decider // nil if there are claims alone
	Options *Options    // those of a suite, of which the clock and the globals count
	Cases   []*Case     // that it decided and that passed, in the order of the run
	// Claims are the cases about everybody who could exist, proved by its prover.
	Claims []*Case
}

// Engines returns the engines that decided the cases that passed.
func (r *Result) Engines() []Engine {
	var list []Engine
	at := map[string]int{}
	for _, s := range r.Suites {
		for _, c := range s.Cases {
			if c.Outcome != Passed || c.bound == nil {
				continue
			}
			key := c.bound.options.engineKey()
			i, known := at[key]
			if !known {
				i = len(list)
				at[key] = i
				list = append(list, Engine{Options: c.bound.options})
			}
			e := &list[i]
			if c.bound.claim != nil {
				e.Claims = append(e.Claims, c)
				continue
			}
			if e.Decider == nil {
				e.Decider = c.bound.by
			}
			e.Cases = append(e.Cases, c)
		}
	}
	return list
}

// Requests returns what the enforcement point sends for the case, by the principal that
// stands for its class; for one about everybody, what the sentence is about, by nobody in
// particular. It is nil for a case that was not decided.
func (c *Case) Requests() []authz.Request {
	b := c.bound
	if b == nil {
		return nil
	}
	list := slices.Clone(b.column.Question.Requests)
	if b.claim != nil {
		if then := b.claim.sentence.Then; then != nil {
			list = append(list, then.Question.Requests...)
		}
		return list
	}
	for i := range list {
		if c.Arguments != nil {
			list[i] = pep.Bind(list[i], c.Arguments)
		}
		list[i].Principal = b.who
	}
	return list
}

// Column returns the column of the matrix that the case is about, and the class of
// principals.
func (c *Case) Column() (*matrix.Column, *matrix.Class) {
	if c.bound == nil {
		return nil, nil
	}
	return c.bound.column, c.bound.class
}

// Again decides cases by another engine than the one that decided them, all of the same
// [Engine], and returns those that do not pass any more. It may be called from several
// goroutines.
func (r *Result) Again(ctx context.Context, d pdp.Decider, cases []*Case) ([]*Case, error) {
	cells, err := r.cells(ctx, d, cases)
	if err != nil {
		return nil, err
	}
	var failing []*Case
	for i, c := range cases {
		passes, err := r.passes(ctx, d, c, cells[i])
		if err != nil {
			return nil, err
		}
		if !passes {
			failing = append(failing, c)
		}
	}
	return failing, nil
}

// cells decides the cells of cases by another engine.
func (r *Result) cells(ctx context.Context, d pdp.Decider, cases []*Case) ([]*matrix.Cell, error) {
	cells := make([]*matrix.Cell, len(cases))
	looked := map[*matrix.Matrix][]matrix.CellKey{}
	var asked []*bound
	var at []int
	for i, c := range cases {
		switch b := c.bound; {
		case b == nil || b.claim != nil:
			return nil, fmt.Errorf("%s: a case that no engine decided", c.Pos)
		case c.Arguments != nil:
			asked = append(asked, b)
			at = append(at, i)
		default:
			looked[b.in] = append(looked[b.in], b.at)
		}
	}
	for of, keys := range looked {
		by := of.By(d)
		if err := by.DecideCells(ctx, keys); err != nil {
			return nil, err
		}
		for i, c := range cases {
			if c.Arguments == nil && c.bound.in == of {
				cells[i] = by.Cell(c.bound.at.Class, c.bound.at.Column)
			}
		}
	}
	if len(asked) == 0 {
		return cells, nil
	}
	trials := make([]matrix.Trial, len(asked))
	for i, b := range asked {
		trials[i] = matrix.Trial{Column: b.column, Arguments: b.Arguments, Principals: []*authz.Principal{b.who}}
	}
	answers, err := r.runner.Matrix.Try(ctx, d, trials)
	if err != nil {
		return nil, err
	}
	for i := range asked {
		cells[at[i]] = answers[i][0]
	}
	return cells, nil
}

// passes reports whether a case passes with another cell.
func (r *Result) passes(ctx context.Context, d pdp.Decider, c *Case, cell *matrix.Cell) (bool, error) {
	if !c.bound.passes(cell) || c.bound.when == nil && c.bound.basis == nil {
		return c.bound.passes(cell), nil
	}
	copied := *c
	b := *c.bound
	copied.Cell, copied.Got = cell, cell.Access.String()
	b.Case = &copied
	if b.when != nil {
		if err := r.compares(ctx, d, c, &b); err != nil {
			return false, err
		}
	}
	if b.basis != nil && copied.Outcome == Passed {
		if err := b.hold(ctx, d, b.who); err != nil {
			return false, err
		}
		if copied.Outcome == Errored {
			return false, source.Errorf(c.Pos, "%s", copied.Message)
		}
	}
	return copied.Outcome == Passed, nil
}

// compares judges a case by the condition of another cell.
func (r *Result) compares(ctx context.Context, d pdp.Decider, c *Case, b *bound) error {
	in := *r.runner.Input
	in.Matrix = r.runner.Matrix.By(d)
	again := &runner{Input: &in}
	x := newComparer(again, d)
	who := *c.Principals[0]
	who.AuxData, who.JWTs, who.Claims = b.who.AuxData, b.who.JWTs, b.who.Claims
	return x.judge(ctx, b, &who)
}

// Disproved proves cases about everybody by another prover, and returns the first that does
// not pass any more; nil if all do.
func Disproved(ctx context.Context, p *prove.Prover, claims []*Case) (*Case, error) {
	for _, c := range claims {
		proof, err := p.Prove(ctx, c.bound.claim.sentence)
		if err != nil {
			return nil, err
		}
		copied := *c
		again := *c.bound.claim
		again.Case = &copied
		again.settle(proof)
		if copied.Outcome != Passed {
			return c, nil
		}
	}
	return nil, nil
}
