package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
)

// A printer makes random policies whose conditions are of all sorts: every
// macro, texts with anything in them, every kind of value on either side.
type printer struct {
	*rand.Rand
	bound   []string // the variables of macros around
	derived bool     // within a derived role
	runtime bool     // conditions may read the list of derived roles
}

func (p *printer) of(list ...string) string { return list[p.IntN(len(list))] }

var oddTexts = []string{
	`"a"`, `"EU"`, `"b\"q"`, `"line\nbreak"`, `'single\'s'`, `"unless x"`, `"\u00e9\u2028\U0001F600"`, `""`, `"a.b"`, `"2026-02-03T04:05:06Z"`, `"^[ab]+$"`, `r"\d"`, `"tab\t\\"`, `"(]"`,
}

func (p *printer) path() string {
	return p.of(
		`R.attr.arguments.x`, `R.attr.arguments.y`, `R.attr.arguments.z`, `R.attr.arguments.flag`, `request.resource.attr.arguments.x`,
		`R.attr["arguments"].y`, `R.attr.arguments["x-y"]`, `R.attr.arguments["in"]`, `R.attr.arguments.z.k`, `R.attr.arguments.z["a b"]`,
	)
}

func (p *printer) known() string {
	return p.of(
		`P.attr.s`, `P.attr.n`, `P.attr.b`, `P.attr.list`, `P.attr.map`, `P.attr.any`, `P.attr.other`, `P.attr["odd key"]`, `P.attr.missing`,
		`P.id`, `P.roles`, `P.attr.map.a`, `R.attr.label`, `request.auxData.jwt.group`, `request.auxData.jwt.list`,
		`C.limit`, `C.names`, `C.limits`, `C.none`, `G.site`, `G.sites`,
	)
}

func (p *printer) value(depth int) string {
	if len(p.bound) > 0 && p.IntN(2) == 0 {
		return p.bound[p.IntN(len(p.bound))] + p.of("", "", "", ".k")
	}
	if depth <= 0 || p.IntN(3) == 0 {
		switch p.IntN(9) {
		case 0, 1, 2, 3:
			return p.path()
		case 4, 5:
			return p.known()
		case 6:
			if !p.derived {
				return p.of(`V.path`, `V.size`, `V.maybe`, `V.known`, `V.closed`, `V.sum`)
			}
			return p.of(`V.path`, `V.known`, `V.equal`, `V.deep`)
		case 7:
			return p.of(`1`, `2.5`, `-1`, `-0.0`, `1e300`, `7u`, `null`, `true`, `b"\x00a"`, `9007199254740993`, `[]`, `["a", "b"]`, `[1, "a", null]`, `{"a": 1.0}`, `{1: "x"}`, `{}`)
		}
		return p.of(oddTexts...)
	}
	return p.composed(depth)
}

// composed is a value that is made of others.
func (p *printer) composed(depth int) string {
	v := func() string { return p.value(depth - 1) }
	switch p.IntN(22) {
	case 0:
		return "size(" + v() + ")"
	case 1:
		return p.of("string", "int", "double", "uint", "timestamp", "duration", "dyn", "type", "bytes") + "(" + v() + ")"
	case 2:
		return "(" + v() + p.of(" + ", " - ", " * ", " / ", " % ") + v() + ")"
	case 3:
		// Not by what the policy writes down as a list or a map, which the
		// engine refuses to plan.
		return v() + "[" + p.of(p.path(), p.known(), "0", "1.0", `"k"`, "size("+v()+")") + "]"
	case 4:
		return "[" + v() + ", " + v() + "]"
	case 5:
		return `{"k": ` + v() + `, ` + p.of(oddTexts...) + `: ` + v() + `}`
	case 6:
		return p.macro(v(), p.of("map", "filter"), depth)
	case 7:
		return v() + "." + p.of("lowerAscii()", "trim()", "size()", "split(\".\")", "reverse()", "distinct()", "getFullYear()", "getSeconds()", "first()", "last()", "charAt(0)", "substring(1)", "join(\"-\")")
	case 8:
		return p.path() + p.of(".?k", `[?"k"]`, ".?a.?k") + ".orValue(" + v() + ")"
	case 9:
		return p.bind(depth, p.value)
	case 10:
		return "(" + p.boolean(depth-1) + " ? " + v() + " : " + v() + ")"
	case 11:
		return "-" + v()
	case 12:
		return "(-" + v() + ")." + p.of("k", "size()")
	case 13:
		return p.of("intersect", "except") + "(" + v() + ", " + v() + ")"
	case 14:
		return "math." + p.of("greatest", "least") + "(" + v() + ", " + v() + ")"
	case 15:
		return "R.attr.?arguments.x.orValue(" + v() + ")"
	case 16:
		if p.runtime && !p.derived {
			return "runtime.effectiveDerivedRoles"
		}
		return `P.attr.?s.orValue("none")`
	case 17:
		return p.of("now()", `timestamp("2020-01-01T00:00:00Z")`, `duration("90s")`, `timeSince(timestamp(P.attr.s))`, "optional.of("+v()+").value()")
	case 18:
		return p.two(v(), "transformList", depth)
	case 19:
		return p.two(v(), "transformMap", depth)
	}
	return p.known()
}

