package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unshown are packages without an example that runs, and why.
var unshown = map[string]string{
	"pdp/wire":   "it is for who knows Cerbos's messages already",
	"pdp/cel":    "only the embedded engine and its tables use it",
	"pdp/tables": "only the embedded engine uses it",
	"pdp/remote": "its example needs a running PDP, so it is only compiled",
}

// TestExamples holds that each package that other modules can import has an
// example that runs.
func TestExamples(t *testing.T) {
	seen := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if layerOf(name) < 0 || strings.HasPrefix(name, "internal/") || strings.HasPrefix(name, "cmd/") || unshown[name] != "" {
			continue
		}
		seen++
		if !hasExample(t, p.Dir) {
			t.Errorf("package %s has no example with an output", name)
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// hasExample reports whether a folder has an example that go test runs.
func hasExample(t *testing.T, dir string) bool {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, f.Name()), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if runs(parsed) {
			return true
		}
	}
	return false
}

// runs reports whether an example of a file says what it prints.
func runs(file *ast.File) bool {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Example") {
			continue
		}
		for _, c := range file.Comments {
			said := strings.ToLower(strings.TrimSpace(c.Text()))
			if f.Pos() < c.Pos() && c.End() <= f.End() && (strings.HasPrefix(said, "output:") || strings.HasPrefix(said, "unordered output:")) {
				return true
			}
		}
	}
	return false
}
