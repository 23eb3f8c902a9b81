package solver_test

import (
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/solver"
)

// TestMistakes has what is easily got wrong, nearly always so that something possible is
// called impossible.
func TestMistakes(t *testing.T) {
	s := solver.New(engine(t))
	const possible, impossible, unknown = solver.Possible, solver.Impossible, solver.Unknown
	for _, c := range []struct {
		name, schema, text string
		to                 solver.Outcome
		want               solver.Verdict
	}{
		{"the empty text is dropped by the schema", `{"properties": {"code": {"type": "string", "minLength": 1}}}`, `R.attr.arguments.code != "k"`, solver.Met, possible},
		{"the other text is dropped by the schema", `{"properties": {"code": {"type": "string", "pattern": "^[0-9]{4}$"}}}`, `R.attr.arguments.code != "1234"`, solver.Met, possible},
		{"a pattern and a constant outside of it", `{"properties": {"code": {"type": "string", "pattern": "^[0-9]{4}$"}}}`, `R.attr.arguments.code == "12345"`, solver.Met, impossible},
		{"two enums share a value", `{"properties": {"from": {"enum": ["oslo", "bergen"]}, "to": {"enum": ["bergen", "narvik"]}}}`, `R.attr.arguments.from == R.attr.arguments.to`, solver.Met, possible},
		{"two enums share no value", `{"properties": {"from": {"enum": ["oslo"]}, "to": {"enum": ["narvik"]}}}`, `R.attr.arguments.from == R.attr.arguments.to`, solver.Met, impossible},
		{"an empty list and one of an empty text", `{"properties": {"tags": {"type": "array"}}}`, `R.attr.arguments.tags == [""] && R.attr.arguments.tags != []`, solver.Met, possible},
		{"two numbers in one gap", "", `R.attr.arguments.low > 7 && R.attr.arguments.low < 9 && R.attr.arguments.high > 7 && R.attr.arguments.high < 9 && R.attr.arguments.low < R.attr.arguments.high`, solver.Met, possible},
		{"two integers where there is one", `{"properties": {"low": {"type": "integer"}, "high": {"type": "integer"}}}`, `R.attr.arguments.low > 7 && R.attr.arguments.low < 9 && R.attr.arguments.high > 7 && R.attr.arguments.high < 9 && R.attr.arguments.low < R.attr.arguments.high`, solver.Met, impossible},
		{"an integer between numbers", `{"properties": {"low": {"type": "integer"}}}`, `R.attr.arguments.x < R.attr.arguments.low && R.attr.arguments.low < R.attr.arguments.y && R.attr.arguments.x > 7 && R.attr.arguments.y < 9`, solver.Met, possible},
		{"a claim is no constant", "", `request.auxData.jwt.org == "blue"`, solver.Met, possible},
		{"the tokens are no constant", "", `request.auxData.jwts.login.claims.org == "blue"`, solver.Met, unknown},
		{"all of the principal is no constant", "", `P == P && "attr" in P`, solver.Met, unknown},
		{"a variable is no constant", "", `V.late`, solver.Met, unknown},
		{"a bound name is no list", "", `cel.bind(team, P.attr.team, team == "red" || team == "green")`, solver.Met, possible},
		{"a bound name that errs where it does not matter", "", `cel.bind(team, P.attr.team, P.attr.open == true || team == "red")`, solver.Errored, possible},
		{"equal both ways round", "", `R.attr.arguments.team == P.attr.team && P.attr.team != R.attr.arguments.team`, solver.Met, impossible},
		{"three different of two", `{"properties": {"x": {"enum": ["u", "v"]}, "y": {"enum": ["u", "v"]}, "z": {"enum": ["u", "v"]}}}`, `R.attr.arguments.x != R.attr.arguments.y && R.attr.arguments.y != R.attr.arguments.z && R.attr.arguments.x != R.attr.arguments.z`, solver.Met, impossible},
		{"a text at the end of a ternary", "", `R.attr.arguments.uk == true ? "GB" : ""`, solver.Unmet, possible},
		{"a text at the end of a ternary is no error", "", `R.attr.arguments.uk == true ? "GB" : ""`, solver.Met, impossible},
		{"a text that is all of the condition", "", `R.attr.arguments.sure`, solver.Unmet, possible},
		{"a text inside a condition", `{"properties": {"sure": {"type": "string"}}, "required": ["sure"]}`, `!R.attr.arguments.sure`, solver.Unmet, impossible},
		{"no id is empty", "", `P.id == ""`, solver.Met, impossible},
		{"ids are not all the same", "", `P.id != "root"`, solver.Met, possible},
		{"a list that is written out and errs", "", `[P.attr.a, "x"].exists(e, e == "x")`, solver.Errored, possible},
		{"a list that is written out", "", `["/a/", "/b/"].exists(p, R.attr.arguments.path.startsWith(p)) && R.attr.arguments.path.startsWith("/c")`, solver.Met, impossible},
		{"numbers are doubles", "", `R.attr.arguments.n + 1 > 0.0`, solver.Met, impossible},
		{"null is there", "", `has(R.attr.arguments.note) && R.attr.arguments.note == null`, solver.Met, possible},
		{"nothing is no null", "", `!has(R.attr.arguments.note) && R.attr.arguments.note == null`, solver.Met, impossible},
		{"below a text nothing stands", "", `R.attr.arguments.box == "x" && has(R.attr.arguments.box.lid)`, solver.Met, impossible},
		{"a chosen limit", "", `R.attr.arguments.n <= {"gold": 9.0, "tin": 2.0}[P.attr.tier] && R.attr.arguments.n > 5.0 && P.attr.tier != "gold"`, solver.Met, impossible},
		{"an old draft ignores what stands beside a reference", `{"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"any": {}}, "properties": {"n": {"$ref": "#/definitions/any", "maximum": 3}}}`, `R.attr.arguments.n > 3`, solver.Met, possible},
		{"a new draft does not", `{"definitions": {"any": {}}, "properties": {"n": {"$ref": "#/definitions/any", "maximum": 3}}}`, `R.attr.arguments.n > 3`, solver.Met, impossible},
		{"multiples are not covered", `{"properties": {"n": {"type": "number", "multipleOf": 0.3}}, "required": ["n"]}`, `R.attr.arguments.n > 3.1 && R.attr.arguments.n < 3.2`, solver.Met, unknown},
		{"what a schema says of values together", `{"required": ["a"], "properties": {"a": {"enum": [1, 2]}, "b": {"enum": [1, 2]}}, "anyOf": [{"properties": {"a": {"const": 1}}}, {"required": ["b"]}]}`, `R.attr.arguments.a == 2`, solver.Met, possible},
		{"a schema that nothing fits", `{"not": {}}`, `R.attr.arguments.a == 2`, solver.Met, unknown},
		{"true, then false, then an error", "", `int(R.attr.arguments.n) == 4 && R.attr.arguments.n > 4.0`, solver.Met, possible},
		{"an error beyond", "", `R.attr.arguments.n > 5.0 && int(R.attr.arguments.n) == 4`, solver.Errored, possible},
		{"a distance turns round where it is nothing", "", `math.abs(R.attr.arguments.n - 700.0) < 1.0`, solver.Met, possible},
		{"an error at both ends", "", `int(R.attr.arguments.n * 4.0 - 1e19) > 5`, solver.Met, unknown},
		{"a rounded product", `{"properties": {"n": {"type": "number"}}, "required": ["n"]}`, `R.attr.arguments.n * 1.19 <= 500.0 && R.attr.arguments.n > 450.0`, solver.Met, impossible},
		{"an order of texts", "", `R.attr.arguments.v > "b" && R.attr.arguments.v < "b\x00"`, solver.Met, impossible},
		{"an order of places", "", `R.attr.arguments.v > P.attr.v && R.attr.arguments.v < "a" && P.attr.v > "Z"`, solver.Met, possible},
		{"all arguments are no one value", "", `R.attr.arguments != {}`, solver.Met, unknown},
		{"all arguments in a list", "", `!(R.attr.arguments in [{}])`, solver.Met, unknown},
		{"all arguments are no text", "", `R.attr.arguments == "x"`, solver.Met, impossible},
		{"an object, and what stands in it", "", `R.attr.arguments.o == {"x": 3.0} && R.attr.arguments.o.x == 3.0`, solver.Met, possible},
		{"another object, and what stands in it", "", `R.attr.arguments.o != {} && R.attr.arguments.o.x == 3.0`, solver.Met, possible},
		{"an object in a list, and what stands in it", "", `R.attr.arguments.o in [{"x": 3.0}, "y"] && R.attr.arguments.o.x == 3.0`, solver.Met, possible},
		{"a text as a key", "", `R.attr.arguments.s.lowerAscii() in {"alpha": 1.0}`, solver.Met, possible},
		{"a text as no key", "", `R.attr.arguments.s.lowerAscii() in {"alpha": 1.0} && R.attr.arguments.s.startsWith("x")`, solver.Met, impossible},
		{"a place in a list of places", "", `R.attr.arguments.a in [R.attr.arguments.b, "x"] && R.attr.arguments.a != "x"`, solver.Met, possible},
		{"a place in none of a list of places", "", `R.attr.arguments.a in [R.attr.arguments.b, "x"] && R.attr.arguments.a != "x" && R.attr.arguments.a != R.attr.arguments.b`, solver.Met, impossible},
		{"an object that needs something, and no more", `{"properties": {"a": {"type": "object", "required": ["x"], "additionalProperties": false, "properties": {"x": {"type": "string"}}}}}`, `has(R.attr.arguments.a)`, solver.Met, possible},
		{"a rounded number is none between integers", "", `math.round(R.attr.arguments.n) == R.attr.arguments.n && R.attr.arguments.n > 2.0 && R.attr.arguments.n < 3.0`, solver.Met, impossible},
		{"an element behind another text", "", `P.attr.l.exists(e, R.attr.arguments.path.startsWith("/x/" + e)) && R.attr.arguments.path.startsWith("/y")`, solver.Met, impossible},
		{"a key that needs another one", `{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"o": {"type": "object", "dependencies": {"a": ["c"]}}}}`, `"a" in R.attr.arguments.o`, solver.Met, unknown},
		{"a key that requires another one", `{"properties": {"o": {"type": "object", "dependentRequired": {"a": ["c"]}}}}`, `"a" in R.attr.arguments.o`, solver.Met, unknown},
		{"a text that is a number", "", `int(R.attr.arguments.s) == 41`, solver.Met, possible},
		{"an address of a network", "", `R.attr.arguments.ip.inIPAddrRange("10.0.0.0/8")`, solver.Met, possible},
		{"a year that is calculated", "", `timestamp(R.attr.arguments.at).getFullYear() * 1 == 2031`, solver.Met, possible},
		{"an optional that is compared", "", `R.attr.arguments.?n == optional.of("x")`, solver.Met, possible},
		{"all arguments are a mapping", "", `type(R.attr.arguments) != map`, solver.Met, impossible},
		{"a list with an optional element", "", `[?P.attr.?a].exists(x, x == "b")`, solver.Met, possible},
		{"a day later", "", `now() > timestamp("2030-01-01T00:00:00Z") + duration("24h") && now() < timestamp("2030-01-01T12:00:00Z")`, solver.Met, impossible},
		{"a time after another one", "", `timestamp(R.attr.arguments.a) < timestamp(R.attr.arguments.b)`, solver.Met, possible},
		{"a time that is long ago, and is not", "", `timestamp(R.attr.arguments.a).timeSince() > duration("1h") && timestamp(R.attr.arguments.a) > now() - duration("30m")`, solver.Met, impossible},
		{"a time that is long ago, and a text", "", `timestamp(R.attr.arguments.a).timeSince() > duration(R.attr.arguments.d)`, solver.Met, possible},
		{"a list of a place", "", `R.attr.arguments.l == [R.attr.arguments.b]`, solver.Met, possible},
		{"a number in a text that is calculated", "", `int(R.attr.arguments.s.replace("a", "b")) == 41`, solver.Met, possible},
		{"the first of a list, as they stand", "", `R.attr.arguments.l.slice(0, 2) == ["c", "d"]`, solver.Met, possible},
		{"a text around another place", `{"properties": {"s": {"enum": ["zeta"]}}}`, `R.attr.arguments.t.replace("q", "") == "a/" + R.attr.arguments.s`, solver.Met, possible},
		{"as many as there are different ones", `{"properties": {"l": {"type": "array", "uniqueItems": true, "items": {"enum": ["a", "b", "c"]}}}}`, `size(R.attr.arguments.l) == 3 && R.attr.arguments.l.exists(e, e == "a")`, solver.Met, possible},
		{"more than there are different ones", `{"properties": {"l": {"type": "array", "uniqueItems": true, "items": {"enum": ["a", "b", "c"]}}}}`, `size(R.attr.arguments.l) == 4`, solver.Met, impossible},
		{"a text behind another one", "", `R.attr.arguments.s.indexOf("b") > 0`, solver.Met, possible},
		{"a text at the beginning, and another one", "", `R.attr.arguments.s.indexOf("b") == 0 && R.attr.arguments.s.startsWith("a")`, solver.Met, impossible},
		{"a hierarchy by another separator", "", `hierarchy(R.attr.arguments.h, "/").ancestorOf(hierarchy("a/b/c", "/")) && R.attr.arguments.h == "b"`, solver.Met, impossible},
		{"more needed than nests", `{"required": ["o"], "properties": {"o": {"type": "object", "required": ["box"], "properties": {"box": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 5}}}}}}}`, `R.attr.arguments.o.box.n < 6`, solver.Met, possible},
	} {
		answer, err := s.Solve(t.Context(), world(decoded(t, c.schema), nil, "staff"), []solver.Goal{{Formula: solver.Expr(c.text), To: solver.Only(c.to)}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if answer.Verdict != c.want {
			t.Errorf("%s: got %s, want %s %v\n%s", c.name, answer.Verdict, c.want, answer.Open, c.text)
		}
	}
}

// TestRemembered asks one solver about one condition with schemas under each of which a
// place has one value only, and another one: what is remembered of the one is not said of
// the other.
func TestRemembered(t *testing.T) {
	s := solver.New(engine(t))
	for _, c := range []struct {
		schema, text string
		want         solver.Verdict
	}{
		{`{"properties": {"m": false}}`, `has(R.attr.arguments.m)`, solver.Impossible},
		{`{"properties": {"m": {"const": 3}}, "required": ["m"]}`, `has(R.attr.arguments.m)`, solver.Possible},
		{`{"properties": {"m": {"const": 3}}, "required": ["m"]}`, `R.attr.arguments.m == 4`, solver.Impossible},
		{`{"properties": {"m": {"const": 4}}, "required": ["m"]}`, `R.attr.arguments.m == 4`, solver.Possible},
		{`{"properties": {"m": {"const": 3}}, "required": ["m"]}`, `R.attr.arguments.m * 2.0 == P.attr.n && P.attr.n == 8`, solver.Impossible},
		{`{"properties": {"m": {"const": 4}}, "required": ["m"]}`, `R.attr.arguments.m * 2.0 == P.attr.n && P.attr.n == 8`, solver.Possible},
	} {
		answer, err := s.Solve(t.Context(), world(decoded(t, c.schema), nil, "staff"), []solver.Goal{{Formula: solver.Expr(c.text), To: solver.Only(solver.Met)}})
		if err != nil {
			t.Fatal(err)
		}
		if answer.Verdict != c.want {
			t.Errorf("%s under %s: got %s, want %s %v", c.text, c.schema, answer.Verdict, c.want, answer.Open)
		}
	}
}

// TestLists holds the lists of policies to how the engine takes errors in them.
func TestLists(t *testing.T) {
	s := solver.New(engine(t))
	yes, no, fails := solver.Expr("true"), solver.Expr("false"), solver.Expr("P.attr.missing == 1")
	for name, c := range map[string]struct {
		formula solver.Formula
		want    solver.Outcome
	}{
		"none of an error":              {solver.None(fails), solver.Met},
		"any of an error and true":      {solver.Any(fails, yes), solver.Met},
		"all of true and an error":      {solver.All(yes, fails), solver.Unmet},
		"all of nothing":                {solver.Formula{}, solver.Met},
		"any of nothing":                {solver.Any(), solver.Unmet},
		"strict any of an error first":  {solver.Any(fails, yes).Strict(), solver.Errored},
		"strict any of true first":      {solver.Any(yes, fails).Strict(), solver.Met},
		"strict all of false first":     {solver.All(no, fails).Strict(), solver.Unmet},
		"strict all of an error first":  {solver.All(fails, no).Strict(), solver.Errored},
		"strict none of true first":     {solver.None(yes, fails).Strict(), solver.Unmet},
		"strict none of an error first": {solver.None(no, fails, yes).Strict(), solver.Errored},
		"strict none":                   {solver.None(no, no).Strict(), solver.Met},
		"a list in a list":              {solver.Any(no, solver.All(yes, solver.None(fails))), solver.Met},
	} {
		w := world(nil, decoded(t, `{"additionalProperties": false}`), "staff")
		for _, o := range outcomes {
			answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: c.formula, To: solver.Only(o)}})
			if err != nil {
				t.Fatal(err)
			}
			if (answer.Verdict == solver.Possible) != (o == c.want) || answer.Verdict == solver.Unknown {
				t.Errorf("%s: %s is %s", name, o, answer.Verdict)
			}
		}
	}
}

