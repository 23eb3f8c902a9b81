package solver

import (
	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// mostHints bounds how many values are proposed for a place.
const mostHints = 40

// hint proposes values for the places of a leaf that is not covered: what makes a
// difference to it is not known, but its own constants and what is near them often do.
// More values than are enough do no harm.
func (a *analysis) hint(l *leaf) {
	var constants []float64
	var numbers []float64
	var texts []string
	literals(l.expr, func(v any) {
		switch v := v.(type) {
		case float64:
			constants = append(constants, v)
			numbers = append(numbers, v, v+1, v-1, -v, v/2, v*2)
		case string:
			texts = append(texts, v)
		}
	})
	var values []any
	for _, x := range append(numbers, 0, 1, 10, 1000, -1, -1000) {
		values = append(values, x)
	}
	values = append(append(values, listsNear(constants, texts)...), mappingsNear(l, constants)...)
	words := append(append(timesNear(l.expr, constants), formsNear(l.expr)...), texts...)
	words = append(words, near(constants, texts)...)
	for _, x := range texts {
		for _, y := range texts {
			words = append(words, x+y)
		}
	}
	for _, x := range append(words, "", "a", "b", "1", "5000") {
		values = append(values, x)
	}
	for _, p := range l.places {
		for _, v := range values {
			if len(p.hints) < mostHints && p.kind != isClock && !p.isObject() {
				p.hints = append(p.hints, v)
			}
		}
	}
}

func literals(e ast.Expr, f func(any)) {
	if v, ok := literal(e); ok {
		f(v)
	}
	for _, x := range expr.Children(e) {
		literals(x, f)
	}
}
