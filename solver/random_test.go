package solver_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/solver"
)

// leaves are of all kinds, over few places, so that several meet. $s is a text place, $n
// a number, $b a boolean, $l a list, $w a time, $c a constant text, $k a constant number, $o an order.
var leaves = []string{
	`$n $o $k`, `$n $o $k`, `$n == $k`, `$n != $k`, `$n in [$k, $k]`, `$n $o $n`, `$n == $n`,
	`$s == $c`, `$s != $c`, `$s in [$c, $c]`, `$s == $s`, `$s $o $c`, `$s < $s`, `$s in [$s, $c]`,
	`$s.startsWith($c)`, `$s.endsWith($c)`, `$s.contains($c)`, `$s.matches("^[ab]+$")`, `$s.matches("b.?$")`, `$s.lowerAscii() == $c`, `size($s) > 2`, `size($s) == 1`,
	`$b`, `$b == true`, `has($s)`, `has($n)`, `has(R.attr.arguments.o)`, `"a" in R.attr.arguments`, `$s == null`, `$n == $c`, `$s == $k`,
	`R.attr.arguments.?a.orValue($c) == $c`, `type($n) == double`, `type($s) == string`, `R.attr.arguments.o == {"a": "a"}`, `R.attr.arguments.l == ["a"]`, `R.attr.arguments.l == P.attr.l`,
	`$n + $n > $k`, `$n * 2.0 < $k`, `$s + $c == $s`, `$s.replace("a", "b") == $c`, `cel.bind(v, $s, v == $c || v == $s)`, `$n - $n == 0.0`, `$s > $n`,
	`($b ? $s == $c : $n > $k)`, `string($n) == "2.5"`, `string($s) == $c`, `$s.startsWith("a" + P.attr.b + "b")`, `$s == "b" + P.attr.b`, `$s.contains("a" + P.id)`, `$s.endsWith($s)`, `$s.contains($s + "b")`,
	`{"a": 1.0, "red": 3.0}[$s] > $n`, `{"a": {"x": "b"}, "b": {"y": 2}}[$s].x == $s`, `[$c, $c].exists(c, $s.startsWith(c))`, `[1, 2].all(c, $n > c)`, `$n < 1.5 + 1.0`, `$n + $n == $k`,
	`$s.split("/")[0] == $c`, `$s.split("b")[1] in [$c, $c]`, `$s.substring(0, 2) == $c`, `$s.substring(1) == $c`, `$s.charAt(0) == $c`, `$s.charAt(1) == $c`, `$s.trim() == $c`,
	`$c in $s.split("/")`, `size($s.split("b")) > 2`, `$s.split("a").size() == 1`, `"abc".contains($s)`, `"abc".startsWith($s)`, `"red".endsWith($s)`, `$s.indexOf($c) >= 0`, `$s.lastIndexOf($c) != -1`,
	`hierarchy($s).descendentOf(hierarchy("a.b"))`, `hierarchy("a.b").ancestorOf(hierarchy($s))`, `hierarchy($s).ancestorOf(hierarchy("a.b.c"))`, `hierarchy($s).siblingOf(hierarchy("a.b"))`,
	`hierarchy($s).immediateChildOf(hierarchy("a"))`, `hierarchy($s).immediateParentOf(hierarchy("a.b"))`, `hierarchy($s).overlaps(hierarchy("a.b"))`, `hierarchy($s, "/").descendentOf(hierarchy("a/b", "/"))`,
	`$c in $l`, `$s in $l`, `$l.exists(e, e == $c)`, `$l.all(e, e.startsWith($c))`, `$l.exists_one(e, e == $c)`, `$l.filter(e, e != $c).size() > 1`, `size($l.filter(e, e == $c)) == 1`,
	`size($l) > 1`, `$l.size() == 0`, `hasIntersection($l, [$c, $c])`, `$l.isSubset([$c, "b"])`, `hasIntersection($l, $l)`, `$l.isSubset($l)`, `$l.exists(e, e == $s)`, `$l.all(e, e in ["a", "b"])`,
	`$l.all(e, e in $l)`, `$l.exists(e, e.a == $c && e.n > $k)`, `$l.exists(e, e.exists(f, f == $c))`, `$k in $l`, `$l.exists(e, e $o $k)`, `$l.all(e, e == $c || e == $s)`, `!$l.all(e, e != $c)`,
	`timestamp($w) $o timestamp("2026-03-01T00:00:00Z")`, `timestamp($w) $o timestamp($w)`, `timestamp($w) == timestamp($w)`, `timestamp($w) > now() - duration("24h")`, `timestamp($w).timeSince() $o duration("48h")`,
	`timestamp($w).getHours() $o 12`, `timestamp($w).getMonth() == 3`, `timestamp($w).getDayOfWeek() in [0, 6]`, `timestamp($w).getHours("Europe/Rome") == 0`, `$w == $w`, `$w == "2026-03-01T00:00:00Z"`, `$w in $l`,
	`$n * 1.19 <= $k`, `$n + 1.5 > $k`, `2.5 - $n < $k`, `-$n < $k`, `int($n) == 2`, `int($n) > 2`, `math.abs($n) < 2.0`, `math.ceil($n) == 3.0`, `$n / 3.0 >= $k`, `double($n) == 2.5`, `int($n) * 2 < 5`, `math.greatest($n, 2.0) < 3.0`, `math.abs($n - 2.0) < 1.0`, `int($n * 4.0 - 10.0) == 2`, `(int($n) - 3) * 4 == 8`,
	`$l[0] == $c`, `$l[0] != $s`, `$l[0].startsWith($c)`, `$l[0] $o $k`, `$l[0].a == $c`, `$c in $l.map(e, e.lowerAscii())`, `$s in $l.map(e, e.a)`, `$l.map(e, e.trim()).exists(e, e == $c)`,
	`$l.map(e, e.n).all(n, n > $k)`, `$l.filter(e, e.startsWith($c)).exists(f, f != $c)`, `$l.filter(e, e != $c).all(f, f in ["a", "b"])`, `except($l, [$c, "b"]).size() > 0`, `$l.except(["a"]).size() $o 2`, `except($l, $l).size() == 0`,
	`size(intersect($l, $l)) >= 1`, `intersect($l, [$c, $c]).size() > 0`, `sets.contains($l, [$c])`, `sets.contains(["a", $c], $l)`, `sets.intersects($l, $l)`, `sets.equivalent($l, [$c, "a"])`, `sets.equivalent($l, $l)`,
	`$l.exists(e, $s.startsWith(e))`, `$l.all(e, $s.contains(e))`, `$l.exists(e, $s.startsWith("a" + e))`, `$l.exists(e, e != $c && $s.endsWith(e))`, `$s.startsWith($s)`,
	`P.attr.q[$s] == $c`, `P.attr.q[$s] $o $k`, `$s in P.attr.q`, `P.attr.q[$s].n > $k`, `P.attr.q[$n] $o $k`, `P.attr.q[$s] + $s != $c`, `R.attr.arguments.q[$s] == $s`, `P.attr.q[?$s].orValue($c) == $c`, `$c in P.attr.q[$s]`, `has(P.attr.q)`,
	`R.attr.arguments.q.all(k, k in ["a", $c])`, `$c in R.attr.arguments.q`, `$s in {"a": ["b", "red"], "red": [$c]}[$s]`, `$n in {"a": [1.0, 2.5], "b": [3.0]}[$s]`,
	`$s.indexOf($c) $o 1`, `$s.lastIndexOf($c) $o 1`, `2 == $s.indexOf("b")`, `$s.split("ab")[0] == $c`, `$s.split("aa")[0] in [$c, "a"]`, `$s.split("/")[0] == $s`,
	`math.greatest($n, $n) <= $k`, `math.least($n, $k) $o $n`, `$n == math.floor($n)`, `math.round($n) != $n`, `math.abs($n - $n) < $k`, `($s == $c) == ($n > $k)`, `has($s) != $b`, `$n > ($b ? 1 : 3)`, `size($l) == ($s == $c ? 1 : 0)`,
	`timestamp($w).getMinutes() >= 30`, `timestamp($w).getDate() == 1`, `timestamp($w).getDayOfMonth() $o 28`, `timestamp($w).getFullYear() == 2026`, `timestamp($w).getFullYear() < 2026`, `timestamp($w).getSeconds() != 0`, `now().getMinutes() == 0`,
	`$s.split("/")[0].endsWith($c)`, `$s.split("b")[1].startsWith($c)`, `$s.split("/")[1].contains($c)`, `hierarchy($s, "/").overlaps(hierarchy($s, "/"))`, `int($s) > 1`, `double($s) $o $k`,
	`$l.all(e, e.n * e.n < $k)`, `$l.exists(e, e + $s == $c)`, `size($l) <= 5`, `$l.size() == 7`, `$l.exists(e, e.a == $c || e.n $o $k)`, `size($s.split("/")) == 2`, `$l[0] in ["a", $c]`, `size($l.distinct()) == size($l)`,
	`now() < timestamp($w)`, `timestamp($w) - timestamp($w) > duration("1h")`, `$s + $s == $c`, `P.id == $s`, `P.id.startsWith($c)`, `P.id == ""`,
}

