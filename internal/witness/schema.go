package witness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	// The engine links this version. A second one would cost every run its
	// start-up.
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Schema is a tool's inputSchema. Nil allows everything.
type Schema struct {
	node     *source.Node
	compiled *jsonschema.Schema // nil if the schema is none: it allows nothing that is known
	err      error              // why it is none
	simple   *bool              // see exact; nil until it is asked for
}

// NewSchema reads an inputSchema, which may be nil.
func NewSchema(node *source.Node) *Schema {
	if node == nil {
		return nil
	}
	s := &Schema{node: node}
	if s.weight(node, map[*source.Node]float64{}) > heaviest {
		s.err = errors.New("it refers to something else, or to too much")
		return s
	}
	s.compiled, s.err = compile(node)
	return s
}

// compile compiles an inputSchema. The library panics on some malformed ones.
func compile(node *source.Node) (compiled *jsonschema.Schema, err error) {
	defer func() {
		if r := recover(); r != nil {
			compiled, err = nil, fmt.Errorf("it is malformed: %v", r)
		}
	}()
	schema := node.Value()
	if m, ok := schema.(map[string]any); ok && node.Get("$schema") == nil {
		// The library takes formats for assertions where the draft is only implied.
		m["$schema"] = jsonschema.Draft2020.URL()
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	const name = "mcpolicy:///inputSchema"
	c := jsonschema.NewCompiler()
	c.LoadURL = nowhere
	if err := c.AddResource(name, bytes.NewReader(text)); err != nil {
		return nil, err
	}
	return c.Compile(name)
}

// heaviest is the largest weight of a schema that values are validated against.
// Schemas come from strangers, and with a few lines of references to references
// validating can take for ever.
const heaviest = 1 << 17

// weight counts the parts of a schema, those that are referred to every time.
// A reference back counts once: it takes a step down in what is looked at.
func (s *Schema) weight(n *source.Node, known map[*source.Node]float64) float64 {
	if w, ok := known[n]; ok {
		return w
	}
	known[n] = 1
	w := 1.0
	for _, x := range n.Items {
		w += s.weight(x, known)
	}
	for _, f := range n.Fields {
		w += s.weight(f.Value, known)
		if ref := f.Value.Str(); (f.Name == "$ref" || f.Name == "$dynamicRef") && ref != "" {
			target := s.target(ref)
			if target == nil {
				return math.Inf(1)
			}
			w += s.weight(target, known)
		}
	}
	known[n] = w
	return w
}

// target returns what a reference inside the schema refers to, or nil.
func (s *Schema) target(ref string) *source.Node {
	rest, ok := strings.CutPrefix(ref, "#")
	if !ok || rest != "" && rest[0] != '/' {
		return nil
	}
	n := s.node
	for name := range strings.SplitSeq(strings.TrimPrefix(rest, "/"), "/") {
		if name != "" {
			n = n.Get(strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
		}
	}
	return n
}

// nowhere loads no schemas from elsewhere.
func nowhere(url string) (io.ReadCloser, error) {
	return nil, fmt.Errorf("it refers to %s, which is not loaded", url)
}

// Known reports whether arguments can be validated against the schema.
func (s *Schema) Known() bool { return s != nil && s.compiled != nil }

// Allows reports whether the schema allows arguments.
func (s *Schema) Allows(arguments map[string]any) bool {
	switch {
	case s == nil:
		return true
	case s.compiled == nil:
		return false
	}
	if _, ok := arguments[authz.LookedUp]; ok { // which is no argument
		arguments = maps.Clone(arguments)
		delete(arguments, authz.LookedUp)
	}
	return validates(s.compiled, arguments)
}

func validates(s *jsonschema.Schema, v any) bool { return validate(s, v) == nil }

// validate returns what a schema refuses in a value. The library panics on some
// schemas; that is an error.
func validate(s *jsonschema.Schema, v any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return s.Validate(v)
}

// A Misfit is something that a schema refuses in arguments.
type Misfit struct {
	Path    string // to what is wrong, as a JSON pointer; "" for the arguments as a whole
	Message string
}

// Misfits lists what the schema refuses in arguments. The error says why arguments
// cannot be validated against it.
func (s *Schema) Misfits(arguments map[string]any) ([]Misfit, error) {
	switch {
	case s == nil:
		return nil, nil
	case s.compiled == nil:
		return nil, s.err
	}
	err := validate(s.compiled, any(arguments))
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return nil, err
	}
	return leaves(invalid), nil
}

// leaves returns the causes of a validation error that have no causes.
func leaves(e *jsonschema.ValidationError) []Misfit {
	if len(e.Causes) == 0 {
		return []Misfit{{e.InstanceLocation, e.Message}}
	}
	var list []Misfit
	for _, c := range e.Causes {
		list = append(list, leaves(c)...)
	}
	return list
}

// base returns arguments with what the schema requires.
func (s *Schema) base() map[string]any {
	if s != nil {
		if m, ok := s.sample(s.node).(map[string]any); ok {
			return m
		}
	}
	return map[string]any{}
}

// required lists the arguments that have to be there.
func (s *Schema) required() any {
	if s == nil {
		return nil
	}
	return []any{s.node.Get("required").Value(), s.node.Get("additionalProperties").Value(), s.compiled != nil}
}

// A fact is what a schema says about one slot.
type fact struct {
	kinds   map[kind]bool // that it speaks of
	values  []any         // that it lists, and its bounds
	integer bool
	// exact says that nothing else is asked of the values.
	exact  bool
	below  any    // a value of the slot
	member any    // a member of a list there
	text   string // all that the schema says
}

func (f fact) mapping() map[string]any {
	if m, ok := f.below.(map[string]any); ok {
		return m
	}
	return map[string]any{}
}

var kindNames = map[string]kind{
	"null": isNull, "boolean": isBool, "number": isNumber, "integer": isNumber, "string": isString, "array": isList, "object": isMap,
}

// says are the keywords that a fact covers, and harmless those that ask for
// nothing.
var (
	says     = []string{"type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
	nested   = []string{"type", "properties", "required", "additionalProperties"}
	harmless = []string{"title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly"}
)

// only reports whether a schema has no other keywords than these, or harmless
// ones.
func only(n *source.Node, keywords []string) bool {
	return !slices.ContainsFunc(n.Fields, func(f source.Field) bool {
		return !slices.Contains(keywords, f.Name) && !slices.Contains(harmless, f.Name)
	})
}

// exact reports whether the schema as a whole asks for nothing that facts about
// slots do not cover.
func (s *Schema) exact() bool {
	if s == nil {
		return true
	}
	if s.simple == nil {
		extra := s.node.Get("additionalProperties")
		simple := s.compiled != nil && only(s.node, nested) && (extra == nil || extra.Is(source.Bool)) && s.Allows(s.base())
		s.simple = &simple
	}
	return *s.simple
}

// at returns what the schema says about a slot.
func (s *Schema) at(path []string) fact {
	if s == nil {
		return fact{exact: true}
	}
	n := s.node
	referred := false
	for _, name := range path {
		referred = referred || n.Get("$ref") != nil
		n = s.deref(n)
		below := n.Get("properties").Get(name)
		if below == nil {
			extra := n.Get("additionalProperties")
			// Nothing is said: anything may stand there, or nothing may.
			return fact{
				exact: !referred && n.Get("patternProperties") == nil && (extra == nil || extra.Is(source.Bool)),
				below: map[string]any{}, text: textOf(extra.Value()),
			}
		}
		n = below
	}
	if n.Is(source.Bool) {
		return fact{exact: !referred, text: textOf(n.Value())}
	}
	f := fact{kinds: map[kind]bool{}, exact: !referred && only(n, says), below: s.sample(n), text: textOf(n.Value())}
	n = s.deref(n)
	if of := n.Get("items"); of != nil {
		f.member = s.sample(of)
	}
	f.say(n)
	for _, key := range []string{"anyOf", "oneOf"} {
		for _, option := range items(n.Get(key)) {
			f.say(s.deref(option))
		}
	}
	if f.kinds[isMap] && len(f.kinds) == 1 {
		f.exact = !referred && only(n, nested) && n.Get("$ref") == nil
	} else if f.kinds[isMap] || f.kinds[isList] {
		f.exact = false
	}
	return f
}

// carries reports whether slots can stand below another: whether the schema
// allows the mapping that is put there for them.
func (s *Schema) carries(p *slot) bool {
	if s == nil || !p.parent {
		return true
	}
	arguments := any(s.base())
	for i := range p.path {
		arguments = put(arguments, p.path[:i+1], mapping{s.at(p.path[:i+1]).mapping()})
	}
	m, _ := arguments.(map[string]any)
	return s.Allows(m)
}

func items(n *source.Node) []*source.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// say takes down what a schema lists and bounds.
func (f *fact) say(n *source.Node) {
	types := items(n.Get("type"))
	if t := n.Get("type"); t.Is(source.String) {
		types = []*source.Node{t}
	}
	for _, t := range types {
		if k, ok := kindNames[t.Str()]; ok {
			f.kinds[k] = true
		}
		f.integer = f.integer || t.Str() == "integer"
	}
	for _, v := range items(n.Get("enum")) {
		f.values = append(f.values, normal(v.Value()))
	}
	if v := n.Get("const"); v != nil {
		f.values = append(f.values, normal(v.Value()))
	}
	for _, key := range says[3:] {
		if v, ok := number(n, key); ok {
			f.values = append(f.values, v)
		}
	}
}

func number(n *source.Node, key string) (float64, bool) {
	v := n.Get(key)
	if !v.Is(source.Number) {
		return 0, false
	}
	f, ok := normal(v.Value()).(float64)
	return f, ok
}

// deepest is how deep samples go.
const deepest = 12

// deref follows references inside the schema.
func (s *Schema) deref(n *source.Node) *source.Node {
	for range deepest {
		target := s.target(n.Get("$ref").Str())
		if target == nil {
			return n
		}
		n = target
	}
	return n
}

// sample returns a value that a schema may allow; whether it does is for the
// schema to say.
func (s *Schema) sample(n *source.Node) any {
	left := largest
	return s.sampleAt(n, 0, &left)
}

func (s *Schema) sampleAt(n *source.Node, depth int, left *int) any {
	n = s.deref(n)
	if *left--; depth > deepest || *left < 0 {
		return nil
	}
	for _, key := range []string{"enum", "examples", "anyOf", "oneOf", "allOf"} {
		list := items(n.Get(key))
		if len(list) == 0 {
			continue
		}
		if strings.HasSuffix(key, "Of") {
			if n.Get("properties") != nil || n.Get("type") != nil {
				continue
			}
			return s.sampleAt(list[0], depth+1, left)
		}
		return normal(list[0].Value())
	}
	for _, key := range []string{"const", "default"} {
		if v := n.Get(key); v != nil && !v.Is(source.Null) {
			return normal(v.Value())
		}
	}
	kind := n.Get("type").Str()
	if types := items(n.Get("type")); len(types) > 0 {
		kind = types[0].Str()
	}
	switch kind {
	case "boolean":
		return true
	case "number", "integer":
		return sampleNumber(n)
	case "string":
		return sampleText(n)
	case "null":
		return nil
	case "array":
		list := []any{}
		least, _ := number(n, "minItems")
		for range int(min(least, deepest)) {
			list = append(list, s.sampleAt(n.Get("items"), depth+1, left))
		}
		return list
	case "":
		if n.Get("properties") == nil && n.Get("required") == nil && depth > 0 {
			return "other"
		}
	}
	m := map[string]any{}
	for _, name := range items(n.Get("required")) {
		m[name.Str()] = s.sampleAt(n.Get("properties").Get(name.Str()), depth+1, left)
	}
	return m
}

func sampleNumber(n *source.Node) any {
	if v, ok := number(n, "minimum"); ok {
		return v
	}
	if v, ok := number(n, "exclusiveMinimum"); ok {
		return v + 1
	}
	if v, ok := number(n, "maximum"); ok && v < 1 {
		return v
	}
	if v, ok := number(n, "multipleOf"); ok {
		return v
	}
	return 1.0
}

var formats = map[string]string{
	"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "time": "12:00:00Z", "email": "someone@example.com",
	"uri": "https://example.com/", "uuid": "00000000-0000-4000-8000-000000000000", "hostname": "example.com", "ipv4": "192.0.2.1",
}

func sampleText(n *source.Node) any {
	text := "other"
	if f, ok := formats[n.Get("format").Str()]; ok {
		text = f
	}
	if re, err := regexp.Compile(n.Get("pattern").Str()); err == nil && n.Get("pattern") != nil {
		if s, ok := matchOf(re); ok {
			text = s
		}
	}
	if least, ok := number(n, "minLength"); ok && float64(len(text)) < least && least <= largest {
		text += strings.Repeat("x", int(least)-len(text))
	}
	if most, ok := number(n, "maxLength"); ok && most >= 0 && float64(len(text)) > most {
		text = text[:int(most)]
	}
	return text
}
