package solver

import (
	"math"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// monotone is what functions that keep or reverse the order of numbers make of a place,
// compared with a constant: net * 1.19 <= 500.0, int(n) == 4, math.abs(x) < 2.0.
func monotone(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if !slices.Contains(orders, name) && name != operators.Equals && name != operators.NotEquals {
		return false
	}
	for i, x := range operands {
		c := operands[1-i]
		v, known := a.constant(c, l.request)
		_, isNumber := v.(float64)
		p, stage, ok := a.ordering(x, l.request)
		if !ok || !known || !isNumber || p.inElement || p.kind == isID || p.lookedUp() != nil {
			continue
		}
		// These say how two numbers, or what is none, compare; each changes once in a region, or errs from there on.
		for _, op := range []string{operators.Less, operators.LessEquals, operators.Greater} {
			p.changing = append(p.changing, expr.Print(fact.NewCall(0, op, x, c)))
		}
		p.asker = l.request
		if l.shallow = true; stage != onDoubles {
			l.loose = "string"
		}
		return l.covered("number")
	}
	return false
}

// A stage says what a function calculates with. On doubles nothing errs; integers overflow,
// at one end of a region only, for what is made of them in one step.
type stage uint8

const (
	onDoubles  stage = iota
	converted        // from the place itself
	onIntegers       // one step on
)

// ordering returns the place that an expression is a monotone function of in each of the
// regions. The regions are those of the place, so that what changes its direction, or errs
// at both ends, stands around the place itself.
func (a *analysis) ordering(e ast.Expr, request int) (p *place, at stage, ok bool) {
	if p, ok := a.placeOf(e, request); ok {
		return p, onDoubles, true
	}
	name, operands := called(e)
	isMath := len(operands) > 1 && operands[0].Kind() == ast.IdentKind && operands[0].AsIdent() == "math"
	if isMath {
		operands = operands[1:]
	}
	calculates := slices.Contains(arithmetic, name) && !isMath
	direct := isMath && name == "abs" || !isMath && (name == "int" || name == "double")
	rounds := isMath && slices.Contains([]string{"ceil", "floor", "round", "greatest", "least"}, name)
	if !calculates && !direct && !rounds {
		return nil, 0, false
	}
	for i, x := range operands {
		if v, isConstant := a.constant(x, request); isConstant {
			if _, isNumber := v.(float64); !isNumber {
				return nil, 0, false
			}
			continue
		}
		q, of, monotone := a.ordering(x, request)
		_, isPlace := a.placeOf(x, request)
		steps := of == onDoubles || of == converted && calculates
		if !monotone || !steps || p != nil || name == operators.Divide && i > 0 || direct && !isPlace {
			return nil, 0, false
		}
		if p, at = q, of; of == converted {
			at = onIntegers
		}
	}
	if direct && !isMath {
		at = converted
	}
	return p, at, p != nil
}

// regions end where functions may change their direction, or begin to err.
var regions = []float64{-math.MaxFloat64, -1 << 63, -1, 0, 1, 1 << 63, math.MaxFloat64}

// changes returns the numbers at which an expression about a place comes to something else.
// In a region it comes to few things, one after the other; the engine is asked where. It is
// not ok if they are too many for that.
func (a *analysis) changes(p *place, text string) (points []float64, ok bool) {
	failed := false
	come := func(x float64) Outcome {
		a.steps++
		request, now := a.request(p.asker, holding(p, x))
		outcomes, err := a.evaluate([]string{text}, []Trial{{Request: request, Now: now}})
		if err != nil {
			a.failed, failed = err, true
			return Unmet
		}
		return outcomes[0]
	}
	points = slices.Clone(regions)
	for i := 0; i+1 < len(regions); i++ {
		low, high := math.Nextafter(regions[i], math.Inf(1)), math.Nextafter(regions[i+1], math.Inf(-1))
		first, last := come(low), come(high)
		for n := 0; first != last; n++ {
			if n > 3 || failed {
				return nil, false
			}
			// The last number that comes to the same as the lowest.
			from, to := bitsOf(low), bitsOf(high)
			for to-from > 1 {
				if middle := from + (to-from)/2; come(numberOf(middle)) == first {
					from = middle
				} else {
					to = middle
				}
			}
			points = append(points, numberOf(from), numberOf(to))
			low = numberOf(to)
			first = come(low)
		}
	}
	return points, !failed
}

// bitsOf numbers all doubles in their order.
func bitsOf(x float64) int64 {
	if bits := int64(math.Float64bits(x)); bits >= 0 { //nolint:gosec // as they are
		return bits
	}
	return -int64(math.Float64bits(-x)) //nolint:gosec // as they are
}

func numberOf(n int64) float64 {
	if n >= 0 {
		return math.Float64frombits(uint64(n)) //nolint:gosec // as they are
	}
	return -math.Float64frombits(uint64(-n)) //nolint:gosec // as they are
}
