package celgen

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A Source makes things at random; equal seeds make equal things.
type Source struct{ *rand.Rand }

// New returns a source.
func New(seed uint64) *Source { return &Source{rand.New(rand.NewPCG(seed, 11))} } //nolint:gosec // not for secrets

func (s *Source) pick(of ...string) string { return of[s.IntN(len(of))] }

func pickAny[T any](s *Source, of []T) T { return of[s.IntN(len(of))] }

// Tool is the name of the item that requests are about, unless it is open.
const Tool = "move"

const arguments = "R.attr.arguments."

// The places that conditions look at, by the type that they take them for.
var (
	textPlaces = []string{
		arguments + "a", arguments + "a", arguments + "b", "P.attr.a", "P.attr.b", "P.id", "R.id", "R.attr.tool_name", arguments + "o.a",
		"request.auxData.jwt.a", "R.attr.tool_name", "R.attr.source",
	}
	numberPlaces = []string{arguments + "n", arguments + "n", arguments + "m", "P.attr.n", "P.attr.m", arguments + "o.n"}
	boolPlaces   = []string{arguments + "f", arguments + "g", "P.attr.f", arguments + "o.f"}
	listPlaces   = []string{arguments + "l", arguments + "l", "P.attr.l", arguments + "o.l", "request.auxData.jwt.l"}
	otherPlaces  = []string{arguments + "o", "P.attr.o", arguments + "t", "P.attr.t", "R.attr.unsent"}
)

func (s *Source) place(of []string) string {
	if s.IntN(8) == 0 {
		of = pickAny(s, [][]string{textPlaces, numberPlaces, boolPlaces, listPlaces, otherPlaces})
	}
	return s.pick(of...)
}

func (s *Source) text() string {
	if s.IntN(3) == 0 {
		return s.place(textPlaces)
	}
	return s.quoted()
}

func (s *Source) quoted() string { return fmt.Sprintf("%q", s.pick(texts...)) }

func (s *Source) number() string {
	if s.IntN(3) == 0 {
		return s.place(numberPlaces)
	}
	return s.pick(numbers...)
}

func (s *Source) order() string { return s.pick("<", "<=", ">", ">=") }

func (s *Source) equality() string { return s.pick("==", "==", "!=") }

// Condition returns an expression that is true, false or an error for each
// request. Its parts are of the kinds that policies have; half of them take no
// calculating.
func (s *Source) Condition() string { return s.condition(2, s.IntN(2) == 0) }

func (s *Source) condition(depth int, plain bool) string {
	if depth == 0 || s.IntN(3) == 0 {
		if !plain && s.IntN(2) == 0 {
			return s.opaque()
		}
		return s.plain()
	}
	a, b := s.condition(depth-1, plain), s.condition(depth-1, plain)
	switch s.IntN(8) {
	case 0, 1, 2:
		return "(" + a + " && " + b + ")"
	case 3, 4:
		return "(" + a + " || " + b + ")"
	case 5:
		return "!(" + a + ")"
	case 6:
		return "(" + s.condition(0, plain) + " ? " + a + " : " + b + ")"
	default: // both of one place, so that they can contradict each other
		leaf := s.plain()
		return "(" + leaf + s.pick(" && !", " || !") + "(" + s.pick(leaf, s.plain()) + "))"
	}
}

