package solver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	// The engine links this version, too.
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/mcpolicy/mcpolicy/solver/language"
)

// compile compiles a JSON schema. The library panics on some malformed ones.
func compile(schema any) (compiled *jsonschema.Schema, err error) {
	defer func() {
		if r := recover(); r != nil {
			compiled, err = nil, fmt.Errorf("%v", r)
		}
	}()
	text, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	const name = "mcpolicy:///schema"
	c := jsonschema.NewCompiler()
	c.LoadURL = func(url string) (io.ReadCloser, error) { return nil, fmt.Errorf("%s is not loaded", url) }
	if m, ok := schema.(map[string]any); ok && m["$schema"] == nil {
		// The library takes formats for assertions where the draft is only implied.
		text = append([]byte(`{"$schema":`+fmt.Sprintf("%q", jsonschema.Draft2020.URL())+","), text[1:]...)
		if len(m) == 0 {
			text = []byte("{}")
		}
	}
	if err := c.AddResource(name, bytes.NewReader(text)); err != nil {
		return nil, err
	}
	compiled, err = c.Compile(name)
	if err == nil && weight(compiled, map[*jsonschema.Schema]float64{}) > heaviest {
		return nil, errors.New("it takes too long to be held against anything")
	}
	return compiled, err
}

// heaviest is how many steps a schema may take to be held against something: a few lines
// of references to references can take for ever.
const heaviest = 1 << 17

// weight counts the parts of a schema, those that are referred to every time. A reference
// back counts once: it takes a step down in what is looked at.
func weight(s *jsonschema.Schema, known map[*jsonschema.Schema]float64) float64 {
	if w, ok := known[s]; ok {
		return w
	}
	known[s] = 1
	w := 1 + float64(len(s.Enum))
	for _, x := range slices.Concat(sameValue(s), underneath(s)) {
		w += weight(x, known)
	}
	known[s] = w
	return w
}

// sameValue lists the schemas that one holds against the same value as itself.
func sameValue(s *jsonschema.Schema) []*jsonschema.Schema {
	list := slices.Concat([]*jsonschema.Schema{s.Ref, s.RecursiveRef, s.DynamicRef, s.Not, s.If, s.Then, s.Else}, s.AllOf, s.AnyOf, s.OneOf)
	for _, x := range s.DependentSchemas {
		list = append(list, x)
	}
	for _, x := range s.Dependencies {
		if x, ok := x.(*jsonschema.Schema); ok {
			list = append(list, x)
		}
	}
	return slices.DeleteFunc(list, func(x *jsonschema.Schema) bool { return x == nil })
}

// underneath lists the schemas that one holds against what is inside a value.
func underneath(s *jsonschema.Schema) []*jsonschema.Schema {
	list := slices.Concat([]*jsonschema.Schema{s.PropertyNames, s.UnevaluatedProperties, s.Items2020, s.Contains, s.UnevaluatedItems}, s.PrefixItems)
	for _, x := range s.Properties {
		list = append(list, x)
	}
	for _, x := range s.PatternProperties {
		list = append(list, x)
	}
	for _, x := range []any{s.AdditionalProperties, s.AdditionalItems, s.Items} {
		switch x := x.(type) {
		case *jsonschema.Schema:
			list = append(list, x)
		case []*jsonschema.Schema:
			list = append(list, x...)
		}
	}
	return slices.DeleteFunc(list, func(x *jsonschema.Schema) bool { return x == nil })
}

// valid reports whether a schema allows a value. The library panics on some.
func valid(s *jsonschema.Schema, v any) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	if s.Always != nil {
		return *s.Always
	}
	return s.Validate(v) == nil
}

// A schemaResult is a schema, or why there is none.
type schemaResult struct {
	schema *jsonschema.Schema
	err    error
}

// factsOf returns the schemas all of which hold for whatever a schema allows. Of one that
// is none there are none, and no request counts as valid.
func (a *analysis) factsOf(schema any) []*jsonschema.Schema {
	if schema == nil {
		return nil
	}
	text, err := json.Marshal(schema)
	if err != nil {
		a.invalid = err
		return nil
	}
	known, ok := a.solver.schemas[string(text)]
	if !ok {
		known.schema, known.err = compile(schema)
		a.solver.schemas[string(text)] = known
	}
	if known.err != nil {
		a.invalid = known.err
		return nil
	}
	return facts(known.schema, nil)
}

func facts(s *jsonschema.Schema, seen []*jsonschema.Schema) []*jsonschema.Schema {
	if s == nil || slices.Contains(seen, s) {
		return seen
	}
	seen = facts(s.Ref, append(seen, s))
	for _, x := range s.AllOf {
		seen = facts(x, seen)
	}
	return seen
}

// factsBelow returns the schemas that hold for a property.
func factsBelow(list []*jsonschema.Schema, name string) []*jsonschema.Schema {
	var below []*jsonschema.Schema
	for _, s := range narrowed(list, "object") {
		named := false
		if of := s.Properties[name]; of != nil {
			named, below = true, facts(of, below)
		}
		for pattern, of := range s.PatternProperties {
			if pattern.MatchString(name) {
				named, below = true, facts(of, below)
			}
		}
		if named {
			continue
		}
		switch extra := s.AdditionalProperties.(type) {
		case *jsonschema.Schema:
			below = facts(extra, below)
		case bool:
			if !extra {
				below = append(below, nothing)
			}
		}
	}
	return below
}

var nothing = &jsonschema.Schema{Always: new(bool)}

