package policy

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// A SchemaRef is a resource policy's reference to a JSON schema.
type SchemaRef struct {
	Ref        Text   // cerbos:///path.json, or a bare path
	IgnoreWhen []Text // patterns of actions that are not validated
}

// A Schema is a JSON schema file.
type Schema struct {
	Path string // below _schemas
	File string
	Data []byte
}

// Parse returns the schema as a tree. Only schemas that a policy refers to
// have to be in order, so loading does not look into them.
func (s *Schema) Parse() (*source.Node, error) {
	root, err := source.ParseJSON(s.File, s.Data)
	if err != nil {
		return nil, fmt.Errorf("parse schema: %w", err)
	}
	return root, nil
}

// Schema returns the schema that a reference names, or nil if it is not among
// those below _schemas.
func (s *Set) Schema(ref *SchemaRef) *Schema {
	if ref == nil {
		return nil
	}
	return s.Schemas[ref.path()]
}

// path returns the path below _schemas that the reference names, or "".
func (ref *SchemaRef) path() string {
	u, err := url.Parse(ref.Ref.Value)
	if err != nil || u.Scheme != "" && u.Scheme != "cerbos" {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// NearSchema returns the path below _schemas that a reference which begins in a
// line of a file is most likely a slip of, or "" if it names one that is there.
func (s *Set) NearSchema(file string, line int) string {
	for p := range s.enabled() {
		for _, ref := range []*SchemaRef{p.PrincipalSchema, p.ResourceSchema} {
			if ref == nil || p.File != file || ref.Ref.Pos.Line != line || s.Schema(ref) != nil || ref.path() == "" {
				continue
			}
			return source.NearestFile(ref.path(), slices.Sorted(maps.Keys(s.Schemas)))
		}
	}
	return ""
}

func (r *reader) schemaRef(schemas *source.Node, name string) *SchemaRef {
	n := r.mapping(schemas, name)
	if n == nil {
		return nil
	}
	return &SchemaRef{
		Ref:        r.text(n, "ref"),
		IgnoreWhen: r.texts(r.mapping(n, "ignoreWhen"), "actions"),
	}
}
