package explain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// said writes down what an explanation says of the smallest change.
func said(s *explain.Smallest) []string {
	list := []string{s.Verdict.String()}
	if s.Change != nil {
		list = append(list, changeOf(s.Change))
	}
	if s.Arguments != nil {
		list = append(list, "arguments alone: "+changeOf(s.Arguments))
	}
	if s.Verdict.String() == "possible" && !s.Least {
		list = append(list, "perhaps not the least")
	}
	for _, r := range s.InTheWay {
		list = append(list, "denied by "+r.Name+" at "+r.Pos.String())
	}
	if s.Note != "" {
		list = append(list, s.Note)
	}
	return list
}

func changeOf(c *explain.Change) string {
	var parts []string
	for i := range c.Values {
		parts = append(parts, c.Values[i].String())
	}
	text := strings.Join(parts, ", ")
	if !c.Condition.IsZero() {
		text += ", " + c.Condition.When()
	}
	return text
}

// lend writes a rule about lending.
func lend(name, effect, roles, condition string) string {
	rule := "{name: " + name + ", actions: [lend], effect: EFFECT_" + effect + ", roles: [" + roles + "]"
	if condition != "" {
		rule += ", condition: {match: {expr: '" + condition + "'}}"
	}
	return rule + "}"
}

// many compares arguments with their numbers.
func many(n int, join string) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("R.attr.arguments.a%02d == %d", i, i))
	}
	return strings.Join(list, join)
}

