package workspace_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme holds the program in the README to the example, which runs.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(programs) == 0 {
		t.Fatal("there is no program in the README")
	}
	for _, p := range programs {
		body := "\t" + strings.ReplaceAll(strings.TrimSpace(p[1]), "\n", "\n\t") + "\n"
		body = strings.ReplaceAll(body, `"fixtures/`, `"../fixtures/`)
		if !strings.Contains(string(example), body) {
			t.Errorf("the example does not have\n%s", body)
		}
	}
}
