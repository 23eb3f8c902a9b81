package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/report/page"
)

func Example() {
	d := &page.Data{
		Version: page.Version, Verdict: page.Verdict{Level: "info", Text: "Who may do what"},
		Run:     page.Run{Title: "till"},
		Servers: []page.Server{{Name: "till"}},
		Items:   []page.Item{{Type: "tool", Name: "refund</script>", Use: "call", Risk: "changes", Roles: -1}},
		Classes: []page.Class{{Names: []string{"olga"}, Size: 1, Kind: "human", Roles: []string{"CASH"}}},
		Cells:   []page.Cell{{Access: page.Denied, Condition: -1}, {Access: page.Allowed, Condition: -1}},
		// She sees it and may call it.
		Variants: [][2]int{{1, 1}}, Rows: [][]int{{0}},
	}
	var b bytes.Buffer
	if err := page.Write(&b, d); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Count(b.String(), "</script>"), "scripts end, whatever a tool is called")
	// Output: 2 scripts end, whatever a tool is called
}

// budget is how large a page without data may be, which is its style and its script.
const budget = 107_000

func TestAssets(t *testing.T) {
	files, err := filepath.Glob("assets/*")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function", "fetch(", "XMLHttpRequest", "import(", "localStorage", "</"} {
				if strings.Contains(line, never) {
					t.Errorf("%s:%d: %s", file, i+1, never)
				}
			}
			for _, r := range line {
				if r < ' ' || r > '~' {
					t.Errorf("%s:%d: %U, where ASCII shows it all", file, i+1, r)
				}
			}
		}
	}
	var b bytes.Buffer
	if err := page.Write(&b, &page.Data{}); err != nil || b.Len() > budget {
		t.Errorf("an empty page is %d bytes, want no more than %d; %v", b.Len(), budget, err)
	}
	t.Logf("an empty page is %d bytes", b.Len())
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestWriteFails(t *testing.T) {
	if err := page.Write(failing{}, &page.Data{}); err == nil {
		t.Error("no error")
	}
}
