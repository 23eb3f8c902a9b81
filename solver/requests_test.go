package solver_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A writer writes requests for a condition, within its schemas: of the condition's
// constants and of what is beside them, of values that stand elsewhere in the request, and of
// requests that are known to come to something, with a change.
type writer struct {
	*rand.Rand
	texts   []string
	numbers []float64
	names   map[string][]string // that are read below a root
	schemas map[string]any
	allows  map[string]func(any) bool
	anyTime bool
	seen    []any // values of the request at hand
}

const (
	ofArguments  = "R.attr.arguments"
	ofAttributes = "P.attr"
	ofClaims     = "request.auxData.jwt"
)

func newWriter(t *testing.T, c *labelled, text string) *writer {
	t.Helper()
	e, err := expr.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	g := &writer{
		Rand:  rand.New(rand.NewPCG(uint64(len(text)), 3)), //nolint:gosec // the same each time
		names: map[string][]string{}, schemas: map[string]any{ofArguments: c.Schema, ofAttributes: c.Attributes, ofClaims: c.JWT},
		allows: map[string]func(any) bool{}, anyTime: c.Now == "any",
	}
	for root, schema := range g.schemas {
		g.allows[root] = solver.Allows(schema)
	}
	g.read(e)
	for _, schema := range g.schemas {
		g.constantsOf(schema)
	}
	return g
}

// read collects the constants of an expression and the names that it selects.
func (g *writer) read(e ast.Expr) {
	switch e.Kind() { //nolint:exhaustive // the others have neither
	case ast.LiteralKind:
		if v, ok := expr.JSON(e.AsLiteral()); ok {
			g.constantsOf(v)
		}
	case ast.SelectKind:
		g.texts = append(g.texts, e.AsSelect().FieldName())
	}
	if path, exact := expr.Path(e); exact {
		full := strings.Join(path, ".")
		for root := range g.schemas {
			if below, ok := strings.CutPrefix(strings.Replace(full, "aux_data", "auxData", 1), root+"."); ok {
				g.names[root] = append(g.names[root], strings.Split(below, ".")...)
			}
		}
	}
	for _, x := range expr.Children(e) {
		g.read(x)
	}
}

// constantsOf collects the scalars in a value.
func (g *writer) constantsOf(v any) {
	switch v := v.(type) {
	case string:
		g.texts = append(g.texts, v)
	case float64:
		g.numbers = append(g.numbers, v)
	case int:
		g.numbers = append(g.numbers, float64(v))
	case []any:
		for _, x := range v {
			g.constantsOf(x)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			g.constantsOf(v[name])
		}
	}
}

// request returns a request that the schemas allow, and its time, unless it finds none.
func (g *writer) request(w *solver.World, shown []authz.Request) (authz.Request, time.Time, bool) {
	r := w.Requests[0]
	r.Unknown, r.AnyPrincipal = nil, false
	of := map[string]map[string]any{}
	g.seen = nil
	known := len(shown) > 0 && g.IntN(2) == 0
	id := g.text()
	if known {
		from := shown[g.IntN(len(shown))]
		arguments, _ := from.Resource.Attr["arguments"].(map[string]any)
		of[ofArguments], of[ofAttributes], of[ofClaims] = arguments, from.Principal.Attr, from.Principal.AuxData
		for _, m := range of {
			g.note(m)
		}
		if g.IntN(3) > 0 {
			id = from.Principal.ID
		}
	}
	g.seen = append(g.seen, id)
	for _, root := range []string{ofArguments, ofAttributes, ofClaims} {
		if of[root] = g.allowed(root, of[root], known); of[root] == nil {
			return r, noon, false
		}
	}
	if id == "" {
		id = "someone"
	}
	if text, ok := g.pick(g.seen...).(string); ok && text != "" && g.IntN(4) == 0 {
		id = text
	}
	r.Principal = &authz.Principal{ID: id, Roles: r.Principal.Roles, Attr: of[ofAttributes], AuxData: of[ofClaims]}
	r.Resource.Attr = maps.Clone(r.Resource.Attr)
	r.Resource.Attr["arguments"] = of[ofArguments]
	now := noon
	if g.anyTime {
		now = noon.Add(time.Duration(g.IntN(3*365*24*60)-365*24*60) * time.Minute)
		for _, text := range g.texts {
			if at, err := time.Parse(time.RFC3339, text); err == nil && g.IntN(3) == 0 {
				now = at.Add(time.Duration(g.IntN(3) - 1))
			}
		}
	}
	return r, now, true
}

