package solver

import (
	"fmt"
	"math"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/solver/language"
)

// A predicate is a set of texts that makes a difference, by a name of its own.
type predicate struct {
	name string
	of   *language.Language
	cut  bool // it is where a text comes in the order of all texts
}

func before(text string) predicate {
	return predicate{name: fmt.Sprintf("< %q", text), of: language.Less(text), cut: true}
}

func atMost(size int) predicate {
	return predicate{name: fmt.Sprintf("size <= %d", size), of: language.AtMost(size)}
}

// tests are the functions that test a text against a constant.
var tests = map[string]func(string) (*language.Language, error){
	"startsWith": func(s string) (*language.Language, error) { return language.Prefix(s), nil },
	"endsWith":   func(s string) (*language.Language, error) { return language.Suffix(s), nil },
	"contains":   func(s string) (*language.Language, error) { return language.Contains(s), nil },
	"matches":    language.Matches,
}

// textPredicate is a place's text, or what functions make of it, tested against a
// constant: startsWith, endsWith, contains, matches, equality, order, membership.
func textPredicate(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if len(operands) != 2 {
		return false
	}
	test, tested := tests[name]
	if !tested && name != operators.Equals && name != operators.NotEquals && name != operators.In && !slices.Contains(orders, name) {
		return false
	}
	for i, x := range operands {
		if i > 0 && (tested || name == operators.In) {
			break // the text stands on the left
		}
		v, ok := a.textView(x, l.request)
		if !ok {
			continue
		}
		c, ok := a.constant(operands[1-i], l.request)
		if !ok {
			return false
		}
		var sets []predicate
		switch of := c.(type) {
		case string:
			switch {
			case tested:
				set, err := test(of)
				if err != nil {
					return false
				}
				sets = append(sets, predicate{name: fmt.Sprintf("%s %q", name, of), of: set})
			default:
				sets = append(sets, equals(of), before(of))
			}
		case []any, map[string]any:
			if name != operators.In {
				return false // there is more to an object or a list than its type
			}
			for _, x := range membersOf(of) {
				if isComposite(x) {
					return false
				}
				if text, isText := x.(string); isText {
					sets = append(sets, equals(text))
				}
			}
		}
		v.tested(sets)
		l.shallow = true
		return l.covered("string")
	}
	return false
}

func equals(text string) predicate {
	return predicate{name: fmt.Sprintf("== %q", text), of: language.Equal(text)}
}

// A textView is a place's text as functions make it.
type textView struct {
	place *place
	name  string // of the functions
	of    []func(*language.Language) *language.Language
}

// views are functions that make a text of a text, by what a set of the texts that they
// make is of the texts that they make them of.
var views = map[string]func(*language.Language) *language.Language{
	"lowerAscii": language.Lowered, "upperAscii": language.Raised,
}

func (a *analysis) textView(e ast.Expr, request int) (textView, bool) {
	if p, ok := a.placeOf(e, request); ok {
		return textView{place: p}, true
	}
	name, operands := called(e)
	f := views[name]
	if f == nil || len(operands) != 1 {
		return textView{}, false
	}
	v, ok := a.textView(operands[0], request)
	v.name += name + " "
	v.of = append(v.of, f)
	return v, ok
}

// tested notes which sets make a difference to the text as it is viewed.
func (v textView) tested(sets []predicate) {
	for _, s := range sets {
		for _, f := range slices.Backward(v.of) {
			s.of = f(s.of)
		}
		s.name = v.name + s.name
		s.cut = s.cut && len(v.of) == 0
		v.place.langs = append(v.place.langs, s)
	}
}

// textSize is the size of a text, compared with a constant.
func textSize(a *analysis, l *leaf) bool {
	p, n, ok := a.sizeOf(l)
	if !ok || p.allows("array") || p.allows("object") || !noteTextSize(p, n) {
		return false
	}
	l.shallow = true
	return l.covered("string")
}

// sizeOf returns the place whose size a leaf compares with a constant.
func (a *analysis) sizeOf(l *leaf) (*place, float64, bool) {
	name, operands := called(l.expr)
	if !slices.Contains(orders, name) && name != operators.Equals && name != operators.NotEquals {
		return nil, 0, false
	}
	for i, x := range operands {
		f, of := called(x)
		if f != "size" || len(of) != 1 {
			continue
		}
		p, ok := a.placeOf(of[0], l.request)
		c, known := a.constant(operands[1-i], l.request)
		n, isNumber := c.(float64)
		return p, n, ok && known && isNumber
	}
	return nil, 0, false
}

// mostSize is the longest size of a text that is looked into.
const mostSize = 10_000

// noteTextSize notes that it makes a difference whether a text is shorter than a size,
// longer, or neither. It is not ok for sizes that are too large to be looked into.
func noteTextSize(p *place, n float64) bool {
	if n > mostSize {
		return false
	}
	for _, size := range []float64{math.Ceil(n) - 1, math.Floor(n)} {
		if size >= 0 {
			p.langs = append(p.langs, atMost(int(size)))
		}
	}
	return true
}