// TestNoExpression holds that a part of a list that is no expression is an error.
func TestNoExpression(t *testing.T) {
	s := solver.New(engine(t))
	for _, f := range []solver.Formula{solver.Expr("P.id =="), solver.All(solver.Expr("true"), solver.Any(solver.Expr("P.id ==")))} {
		answer, err := s.Solve(t.Context(), world(nil, nil, "staff"), []solver.Goal{{Formula: f, To: solver.Only(solver.Met)}})
		if err == nil || answer.Verdict != solver.Unknown {
			t.Errorf("%v, %v", answer.Verdict, err)
		}
	}
}

// TestCompare holds relations of conditions.
func TestCompare(t *testing.T) {
	s := solver.New(engine(t))
	typed := `{"properties": {"n": {"type": "number"}, "path": {"type": "string"}}, "required": ["n"]}`
	for _, c := range []struct {
		schema, first, second string
		want                  solver.Relation
	}{
		{typed, `R.attr.arguments.n < 100`, `!(R.attr.arguments.n >= 100)`, solver.Equal},
		{"", `R.attr.arguments.n < 100`, `!(R.attr.arguments.n >= 100)`, solver.Equal},
		{typed, `R.attr.arguments.n < 100`, `R.attr.arguments.n < 50`, solver.Wider},
		{typed, `R.attr.arguments.path.matches("^/srv/[a-z]+$")`, `R.attr.arguments.path.startsWith("/srv/")`, solver.Narrower},
		{typed, `R.attr.arguments.n < 100`, `R.attr.arguments.n > 50`, solver.Incomparable},
		{"", `has(R.attr.arguments.n)`, `R.attr.arguments.n == 1 || !(R.attr.arguments.n == 1)`, solver.Equal},
		{"", `R.attr.arguments.n * P.attr.n > 4.0`, `P.attr.n * R.attr.arguments.n > 4.0`, solver.Unrelated},
	} {
		got, err := s.Compare(t.Context(), world(decoded(t, c.schema), nil, "staff"), 0, solver.Expr(c.first), solver.Expr(c.second))
		if err != nil {
			t.Fatal(err)
		}
		if got.Relation != c.want {
			t.Errorf("%s is %s than %s, want %s", c.first, got.Relation, c.second, c.want)
		}
	}
}

