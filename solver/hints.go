package solver

import (
	"strings"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/solver/language"
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
	if calls(l.expr, "int") {
		numbers = append(numbers, 1e300, 1e9, 4e9) // no integer, and two times in seconds
	}
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
	words = append(a.joinedNear(l), words...)
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

// joinedNear proposes what constants around another place may come to, and what a pattern
// matches.
func (a *analysis) joinedNear(l *leaf) []string {
	var list []string
	var walk func(e ast.Expr)
	walk = func(e ast.Expr) {
		if before, inner, after, ok := a.join(e, l.request); ok {
			v, _ := a.sampleOf(inner.schemas, 0, inner.depth)
			if text, isText := v.(string); isText {
				list = append(list, text, before+text+after)
			}
		}
		if name, operands := called(e); name == "matches" && len(operands) == 2 {
			c, _ := a.text(operands[1], l.request)
			if set, err := language.Matches(strings.ReplaceAll(c, `\b`, "")); err == nil {
				found, _ := language.Combinations([]*language.Language{set}, 1, a.limits.Texts)
				for _, of := range found {
					list = append(list, of.Texts...)
				}
			}
		}
		for _, x := range expr.Children(e) {
			walk(x)
		}
	}
	walk(l.expr)
	return list
}

func literals(e ast.Expr, f func(any)) {
	if v, ok := literal(e); ok {
		f(v)
	}
	for _, x := range expr.Children(e) {
		literals(x, f)
	}
}