// allows reports whether a place may have values of a type as far as its schemas say.
func (p *place) allows(t string) bool {
	if p.up == nil && p.isObject() {
		return t == "object"
	}
	return !slices.ContainsFunc(p.schemas, func(s *jsonschema.Schema) bool { return rulesOut(s, t, nil) })
}

// takes reports whether the place's schemas allow a value.
func (p *place) takes(v any) bool {
	switch v.(type) {
	case mapping:
		return true
	case absent:
		return !p.required()
	case string:
		if p.kind == isID && v == "" {
			return false
		}
	}
	return !slices.ContainsFunc(p.schemas, func(s *jsonschema.Schema) bool { return !valid(s, v) })
}

// schemaNeeds returns what schemas tell apart among scalars, and the types within which
// they tell more apart than can be said.
func schemaNeeds(list []*jsonschema.Schema) (n needs, rough []string) {
	seen := map[*jsonschema.Schema]bool{}
	for len(list) > 0 {
		s := list[0]
		list = list[1:]
		if seen[s] {
			continue
		}
		seen[s] = true
		list = append(slices.Clone(list), sameValue(s)...)
		if s.Always == nil {
			rough = append(rough, n.addSchema(s)...)
		}
	}
	return n, rough
}

func (n *needs) addSchema(s *jsonschema.Schema) (rough []string) {
	for _, x := range []*big.Rat{s.Minimum, s.Maximum, s.ExclusiveMinimum, s.ExclusiveMaximum} {
		if x != nil {
			f, _ := x.Float64()
			n.points = append(n.points, f)
		}
	}
	n.integers = n.integers || slices.Contains(s.Types, "integer")
	if s.MultipleOf != nil {
		if s.MultipleOf.Cmp(big.NewRat(1, 1)) == 0 {
			n.integers = true
		} else {
			rough = append(rough, "number")
		}
	}
	for _, v := range slices.Concat(s.Enum, s.Constant) {
		n.addConstant(v)
	}
	if s.Pattern != nil {
		if set, err := language.Matches(s.Pattern.String()); err == nil {
			n.langs = append(n.langs, predicate{name: fmt.Sprintf("matches %q", s.Pattern), of: set})
		} else {
			rough = append(rough, "string")
		}
	}
	for _, size := range []int{s.MinLength - 1, s.MaxLength} {
		switch {
		case size > mostSize:
			rough = append(rough, "string")
		case size >= 0:
			n.langs = append(n.langs, atMost(size))
		}
	}
	asserted := s.Format != "" && s.Draft != jsonschema.Draft2020 && s.Draft != jsonschema.Draft2019
	if asserted || s.ContentEncoding != "" || s.ContentMediaType != "" {
		rough = append(rough, "string")
	}
	if asserted {
		rough = append(rough, "number")
	}
	return rough
}

func (n *needs) addConstant(v any) {
	switch v := normal(v).(type) {
	case float64:
		n.points = append(n.points, v)
	case string:
		n.texts = append(n.texts, v)
	case []any, map[string]any:
		n.values = append(n.values, v)
	}
}

// normal returns a value of a schema as JSON values are in requests.
func normal(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return nil
		}
		return f
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = normal(x)
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for name, x := range v {
			m[name] = normal(x)
		}
		return m
	}
	return v
}

// sample returns a list or an object with what some schemas ask for. It may not be
// allowed by them; there is none where they go too deep.
func (a *analysis) sample(schemas []*jsonschema.Schema, t string, depth int) (any, bool) {
	if len(schemas) == 0 || depth > mostDepth {
		return nil, false
	}
	if t == "object" {
		m := map[string]any{}
		for _, s := range narrowed(schemas, t) {
			for _, name := range s.Required {
				v, ok := a.sampleOf(factsBelow(schemas, name), 0, depth+1)
				if !ok {
					return nil, false
				}
				m[name] = v
			}
		}
		return m, true
	}
	list := []any{}
	least := 0
	for _, s := range narrowed(schemas, t) {
		least = max(least, s.MinItems)
	}
	for i := range min(least, a.limits.Values) {
		v, ok := a.sampleOf(itemFacts(schemas, i), i, depth+1)
		if !ok {
			return nil, false
		}
		list = append(list, v)
	}
	return list, true
}

// sampleOf returns a value that some schemas allow, another one for each number as far as
// there are so many.
func (a *analysis) sampleOf(schemas []*jsonschema.Schema, number, depth int) (any, bool) {
	p := &place{kind: isElement, schemas: schemas, depth: depth, copies: number + 1}
	a.fill(p)
	if len(p.domain) == 0 {
		return nil, false
	}
	return p.domain[number%len(p.domain)], true
}

// itemFacts returns the schemas that hold for an element of a list.
func itemFacts(list []*jsonschema.Schema, i int) []*jsonschema.Schema {
	var items []*jsonschema.Schema
	for _, s := range narrowed(list, "array") {
		switch of := s.Items.(type) {
		case *jsonschema.Schema:
			items = facts(of, items)
		case []*jsonschema.Schema:
			if i < len(of) {
				items = facts(of[i], items)
			} else if extra, ok := s.AdditionalItems.(*jsonschema.Schema); ok {
				items = facts(extra, items)
			}
		}
		if i < len(s.PrefixItems) {
			items = facts(s.PrefixItems[i], items)
		} else if s.Items2020 != nil {
			items = facts(s.Items2020, items)
		}
	}
	return items
}
