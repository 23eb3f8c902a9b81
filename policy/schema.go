package policy

import (
	"fmt"
	"net/url"
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
	u, err := url.Parse(ref.Ref.Value)
	if err != nil || u.Scheme != "" && u.Scheme != "cerbos" {
		return nil
	}
	return s.Schemas[strings.TrimPrefix(u.Path, "/")]
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