// allowed returns an object for a root: one at random, or a known one with a change. It is nil
// if none is found.
func (g *writer) allowed(root string, from map[string]any, known bool) map[string]any {
	for range 40 {
		var of map[string]any
		if known {
			if of, _ = g.changed(from, g.schemas[root], root).(map[string]any); from == nil {
				of = map[string]any{}
			}
		} else {
			of, _ = g.value(g.schemas[root], root, 0).(map[string]any)
		}
		if of != nil && g.allows[root](of) {
			return of
		}
	}
	return nil
}

// changed returns a value with one change in it, or none.
func (g *writer) changed(v, schema any, root string) any {
	switch v := v.(type) {
	case map[string]any:
		of := maps.Clone(v)
		names := append(slices.Sorted(maps.Keys(v)), g.names[root]...)
		if of == nil || len(names) == 0 {
			return v
		}
		name := names[g.IntN(len(names))]
		switch g.IntN(4) {
		case 0:
			delete(of, name)
		case 1:
			of[name] = g.value(below(schema, name), "", 1)
		case 2:
			if x, there := of[name]; there {
				of[name] = g.changed(x, below(schema, name), root)
			}
		}
		return of
	case []any:
		list := slices.Clone(v)
		if len(list) > 0 && g.IntN(2) == 0 {
			i := g.IntN(len(list))
			if g.IntN(2) == 0 {
				return slices.Delete(list, i, i+1)
			}
			list[i] = g.changed(list[i], below(schema, "[]"), root)
			return list
		}
		return append(list, g.value(below(schema, "[]"), "", 1))
	case string:
		if g.IntN(2) == 0 {
			return g.beside(v)
		}
	case float64:
		if g.IntN(2) == 0 {
			return []float64{v + 1, v - 1, math.Nextafter(v, math.Inf(1)), math.Nextafter(v, math.Inf(-1)), -v, v * 2, v / 2}[g.IntN(7)]
		}
	}
	return g.value(schema, "", 1)
}

// below returns the schema of a property, or of the elements.
func below(schema any, name string) any {
	m, _ := schema.(map[string]any)
	if name == "[]" {
		return m["items"]
	}
	if properties, ok := m["properties"].(map[string]any); ok && properties[name] != nil {
		return properties[name]
	}
	if extra, ok := m["additionalProperties"].(map[string]any); ok {
		return extra
	}
	return nil
}

// note keeps the scalars of a value for other places.
func (g *writer) note(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			g.seen = append(g.seen, name)
			g.note(v[name])
		}
	case []any:
		for _, x := range v {
			g.note(x)
		}
	case string, float64:
		g.seen = append(g.seen, v)
	}
}

func (g *writer) pick(of ...any) any {
	if len(of) == 0 {
		return nil
	}
	return of[g.IntN(len(of))]
}

// value returns a value for a schema, mostly one that it allows.
func (g *writer) value(schema any, root string, depth int) any {
	m, _ := schema.(map[string]any)
	for _, key := range []string{"anyOf", "oneOf"} {
		if list, ok := m[key].([]any); ok {
			return g.value(g.pick(list...), root, depth)
		}
	}
	if list, ok := m["enum"].([]any); ok && g.IntN(8) > 0 {
		v := g.pick(list...)
		if n, isInt := v.(int); isInt {
			v = float64(n)
		}
		g.seen = append(g.seen, v)
		return v
	}
	if v, ok := m["const"]; ok {
		return v
	}
	t, _ := m["type"].(string)
	if types, ok := m["type"].([]any); ok {
		t, _ = g.pick(types...).(string)
	}
	if root != "" {
		t = "object"
	}
	if t == "" {
		t = []string{"string", "string", "string", "number", "number", "boolean", "array", "object", "null"}[g.IntN(9)]
	}
	switch t {
	case "object":
		return g.object(m, root, depth)
	case "array":
		list := []any{}
		if depth < 4 {
			for range g.IntN(5) {
				list = append(list, g.value(m["items"], "", depth+1))
			}
		}
		if text := g.seen; len(text) > 0 && g.IntN(4) == 0 {
			list = append(list, g.pick(text...))
		}
		return list
	case "boolean":
		return g.IntN(2) == 0
	case "null":
		return nil
	case "string":
		v := g.text()
		g.seen = append(g.seen, v)
		return v
	}
	v := g.number(t == "integer")
	g.seen = append(g.seen, v)
	return v
}

