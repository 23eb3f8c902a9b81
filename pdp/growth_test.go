package pdp

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
)

func mostOf(text string, variables map[string]string, constants map[string]any, at func([]string) Extent) (bytes, elements float64) {
	if g := NewScope(variables, constants).Growth([]string{text}); g != nil {
		g.Most(at)(func(_ int, b, e float64) bool { bytes, elements = b, e; return true })
	}
	return bytes, elements
}

func TestGrowth(t *testing.T) {
	variables := map[string]string{"v0": "P.attr.name"}
	for i := 1; i <= 40; i++ {
		variables[fmt.Sprintf("v%d", i)] = fmt.Sprintf("V.v%d + V.v%d", i-1, i-1)
	}
	constants := map[string]any{"c": strings.Repeat("c", 50)}
	at := func(path []string) Extent {
		switch strings.Join(path, ".") {
		case "P.attr.name":
			return textExtent(strings.Repeat("n", 100))
		case "P.attr.list":
			return Extent{Text: 10, All: 1000, Values: 101}
		}
		return Extent{}
	}
	for text, want := range map[string]float64{
		`P.attr.name == "x"`:                                              0,
		`P.attr.name + "xx"`:                                              102,
		`P.attr.name + C.c`:                                               150,
		`V.v1 + ""`:                                                       200,
		`V.v40 + ""`:                                                      100 << 40,
		`P.attr.name.replace("-", "_")`:                                   100,
		`P.attr.name.replace("--", "")`:                                   100,
		`P.attr.name.replace("n", "nnn")`:                                 300,
		`P.attr.name.replace("nn", P.attr.name)`:                          100 + 50*98,
		`P.attr.name.replace(P.attr.name, "nn")`:                          100 + 101*2,
		`P.attr.name.replace("n", P.attr.name, 2)`:                        100 + 2*99,
		`"aa".replace("a", "aaaaaaaaaa").replace("a", "aaaaaaaaaa")`:      200,
		`P.attr.list.join("--")`:                                          1000 + 101*2,
		`P.attr.list.map(x, x + "!").join()`:                              1000 + 1 + 101,
		`P.attr.list.map(x, P.attr.list.map(y, x + y).join("")).join("")`: 0,
		`P.attr.list.exists(x, x + "abc" == "d")`:                         13,
		`cel.bind(x, P.attr.name + P.attr.name, x + x)`:                   400,
		`has(P.attr.none) ? P.attr.none + "aa" : "bbb" + "b"`:             4,
		`"%s and %d".format([P.attr.name, 4])`:                            9 + 8*132 + 512*3,
	} {
		got, _ := mostOf(text, variables, constants, at)
		if want == 0 && strings.Contains(text, "join") { // pairs of all with all
			if want = 101 * 1000; got < want || got > 4*want {
				t.Errorf("%s makes %v bytes, want some %v", text, got, want)
			}
			continue
		}
		if got != want {
			t.Errorf("%s makes %v bytes, want %v", text, got, want)
		}
	}
	if _, elements := mostOf(`P.attr.name.split("")`, nil, nil, at); elements != 101 {
		t.Errorf("splitting makes %v elements", elements)
	}
	if NewScope(nil, nil).Growth([]string{"P.id +", "P.id == R.id"}) != nil {
		t.Error("what does not parse, or does not grow, has a growth")
	}
}

// TestGrowthHolds evaluates generated expressions with the engine: no text is longer
// than the growth says.
func TestGrowthHolds(t *testing.T) {
	variable := `P.attr.l.map(x, x + "a").join(P.attr.b) + P.attr.a`
	e, err := Open(t.Context(), fstest.MapFS{"p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: album
  version: default
  variables: {local: {v: '` + variable + `'}}
  rules: [{actions: [a], effect: EFFECT_ALLOW, roles: ["*"], condition: {match: {expr: 'true'}}}]
`)}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := e.tables.values(nil)
	texts, actions := map[string]string{}, []string{}
	for i := range rounds.Of(300, 5000) {
		action := fmt.Sprint("text", i)
		actions, texts[action] = append(actions, action), textExpression(3).Example(i)
		table.Rules = append(table.Rules, evaluationRow(e.tables.rows[0], action, "size("+texts[action]+")"))
	}
	check, err := e.evaluator(table, EnforceNone)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for i := range 8 {
		words := rapid.SliceOfN(rapid.StringMatching(`[ab]{0,6}`), 6, 6).Example(i)
		fields, err := structpb.NewStruct(map[string]any{"a": words[0], "b": words[1], "l": []any{words[2], words[3], words[4], words[5]}[:i%5]})
		if err != nil {
			t.Fatal(err)
		}
		in := &enginev1.CheckInput{
			Principal: &enginev1.Principal{Id: "ian", Roles: []string{"r"}, Attr: fields.GetFields()},
			Resource:  &enginev1.Resource{Kind: "album", Id: "x"}, Actions: actions,
		}
		out, err := check(t.Context(), []*enginev1.CheckInput{in})
		if err != nil {
			t.Fatal(err)
		}
		r := measure(in, Extent{})
		for _, o := range out[0].GetOutputs() {
			text := texts[o.GetAction()]
			if text == "" || o.GetError() != "" {
				continue
			}
			compared++
			most, _ := mostOf(text, map[string]string{"v": variable}, nil, r.At)
			if made := o.GetVal().GetNumberValue(); made > max(most, r.Total().Text, 2) {
				t.Errorf("%s has %v bytes for %v, and its growth says %v", text, made, fields.AsMap(), most)
			}
		}
	}
	if compared < 1000 {
		t.Errorf("only %d texts were compared", compared)
	}
}

// textExpression generates expressions that are texts.
func textExpression(deep int) *rapid.Generator[string] {
	leaf := rapid.SampledFrom([]string{`P.attr.a`, `P.attr.b`, `"ab"`, `""`, `"b"`, `V.v`, `P.id`})
	if deep == 0 {
		return leaf
	}
	return rapid.Custom(func(t *rapid.T) string {
		sub := func(name string) string { return textExpression(deep-1).Draw(t, name) }
		list := rapid.SampledFrom([]string{`P.attr.l`, `P.attr.a.split("")`, `P.attr.a.split("b")`, `[P.attr.a, "aab"]`, `(P.attr.l + ["b"])`}).Draw(t, "list")
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			return "(" + sub("left") + " + " + sub("right") + ")"
		case 1:
			return "(" + sub("of") + ").replace(" + leaf.Draw(t, "old") + ", " + sub("new") + ")"
		case 2:
			return list + ".join(" + sub("separator") + ")"
		case 3:
			return list + ".map(x, x + " + sub("one") + ").join(" + leaf.Draw(t, "separator") + ")"
		case 4:
			return list + ".map(x, x.replace(" + leaf.Draw(t, "old") + ", x + x)).join(\"\")"
		case 5:
			return `"%s-%s".format([` + sub("first") + ", " + list + "])"
		case 6:
			return "strings.quote(" + sub("of") + ")"
		case 7:
			return "(P.id == \"x\" ? " + sub("yes") + " : " + sub("no") + ")"
		case 8:
			return `regex.replace(` + sub("of") + `, "(a)", "\\1\\1" + ` + leaf.Draw(t, "new") + ")"
		}
		return "cel.bind(y, " + sub("value") + ", y + y)"
	})
}
