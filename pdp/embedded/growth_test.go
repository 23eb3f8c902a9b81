package embedded

import (
	"fmt"
	"testing"
	"testing/fstest"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

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
`)}}, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := e.tables.Values(nil)
	texts, actions := map[string]string{}, []string{}
	for i := range rounds.Of(300, 5000) {
		action := fmt.Sprint("text", i)
		actions, texts[action] = append(actions, action), textExpression(3).Example(i)
		table.Rules = append(table.Rules, tables.EvaluationRow(e.tables.Rows[0], action, "size("+texts[action]+")"))
	}
	check, err := e.evaluator(table, pdp.EnforceNone)
	if err != nil {
		t.Fatal(err)
	}
	scope, compared := cel.NewScope(map[string]string{"v": variable}, nil), 0
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
		r := measure(in, pdp.Extent{})
		for _, o := range out[0].GetOutputs() {
			text := texts[o.GetAction()]
			if text == "" || o.GetError() != "" {
				continue
			}
			compared++
			most := 0.0
			if g := scope.Growth([]string{text}); g != nil {
				g.Most(r.At)(func(_ int, bytes, _ float64) bool { most = bytes; return true })
			}
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