func TestSmallest(t *testing.T) {
	const plain = "version: default"
	policy := func(list ...string) []string { return []string{rules(plain, list...)} }
	lou := []string{"MEMBER"}
	few := lend("few", "ALLOW", "MEMBER", `R.attr.arguments.books < 3`)
	branch := lend("branch", "ALLOW", "MEMBER", `R.attr.arguments.branch == P.attr.branch && R.attr.arguments.books <= P.attr.limit`)
	for name, tt := range map[string]struct {
		shelf
		arguments map[string]any
		want      []string
	}{
		"an argument, nearest to what it was": {
			shelf{policies: policy(few), roles: lou},
			map[string]any{"books": 9.0},
			[]string{"possible", "arguments.books = 2"},
		},
		"arguments before attributes": {
			shelf{policies: policy(branch), roles: lou, attr: map[string]any{"branch": "north", "limit": 4.0}},
			map[string]any{"branch": "south", "books": 2.0},
			[]string{"possible", `arguments.branch = "north"`},
		},
		"two arguments": {
			shelf{policies: policy(branch), roles: lou, attr: map[string]any{"branch": "north", "limit": 4.0}},
			map[string]any{"branch": "south", "books": 7.0},
			[]string{"possible", `arguments.books = 4, arguments.branch = "north"`},
		},
		"one attribute instead of two arguments": {
			shelf{policies: policy(branch, lend("staff", "ALLOW", "MEMBER", `P.attr.staff == true`)), roles: lou, attr: map[string]any{"branch": "north", "limit": 4.0}},
			map[string]any{"branch": "south", "books": 7.0},
			[]string{"possible", `principal.staff = true`, `arguments alone: arguments.books = 4, arguments.branch = "north"`},
		},
		"many arguments": {
			shelf{policies: policy(lend("all", "ALLOW", "MEMBER", many(16, " && ")), lend("not-all", "DENY", "MEMBER", `R.attr.arguments.a02 == P.attr.no`)), roles: lou, attr: map[string]any{"no": 2.0}},
			map[string]any{},
			[]string{"possible", strings.NewReplacer("R.attr.", "", "==", "=").Replace(many(16, ", ")) + ", principal.no = 1"},
		},
		"one of many arguments": {
			shelf{policies: policy(lend("any", "ALLOW", "MEMBER", many(16, " || "))), roles: lou},
			map[string]any{},
			[]string{"possible", "arguments.a00 = 0"},
		},
		"an argument that has to go": {
			shelf{policies: policy(lend("plain", "ALLOW", "MEMBER", `!has(R.attr.arguments.rush)`)), roles: lou},
			map[string]any{"rush": true, "books": 1.0},
			[]string{"possible", "no arguments.rush"},
		},
		"a key of all arguments": {
			shelf{policies: policy(lend("marked", "ALLOW", "MEMBER", `"mark" in R.attr.arguments && P.attr.late != true`)), roles: lou, attr: map[string]any{"late": true}, input: `{"properties": {"mark": {"const": "x"}}}`},
			map[string]any{},
			[]string{"possible", `arguments.mark = "x", principal.late = false`},
		},
		"a member of a list": {
			shelf{policies: policy(lend("friends", "ALLOW", "MEMBER", `"friends" in P.attr.clubs`)), roles: lou, attr: map[string]any{"clubs": []any{"chess"}}},
			map[string]any{},
			[]string{"possible", `principal.clubs = ["chess","friends"]`},
		},
		"a member of a list too many": {
			shelf{policies: policy(lend("clear", "ALLOW", "MEMBER", `!("barred" in P.attr.clubs)`)), roles: lou, attr: map[string]any{"clubs": []any{"chess", "barred"}}},
			map[string]any{},
			[]string{"possible", `principal.clubs = ["chess"]`},
		},
		"a part of an object": {
			shelf{policies: policy(lend("home", "ALLOW", "MEMBER", `R.attr.arguments.to.town == "Ely"`)), roles: lou},
			map[string]any{"to": map[string]any{"town": "York", "street": "Elm"}},
			[]string{"possible", `arguments.to = {"street":"Elm","town":"Ely"}`},
		},
		"a claim": {
			shelf{policies: policy(lend("card", "ALLOW", "MEMBER", `request.auxData.jwt.card == "gold"`)), roles: lou, claims: map[string]any{"card": "tin"}},
			map[string]any{},
			[]string{"possible", `request.auxData.jwt.card = "gold"`},
		},
		"a claim in the form that it has": {
			shelf{policies: policy(lend("desk", "ALLOW", "MEMBER", `"desk" in request.auxData.jwt.aud`)), roles: lou, claims: map[string]any{"aud": []any{"web"}}},
			map[string]any{},
			[]string{"possible", `request.auxData.jwt.aud = ["desk"]`},
		},
		"a rule that denies it": {
			shelf{policies: policy(few, lend("barred", "DENY", `"*"`, `P.attr.barred == true`)), roles: lou, attr: map[string]any{"barred": true}},
			map[string]any{"books": 1.0},
			[]string{"possible", "principal.barred = false", "denied by barred at policies/p0.yaml:7:7"},
		},
		"a rule that denies it whatever the values": {
			shelf{policies: policy(few, lend("closed", "DENY", `"*"`, "")), roles: lou},
			map[string]any{"books": 9.0},
			[]string{"impossible", "denied by closed at policies/p0.yaml:7:7", `no value of arguments or attributes would allow it: rule "closed" at policies/p0.yaml:7 denies it`},
		},
		"a rule that denies what another allows": {
			shelf{policies: policy(few, strings.Replace(strings.Replace(few, "few", "not-few", 1), "ALLOW", "DENY", 1)), roles: lou},
			map[string]any{"books": 2.0},
			[]string{"impossible", "denied by not-few at policies/p0.yaml:7:7", `no value of arguments or attributes would allow it: rule "not-few" at policies/p0.yaml:7 denies it`},
		},
		"no rule for the role": {
			shelf{policies: policy(few), roles: []string{"GUEST"}},
			nil,
			[]string{"impossible", `no value of arguments or attributes would allow it: no rule allows it for role GUEST`},
		},
		"no value is enough": {
			shelf{policies: policy(lend("odd", "ALLOW", "MEMBER", `R.attr.arguments.books > 5 && R.attr.arguments.books < P.attr.limit && P.attr.limit < 4`)), roles: lou},
			map[string]any{"books": 7.0},
			[]string{"impossible", `no value of arguments or attributes would allow it`},
		},
		"no value that the schema allows": {
			shelf{policies: policy(few), roles: lou, input: `{"properties": {"books": {"type": "integer", "minimum": 5}}, "required": ["books"]}`},
			map[string]any{"books": 7.0},
			[]string{"impossible", `no value of arguments or attributes would allow it within the inputSchema`},
		},
		"what the schema takes together": {
			shelf{policies: policy(lend("rush", "ALLOW", "MEMBER", `R.attr.arguments.rush == true`)), roles: lou, input: `{"properties": {"rush": {"type": "boolean"}, "fee": {"enum": [2]}}, "dependentRequired": {"rush": ["fee"]}}`},
			map[string]any{},
			[]string{
				"possible", `arguments.fee = 2, arguments.rush = true`, "perhaps not the least",
				"whether fewer values would do is not known: what the schemas say of values together could not be treated",
			},
		},
		"arguments that lack what the schema asks for": {
			shelf{policies: policy(few), roles: lou, input: `{"properties": {"books": {"type": "integer", "minimum": 1}, "desk": {"type": "string"}}, "required": ["books", "desk"], "additionalProperties": false}`},
			map[string]any{"books": 7.0},
			[]string{"possible", `arguments.books = 2`},
		},
		"arguments that are wrong beside": {
			shelf{policies: policy(few), roles: lou, input: `{"properties": {"books": {"type": "integer", "minimum": 1}, "desk": {"type": "string"}}, "additionalProperties": false}`},
			map[string]any{"books": 7.0, "desk": 4.0, "odd": true},
			[]string{"possible", `arguments.books = 2`},
		},
		"open arguments": {
			shelf{policies: policy(lend("own", "ALLOW", "MEMBER", `R.attr.arguments.books < 3 && P.attr.paid == true`)), roles: lou},
			nil,
			[]string{"possible", `principal.paid = true, when arguments.books < 3`},
		},
		"what the policies' schema takes": {
			shelf{
				policies: []string{rules("version: default\n  schemas: {resourceSchema: {ref: \"cerbos:///books.json\"}}", few)}, roles: lou, options: pdp.Options{Schemas: pdp.EnforceReject},
				schemas: map[string]string{"books.json": `{"properties": {"arguments": {"properties": {"books": {"type": "integer"}}}}}`}, input: `{"properties": {"books": {"type": "integer"}}}`,
			},
			map[string]any{"books": 7.0},
			[]string{"possible", `arguments.books = 2`},
		},
		"what the policies' schema misses": {
			shelf{
				policies: []string{rules("version: default\n  schemas: {resourceSchema: {ref: \"cerbos:///desk.json\"}}", lend("any", "ALLOW", "MEMBER", ""))}, roles: lou, options: pdp.Options{Schemas: pdp.EnforceReject},
				schemas: map[string]string{"desk.json": `{"properties": {"arguments": {"required": ["desk"]}}}`}, input: `{"properties": {"books": {"type": "integer"}, "desk": {"enum": ["a"]}}}`,
			},
			map[string]any{"books": 7.0},
			[]string{"possible", `arguments.desk = "a"`},
		},
		"a number in the place of a text": {
			shelf{policies: policy(lend("few", "ALLOW", "MEMBER", `R.attr.arguments.books < P.attr.limit && R.attr.arguments.books != "b"`)), roles: lou, attr: map[string]any{"limit": 4.0}},
			map[string]any{"books": "a"},
			[]string{"possible", `arguments.books = 3`},
		},
		"what cannot be treated": {
			shelf{policies: policy(lend("sum", "ALLOW", "MEMBER", `R.attr.arguments.books * R.attr.arguments.days == 7.25 && R.attr.arguments.books + R.attr.arguments.days < -1e9`)), roles: lou},
			map[string]any{"books": 1.0, "days": 2.0},
			[]string{"unknown", "it is not known whether another value of arguments or attributes would allow it: " +
				"arguments.books * arguments.days == 7.25; arguments.books + arguments.days < -1e+09 could not be treated; changes of arguments.books, arguments.days were tried"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.actions = []string{"lend"}
			w, col := tt.load(t)
			x, err := explain.Explain(t.Context(), &explain.Input{
				Matrix: w.matrix, Engine: w.engine, Policies: w.set, Principal: w.matrix.ClassOf("lou").First(), Column: col, Arguments: tt.arguments,
			})
			if err != nil {
				t.Fatal(err)
			}
			if x.Smallest == nil {
				t.Fatalf("nothing is said: %s", x.Sentence)
			}
			if diff := cmp.Diff(tt.want, said(x.Smallest)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSmallestEnds asks for more than is counted through.
func TestSmallestEnds(t *testing.T) {
	var pairs []string
	for i := range 14 {
		pairs = append(pairs, fmt.Sprintf("(R.attr.arguments.x%02d == 1 || R.attr.arguments.y%02d == 1)", i, i))
	}
	s := shelf{policies: []string{rules("version: default", lend("pairs", "ALLOW", "MEMBER", strings.Join(pairs, " && ")))}, roles: []string{"MEMBER"}, actions: []string{"lend"}}
	w, col := s.load(t)
	x, err := explain.Explain(t.Context(), &explain.Input{
		Matrix: w.matrix, Engine: w.engine, Policies: w.set, Principal: w.matrix.ClassOf("lou").First(), Column: col, Arguments: map[string]any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if x.Smallest.Least || x.Smallest.Change == nil || len(x.Smallest.Change.Values) != len(pairs) {
		t.Fatalf("it says %v", said(x.Smallest))
	}
	if want := "whether fewer values would do is not known: all changes of 28 values together could not be treated"; x.Smallest.Note != want {
		t.Errorf("it says %q, want %q", x.Smallest.Note, want)
	}
}
