package witness_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// TestHostileSchemas holds that schemas which would take for ever, or load
// something, allow nothing that is known, and are done with at once.
func TestHostileSchemas(t *testing.T) {
	var doubling, list strings.Builder
	for i := range 60 {
		fmt.Fprintf(&doubling, `"a%d": {"allOf": [{"$ref": "#/$defs/a%d"}, {"$ref": "#/$defs/a%d"}]}, `, i, i+1, i+1)
	}
	for i := range 20_000 {
		fmt.Fprintf(&list, `"v%d", `, i)
	}
	for name, c := range map[string]struct {
		schema string
		known  bool
	}{
		"doubling": {`{"$ref": "#/$defs/a0", "$defs": {` + doubling.String() + `"a60": {}}}`, false},
		"anchors":  {`{"$ref": "#a", "$defs": {"a": {"$anchor": "a"}}}`, false},
		"remote":   {`{"$ref": "https://example.com/schema.json"}`, false},
		"file":     {`{"properties": {"x": {"$ref": "file:///etc/passwd"}}}`, false},
		"loop":     {`{"$ref": "#"}`, false},
		"no schema": {
			`{"type": "banana"}`, false,
		},
		"no text": {`{"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"x": {"$ref": 7}}}`, false},
		"tree":    {`{"type": "object", "properties": {"x": {"$ref": "#"}}}`, true},
		"wide":    {`{"properties": {"x": {"enum": [` + list.String() + `"last"]}}}`, true},
		"bushy":   {`{"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"}}, "required": ["a", "b", "c"]}`, true},
	} {
		s := schemaOf(t, c.schema)
		q := witness.Search{
			Parts: []pdp.Part{{Relation: pdp.Equal, Terms: []pdp.Term{{Path: []string{"R", "attr", "arguments", "x"}}, {Value: "a"}}}},
			Request: authz.Request{
				Principal: &authz.Principal{ID: "p"}, Unknown: []string{"arguments"}, Resource: authz.Resource{Kind: "k", ID: "i"},
			},
			Schema: s,
		}
		candidates := q.Candidates()
		list := slices.Collect(candidates.Each)
		within := slices.ContainsFunc(list, func(c witness.Candidate) bool { return c.Within })
		if !c.known && (within || candidates.AllWithin) {
			t.Errorf("%s: allows something", name)
		}
		if c.known && !within && name != "bushy" {
			t.Errorf("%s: allows nothing", name)
		}
		if name == "wide" && (candidates.All || candidates.AllWithin) {
			t.Errorf("%s: not every value was tried", name)
		}
	}
}
