package solver_test

import (
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/solver"
)

// TestKinds asks about leaves of kinds that were added later, met with, unmet and as an error:
// + is possible, - impossible, ? unknown.
func TestKinds(t *testing.T) {
	s := solver.New(engine(t))
	const two = `{"properties": {"n": {"type": "number"}, "m": {"type": "number"}, "a": {"type": "string"}, "b": {"type": "string"}, "l": {"type": "array", "items": {"type": "string"}}}, "required": ["a", "b", "l", "m", "n"]}`
	const roles = `{"properties": {"rights": {"type": "object", "additionalProperties": {"type": "string"}}}, "required": ["rights"]}`
	for _, c := range []struct{ schema, attributes, text, want string }{
		{two, "", `(R.attr.arguments.a == "x") == (R.attr.arguments.b == "y") && R.attr.arguments.a == "x" && R.attr.arguments.b == "z"`, "-+-"},
		{two, "", `has(R.attr.arguments.c) != has(R.attr.arguments.d)`, "++-"},
		{two, "", `size(R.attr.arguments.l) <= (R.attr.arguments.a == "x" ? 3 : 1) && R.attr.arguments.a != "x" && size(R.attr.arguments.l) == 2`, "-+-"},

		{two, "", `math.greatest(R.attr.arguments.m, R.attr.arguments.n) <= 3.0 && R.attr.arguments.m > 4.0`, "-+-"},
		{two, "", `math.least(R.attr.arguments.m, R.attr.arguments.n, 7.0) > 3.0 && R.attr.arguments.m < R.attr.arguments.n`, "++-"},
		{two, "", `R.attr.arguments.m == math.floor(R.attr.arguments.m) && R.attr.arguments.m > 4.0 && R.attr.arguments.m < 5.0`, "-+-"},
		{two, "", `math.floor(R.attr.arguments.m - R.attr.arguments.n) > 2.0`, "++-"},
		{"", "", `math.greatest(P.attr.n, R.attr.arguments.n) > 2.0`, "+++"},

		{two, "", `R.attr.arguments.a.indexOf("x") == 3 && R.attr.arguments.a.lastIndexOf("x") < 3`, "-+-"},
		{two, "", `R.attr.arguments.a.indexOf("x") == 3 && R.attr.arguments.a.lastIndexOf("x") > 6`, "++-"},
		{two, "", `R.attr.arguments.a.indexOf("x") < 3 && R.attr.arguments.a.startsWith("abcd") && R.attr.arguments.a.contains("x")`, "-+-"},
		{two, "", `5 <= R.attr.arguments.a.lastIndexOf("ab") && size(R.attr.arguments.a) < 7`, "-+-"},
		{two, "", `R.attr.arguments.a.split("aa")[0] == "xa" && R.attr.arguments.a != "xa"`, "-+-"},
		{two, "", `R.attr.arguments.a.split("://")[0] == "https" && R.attr.arguments.a.endsWith("/y")`, "++-"},
		{two, "", `R.attr.arguments.a.split("/")[1].endsWith(".org") && !R.attr.arguments.a.contains(".org")`, "-++"},
		{two, "", `R.attr.arguments.a.split("/")[1].startsWith("x/")`, "-++"},
		{two, "", `R.attr.arguments.a.startsWith(R.attr.arguments.b) && R.attr.arguments.a == "k"`, "++-"},
		{two, `{"properties": {"team": {"type": "string", "minLength": 2}}, "required": ["team"]}`, `R.attr.arguments.a.startsWith("#" + P.attr.team + "-") && size(R.attr.arguments.a) < 4`, "-+-"},
		{two, `{"properties": {"team": {"type": "string", "minLength": 2}}, "required": ["team"]}`, `R.attr.arguments.a.startsWith("#" + P.attr.team + "-") && size(R.attr.arguments.a) < 5`, "++-"},

		{two, "", `R.attr.arguments.l[0] == "a" && R.attr.arguments.l.all(e, e != "a")`, "-++"},
		{two, "", `R.attr.arguments.l[0] == "b" && R.attr.arguments.l.exists(e, e == "a") && size(R.attr.arguments.l) == 2`, "++-"},
		{two, "", `size(R.attr.arguments.l) > 0 && R.attr.arguments.l[0] != "a"`, "++-"},
		{two, "", `"a" in R.attr.arguments.l.map(e, e.lowerAscii()) && !("a" in R.attr.arguments.l) && size(R.attr.arguments.l) == 1`, "++-"},
		{"", "", `"a" in R.attr.arguments.l.map(e, e.k) && !R.attr.arguments.l.exists(e, e.k == "a")`, "-++"},
		{"", "", `R.attr.arguments.l.filter(e, e.k == "a").all(e, e.n > 3) && R.attr.arguments.l.exists(e, e.k == "a" && e.n < 2)`, "-++"},
		{"", "", `"a" in R.attr.arguments.l.map(e, e.k) && R.attr.arguments.l.exists(e, !has(e.k))`, "-++"},
		{two, "", `except(R.attr.arguments.l, ["a", "b"]).size() > 1 && size(R.attr.arguments.l) == 1`, "-+-"},
		{two, "", `except(R.attr.arguments.l, ["a", "b"]).size() == 2 && size(R.attr.arguments.l) == 3`, "++-"},
		{two, "", `sets.equivalent(R.attr.arguments.l, ["a", "b"]) && "c" in R.attr.arguments.l`, "-+-"},
		{two, "", `sets.equivalent(R.attr.arguments.l, ["a", "b"]) && size(R.attr.arguments.l) == 3`, "++-"},
		{two, "", `sets.contains(["a", "b"], R.attr.arguments.l) && R.attr.arguments.l.exists(e, e == "c")`, "-+-"},
		{two, "", `intersect(R.attr.arguments.l, ["a", "b"]).size() > 0 && !hasIntersection(R.attr.arguments.l, ["a", "b"])`, "-+-"},
		{two, "", `R.attr.arguments.l.exists(e, R.attr.arguments.a.startsWith(e)) && R.attr.arguments.a == "q"`, "++-"},
		{"", "", `P.attr.l.exists(e, e == "abc" && R.attr.arguments.a.startsWith("/x/" + e + "/"))`, "?++"},
		{"", "", `P.attr.l.exists(e, R.attr.arguments.a.startsWith("/x/" + e + "/")) && P.attr.l.all(e, e == "abc")`, "?++"},
		{`{"properties": {"rows": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}, "m": {"type": "number"}}, "required": ["m", "n"]}}}, "required": ["rows"]}`, "", `R.attr.arguments.rows.all(r, r.n * r.m < 9.0)`, "++-"},
		{`{"properties": {"rows": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}, "m": {"type": "number"}}, "required": ["m", "n"]}}}, "required": ["rows"]}`, "", `R.attr.arguments.rows.all(r, r.n < 5 && r.m < 7.5) && size(R.attr.arguments.rows) <= 9 && R.attr.arguments.rows.exists(r, r.m > 8.0)`, "-+-"},

		{two, roles, `P.attr.rights[R.attr.arguments.a] == "w" && P.attr.rights[R.attr.arguments.a] != "w"`, "-++"},
		{two, roles, `R.attr.arguments.a in P.attr.rights && P.attr.rights[R.attr.arguments.a] in ["r", "w"]`, "++-"},
		{two, roles, `!(R.attr.arguments.a in P.attr.rights) && P.attr.rights[R.attr.arguments.a] == "w"`, "-++"},
		{two, roles, `P.attr.rights[R.attr.arguments.a] == "w" && P.attr.rights[R.attr.arguments.b] == "r" && R.attr.arguments.a == R.attr.arguments.b`, "?++"},
		{two, roles, `P.attr.rights[R.attr.arguments.a] == "w" && P.attr.rights.k == "r" && R.attr.arguments.a == "k"`, "?++"},
		{two, "", `P.attr.rights[R.attr.arguments.n] * R.attr.arguments.m > 2.0`, "??+"},
		{two, roles, `P.attr.rights[R.id] == "w" && P.attr.rights.transfer != "w"`, "-++"},
		{two, `{"properties": {"rights": {"type": "object", "properties": {"k": {"enum": ["r"]}}}}, "required": ["rights"]}`, `P.attr.rights[R.attr.arguments.a] == "w" && R.attr.arguments.a == "k"`, "?++"},
		{two, "", `R.attr.arguments.a in {"x": ["p"], "y": ["q"]}[R.attr.arguments.b] && R.attr.arguments.a == "p" && R.attr.arguments.b == "y"`, "-+-"},
		{two, "", `R.attr.arguments.a in {"x": {"p": 1}, "y": {"q": 1}}[R.attr.arguments.b] && R.attr.arguments.a == "q" && R.attr.arguments.b == "y"`, "++-"},

		{`{"properties": {"set": {"type": "object"}}, "required": ["set"]}`, "", `R.attr.arguments.set.all(k, k in ["title"]) && "owner" in R.attr.arguments.set`, "-+-"},
		{`{"properties": {"set": {"type": "object", "additionalProperties": {"type": "string"}}}, "required": ["set"]}`, "", `size(R.attr.arguments.set) == 2 && "owner" in R.attr.arguments.set`, "++-"},
		{`{"properties": {"set": {"type": "object", "properties": {"title": {}}, "additionalProperties": false}}, "required": ["set"]}`, "", `size(R.attr.arguments.set) > 0`, "?+?"},
		{`{"properties": {"who": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "required": ["who"]}`, "", `R.attr.arguments.who == null || R.attr.arguments.who.startsWith("x")`, "++-"},
		{`{"properties": {"tags": {"anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"type": "null"}]}}, "required": ["tags"]}`, "", `R.attr.arguments.tags == null || size(R.attr.arguments.tags) > 0`, "+--"},
		{`{"properties": {"tags": {"anyOf": [{"type": "array", "items": {"enum": ["x"]}}, {"type": "array", "items": {"enum": ["y"]}}]}}, "required": ["tags"]}`, "", `"x" in R.attr.arguments.tags && "y" in R.attr.arguments.tags`, "?+?"},
		{`{"properties": {"id": {"type": "string"}, "name": {"type": "string"}}, "anyOf": [{"required": ["id"]}, {"required": ["name"]}]}`, "", `has(R.attr.arguments.id) || has(R.attr.arguments.name)`, "+--"},
		{`{"properties": {"id": {"type": "string"}, "name": {"type": "string"}}, "anyOf": [{"required": ["id"]}, {"required": ["name", "at"]}]}`, "", `has(R.attr.arguments.id)`, "++-"},
		{`{"properties": {"level": {"enum": ["1", "2", "3"]}}, "required": ["level"]}`, "", `int(R.attr.arguments.level) > 3`, "-+-"},
		{`{"properties": {"level": {"enum": ["1", "2", "low"]}}, "required": ["level"]}`, "", `int(R.attr.arguments.level) > 1`, "+++"},

		{"", "", `now().getHours() == 8 && now().getMinutes() >= 30 && now().getSeconds() == 0`, "++-"},
		{"", "", `now().getMinutes() < 6.9 && now().getMinutes() > 6.5`, "-+-"},
		{"", "", `now().getDate() == 30 && now().getMonth() == 1`, "-+-"},
		{"", "", `now().getDate() == 29 && now().getMonth() == 1 && now().getDayOfWeek() == 3`, "++-"},
		{"", "", `now().getFullYear() == 2024 && now().getMonth() == 1 && now().getDayOfWeek() == 2`, "++-"},
		{"", "", `now().getFullYear() == 0`, "-+-"},
		{"", "", `now().getFullYear() == 2024 && now().getDate() == 29 && now().getMonth() == 1 && now().getDayOfWeek() == 3`, "?+?"},
		{"", "", `now().getDate("America/New_York") == 8 && now().getHours("America/New_York") == 2 && now().getMonth("America/New_York") == 2 && now().getDayOfWeek("America/New_York") == 0`, "?+?"},
		{two, "", `timestamp(R.attr.arguments.a).getFullYear() < 2000 && timestamp(R.attr.arguments.a).getFullYear() > 1999`, "-++"},
	} {
		w := world(decoded(t, c.schema), decoded(t, c.attributes), "clerk")
		if strings.Contains(c.text, "now()") {
			w.Now = nil
		}
		got := ""
		for _, o := range outcomes {
			answer, err := s.Solve(t.Context(), w, []solver.Goal{{Formula: solver.Expr(c.text), To: solver.Only(o)}})
			if err != nil {
				t.Fatalf("%s: %v", c.text, err)
			}
			got += map[solver.Verdict]string{solver.Unknown: "?", solver.Possible: "+", solver.Impossible: "-"}[answer.Verdict]
		}
		if got != c.want {
			t.Errorf("%s with %s: %s, want %s", c.text, c.schema, got, c.want)
		}
	}
}
