package policy

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// checkSchemas refuses schemas that lead out of the folder. The engine's library
// loads what a schema refers to, from the network and from any file; schemas can
// be a stranger's. Those are looked at that policies refer to, and what these
// refer to below _schemas. A schema that is no JSON
// is left to the engine, which cannot read it either.
func (s *Set) checkSchemas() error {
	c := schemaChecker{set: s, seen: map[string]bool{}}
	for p := range s.enabled() {
		for _, ref := range []*SchemaRef{p.PrincipalSchema, p.ResourceSchema} {
			if ref == nil {
				continue
			}
			if base := ref.base(); base != "" {
				c.bare = append(c.bare, base)
			}
			c.queue = append(c.queue, ref.Ref.Value)
		}
	}
	for len(c.queue) > 0 {
		ref := &SchemaRef{Ref: Text{Value: c.queue[0]}}
		c.queue = c.queue[1:]
		if schema := s.Schema(ref); schema != nil && !c.seen[ref.Ref.Value] {
			c.seen[ref.Ref.Value] = true
			c.check(schema, ref)
		}
	}
	slices.SortStableFunc(c.errs, func(a, b *source.Error) int { return a.Pos.Compare(b.Pos) })
	var errs []error
	for _, err := range c.errs {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

type schemaChecker struct {
	set   *Set
	bare  []string // the URLs of schemas that policies name by a bare path
	queue []string // references to schemas that are still to be looked at
	seen  map[string]bool
	errs  []*source.Error
}

// bareScheme is the scheme used here for a schema that is named by a bare path, of
// which the library makes a URL. No schema can name it, so only references relative
// to such a schema have it.
const bareScheme = "bare-path"

// base returns the URL of a schema that is named by a bare path, or "".
func (ref *SchemaRef) base() string {
	u, err := url.Parse(ref.Ref.Value)
	if err != nil || u.Scheme != "" {
		return ""
	}
	return bareScheme + ":///" + strings.TrimPrefix(u.Path, "/")
}

// check looks at one schema, by the reference that leads to it.
func (c *schemaChecker) check(schema *Schema, ref *SchemaRef) {
	root, err := schema.Parse()
	var mistake *source.Error
	switch {
	case err == nil:
	case json.Valid(schema.Data) && errors.As(err, &mistake): // so the library would read it
		c.errs = append(c.errs, mistake)
		return
	default:
		return
	}
	w := schemaWalker{draft: schemaDrafts[draftOf(root.Get("$schema").Str())]}
	start := ref.base()
	if start == "" {
		start, _, _ = strings.Cut(ref.Ref.Value, "#")
	}
	w.own = map[string]bool{start: true}
	w.schema(root, start)
	if slices.ContainsFunc(w.refs, foundRef.intoValues) {
		w.refs, w.values = nil, true
		w.schema(root, start)
	}
	for _, r := range w.refs {
		switch target, fragment, _ := strings.Cut(r.url, "#"); {
		case w.own[target], slices.Contains(c.bare, target), isBuiltIn(target, fragment):
		case isCerbos(target):
			c.queue = append(c.queue, target)
		case strings.HasPrefix(target, bareScheme+":"):
			c.errs = append(c.errs, source.Errorf(r.pos, "this %s leads to %q, which is not read: name a file below %s as cerbos:///FILE", r.keyword, r.text, schemaFolder))
		default:
			c.errs = append(c.errs, source.Errorf(r.pos, "this %s leads to %s, which is not read: a schema may refer to itself, and to files below %s as cerbos:///FILE", r.keyword, target, schemaFolder))
		}
	}
}

func isCerbos(target string) bool {
	u, err := url.Parse(target)
	return err == nil && u.Scheme == "cerbos" && u.Host == "" && strings.HasPrefix(u.Path, "/")
}

// A schemaDraft is what a version of JSON Schema has of its own about identifiers.
type schemaDraft struct {
	id       string // the keyword
	refAlone bool   // a reference makes the identifier beside it mean nothing
}

// schemaDrafts are the versions that the library has built in, by their URLs.
var schemaDrafts = map[string]schemaDraft{
	"https://json-schema.org/schema":               {id: "$id"},
	"https://json-schema.org/draft/2020-12/schema": {id: "$id"},
	"https://json-schema.org/draft/2019-09/schema": {id: "$id"},
	"https://json-schema.org/draft-07/schema":      {id: "$id", refAlone: true},
	"https://json-schema.org/draft-06/schema":      {id: "$id", refAlone: true},
	"https://json-schema.org/draft-04/schema":      {id: "id", refAlone: true},
}

const latestDraft = "https://json-schema.org/draft/2020-12/schema"

// draftOf returns the URL of the version that $schema names.
func draftOf(schema string) string {
	schema = strings.TrimSuffix(strings.TrimSuffix(schema, "/"), "#")
	if rest, ok := strings.CutPrefix(schema, "http://"); ok {
		schema = "https://" + rest
	}
	if _, ok := schemaDrafts[schema]; ok {
		return schema
	}
	return latestDraft
}

// vocabularies are the other schemas that the library has built in.
var vocabularies = map[string][]string{
	"https://json-schema.org/draft/2019-09/meta/": {"core", "applicator", "validation", "meta-data", "format", "content"},
	"https://json-schema.org/draft/2020-12/meta/": {
		"core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "format-assertion", "content",
	},
}

// isBuiltIn reports whether the library has what a URL names. Of the schemas of
// drafts it has the whole alone: for a part of one it goes to the network.
func isBuiltIn(target, fragment string) bool {
	for prefix := range maps.Keys(vocabularies) {
		if name, ok := strings.CutPrefix(target, prefix); ok && slices.Contains(vocabularies[prefix], name) {
			return true
		}
	}
	if rest, ok := strings.CutPrefix(target, "http://"); ok {
		target = "https://" + rest
	}
	_, ok := schemaDrafts[target]
	return ok && (fragment == "" || fragment == "/")
}

// A schemaWalker collects the references of one schema.
type schemaWalker struct {
	draft  schemaDraft
	own    map[string]bool // the URLs of the schema and its parts
	values bool            // go through values too, for a reference may take one for a schema
	refs   []foundRef
}

type foundRef struct {
	keyword, text, url string
	pos                source.Pos
}

// intoValues reports whether the reference may lead to what stands as a value in
// a schema.
func (r foundRef) intoValues() bool {
	_, fragment, _ := strings.Cut(r.url, "#")
	if text, err := url.PathUnescape(fragment); err == nil {
		fragment = text
	}
	return slices.ContainsFunc([]string{"const", "enum", "default", "example"}, func(keyword string) bool {
		return strings.Contains(fragment, "/"+keyword)
	})
}

// schema goes through a schema and those inside it. What stands under a keyword
// that is not known is taken for a schema: a reference can make it one.
func (w *schemaWalker) schema(n *source.Node, base string) {
	if n.Is(source.Sequence) {
		for _, item := range n.Items {
			w.schema(item, base)
		}
	}
	if !n.Is(source.Mapping) {
		return
	}
	if id := n.Get(w.draft.id).Str(); id != "" && (!w.draft.refAlone || n.Get("$ref") == nil) {
		base, _, _ = strings.Cut(resolve(base, id), "#")
		w.own[base] = true
	}
	for _, f := range n.Fields {
		switch f.Name {
		case "$ref", "$dynamicRef", "$recursiveRef", "$schema":
			if f.Value.Is(source.String) {
				w.refs = append(w.refs, foundRef{f.Name, f.Value.Text, resolve(base, f.Value.Text), f.Value.Pos})
			}
		case "const", "enum", "default", "example", "examples":
			if w.values {
				w.schema(f.Value, base)
			}
		case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies":
			for _, named := range f.Value.Fields {
				w.schema(named.Value, base)
			}
		default:
			w.schema(f.Value, base)
		}
	}
}

// resolve returns the URL that a reference names, as the library does. One that
// is no URL names what the base does: the library refuses it.
func resolve(base, ref string) string {
	if strings.HasPrefix(ref, "urn:") {
		return ref
	}
	u, err := url.Parse(ref)
	switch {
	case ref == "" || err != nil:
		return base
	case u.IsAbs():
		return ref
	case strings.HasPrefix(base, "urn:"):
		return base + ref
	}
	b, err := url.Parse(base)
	if err != nil {
		return base
	}
	return b.ResolveReference(u).String()
}