// wholes are about objects and lists as a whole, beside what stands in them.
var wholes = []string{
	`R.attr.arguments != {}`, `R.attr.arguments == {"a": "a"}`, `!(R.attr.arguments in [{}])`, `P.attr != {}`, `R.attr.arguments.o != {}`, `R.attr.arguments.o == {}`,
	`R.attr.arguments.o != {"a": "a"}`, `R.attr.arguments.o == {"a": $s}`, `R.attr.arguments.o in [{"a": "a"}, $c]`, `R.attr.arguments.o == P.attr.o`, `has(R.attr.arguments.o)`,
	`has(R.attr.arguments.o.a)`, `"a" in R.attr.arguments.o`, `size(R.attr.arguments.o) > 1`, `type(R.attr.arguments.o) == map`, `R.attr.arguments.?o == optional.of({})`,
	`R.attr.arguments.?o.orValue({}) == {}`, `has(R.attr.arguments.o) ? R.attr.arguments.o != {} : $b`, `$s in {"a": 1}`, `$s.lowerAscii() in {"a": 1, "b": 2}`, `$n == {"a": 1}`,
	`R.attr.arguments.l == ["a"]`, `R.attr.arguments.l != []`, `R.attr.arguments.l == P.attr.l`, `R.attr.arguments.o.l == ["a"]`, `$l in [["a"], []]`, `$l[0] == $c`, `$c in $l`,
	`size($l) == 1`, `[$s] == $l`, `$l + [$c] == ["a", $c]`, `$l != $s`, `$s == [$c]`, `$b == [true]`, `type($l) == list`, `$l.filter(e, e != $c) == []`,
	`R.attr.arguments.?l.orValue([]) == []`, `[$s, $c] == ["a", "b"]`, `{"x": $s} == {"x": $c}`, `P.attr.q == {"a": 1.0}`, `$s in P.attr.q`,
}