// plain returns a relation between places and constants.
func (s *Source) plain() string {
	switch s.IntN(15) {
	case 0, 1:
		return s.place(textPlaces) + " " + s.equality() + " " + s.text()
	case 2:
		return s.place(textPlaces) + " in [" + s.quoted() + ", " + s.quoted() + "]"
	case 3, 4:
		return s.place(numberPlaces) + " " + s.order() + " " + s.number()
	case 5:
		return s.place(numberPlaces) + " " + s.equality() + " " + s.number()
	case 6:
		return s.pick(s.place(boolPlaces), s.place(boolPlaces)+" "+s.equality()+" "+s.pick("true", "false", s.place(boolPlaces)))
	case 7:
		return s.text() + " in " + s.place(append(listPlaces, otherPlaces...))
	case 8:
		return "has(" + s.pick(arguments+"a", arguments+"o.a", arguments+"o", "P.attr.a", "P.attr.l", "R.attr.arguments", arguments+"l", arguments+"n", "request.auxData.jwt.a", "R.attr.tool_name") + ")"
	case 9:
		return s.pick("size("+s.place(listPlaces)+")", s.place(listPlaces)+".size()", "size("+s.place(textPlaces)+")") + " " + s.pick("<", "<=", ">", ">=", "==") + " " + s.pick("0", "1", "2", "3")
	case 10:
		return s.place(textPlaces) + "." + s.pick("startsWith", "endsWith", "contains") + "(" + s.quoted() + ")"
	case 11:
		return s.place(textPlaces) + ".matches(" + s.pick(`"^a"`, `"^[a-c]+$"`, `"b.?$"`, `"^$"`, `"(?i)^RED"`) + ")"
	case 12:
		return s.place(textPlaces) + " " + s.order() + " " + s.text()
	case 13:
		return s.place(append(otherPlaces, listPlaces...)) + " " + s.equality() + " " + s.pick("null", `"a"`, "1", `["a"]`, "[]", s.place(listPlaces), s.place(otherPlaces))
	default:
		return s.pick("true", "false", s.place(boolPlaces))
	}
}

// opaque returns an expression of one of the kinds that take calculating.
func (s *Source) opaque() string {
	element := strings.NewReplacer("$L", s.place(listPlaces), "$T", s.place(textPlaces), "$t", s.quoted(), "$N", s.place(numberPlaces),
		"$n", s.pick(numbers...), "$o", s.order(), "$e", s.equality(), "$O", s.place(otherPlaces), "$x", s.text(), "$W", s.pick(arguments+"t", "P.attr.t"))
	return element.Replace(s.pick(
		`$L.exists(e, e == $x)`, `!$L.exists(e, e.startsWith($t))`, `$L.all(e, e != $t)`, `!$L.all(e, e in [$t, "z"])`,
		`$L.filter(e, e == $t).size() > 0`, `size($L.filter(e, e != $t)) == 0`, `$L.map(e, e + "b").exists(e, e == "ab")`, `$L.exists_one(e, e == $t)`,
		`$L.exists(e, $L.all(f, e == f))`, `[1, 2].exists(e, $N > e)`, `["a", "b"].exists(q, $T.startsWith(q))`,
		`timestamp($W) < timestamp("2026-03-01T00:00:00Z")`, `timestamp($W) $o now()`, `timestamp($W) - timestamp(P.attr.t) > duration("24h")`,
		`duration($T) $o duration("1h")`, `timestamp($W).getFullYear() == 2026`, `now() > timestamp("2020-01-01T00:00:00Z")`,
		`$N + 1.0 $o $n`, `$N * 2.0 $o $N`, `$N + 1 == 2`, `-$N < $n`, `P.attr.n - $N >= 0.0`, `$N / $N > 1.0`,
		`int($N) == 2`, `double($T) > 1.0`, `string($N) $e "1"`, `string($T) == $t`, `int($T) > 1`, `bool($T)`,
		`$T.lowerAscii() == "red"`, `$T.upperAscii() == $t`, `$T.split("/")[0] == $t`, `$T.trim() == ""`, `$T.replace("a", "b") == $t`,
		`($T + $x) == "ab"`, `$T.startsWith($x)`, `$t.contains($T)`, `$O["k"] == $t`, `$O[$T] == 1`, `$L[0] == $t`,
		`($T == $t ? $N : 1.0) $o $n`, `type($N) == double`, `$T == "a" ? $T : "b"`, `R.attr.arguments == {"a": "a"}`, `"a" in R.attr.arguments`,
		`size(R.attr.arguments) == 0`, `hasIntersection($L, [$t])`, `$L.isSubset(["a", "b"])`, `R.attr.arguments.?a.orValue("none") == $t`,
		`"admin" in P.roles`, `R.kind == "mcp_server"`, `cel.bind(v, $T, v == $t || v == "q")`, `{"a": 1, "b": 2}[$T] == 1`, `$T in {"a": 1}`, `$N in [1, 2.5, 3]`,
	))
}
