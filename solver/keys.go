package solver

import (
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// keys makes the objects of a place of which leaves ask as of lists: an object counts as the
// list of its keys. What stands under a key is what its schema allows there.
type keys struct{ *lists }

func (m *keys) typeName() string { return "object" }

func (m *keys) make(a *analysis, p *place) ([]any, bool) {
	list, enough := m.lists.make(a, p)
	var values []any
	for _, v := range list {
		object := map[string]any{}
		texts := 0
		for _, x := range v.([]any) { //nolint:errcheck // lists is what makes them
			if s, isText := x.(string); isText {
				texts++
				object[s] = a.valueUnder(p, s)
			}
		}
		switch {
		case texts < len(v.([]any)) || len(object) < texts: //nolint:errcheck // as above
		case p.takes(object):
			values = append(values, object)
		default:
			enough = false // keys that are alike are not alike to the schemas
		}
	}
	return values, enough && plainObjects(p.schemas) && len(m.element.schemas) == 0 && len(p.groupOf().values) == 0
}

// valueUnder returns a value for a key of an object.
func (a *analysis) valueUnder(p *place, key string) any {
	if below := factsBelow(p.schemas, key); len(below) > 0 {
		if v, ok := a.sampleOf(below, 0, p.depth+1); ok {
			if _, none := v.(absent); !none {
				return v
			}
		}
	}
	return true
}

// plainObjects reports whether schemas say no more of objects than what stands under keys.
func plainObjects(schemas []*jsonschema.Schema) bool {
	speaks := func(s *jsonschema.Schema) bool {
		return len(s.Required)+len(s.DependentRequired)+len(s.DependentSchemas)+len(s.Dependencies)+len(s.Enum)+len(s.Constant) > 0 ||
			s.MinProperties > 0 || s.MaxProperties >= 0 || s.PropertyNames != nil || s.UnevaluatedProperties != nil
	}
	schemas = narrowed(schemas, "object")
	for _, s := range schemas {
		if speaks(s) {
			return false
		}
		for _, x := range sameValue(s) {
			if !slices.Contains(schemas, x) && !allRuleOut(x, "object", nil) && (speaks(x) || len(underneath(x)) > 0 || x.AdditionalProperties != nil || len(sameValue(x)) > 0) {
				return false
			}
		}
	}
	return true
}