var fill = regexp.MustCompile(`\$[snbckolw]`)

func leafOf(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	list := leaves
	if r.IntN(5) == 0 {
		list = wholes
	}
	return fill.ReplaceAllStringFunc(pick(list...), func(of string) string {
		switch of {
		case "$s":
			return pick("R.attr.arguments.a", "R.attr.arguments.b", "P.attr.a", "R.attr.arguments.o.a")
		case "$n":
			return pick("R.attr.arguments.n", "R.attr.arguments.m", "P.attr.n", "R.attr.arguments.o.n")
		case "$l":
			return pick("R.attr.arguments.l", "R.attr.arguments.l", "P.attr.l", "R.attr.arguments.o.l")
		case "$w":
			return pick("R.attr.arguments.t", "P.attr.t", "R.attr.arguments.b")
		case "$b":
			return pick("R.attr.arguments.f", "P.attr.f")
		case "$c":
			return strconv.Quote(pick("a", "b", "ab", "abc", "", "red", "B", "a.b", "a/b", " a"))
		case "$o":
			return pick("<", "<=", ">", ">=")
		}
		return pick("0", "1", "2", "2.5", "3", "5", "-1.0")
	})
}

func conditionOf(r *rand.Rand) string {
	text := leafOf(r)
	for range r.IntN(4) {
		next := leafOf(r)
		switch r.IntN(6) {
		case 0:
			next = "!(" + next + ")"
		case 1:
			text = "!(" + text + ")"
		case 2:
			text, next = "("+text+" ? "+leafOf(r)+" : "+next+")", "true"
		}
		text = "(" + text + []string{" && ", " && ", " || "}[r.IntN(3)] + next + ")"
	}
	return text
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	if text == "" {
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// withMappings has a schema say something of q, which is a mapping by any key.
func withMappings(t *testing.T, r *rand.Rand, schema string) string {
	t.Helper()
	m, _ := decoded(t, schema).(map[string]any)
	properties, ok := m["properties"].(map[string]any)
	if !ok || r.IntN(3) == 0 {
		return schema
	}
	options := []string{
		`{"type": "object"}`, `{"type": "object", "additionalProperties": {"type": "string"}}`, `{"type": "object", "additionalProperties": {"enum": ["a", 2]}}`,
		`{"type": "object", "additionalProperties": false, "properties": {"a": {}}}`, `{"anyOf": [{"type": "object", "additionalProperties": {"type": "number"}}, {"type": "null"}]}`,
		`{"anyOf": [{"type": "object", "required": ["a"]}, {"type": "array", "items": {"type": "string"}}]}`, `{"type": "object", "minProperties": 1}`,
	}
	properties["q"] = decoded(t, options[r.IntN(len(options))])
	if r.IntN(4) == 0 {
		lists := []string{
			`{"anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"type": "null"}]}`, `{"type": "array", "items": {"type": "string"}, "uniqueItems": true, "minItems": 2}`,
			`{"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "number"}}, "required": ["a", "n"]}, "maxItems": 6}`,
		}
		properties["l"] = decoded(t, lists[r.IntN(len(lists))])
	}
	if r.IntN(4) == 0 {
		m["anyOf"] = decoded(t, `[{"required": ["a"]}, {"required": ["b", "q"]}]`)
	}
	if r.IntN(4) == 0 {
		properties["o"] = decoded(t, `{"oneOf": [{"type": "object", "properties": {"a": {"const": "a"}, "n": {"type": "number"}}, "required": ["a", "n"]}, {"type": "object", "properties": {"a": {"const": "red"}}, "required": ["a"]}]}`)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// near returns a value at or beside a constant of a condition.
func near(r *rand.Rand, s *celgen.Source, constants []string) any {
	if len(constants) == 0 || r.IntN(4) == 0 {
		return s.Value()
	}
	c := constants[r.IntN(len(constants))]
	if text, err := strconv.Unquote(c); err == nil {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			at = at.Add([]time.Duration{0, 1, -1, time.Hour, -24 * time.Hour, 5000 * time.Hour}[r.IntN(6)])
			return at.In(time.FixedZone("", r.IntN(2)*3600)).Format(time.RFC3339Nano)
		}
		return []string{text, text + "a", "a" + text, text + "\x00", text + text, "B" + text + ".c", text[:len(text)/2]}[r.IntN(7)]
	}
	x, err := strconv.ParseFloat(c, 64)
	if err != nil {
		return c
	}
	return []float64{x, math.Nextafter(x, 9e9), math.Nextafter(x, -9e9), x + 1, x - 1, x + 0.5, x * 2, 4}[r.IntN(8)]
}

var constantsIn = regexp.MustCompile(`"[^"]*"|-?\d+(\.\d+)?`)

// someRequest fills in what a world leaves open with what its schemas allow, made of the
// constants of a condition. It may fail to find any.
func someRequest(r *rand.Rand, s *celgen.Source, w *solver.World, constants []string, allows, allowsAttributes func(any) bool) (authz.Request, bool) {
	request := w.Requests[0]
	for range 20 {
		arguments, attributes := s.Attributes("a b n m f g l o q t"), s.Attributes("a n f l o q t")
		for _, of := range []map[string]any{arguments, attributes} {
			for name := range of {
				if r.IntN(2) == 0 {
					of[name] = near(r, s, constants)
				}
			}
			if o, ok := of["o"].(map[string]any); ok && len(o) > 0 && r.IntN(2) == 0 {
				o["a"], o["n"] = near(r, s, constants), near(r, s, constants)
			}
			if r.IntN(2) == 0 {
				list := []any{}
				for range r.IntN(4) {
					list = append(list, near(r, s, constants))
				}
				if of["l"] = list; r.IntN(3) == 0 {
					arguments["l"], attributes["l"] = list, append([]any{near(r, s, constants)}, list...)
				}
			}
			if r.IntN(2) == 0 {
				q := map[string]any{}
				for range r.IntN(3) {
					if key, isText := near(r, s, constants).(string); isText {
						q[key] = []any{near(r, s, constants), map[string]any{"n": near(r, s, constants)}, []any{near(r, s, constants)}}[r.IntN(3)]
					}
				}
				if text, isText := arguments["a"].(string); isText && r.IntN(2) == 0 {
					q[text] = near(r, s, constants)
				}
				of["q"] = q
			}
			if v, ok := of["n"]; ok && r.IntN(3) == 0 {
				of["m"] = v
			}
			if v, ok := of["a"]; ok && r.IntN(3) == 0 {
				arguments["b"], attributes["a"] = v, v
			}
		}
		if allows(arguments) && allowsAttributes(attributes) {
			id, _ := near(r, s, constants).(string)
			if id == "" {
				id = s.ID()
			}
			request.Principal = &authz.Principal{ID: id, Roles: request.Principal.Roles, Attr: attributes, AuxData: s.Attributes("a l")}
			request.Resource.Attr = map[string]any{"tool_name": "transfer", "arguments": arguments}
			request.Unknown, request.AnyPrincipal = nil, false
			return request, true
		}
	}
	return request, false
}

// TestDifferentialConditions holds what is said of random conditions with random schemas
// to what they come to for random requests: what is impossible is never met with.
func TestDifferentialConditions(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	of := engine(t)
	s := solver.New(of)
	requests, answered, asked, missed := 0, 0, 0, 0
	seed := uint64(rounds.Of(1, 100_000))
	for i := range rounds.Of(40, 3_000) {
		if i%200 == 199 { // what is kept of expressions is bounded by this
			of = engine(t)
			s = solver.New(of)
		}
		g := celgen.New(seed + uint64(i))
		r := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // the same each time
		text, schema := conditionOf(r), withMappings(t, r, g.Schema())
		var attributes any
		if r.IntN(3) == 0 {
			attributes = decoded(t, g.Schema())
		}
		w := world(decoded(t, schema), attributes, "staff")
		verdicts := map[solver.Outcome]solver.Verdict{}
		var witnesses []authz.Request
		for _, o := range outcomes {
			answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(text), To: solver.Only(o)}})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			asked++
			if verdicts[o] = answer.Verdict; answer.Verdict != solver.Unknown {
				answered++
			}
			witnesses = append(witnesses, answer.Requests...)
		}
		came := came(t, of, r, g, w, text, rounds.Of(150, 500))
		c := labelled{ID: fmt.Sprint("round ", i), Expr: text + "\n" + schema, Schema: w.Arguments[0], Attributes: attributes}
		requests += rounds.Of(150, 500) + c.refute(t, of, w, text, verdicts, witnesses, rounds.Of(60, 500))
		for _, o := range outcomes {
			if came[o] != nil && verdicts[o] == solver.Impossible {
				t.Errorf("round %d: %s is not impossible: %s\narguments %s\nattributes %v\nrequest %s", i, o, text, schema, attributes, shown(came[o]))
			}
			if came[o] == nil && verdicts[o] == solver.Possible {
				missed++
			}
		}
	}
	t.Logf("%d questions, %d answered; %d requests; %d outcomes that no request at random had", asked, answered, requests, missed)
}

func shown(r *authz.Request) string {
	text, err := json.Marshal([]any{r.Principal.ID, r.Principal.Attr, r.Principal.AuxData, r.Resource.Attr})
	return fmt.Sprint(string(text), err)
}

// came returns a request for each outcome that some requests at random had.
func came(t *testing.T, of solver.Evaluator, r *rand.Rand, g *celgen.Source, w *solver.World, text string, n int) map[solver.Outcome]*authz.Request {
	t.Helper()
	var trials []solver.Trial
	constants := constantsIn.FindAllString(text, -1)
	allows, allowsAttributes := solver.Allows(w.Arguments[0]), solver.Allows(w.Principal)
	for range n {
		if request, ok := someRequest(r, g, w, constants, allows, allowsAttributes); ok {
			trials = append(trials, solver.Trial{Request: &request, Now: noon})
		}
	}
	list, err := of.Evaluate(t.Context(), []string{text}, trials)
	if err != nil {
		t.Fatal(err)
	}
	came := map[solver.Outcome]*authz.Request{}
	for i, o := range list {
		came[o] = trials[i].Request
	}
	return came
}
