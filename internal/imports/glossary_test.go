package imports

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGlossary holds the names in docs/glossary.md to the code.
func TestGlossary(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "glossary.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, p := range packages(t) {
		for _, file := range p.GoFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range declared(parsed) {
				known[parsed.Name.Name+"."+name] = true
			}
		}
	}
	names := regexp.MustCompile("`([a-z]+\\.[A-Z]\\w*)`").FindAllStringSubmatch(string(page), -1)
	if len(names) < 30 {
		t.Errorf("the glossary has %d names", len(names))
	}
	for _, m := range names {
		if !known[strings.TrimSpace(m[1])] {
			t.Errorf("there is no %s", m[1])
		}
	}
}