// name is a name for a variable, some of which other things have too.
func (p *printer) name() string {
	return p.of("e", "i", "R", "P", "arguments", "principal", "hole0", "v_R", "x", "resource")
}

func (p *printer) with(names []string, f func() string) string {
	before := p.bound
	p.bound = append(append([]string(nil), before...), names...)
	text := f()
	p.bound = before
	return text
}

func (p *printer) macro(over, name string, depth int) string {
	v := p.name()
	return over + "." + name + "(" + v + ", " + p.with([]string{v}, func() string {
		if name == "map" {
			return p.value(depth - 1)
		}
		return p.boolean(depth - 1)
	}) + ")"
}

func (p *printer) two(over, name string, depth int) string {
	v, w := p.name(), p.name()
	if v == w {
		w += "2"
	}
	return over + "." + name + "(" + v + ", " + w + ", " + p.with([]string{v, w}, func() string {
		if strings.HasPrefix(name, "transform") {
			return p.value(depth - 1)
		}
		return p.boolean(depth - 1)
	}) + ")"
}

func (p *printer) bind(depth int, body func(int) string) string {
	v := p.name()
	return "cel.bind(" + v + ", " + p.value(depth-1) + ", " + p.with([]string{v}, func() string { return body(depth - 1) }) + ")"
}

func (p *printer) boolean(depth int) string {
	v := func() string { return p.value(depth - 1) }
	b := func() string { return p.boolean(depth - 1) }
	if depth > 0 {
		switch p.IntN(8) {
		case 0:
			return "(" + b() + " && " + b() + ")"
		case 1:
			return "(" + b() + " || " + b() + ")"
		case 2:
			return "!(" + b() + ")"
		case 3:
			return "(" + b() + " ? " + b() + " : " + b() + ")"
		}
	}
	switch p.IntN(19) {
	case 15, 16, 17: // what policies mostly are about
		return p.path() + p.of(" == ", " != ", " in ", " < ", " >= ") + p.of(p.known(), p.known(), `"a"`, `["a", "EU", 1.0]`, "1.0")
	case 18:
		return p.known() + p.of(" == ", " != ", " in ") + p.of(p.path(), p.value(depth-1))
	case 0, 1, 2:
		return v() + p.of(" == ", " != ") + v()
	case 3, 4:
		return v() + p.of(" < ", " <= ", " > ", " >= ") + v()
	case 5, 6:
		return v() + " in " + p.of(v(), p.known(), "[]")
	case 7:
		return v() + "." + p.of("startsWith", "endsWith", "contains", "matches") + "(" + p.of(v(), "P.attr.s", "P.attr.any") + ")"
	case 8:
		return "has(" + p.of(`R.attr.arguments.x`, `R.attr.arguments.z.k`, `P.attr.s`, `P.attr.missing`, `R.attr.arguments`, `V.path`, `V.deep`, `V.sum`, `request.resource.attr.arguments`) + ")"
	case 9:
		return p.macro(v(), p.of("all", "exists", "exists_one"), depth)
	case 10:
		return p.of("hasIntersection", "isSubset", "sets.contains") + "(" + v() + ", " + v() + ")"
	case 11:
		return p.two(v(), p.of("all", "exists", "existsOne"), depth)
	case 12:
		return p.bind(depth, p.boolean)
	case 13:
		return p.of(v(), p.path(), `"arguments" in R.attr`, `R.attr.arguments != null`, `size(R.attr) > 1`, `type(R.attr.arguments) == map`,
			`R.attr.?arguments.hasValue()`, `R.attr.arguments.?flag.hasValue()`, `hierarchy(P.attr.s).overlaps(hierarchy(R.attr.arguments.y))`, `isIP(R.attr.arguments.y)`, `R.attr.arguments.?flag`)
	}
	if p.runtime && !p.derived {
		return p.of(`"owner" in runtime.effectiveDerivedRoles`, `"guest" in runtime.effectiveDerivedRoles`, `size(runtime.effectiveDerivedRoles) > 1`,
			`runtime.effectiveDerivedRoles.exists(r, r == R.attr.arguments.y)`, `R.attr.arguments.y in runtime.effectiveDerivedRoles`, `hasIntersection(runtime.effectiveDerivedRoles, ["owner", "other"])`)
	}
	return p.path()
}

