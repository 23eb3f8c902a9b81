package solver

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// near lists texts that a calculation with constants may tell from each other: numbers as
// texts, and texts that are longer, of another case, cut, later or earlier.
func near(numbers []float64, texts []string) []string {
	var list []string
	for _, x := range numbers {
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			for _, y := range []float64{x, x + 1, x - 1} {
				list = append(list, strconv.FormatFloat(y, 'f', -1, 64))
			}
		}
	}
	for _, s := range texts {
		if at, err := time.Parse(time.RFC3339, s); err == nil {
			list = append(list, at.Add(time.Hour).Format(time.RFC3339), at.Add(-time.Hour).Format(time.RFC3339))
			continue
		}
		if d, err := time.ParseDuration(s); err == nil {
			list = append(list, (2 * d).String(), (d / 2).String())
			continue
		}
		if s == "" {
			continue
		}
		list = append(list, strings.ToLower(s), strings.ToUpper(s), "x"+s, s+"x")
		if address, _, isBlock := strings.Cut(s, "/"); isBlock && address != "" {
			list = append(list, address)
		}
	}
	return list
}

// listsNear lists lists of which a first element may be asked for.
func listsNear(numbers []float64, texts []string) []any {
	list := []any{[]any{}}
	if len(texts) > 1 {
		all := make([]any, len(texts))
		for i, s := range texts {
			all[i] = s
		}
		list = append(list, all)
	}
	for _, s := range texts {
		list = append(list, []any{s}, []any{s, s})
	}
	for _, x := range numbers {
		list = append(list, []any{x}, []any{x + 1}, []any{x - 1})
	}
	list = append(list, []any{"a"}, []any{1.0}, []any{"a", "b"}, []any{"a", "a"})
	return list
}

// timesNear lists texts that are times or durations, where an expression reads such: also
// times in the years that it names.
func timesNear(e ast.Expr, numbers []float64) []string {
	var list []string
	if calls(e, "timestamp") {
		for _, x := range numbers {
			if x == math.Trunc(x) && x > 1 && x < 9999 {
				list = append(list, fmt.Sprintf("%04.0f-07-01T12:00:00Z", x))
			}
			if x == math.Trunc(x) && x >= 0 && x < 60 {
				list = append(list, fmt.Sprintf("2000-07-01T12:%02.0f:%02.0fZ", x, x))
			}
		}
		list = append(list, "2000-01-01T00:00:00Z", "2100-02-03T04:05:06Z")
	}
	if calls(e, "duration") {
		list = append(list, "1s", "10000h")
	}
	return list
}

// formsNear lists texts that have the form of what an expression reads.
func formsNear(e ast.Expr) []string {
	var list []string
	if calls(e, "int") || calls(e, "double") {
		list = append(list, "99999999999999999999") // more than integers go
	}
	if calls(e, "timestamp") && calls(e, operators.Add) {
		list = append(list, "2000-01-01", "2100-01-01")
	}
	if calls(e, "hierarchy") {
		list = append(list, "a", "a.b", "a.b.c")
	}
	if calls(e, "inIPAddrRange") {
		list = append(list, "192.0.2.1", "2001:db8::1") // kept free for documentation: RFC 5737, RFC 3849
	}
	return list
}

// mappingsNear lists objects whose values are about constants, under all names that a
// schema has for a place of the leaf.
func mappingsNear(l *leaf, numbers []float64) []any {
	names := []string{"a"} // a text that is proposed for every place
	for _, p := range l.places {
		for _, s := range p.schemas {
			for _, v := range s.Enum {
				if name, ok := v.(string); ok {
					names = append(names, name)
				}
			}
		}
	}
	var list []any
	for _, x := range numbers {
		for _, y := range []float64{x, x + 1, x - 1} {
			m := map[string]any{}
			for _, name := range names {
				m[name] = y
			}
			list = append(list, m)
		}
	}
	return list
}

func calls(e ast.Expr, function string) bool {
	name, _ := called(e)
	return name == function || slices.ContainsFunc(expr.Children(e), func(x ast.Expr) bool { return calls(x, function) })
}
