package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
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

// missingSchemas reports references to files that are not there. What is wrong
// with those that are, the engine says.
func (l *loader) missingSchemas() {
	known := slices.Sorted(maps.Keys(l.set.Schemas))
	for _, p := range l.set.Policies {
		for _, ref := range []*SchemaRef{p.PrincipalSchema, p.ResourceSchema} {
			if ref == nil || p.Disabled {
				continue
			}
			name := path.Join(schemaFolder, ref.path())
			if _, err := fs.Stat(l.fsys, name); ref.path() != "" && errors.Is(err, fs.ErrNotExist) {
				hint := ""
				if near := source.NearestFile(ref.path(), known); near != "" {
					hint = " (did you mean " + near + "?)"
				}
				l.errs = append(l.errs, source.Errorf(ref.Ref.Pos, "%s: no such file%s", l.file(name), hint))
			}
		}
	}
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
