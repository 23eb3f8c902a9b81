package cel

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// TestWithKind holds the kinds that are told by JSON to those that the engine
// tells of the same values.
func TestWithKind(t *testing.T) {
	attr := map[string]any{
		"text": "north", "empty": "", "number": 7.0, "fraction": -0.25, "large": 1e300, "yes": true, "no": false, "nothing": nil,
		"texts": []any{"a", "b"}, "mixed": []any{"a", 1.0, false, nil}, "none": []any{}, "lists": []any{[]any{"a"}, "b"}, "maps": []any{map[string]any{}},
		"map": map[string]any{"a": 1.0, "b": []any{}}, "emptyMap": map[string]any{}, "time": "2026-11-28T00:00:00Z",
	}
	p := &authz.Principal{ID: "carl", Roles: []string{"r", "s"}, Attr: attr, Scope: "", PolicyVersion: "default"}
	texts := []string{"P.id", "P.roles", "P.scope", "P.policyVersion", "R.kind", "R.id", `P.attr.map.a`, `P.attr["map"]["b"]`, "P.attr.missing", "P.attr.text.below"}
	for name := range attr {
		texts = append(texts, "P.attr."+name, `request.resource.attr["`+name+`"]`)
	}
	var of []pdp.Expression
	for _, text := range texts {
		parsed, err := expr.Parse(text)
		if err != nil || !isFromJSON(parsed) {
			t.Fatalf("%s: %v", text, err)
		}
		for _, x := range []string{text, valueWithKind(text, false), valueWithKind(text, true)} {
			of = append(of, pdp.Expression{Rule: "resource.r.vdefault#all", Text: x})
		}
	}
	values, err := EngineEvaluates(t, authz.Request{Principal: p, Resource: authz.Resource{Kind: "r", ID: "1", Attr: attr}}, of)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		plain, err := structpb.NewValue(values[3*i].V)
		if err != nil {
			t.Fatal(err)
		}
		for j, whole := range []bool{false, true} {
			want := values[3*i+1+j]
			got := withKind(Evaluated{Errored: values[3*i].Error != "", V: plain}, whole)
			if got.Errored != (want.Error != "") {
				t.Errorf("%s: errs %t, to the engine %q", text, got.Errored, want.Error)
				continue
			}
			if diff := cmp.Diff(want.V, got.V.AsInterface()); !got.Errored && diff != "" {
				t.Errorf("%s, whole %t (-engine +here):\n%s", text, whole, diff)
			}
		}
	}
	for _, text := range []string{"P", "P.attr", "R.attr", "P.attr.?text", "G.limit", "now()", "P.attr.texts[0]", "request.principal.attr", "runtime.effectiveDerivedRoles"} {
		if parsed, err := expr.Parse(text); err != nil || isFromJSON(parsed) {
			t.Errorf("%s is taken to be JSON: %v", text, err)
		}
	}
}
