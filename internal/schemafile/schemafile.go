package schemafile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/invopop/jsonschema"

	"github.com/mcpolicy/mcpolicy/source"
)

// A Source is what a schema is made from.
type Source struct {
	Tag   string // of the fields that take part: yaml or json
	Open  bool   // whether objects may have keys that the types do not know
	Root  any    // of the type of the whole
	Also  []any  // of types that only the rules refer to
	Names map[reflect.Type]string
	Rules []byte // a schema without what the types say, or nothing
	// Words are descriptions by "definition.key", which count before comments, and by "key",
	// which count where there is none.
	Words map[string]string
}

// Generate returns the text of the schema. It fails if a key has no description, or if a
// type or the rules leave open what a value is.
func Generate(s Source) ([]byte, error) {
	g := &generator{Source: s, comments: comments{}}
	reflector := &jsonschema.Reflector{
		FieldNameTag: s.Tag, AllowAdditionalProperties: s.Open, RequiredFromJSONSchemaTags: s.Tag == "yaml", Anonymous: true, ExpandedStruct: true,
		Mapper: g.decodedByItself, Namer: g.name, LookupComment: g.comment,
		// Fields without a tag are no keys; keys begin with a small letter or with $.
		KeyNamer: func(key string) string {
			if unicode.IsUpper([]rune(key)[0]) {
				return ""
			}
			return key
		},
	}
	doc, err := object(reflector.Reflect(s.Root))
	if err != nil {
		return nil, err
	}
	defs := below(doc, "$defs")
	for _, v := range s.Also {
		one, err := object(reflector.Reflect(v))
		if err != nil {
			return nil, err
		}
		maps.Copy(defs, below(one, "$defs"))
		delete(one, "$defs")
		delete(one, "$schema")
		defs[g.name(reflect.TypeOf(v))] = one
	}
	if len(s.Rules) > 0 {
		var rules map[string]any
		if err := json.Unmarshal(s.Rules, &rules); err != nil {
			return nil, fmt.Errorf("rules: %w", err)
		}
		overlay(doc, rules)
	}
	if len(s.Words) > 0 {
		s.describe("", doc)
		for name, def := range defs {
			if m, ok := def.(map[string]any); ok {
				s.describe(name, m)
			}
		}
	}
	for name, t := range g.decoders {
		if def, ok := defs[name].(map[string]any); ok && def["description"] == nil {
			if text := g.comment(t, ""); text != "" {
				def["description"] = text
			}
		}
	}
	if err := errors.Join(errors.Join(g.errs...), complete(doc)); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(doc)
	return b.Bytes(), err
}

// describe gives the keys of an object their descriptions.
func (s *Source) describe(name string, schema map[string]any) {
	properties, _ := schema["properties"].(map[string]any)
	for key, v := range properties {
		if v == true { // of any kind
			v = map[string]any{}
			properties[key] = v
		}
		property, ok := v.(map[string]any)
		if !ok {
			continue
		}
		if text := s.Words[name+"."+key]; text != "" {
			property["description"] = text
		} else if text := s.Words[key]; text != "" && property["description"] == nil {
			property["description"] = text
		}
	}
}

type generator struct {
	Source
	comments comments
	decoders map[string]reflect.Type
	errs     []error
}

var (
	decoder = reflect.TypeFor[source.NodeDecoder]()
	node    = reflect.TypeFor[source.Node]()
)

// decodedByItself returns the schema of a type of which only its decoder knows how it is
// written, words among them, so that the rules have to say it; nil for others.
func (g *generator) decodedByItself(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == node:
		return &jsonschema.Schema{}
	case g.Tag != "yaml" || t.Kind() != reflect.Uint8 && !reflect.PointerTo(t).Implements(decoder) || hasKeys(t):
		return nil
	}
	if g.decoders == nil {
		g.decoders = map[string]reflect.Type{}
	}
	name := g.name(t)
	g.decoders[name] = t
	return &jsonschema.Schema{Ref: "#/$defs/" + name}
}

func hasKeys(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Tag.Get("yaml") != "" })
}

// name returns what a type is called in the schema.
func (g *generator) name(t reflect.Type) string {
	if name, ok := g.Names[t]; ok {
		return name
	}
	name := strings.TrimSuffix(strings.TrimPrefix(t.Name(), "written"), "JSON")
	if name == "" { // a type without a name has no definition
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}

func (g *generator) comment(t reflect.Type, field string) string {
	text, err := g.comments.of(t, field)
	if err != nil {
		g.errs = append(g.errs, err)
	}
	return text
}

// object returns a schema as plain JSON values.
func object(s *jsonschema.Schema) (map[string]any, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	err = json.Unmarshal(data, &m)
	return m, err
}

// below returns the object under a key, which is made if it is not there.
func below(m map[string]any, key string) map[string]any {
	if _, ok := m[key].(map[string]any); !ok {
		m[key] = map[string]any{}
	}
	return m[key].(map[string]any) //nolint:errcheck // it was looked at
}

// overlay lays one object over another. What both have counts as the upper one has it, and
// what is null there is taken out.
func overlay(under, over map[string]any) {
	for key, v := range over {
		m, ok := v.(map[string]any)
		if into, both := under[key].(map[string]any); ok && both {
			overlay(into, m)
			continue
		}
		if v == nil {
			delete(under, key)
			continue
		}
		under[key] = v
	}
}

// complete reports keys that have no description, and those of which nothing says what they
// are.
func complete(doc map[string]any) error {
	var errs []error
	defs := below(doc, "$defs")
	var walk func(at string, schema map[string]any)
	walk = func(at string, schema map[string]any) {
		if ref, ok := schema["$ref"].(string); ok && defs[strings.TrimPrefix(ref, "#/$defs/")] == nil && !strings.Contains(ref, "/properties/") {
			errs = append(errs, fmt.Errorf("%s: nothing says what %s is", at, ref))
		}
		properties, _ := schema["properties"].(map[string]any)
		for key, v := range properties {
			property, ok := v.(map[string]any)
			if !ok {
				errs = append(errs, fmt.Errorf("%s.%s: the rules do not say what it is", at, key))
				continue
			}
			if !described(property, defs) {
				errs = append(errs, fmt.Errorf("%s.%s: no description", at, key))
			}
			walk(at+"."+key, property)
		}
		for _, key := range []string{"items", "additionalProperties"} {
			if m, ok := schema[key].(map[string]any); ok {
				walk(at, m)
			}
		}
	}
	walk("", doc)
	for name, def := range defs {
		if m, ok := def.(map[string]any); ok {
			walk(name, m)
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func described(schema, defs map[string]any) bool {
	if schema["description"] != nil {
		return true
	}
	ref, _ := schema["$ref"].(string)
	def, _ := defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	return def["description"] != nil
}