// TestWorlds has more requests than one, what is known, and a decision's own condition.
func TestWorlds(t *testing.T) {
	s := solver.New(engine(t))
	w := world(decoded(t, `{"properties": {"team": {"type": "string"}}}`), nil, "staff")
	second := w.Requests[0]
	second.Resource.ID = "refund"
	second.Unknown = []string{"call", "with"}
	second.Resource.Attr = map[string]any{"call": map[string]any{"about": "money"}}
	w.Requests = append(w.Requests, second)
	own, other := solver.Expr(`R.attr.arguments.team == P.attr.team`), solver.Expr(`R.attr.call.with.team == P.attr.team && R.attr.call.about == "money"`)
	ask := func(want solver.Verdict, goals ...solver.Goal) solver.Answer {
		t.Helper()
		answer, err := s.Solve(t.Context(), w, goals)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Verdict != want {
			t.Errorf("got %s, want %s", answer.Verdict, want)
		}
		return answer
	}
	met := solver.Only(solver.Met)
	goals := []solver.Goal{{Formula: own, To: met}, {Formula: solver.None(other), Request: 1, To: met}}
	ask(solver.Possible, goals...) // each call has arguments of its own
	w.Calls = []int{0, 0}
	ask(solver.Impossible, goals...)
	goals[1].Formula = other
	answer := ask(solver.Possible, goals...)
	if len(answer.Requests) != 2 || answer.Requests[0].Principal != answer.Requests[1].Principal || answer.Requests[1].Resource.Attr["call"].(map[string]any)["about"] != "money" {
		t.Errorf("%+v", answer.Requests)
	}

	known := world(nil, nil, "staff", "auditor")
	known.Requests[0].AnyPrincipal = false
	known.Requests[0].Principal.Attr = map[string]any{"limit": 700.0}
	w = known
	ask(solver.Impossible, solver.Goal{Formula: solver.Expr(`R.attr.arguments.n > P.attr.limit && R.attr.arguments.n < 700`), To: met})
	ask(solver.Impossible, solver.Goal{Formula: solver.Expr(`P.id != "ida" || P.attr.other == 1 || R.kind != "mcp_server" || !("auditor" in P.roles)`), To: met})
	ask(solver.Possible, solver.Goal{Formula: solver.Expr(`R.attr.arguments.n > P.attr.limit && now() == timestamp("2026-07-01T12:00:00Z")`), To: met})
	later := noon.Add(time.Hour)
	w.Now = &later
	ask(solver.Impossible, solver.Goal{Formula: solver.Expr(`now() == timestamp("2026-07-01T12:00:00Z")`), To: met})

	small := authz.NewClause("arguments.n < principal.limit", authz.Reads{})
	free := authz.NewClause(`resource.tool_name == "transfer"`, authz.Reads{})
	f, ok := solver.Of(authz.AllOf(authz.AnyOf(authz.Alternative{Allows: free}), authz.AnyOf(authz.Alternative{Denies: small})), &known.Requests[0])
	if !ok {
		t.Fatal("the condition is not known")
	}
	ask(solver.Possible, solver.Goal{Formula: f, To: met}, solver.Goal{Formula: solver.Expr("R.attr.arguments.n >= 700"), To: met})
	ask(solver.Possible, solver.Goal{Formula: f, To: met}, solver.Goal{Formula: solver.Expr("has(R.attr.arguments.n)"), To: solver.Only(solver.Unmet)})
	ask(solver.Impossible, solver.Goal{Formula: f, To: met}, solver.Goal{Formula: solver.Expr("R.attr.arguments.n < 700"), To: met})
	for _, c := range []authz.Condition{authz.Unwritten("(depends)"), authz.AnyOf(authz.Alternative{Allows: authz.NewClause("V.x", authz.Reads{Policy: true})})} {
		if _, ok := solver.Of(c, &known.Requests[0]); ok {
			t.Errorf("%s is known", c)
		}
	}
}
