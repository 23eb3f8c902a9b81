package workspace

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
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

// A growth is that of a policy's expressions.
type growth struct {
	*cel.Growth
	texts []policy.Text
}

// Admission returns what refuses requests for which an expression of the policies
// would make too much at once, for [pdp.Bounds]; nil if no request needs to be looked
// at. The error is about what is too large whatever is asked: the engine evaluates that
// when it compiles. Both wrap [pdp.ErrUnbounded].
func Admission(policies *policy.Set) (admit func(pdp.Request) error, err error) {
	g := growthsOf(policies)
	if len(g.list) == 0 {
		return nil, nil
	}
	return g.admit, g.check(func([]string) pdp.Extent { return pdp.Extent{} })
}

func growthsOf(policies *policy.Set) *growths {
	g := &growths{known: map[[3]int]bool{}}
	for _, p := range policies.Policies {
		texts := expressions(p)
		if !slices.ContainsFunc(texts, func(x policy.Text) bool { return cel.Grows(x.Value) }) {
			continue
		}
		var values []string
		for _, x := range texts {
			values = append(values, x.Value)
		}
		if of := cel.NewScope(definitionsOf(policies, p), constantsOf(policies, p)).Growth(values); of != nil {
			g.list = append(g.list, growth{of, texts})
		}
	}
	return g
}

// admit refuses requests that something grows too large for.
func (g *growths) admit(r pdp.Request) error {
	total := r.Total()
	size := [3]int{magnitude(total.Text), magnitude(total.All), magnitude(total.Values)}
	g.mu.Lock() // also for the variables, which are parsed when they are first seen
	defer g.mu.Unlock()
	fits, known := g.known[size]
	if !known {
		most := pdp.Extent{Text: power(size[0]), All: power(size[1]), Values: power(size[2])}
		fits = g.check(func([]string) pdp.Extent { return most }) == nil
		g.known[size] = fits
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
func (g *growths) check(at func([]string) pdp.Extent) (err error) {
	for _, x := range g.list {
		x.Most(at)(func(i int, bytes, elements float64) bool {
			err = tooLarge(x.texts[i].Pos, bytes, elements)
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func tooLarge(pos source.Pos, bytes, elements float64) error {
	switch {
	case bytes > maxMadeBytes:
		return source.Errorf(pos, "%w: this can make a text of %s at once; the most is %s", pdp.ErrUnbounded, size(bytes), size(maxMadeBytes))
	case elements > maxMadeElements:
		return source.Errorf(pos, "%w: this can make a list of more than %d elements at once", pdp.ErrUnbounded, maxMadeElements)
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
