package scaffold

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// A class is what arguments of a kind say about a call, and the attribute of a principal that
// they are held to.
type class struct {
	name, attribute string
	words           []string // the last words of an argument's name, without id, name, key or slug
	says            string   // what the attribute is, for comments
}

// The classes, those that say the most first.
var (
	owner     = &class{"owner", "owner", []string{"owner", "org", "organization", "organisation", "tenant", "workspace"}, "whose it is: an organisation, a tenant, a workspace"}
	projectOf = &class{"project", "project", []string{"project"}, "the project that they work on"}
	namespace = &class{"namespace", "namespace", []string{"namespace", "ns"}, "the namespace that is theirs"}
	region    = &class{"region", "region", []string{"region"}, "the region that they look after"}
	root      = &class{"path", "root", []string{"path", "paths", "filepath", "directory", "dir", "folder"}, "the folder below which they work"}
	limit     = &class{"amount", "limit", []string{"amount"}, "as much as they may move at once"}

	classes = []*class{owner, projectOf, namespace, region, root, limit}
)

// suffixes are last words of names that say how a thing is named, not which thing it is.
var suffixes = []string{"id", "name", "key", "slug"}

// classOf returns the class of an argument by its name, or nil.
func classOf(name string) *class {
	words := manifest.Words(name)
	if len(words) > 1 && slices.Contains(suffixes, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 0 || len(words) > 2 {
		return nil
	}
	for _, c := range classes {
		if slices.Contains(c.words, words[len(words)-1]) {
			return c
		}
	}
	return nil
}

// An argument is one of a tool that says whose or how much a call is about.
type argument struct {
	name     string
	class    *class
	required bool
	schema   *source.Node
}

// argumentsOf returns the arguments of a tool that conditions can be about. Of paths nothing is said
// where something else says whose the call is: those are paths within that.
func argumentsOf(tool *manifest.Item) []argument {
	schema := tool.ArgumentsSchema()
	properties := schema.Get("properties")
	if properties == nil || !properties.Is(source.Mapping) {
		return nil
	}
	required := map[string]bool{}
	if list := schema.Get("required"); list != nil {
		for _, n := range list.Items {
			required[n.Str()] = true
		}
	}
	var found []argument
	scoped := false
	for _, f := range properties.Fields {
		if c := classOf(f.Name); c != nil && utf8.ValidString(f.Name) {
			found = append(found, argument{f.Name, c, required[f.Name], f.Value})
			scoped = scoped || c != root && c != limit
		}
	}
	return slices.DeleteFunc(found, func(a argument) bool { return scoped && a.class == root })
}

// takes reports whether a schema takes a text or a number, as far as its own words say. What it
// refers to is not looked at.
func takes(schema *source.Node, v any) bool {
	if schema == nil || !schema.Is(source.Mapping) {
		return false
	}
	for _, f := range schema.Fields {
		switch f.Name {
		case "type":
			if !typeTakes(f.Value, v) {
				return false
			}
		case "enum":
			if !slices.ContainsFunc(f.Value.Items, func(n *source.Node) bool { return same(n, v) }) {
				return false
			}
		case "const":
			if !same(f.Value, v) {
				return false
			}
		case "anyOf", "oneOf":
			if !slices.ContainsFunc(f.Value.Items, func(n *source.Node) bool { return takes(n, v) }) {
				return false
			}
		case "pattern":
			text, isText := v.(string)
			if re, err := regexp.Compile(f.Value.Str()); isText && (err != nil || !re.MatchString(text)) {
				return false
			}
		case "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
			if !within(f.Name, f.Value, v) {
				return false
			}
		case "format", "$ref", "allOf", "not", "if", "multipleOf":
			return false
		}
	}
	return schema.Get("type") != nil || schema.Get("enum") != nil || schema.Get("anyOf") != nil || schema.Get("oneOf") != nil
}

func typeTakes(types *source.Node, v any) bool {
	names := []string{types.Str()}
	for _, n := range types.Items {
		names = append(names, n.Str())
	}
	if _, isText := v.(string); isText {
		return slices.Contains(names, "string")
	}
	return slices.Contains(names, "number") || slices.Contains(names, "integer")
}

func same(n *source.Node, v any) bool {
	if text, isText := v.(string); isText {
		return n.Is(source.String) && n.Text == text
	}
	x, ok := n.Value().(float64)
	return ok && x == v
}

func within(key string, bound *source.Node, v any) bool {
	x, err := strconv.ParseFloat(bound.Text, 64)
	if err != nil {
		return false
	}
	have, isNumber := v.(float64)
	if strings.HasSuffix(key, "Length") {
		text, isText := v.(string)
		if !isText {
			return true
		}
		have, isNumber = float64(utf8.RuneCountInString(text)), true
	}
	switch {
	case !isNumber:
		return true
	case strings.HasPrefix(key, "min"):
		return have >= x
	case strings.HasPrefix(key, "max"):
		return have <= x
	case key == "exclusiveMinimum":
		return have > x
	}
	return have < x
}

// valueFor returns what a principal of a project that was just made has of a class: one for which each
// schema takes calls on both sides, as far as there is one. It reports which schemas do.
func valueFor(c *class, schemas []*source.Node) (value any, fits func(*source.Node) bool) {
	var best any
	most := 0
	for _, v := range c.candidates(schemas) {
		n := 0
		for _, s := range schemas {
			if c.tellsApart(s, v) {
				n++
			}
		}
		if n > most {
			best, most = v, n
		}
	}
	return best, func(s *source.Node) bool { return most > 0 && c.tellsApart(s, best) }
}

// candidates lists values for the attribute: one of our own first, then those that schemas list.
func (c *class) candidates(schemas []*source.Node) []any {
	if c == limit {
		return []any{100.0, 1000.0, 10.0}
	}
	if c == root {
		return []any{"/srv/team"}
	}
	list := []any{map[*class]string{owner: "acme", projectOf: "atlas", namespace: "team-a", region: "eu-west-1"}[c], "1", "A1", "EMEA"}
	for _, s := range schemas {
		list = append(list, enumOf(s)...)
	}
	return list
}

// enumOf lists the texts of an enum, also below anyOf.
func enumOf(schema *source.Node) []any {
	var list []any
	if schema == nil {
		return nil
	}
	if e := schema.Get("enum"); e != nil {
		for _, n := range e.Items {
			if n.Is(source.String) {
				list = append(list, n.Text)
			}
		}
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if of := schema.Get(key); of != nil {
			for _, n := range of.Items {
				list = append(list, enumOf(n)...)
			}
		}
	}
	return list
}

// tellsApart reports whether an argument may be what the attribute allows, and something else.
func (c *class) tellsApart(schema *source.Node, v any) bool {
	switch c {
	case limit:
		x := v.(float64)
		return takes(schema, x) && takes(schema, x+1)
	case root:
		return takes(schema, v.(string)+"/a") && takes(schema, "/etc/a") && takes(schema, v.(string)+"/../a")
	}
	if !takes(schema, v) {
		return false
	}
	others := append([]any{"other", "2", "B2"}, enumOf(schema)...)
	return slices.ContainsFunc(others, func(o any) bool { return o != v && takes(schema, o) })
}
