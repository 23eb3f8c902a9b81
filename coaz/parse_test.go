package coaz_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/source"
)

// text returns an inputSchema with a mapping.
func text(mapping string) string {
	return `{"type": "object", "required": ["id", "n"], "properties": {
  "id": {"type": "string"}, "n": {"type": "integer"}, "b": {"type": "boolean"}, "o": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}, "any": {}, "two": {"type": ["string", "null"]}},
 "x-authzen-mapping": ` + mapping + `}`
}

func schema(t testing.TB, mapping string) *source.Node {
	t.Helper()
	n, err := source.ParseJSON("t.json", []byte(text(mapping)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// evaluation returns a mapping with these parts besides an action and a resource.
func evaluation(parts string) string {
	return `{"evaluation": {"action": {"name": "a"}, "resource": {"type": "t", "id": "$params.arguments.id"}` + parts + `}}`
}

func withID(id string) string {
	return `{"evaluation": {"action": {"name": "a"}, "resource": {"type": "t", "id": ` + id + `}}}`
}

func withProperty(v string) string {
	return `{"evaluation": {"action": {"name": "a"}, "resource": {"type": "t", "id": "i", "properties": {"p": ` + v + `}}}}`
}

func TestMistakes(t *testing.T) {
	tests := map[string]struct {
		mapping string
		want    []string // what stands at the place, kind, and how the message begins
	}{
		"right":                       {evaluation(``), nil},
		"no mapping":                  {`7`, []string{`7}| malformed x-authzen-mapping: want a mapping, have a number`}},
		"empty":                       {`{}`, []string{`{}}| malformed the mapping is empty`}},
		"without envelope":            {`{"subject": {}, "evaluations": []}`, []string{`{"subject| malformed a mapping without its envelope`}},
		"no such envelope":            {`{"evaluatoin": {}}`, []string{`"evaluato| malformed unknown key "evaluatoin" (did you mean evaluation?)`}},
		"two envelopes":               {`{"evaluation": {}, "evaluations": {}}`, []string{`{"evaluat| malformed a mapping has exactly one key`}},
		"envelope is a list":          {`{"evaluation": []}`, []string{`"evaluati| malformed evaluation: want a mapping, have a list`}},
		"envelope twice":              {`{"evaluation": {}, "evaluation": {"action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}}`, []string{`"evaluati| unclear key "evaluation" stands here twice`}},
		"nothing in it":               {`{"evaluation": {}}`, []string{`{}}}| malformed action is missing`, `{}}}| malformed resource is missing`}},
		"no entries":                  {`{"evaluations": {"evaluations": []}}`, []string{`[]}}}| malformed evaluations: want a list of at least one`}},
		"no list":                     {`{"evaluations": {}}`, []string{`{}}}| malformed evaluations: want a list of at least one`}},
		"entry is no mapping":         {`{"evaluations": {"evaluations": [1]}}`, []string{`1]}}}| malformed evaluations[0]: want a mapping`}},
		"subject in an entry":         {`{"evaluations": {"action": {"name": "a"}, "resource": {"type": "t", "id": "i"}, "evaluations": [{"subject": {}}]}}`, []string{`{}}]}}}| malformed an entry cannot have a subject`}},
		"entry without resource":      {`{"evaluations": {"action": {"name": "a"}, "evaluations": [{}]}}`, []string{`{}]}}}| malformed evaluations[0].resource is missing`}},
		"replaced by all":             {`{"evaluations": {"action": {"name": "a"}, "resource": {"type": 7}, "evaluations": [{"resource": {"type": "t", "id": "i"}}]}}`, []string{`{"type": | unclear resource has mistakes, and every entry replaces it`}},
		"replaced by one":             {`{"evaluations": {"action": {"name": "a"}, "resource": {"type": 7, "id": "i"}, "evaluations": [{"resource": {"type": "t", "id": "i"}}, {}]}}`, []string{`7, "id": | invalid resource.type: want a text, have a number`}},
		"unknown part":                {evaluation(`, "contxt": {}`), []string{`"contxt":| invalid unknown key "contxt" (did you mean context?)`}},
		"options of one":              {evaluation(`, "options": {}`), []string{`"options"| invalid unknown key "options"`}},
		"unknown attribute":           {evaluation(`, "subject": {"identity": "x", "team": 1}`), []string{`"identity| invalid subject: unknown key "identity"`, `"team": 1| invalid subject: unknown key "team"; an attribute stands under properties`}},
		"properties are a text":       {evaluation(`, "subject": {"properties": "x"}`), []string{`"x"}}}}| invalid subject.properties: want a mapping`}},
		"empty key":                   {evaluation(`, "context": {"": 1}`), []string{`{"": 1}}}| invalid context has a key that is empty`}},
		"null":                        {evaluation(`, "subject": null, "context": null`), []string{`null, "co| malformed subject is null`}},
		"id is missing":               {`{"evaluation": {"action": {}, "resource": {"type": "t"}}}`, []string{`{}, "reso| malformed action.name is missing`, `{"type": | malformed resource.id is missing`}},
		"id is a number":              {withID(`7`), []string{`7}}}}| invalid resource.id: want a text, have a number`}},
		"id is empty":                 {withID(`""`), []string{`""}}}}| invalid resource.id is empty`}},
		"id is null":                  {withID(`null`), []string{`null}}}}| malformed resource.id is null`}},
		"id of an integer":            {withID(`"$params.arguments.n"`), []string{`"$params.| invalid resource.id comes to a number`}},
		"id that is optional":         {withID(`"$params.arguments.?o.x"`), []string{`"$params.| invalid resource.id comes to a number`}},
		"id of a boolean":             {withID(`"$params.arguments.b"`), []string{`"$params.| invalid resource.id comes to bool`}},
		"id of whatever":              {withID(`"$params.arguments.any"`), nil},
		"id of two types":             {withID(`"$params.arguments.two"`), nil},
		"id is $null":                 {withID(`"$null"`), []string{`"$null"}}| malformed resource.id comes to null`}},
		"subject as a whole":          {evaluation(`, "subject": "$token"`), []string{`"$token"}| unclear a subject that is an expression as a whole`}},
		"no CEL":                      {withProperty(`"$a +"`), []string{`"$a +"}}}| malformed the expression does not compile: Syntax error`}},
		"nothing behind it":           {withProperty(`"$"`), []string{`"$"}}}}}| malformed the expression does not compile`}},
		"unknown variable":            {withProperty(`"$request.id"`), []string{`"$request| malformed the expression does not compile: undeclared reference to 'request'`}},
		"a function of others":        {withProperty(`"$params.arguments.id.lowerAscii()"`), []string{`"$params.| unclear the expression needs more than CEL itself`}},
		"$ in a list":                 {withProperty(`["a", "$token.sub"]`), []string{`["a", "$t| unclear resource.properties.p: a text with a leading $ in a list`}},
		"a double and an int":         {withProperty(`"$params.arguments.n + 1"`), []string{`"$params.| mistyped resource.properties.p: the expression fails for what the inputSchema allows: found no matching overload for '_+_' applied to '(double, int)'; numbers of a request are doubles`}},
		"a text and a number":         {withProperty(`"$params.arguments.id > 3"`), []string{`"$params.| mistyped resource.properties.p`}},
		"what works":                  {withProperty(`"$params.arguments.n > 3 && params.arguments.n == 4 && params.arguments.n in [1, 2]"`), nil},
		"choices":                     {withProperty(`"$has(params.arguments.b) ? params.arguments.b : 'none'"`), nil},
		"or else":                     {withProperty(`"$params.arguments.?b.orValue('none')"`), nil},
		"an index":                    {withProperty(`"$[1, 2][params.arguments.n]"`), nil},
		"below what is optional":      {withProperty(`"$params.arguments.?n.a.orValue(params.arguments.?n[1])"`), nil},
		"escapes":                     {withProperty(`"$$x"`), nil},
		"no number":                   {withProperty(`1e999`), []string{`1e999}}}}| unclear resource.properties.p: 1e999 is not a number`}},
		"a variable of the same name": {withProperty(`"$[1].map(params, params + 1)"`), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := coaz.Parse(schema(t, tt.mapping))
			var got []string
			for _, one := range source.Mistakes(err) {
				var at *source.Error
				var m *coaz.Mistake
				if !errors.As(one, &at) || !errors.As(one, &m) {
					t.Fatalf("%v: no place or no kind", one)
				}
				place := strings.Split(text(tt.mapping), "\n")[at.Pos.Line-1][at.Pos.Col-1:]
				got = append(got, fmt.Sprintf("%.9s| %v %s", place, m.Kind, m.Message))
			}
			for i, w := range tt.want {
				if i < len(got) && strings.HasPrefix(got[i], w) {
					got[i] = w
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEarlierSpellings(t *testing.T) {
	n := func(text string) *source.Node {
		n, err := source.ParseJSON("t.json", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for text, want := range map[string]string{
		`{"x-coaz-mapping": {}}`: "t.json:1:2: x-coaz-mapping is the spelling of an earlier draft, which is not read any more, so the tool goes by the default mapping; write x-authzen-mapping",
		`{"coazMapping": 1}`:     "t.json:1:2: coazMapping is the spelling of an earlier draft, which is not read any more, so the tool goes by the default mapping; write x-authzen-mapping",
		`{"type": "object"}`:     "",
	} {
		m, err := coaz.Parse(n(text))
		if got := fmt.Sprint(errors.Join(err)); m != nil || want != strings.Trim(got, "<nil>") {
			t.Errorf("%s: %v, %q", text, m, got)
		}
	}
	m, err := coaz.Parse(n(`{"x-coaz-mapping": {}, "x-authzen-mapping": ` + evaluation("") + `}`))
	if want := "t.json:1:2: x-coaz-mapping is the spelling of an earlier draft, and not read beside x-authzen-mapping: remove it"; m == nil || err == nil || err.Error() != want {
		t.Errorf("%v, %v", m, err)
	}
	if m, err := coaz.Parse(nil); m != nil || err != nil {
		t.Errorf("%v, %v", m, err)
	}
}

// TestHostile has mappings that are large, deep or dear.
func TestHostile(t *testing.T) {
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, `"p%d": "$token.sub", `, i)
	}
	entries := `{"evaluations": {"action": {"name": "a"}, "resource": {"type": "t", "id": "i"}, "evaluations": [` + strings.TrimSuffix(strings.Repeat("{},", 1000), ",") + `]}}`
	digits := "[" + strings.TrimSuffix(strings.Repeat("1,", 100), ",") + "]"
	loop := "true"
	for _, v := range []string{"a", "b", "c", "d", "e"} {
		loop = digits + ".all(" + v + ", " + loop + ")"
	}
	calls := strings.TrimSuffix(strings.Repeat(`"$`+digits+`.all(a, `+digits+`.all(b, a == b))",`, 15), ",")
	for name, tt := range map[string]struct {
		mapping string
		want    coaz.OutcomeKind
	}{
		"long":         {withProperty(`"$` + strings.Repeat("1+", 1<<20) + `1"`), coaz.Unknown},
		"nested":       {withProperty(`"$` + strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000) + `"`), coaz.Unknown},
		"many":         {evaluation(`, "context": {` + many.String() + `"last": 1}`), coaz.Unknown},
		"entries":      {entries, coaz.Unknown},
		"dear":         {withProperty(`"$` + loop + `"`), coaz.Unknown},
		"dear by many": {evaluation(`, "context": {"p": ` + asObject(calls) + `}`), coaz.Unknown},
		"selects":      {withProperty(`"$params` + strings.Repeat(".a", 90) + `"`), coaz.Refused},
		"doubling":     {withProperty(`"$['x']` + strings.Repeat(".map(a, a + a)", 20) + `"`), coaz.Unknown},
		"sharing":      {withProperty(`"$optional.of(['x'])` + strings.Repeat(".optMap(a, [a, a])", 20) + `"`), coaz.Unknown},
		"deep":         {withProperty(strings.Repeat(`{"a": `, 400) + "1" + strings.Repeat("}", 400)), coaz.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := coaz.Parse(schema(t, tt.mapping))
			arguments := map[string]any{"id": strings.Repeat("x", 1000)}
			o := coaz.Point{}.Resolve(m, "tools/call", map[string]any{"arguments": arguments}, map[string]any{"sub": "s"})
			if o.Kind != tt.want || o.Cause == nil {
				t.Errorf("%v, want %v: %v", o.Kind, tt.want, err)
			}
		})
	}
}

// asObject makes an object of a list of values.
func asObject(values string) string {
	var b strings.Builder
	for i, v := range strings.Split(values, `",`) {
		fmt.Fprintf(&b, `, "k%d": %s"`, i, strings.TrimSuffix(v, `"`))
	}
	return "{" + b.String()[2:] + "}"
}

// FuzzParse reads mappings of any form, and does with them what a point does.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		evaluation(`, "subject": {"type": "x", "properties": {"cerbos.roles": ["a", 1]}}`), withID(`"$'n-' + string(int(params.arguments.n))"`), withProperty(`"$token.?a.b.orValue([1])"`),
		`{"evaluations": {"action": {"name": "a"}, "context": {"x": "$$"}, "evaluations": [{"resource": {"type": "t", "id": "$token.sub"}}, {}], "options": {"evaluations_semantic": "x"}}}`,
		withProperty(`"$params.arguments.o.all(k, k in token) ? {'a': 1u} : {}"`), withProperty(`{"a": [{"b": "$x"}], "": null}`),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, mapping string) {
		n, err := source.ParseJSON("t.json", []byte(`{"properties": {"id": {"type": "string"}}, "x-authzen-mapping": `+mapping+`}`))
		if err != nil {
			return
		}
		m, err := coaz.Parse(n)
		for _, one := range source.Mistakes(err) {
			var at *source.Error
			var mistake *coaz.Mistake
			if !errors.As(one, &at) || at.Pos.IsZero() || !errors.As(one, &mistake) {
				t.Fatalf("%v has no place or no kind", one)
			}
		}
		if m == nil {
			return
		}
		m.Facts()
		o := coaz.Point{}.Resolve(m, "tools/call", map[string]any{"name": "x", "arguments": map[string]any{"id": "i", "n": 1.0}}, map[string]any{"sub": "s", "a": map[string]any{"b": nil}})
		for _, e := range o.Evaluations {
			if r, err := coaz.Translate(e); err == nil && (r.Principal.ID == "" || len(r.Principal.Roles) == 0 || r.Action == "" || r.Resource.Kind == "" || r.Resource.ID == "") {
				t.Errorf("incomplete: %+v", r)
			}
		}
	})
}
