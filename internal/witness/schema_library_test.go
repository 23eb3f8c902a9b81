package witness

import (
	"encoding/json"
	"errors"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"

	other "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestDifferentialSchemas holds what schemas allow to what a second library says,
// which costs too much at the start of every run to be linked in.
func TestDifferentialSchemas(t *testing.T) {
	r := rand.New(rand.NewSource(11)) //nolint:gosec // the same schemas each time
	decisions := 0
	for range rounds.Of(1_000, 8_000) {
		text, err := json.Marshal(randomSchema(r, 3))
		if err != nil {
			t.Fatal(err)
		}
		node, err := source.ParseJSON("schema.json", text)
		if err != nil {
			t.Fatal(err)
		}
		s := NewSchema(node)
		if s.weight(node, map[*source.Node]float64{}) > heaviest {
			continue // neither library is asked
		}
		reference := compileOtherwise(node)
		// The other library finds a circle of references only when it gets there.
		if circle := strings.Contains(string(text), `"$ref":"#`); s.Known() != (reference != nil) && (s.Known() || !circle) {
			t.Errorf("known %t: %s", s.Known(), text)
		}
		for i := 0; s.Known() && reference != nil && i < 10; i++ {
			arguments := s.base()
			for range r.Intn(3) {
				arguments[oneOf(r, "a", "b", "c")] = randomValue(r, 2)
			}
			decisions++
			if got, want := s.Allows(arguments), reference.Validate(arguments) == nil; got != want {
				t.Errorf("allows %v: %t, and %t to the other library: %s", arguments, got, want, text)
			}
		}
	}
	t.Logf("%d decisions", decisions)
}

type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errors.New("not loaded") }

func compileOtherwise(node *source.Node) *other.Schema {
	const name = "mcpolicy:///inputSchema"
	c := other.NewCompiler()
	c.UseLoader(noLoader{})
	if err := c.AddResource(name, node.Value()); err != nil {
		return nil
	}
	s, err := c.Compile(name)
	if err != nil {
		return nil
	}
	return s
}

func oneOf[T any](r *rand.Rand, of ...T) T { return of[r.Intn(len(of))] }

func randomValue(r *rand.Rand, depth int) any {
	switch {
	case depth > 0 && r.Intn(4) == 0:
		return []any{randomValue(r, depth-1), randomValue(r, depth-1)}[:r.Intn(3)]
	case depth > 0 && r.Intn(4) == 0:
		return map[string]any{oneOf(r, "a", "b"): randomValue(r, depth-1)}
	}
	return oneOf[any](r, nil, true, 0.0, 3.0, -1.5, "", "east", "2026-01-31", "someone@example.com", "a longer text")
}

// randomSchema makes a schema of keywords that take schemas, and others.
func randomSchema(r *rand.Rand, depth int) any {
	if depth == 0 || r.Intn(12) == 0 {
		return oneOf[any](r, true, false, map[string]any{"type": oneOf(r, "string", "number", "integer", "object", "array", "null")})
	}
	below := func() any { return randomSchema(r, depth-1) }
	list := func() any { return []any{below(), below()}[:1+r.Intn(2)] }
	named := func() any { return map[string]any{oneOf(r, "a", "b", "c"): below(), oneOf(r, "a", "b"): below()} }
	makers := map[string]func() any{
		"type":     func() any { return oneOf[any](r, "object", "string", "integer", []any{"number", "null"}) },
		"enum":     func() any { return []any{randomValue(r, 1), randomValue(r, 1)} },
		"const":    func() any { return randomValue(r, 2) },
		"minimum":  func() any { return r.Intn(4) },
		"pattern":  func() any { return oneOf(r, "^e", "t$", "[0-9]+", "[") },
		"format":   func() any { return oneOf(r, "date", "email", "uuid", "colour") },
		"required": func() any { return []any{oneOf(r, "a", "b")} },
		"items":    below, "contains": below, "not": below, "if": below, "then": below, "else": below, "propertyNames": below,
		"additionalProperties": below, "unevaluatedProperties": below,
		"allOf": list, "anyOf": list, "oneOf": list, "prefixItems": list,
		"properties": named, "dependentSchemas": named, "$defs": named,
		"patternProperties": func() any { return map[string]any{"^[ab]": below()} },
		"uniqueItems":       func() any { return true },
		"multipleOf":        func() any { return oneOf(r, 0.5, 2.0, 0.0) },
		"maxLength":         func() any { return r.Intn(8) },
		"minProperties":     func() any { return r.Intn(3) },
		"$ref":              func() any { return oneOf(r, "#/$defs/a", "#/properties/b", "https://example.com/s") },
	}
	s := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(makers)) {
		if r.Intn(8) == 0 {
			s[name] = makers[name]()
		}
	}
	if depth == 3 && r.Intn(3) == 0 {
		s["$schema"] = oneOf(r, "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-04/schema#")
	}
	return s
}
