package schemafile

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// comments are those of the packages that were asked about: by package, type and field, that
// of a type itself under "".
type comments map[string]map[string]map[string]string

const module = "github.com/mcpolicy/mcpolicy"

// of returns the first paragraph of the comment of a type or of one of its fields, or "".
// Of types outside of the module nothing is known.
func (c comments) of(t reflect.Type, field string) (string, error) {
	path, inside := strings.CutPrefix(t.PkgPath(), module)
	if !inside {
		return "", nil
	}
	if c[path] == nil {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		if c[path], err = read(filepath.Join(root, filepath.FromSlash(path))); err != nil {
			return "", err
		}
	}
	text, _, _ := strings.Cut(c[path][t.Name()][field], "\n\n")
	return strings.Join(strings.Fields(text), " "), nil
}

// moduleRoot returns the folder of go.mod, from the one that a test runs in upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", fmt.Errorf("no go.mod above %s", dir)
		}
		dir = above
	}
}

// read reads the comments of a package.
func read(dir string) (map[string]map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	types := map[string]map[string]string{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.TYPE {
				continue
			}
			for _, s := range group.Specs {
				spec := s.(*ast.TypeSpec) //nolint:errcheck // of token.TYPE
				doc := spec.Doc
				if doc == nil {
					doc = group.Doc
				}
				types[spec.Name.Name] = fields(spec, doc)
			}
		}
	}
	return types, nil
}

func fields(spec *ast.TypeSpec, doc *ast.CommentGroup) map[string]string {
	list := map[string]string{"": doc.Text()}
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return list
	}
	for _, f := range s.Fields.List {
		text := f.Doc
		if text == nil {
			text = f.Comment
		}
		for _, name := range f.Names {
			list[name.Name] = text.Text()
		}
	}
	return list
}
