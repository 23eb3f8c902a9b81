package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNames holds that no two names of a package differ only in case.
func TestNames(t *testing.T) {
	for _, p := range packages(t) {
		names := map[string][]string{}
		for _, file := range p.GoFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range declared(parsed) {
				if key := strings.ToLower(name); !slices.Contains(names[key], name) {
					names[key] = append(names[key], name)
				}
			}
		}
		for _, list := range names {
			if len(list) > 1 {
				t.Errorf("%s declares %s", p.ImportPath, strings.Join(list, " and "))
			}
		}
	}
}

// declared returns the names that a file declares for its package.
func declared(file *ast.File) []string {
	var names []string
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name.Name)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}
