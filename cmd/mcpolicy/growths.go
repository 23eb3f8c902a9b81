package main

import (
	"fmt"
	"math/bits"
	"sync"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// What one call of the engine may make: nobody can stop it.
const (
	maxMadeBytes    = 64 << 20
	maxMadeElements = 8 << 20
)

// growths are the expressions of the policies that can make more than they read.
type growths struct {
	list []growth

	mu    sync.Mutex
	known map[[3]int]bool // how large requests are that nothing grows too large for, by powers of two
}

type growth struct {
	*pdp.Growth
	pos source.Pos
}

func newGrowths(policies *policy.Set) *growths {
	g := &growths{known: map[[3]int]bool{}}
	for _, p := range policies.Policies {
		var variables map[string]string
		var constants map[string]any
		for _, x := range expressions(p) {
			if !pdp.Grows(x.Value) {
				continue
			}
			if variables == nil {
				variables, constants = definitionsOf(policies, p), constantsOf(policies, p)
			}
			if of := pdp.NewGrowth(x.Value, variables, constants); of != nil {
				g.list = append(g.list, growth{of, x.Pos})
			}
		}
	}
	return g
}

// constant refuses what grows too large whatever is asked: the engine evaluates it
// when it compiles.
func (g *growths) constant() error {
	return g.check(func([]string) pdp.Extent { return pdp.Extent{} })
}

// admit refuses requests that something grows too large for.
func (g *growths) admit(r pdp.Request) error {
	total := r.Total()
	size := [3]int{magnitude(total.Text), magnitude(total.All), magnitude(total.Values)}
	g.mu.Lock()
	fits, known := g.known[size]
	g.mu.Unlock()
	if !known {
		most := pdp.Extent{Text: power(size[0]), All: power(size[1]), Values: power(size[2])}
		fits = g.check(func([]string) pdp.Extent { return most }) == nil
		g.mu.Lock()
		g.known[size] = fits
		g.mu.Unlock()
	}
	if fits {
		return nil
	}
	return g.check(r.At)
}

func magnitude(x float64) int { return bits.Len64(uint64(x)) }

func power(n int) float64 { return float64(uint64(1) << n) }

// check returns the first mistake: those that follow in a chain of variables are
// made of it.
func (g *growths) check(at func([]string) pdp.Extent) error {
	for _, x := range g.list {
		bytes, elements := x.Most(at)
		switch {
		case bytes > maxMadeBytes:
			return source.Errorf(x.pos, "%w: this can make a text of %s at once; the most is %s", pdp.ErrUnbounded, size(bytes), size(maxMadeBytes))
		case elements > maxMadeElements:
			return source.Errorf(x.pos, "%w: this can make a list of more than %d elements at once", pdp.ErrUnbounded, maxMadeElements)
		}
	}
	return nil
}

// size says how many bytes there are.
func size(bytes float64) string {
	if bytes < 1<<40 {
		return fmt.Sprintf("%.0f MiB", bytes/(1<<20))
	}
	return "more than a TiB"
}
