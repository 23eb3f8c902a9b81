package expr

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// TestPrintedAsItReads has trees that the unparser alone does not write as they
// are to be read.
func TestPrintedAsItReads(t *testing.T) {
	x := fact.NewIdent(0, "x")
	text := func(s string) ast.Expr { return fact.NewLiteral(0, types.String(s)) }
	for want, e := range map[string]ast.Expr{
		`double("+Inf")`:            fact.NewLiteral(0, types.Double(math.Inf(1))),
		`double("-Inf")`:            fact.NewLiteral(0, types.Double(math.Inf(-1))),
		`double("NaN")`:             fact.NewLiteral(0, types.Double(math.NaN())),
		`1e+300`:                    fact.NewLiteral(0, types.Double(1e300)),
		`-0.0`:                      fact.NewLiteral(0, types.Double(math.Copysign(0, -1))),
		`x["due-date"]`:             fact.NewSelect(0, x, "due-date"),
		`x["in"].true_`:             fact.NewSelect(0, fact.NewSelect(0, x, "in"), "true_"),
		`x["null"]`:                 fact.NewSelect(0, x, "null"),
		`x.package`:                 fact.NewSelect(0, x, "package"),
		`"a b" in x`:                fact.NewCall(0, operators.Has, fact.NewCall(0, operators.Index, x, text("a b"))),
		`x[?"a b"]`:                 fact.NewCall(0, operators.OptSelect, x, text("a b")),
		`x.?a`:                      fact.NewCall(0, operators.OptSelect, x, text("a")),
		`dyn(!x).size()`:            fact.NewMemberCall(0, "size", fact.NewCall(0, operators.LogicalNot, x)),
		`dyn(-x)[0]`:                fact.NewCall(0, operators.Index, fact.NewCall(0, operators.Negate, x), fact.NewLiteral(0, types.Int(0))),
		`dyn(-1).y`:                 fact.NewSelect(0, fact.NewLiteral(0, types.Int(-1)), "y"),
		"\"\\\"q\\\"\\n\\u2028'é\"": text("\"q\"\n\u2028'é"),
	} {
		if got := Print(e); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if _, err := Parse(want); err != nil {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestHygiene gives the variables of macros other names where they have those
// of something else.
func TestHygiene(t *testing.T) {
	for text, want := range map[string]string{
		`R.attr.arguments.l.all(i, i > P.attr.n)`:          `R.attr.arguments.l.all(i, i > P.attr.n)`,
		`R.attr.l.all(R, R.attr > P.attr.n)`:               `R.attr.l.all(v_R, v_R.attr > P.attr.n)`,
		`l.exists(arguments, arguments == v_arguments)`:    `l.exists(v_arguments_, v_arguments_ == v_arguments)`,
		`cel.bind(P, P.attr.n, P > 1)`:                     `cel.bind(v_P, P.attr.n, v_P > 1)`,
		`l.all(P, hole0, P == hole0)`:                      `l.all(v_P, v_hole0, v_P == v_hole0)`,
		`l.all(R, R.all(R, R > 1) && R.x)`:                 `l.all(v_R, v_R.all(v_R_, v_R_ > 1) && v_R.x)`,
		`l.map(principal, principal.ok, principal.n)`:      `l.map(v_principal, v_principal.ok, v_principal.n)`,
		`l.all(R, m.all(P, R == P) || cel.bind(R, R, !R))`: `l.all(v_R, m.all(v_P, v_R == v_P) || cel.bind(v_R_, v_R, !v_R_))`,
	} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Print(Hygienic(e)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestParsedAgain holds that what is kept of a text is what it was, though trees that
// were made of it were rewritten.
func TestParsedAgain(t *testing.T) {
	const text = `R.attr.arguments.floor.all(i, i < 3) || P.attr.badge != "blue"`
	for range 3 {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Print(e); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
		const want = `!(arguments.floor.all(i, i < 3) || principal.badge != "blue")`
		if got := Print(Negate(Shorten(Hygienic(e), []string{"arguments"}))); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestJoined holds that what is joined keeps its meaning, and that what is no CEL
// stays as it is.
func TestJoined(t *testing.T) {
	for want, list := range map[string][]string{
		"":                       {"", ""},
		"a || b":                 {"", "a || b"},
		"(a || b) && c":          {"a || b", "c"},
		"(depends on it) && a":   {"depends on it", "a"},
		"a && (b ? c : d) && !e": {"a", "b ? c : d", "!e"},
	} {
		if got := Joined(list, operators.LogicalAnd); got != want {
			t.Errorf("%q: got %s, want %s", list, got, want)
		}
	}
}

// TestPath holds the two names of what an expression can read to be one.
func TestPath(t *testing.T) {
	for text, want := range map[string]string{
		"request.principal.attr.team": "P attr team true", `R.attr["due-date"]`: "R attr due-date true", "variables.late": "V late true",
		"P.attr[R.attr.key].x": "P attr false", "x.?y": "x y true", "f(x)": " false", "request.auxData.jwt": "request auxData jwt true",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		path, ok := Path(e)
		if got := fmt.Sprint(strings.Join(path, " "), " ", ok); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