// condition is an expression that compiles.
func (p *printer) condition() string {
	for {
		if text := p.boolean(2 + p.IntN(2)); len(text) < 400 && cel.Compiles(text) {
			return text
		}
	}
}

func (p *printer) match(depth int) string {
	if depth == 0 || p.IntN(3) > 0 {
		return fmt.Sprintf("{expr: %s}", strconv.Quote(p.condition()))
	}
	return fmt.Sprintf("{%s: {of: [%s, %s]}}", p.of("all", "any", "none"), p.match(depth-1), p.match(depth-1))
}

const printerVariables = `{path: R.attr.arguments.x, deep: R.attr.arguments.z.k, size: size(R.attr.arguments.y), maybe: "R.attr.arguments.?x", known: P.attr.missing, closed: "P.attr.n + 1.0", sum: R.attr.arguments.x + P.attr.n, equal: R.attr.arguments.y == P.attr.s}`

// policies returns the policies of a kind: for the kind, and its derived roles.
func (p *printer) policies(kind string) []string {
	p.runtime = p.IntN(3) == 0
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: %s\n  version: default\n  importDerivedRoles: [%s]\n", kind, kind)
	fmt.Fprintf(&b, "  constants: {local: {limit: 1.5, names: [a, EU], limits: {a: 1, EU: 2.5}, none: []}}\n  variables: {local: %s}\n  rules:\n", printerVariables)
	for range 1 + p.IntN(2) {
		fmt.Fprintf(&b, "    - {actions: [call], effect: EFFECT_%s, roles: [A], condition: {match: %s}}\n", p.of("ALLOW", "ALLOW", "DENY"), p.match(1))
	}
	if p.IntN(3) == 0 {
		b.WriteString("    - {actions: [call], effect: EFFECT_ALLOW, roles: [A]}\n")
	}
	fmt.Fprintf(&b, "    - {actions: [%s], effect: EFFECT_ALLOW, derivedRoles: [owner, guest]}\n", p.of("call", "nothing", "nothing"))
	p.derived = true
	defer func() { p.derived = false }()
	roles := fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: %s\n  constants: {local: {limit: 1.5, names: [a, EU], limits: {a: 1}, none: []}}\n  variables: {local: %s}\n  definitions:\n    - {name: owner, parentRoles: [A], condition: {match: %s}}\n    - {name: guest, parentRoles: [%s], condition: {match: %s}}\n",
		kind, printerVariables, p.match(1), p.of("A", "B", `"*"`), p.match(1))
	return []string{b.String(), roles}
}

var jsonValues = []any{
	1.0, 1.5, -3.0, "a", "b", "EU", "owner", "a.b", "b\"q", "line\nbreak", "unless x", "2026-02-03T04:05:06Z", "^[ab]+$", "(]", "10.0.0.1", "", true, false, nil,
	[]any{},
	[]any{"a"},
	[]any{"a", "EU", "a"},
	[]any{1.0, 2.5},
	[]any{[]any{"a"}, nil},
	map[string]any{},
	map[string]any{"k": 1.0},
	map[string]any{"k": "a", "a b": true},
	map[string]any{"a": map[string]any{"k": "a"}},
}

func (p *printer) json() any { return jsonValues[p.IntN(len(jsonValues))] }

func (p *printer) principal(key string) *authz.Principal {
	attr := map[string]any{"s": p.of("a", "EU", "b\"q", "a.b"), "n": p.Float64(), "b": p.IntN(2) == 0, "list": []any{"a", "EU"}, "map": map[string]any{"a": 1.5, "EU": "x"}}
	if p.IntN(2) == 0 {
		attr["n"] = float64(p.IntN(3))
	}
	if p.IntN(3) == 0 {
		attr["list"] = []any{}
	}
	for _, name := range []string{"any", "other", "odd key", "s", "list"} {
		if p.IntN(3) == 0 {
			attr[name] = p.json()
		}
	}
	return &authz.Principal{ID: key, Key: key, Roles: []string{"A"}, Attr: attr}
}

func (p *printer) arguments() map[string]any {
	args := map[string]any{}
	for _, name := range []string{"x", "y", "z", "flag", "x-y", "in"} {
		if p.IntN(4) > 0 {
			args[name] = p.json()
		}
	}
	if p.IntN(3) == 0 {
		args["flag"] = p.IntN(2) == 0
	}
	return args
}