func (g *writer) object(m map[string]any, root string, depth int) any {
	of := map[string]any{}
	properties, _ := m["properties"].(map[string]any)
	names := append(slices.Sorted(maps.Keys(properties)), g.names[root]...)
	required, _ := m["required"].([]any)
	if root == "" && depth < 3 {
		for range g.IntN(3) {
			names = append(names, g.text())
		}
		for _, all := range g.names {
			names = append(names, all...)
		}
	}
	for _, name := range names {
		must := slices.Contains(required, any(name))
		if _, named := properties[name]; !named && !must && m["additionalProperties"] == false && g.IntN(6) > 0 {
			continue
		}
		if must && g.IntN(20) > 0 || g.IntN(4) > 0 {
			of[name] = g.value(below(m, name), "", depth+1)
		}
	}
	return of
}

func (g *writer) number(whole bool) float64 {
	x := float64(g.IntN(40) - 10)
	if len(g.numbers) > 0 && g.IntN(4) > 0 {
		x = g.numbers[g.IntN(len(g.numbers))]
	}
	if g.IntN(3) == 0 {
		if v, ok := g.pick(g.seen...).(float64); ok {
			x = v
		}
	}
	switch g.IntN(9) {
	case 0:
		x++
	case 1:
		x--
	case 2:
		x = math.Nextafter(x, math.Inf(1))
	case 3:
		x = math.Nextafter(x, math.Inf(-1))
	case 4:
		x = x*g.Float64()*2 + 0.5
	case 5:
		x = []float64{0, -x, x * 1e9, 1e300, -1e300, 1 << 53, 0.1, 1 << 63}[g.IntN(8)]
	}
	if whole {
		x = math.Trunc(x)
	}
	return x
}

// forms are texts of the forms that functions read.
var forms = []string{
	"", "a", "b", "other", " ", "é", "\x00", "A", "10.20.0.1", "10.20.99.7", "10.0.0.1", "169.254.1.1", "::1", "2001:db8:7::5", "::ffff:10.20.0.1", "10.20.0.0/16",
	"2026-07-01T12:00:00Z", "2026-07-01T11:59:59.999999999Z", "2026-07-02T00:00:00+02:00", "2019-02-03T04:05:06Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-07-01",
	"1h", "8h", "-1h", "9h0m0.1s", "12", "443", "1024", "1023", "-5", "1e3", "a.b", "a.b.c", "a:b", "a/b", "a@b", "aGVsbG8=", "123e4567-e89b-12d3-a456-426614174000",
}

func (g *writer) text() string {
	text := forms[g.IntN(len(forms))]
	if len(g.texts) > 0 && g.IntN(3) > 0 {
		text = g.texts[g.IntN(len(g.texts))]
	}
	if g.IntN(4) == 0 {
		switch v := g.pick(g.seen...).(type) {
		case string:
			text = v
		case float64:
			text = strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && g.IntN(2) == 0 {
		by := []time.Duration{1, -1, time.Second, -time.Hour, 24 * time.Hour, -24 * time.Hour, 5000 * time.Hour, -9000 * time.Hour, 15 * time.Minute, 1009 * time.Hour}
		return at.Add(by[g.IntN(len(by))]).Format(time.RFC3339Nano)
	}
	if g.IntN(2) == 0 {
		return g.beside(text)
	}
	return text
}

// beside returns a text near another.
func (g *writer) beside(text string) string {
	other := ""
	if len(g.texts) > 0 {
		other = g.texts[g.IntN(len(g.texts))]
	}
	if s, ok := g.pick(g.seen...).(string); ok && g.IntN(2) == 0 {
		other = s
	}
	i := g.IntN(len(text) + 1)
	for !utf8.ValidString(text[:i]) {
		i--
	}
	switch g.IntN(10) {
	case 0:
		return text + other
	case 1:
		return other + text
	case 2:
		return text[:i]
	case 3:
		return text[i:]
	case 4:
		return strings.ToUpper(text)
	case 5:
		return strings.ToLower(text)
	case 6:
		return text[:i] + other + text[i:]
	case 7:
		return text + forms[g.IntN(len(forms))]
	case 8:
		return other + []string{".", "/", "-", ":", ",", "@", " "}[g.IntN(7)] + text
	}
	return text + string(rune('a'+g.IntN(26)))
}
