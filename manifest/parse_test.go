package manifest_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

func TestParseLargeFile(t *testing.T) {
	_, err := manifest.Parse("large.json", make([]byte, source.MaxBytes+1))
	if err == nil || !strings.Contains(err.Error(), "large.json: the file is") {
		t.Errorf("Parse of a file above the limit: %v, want an error that says so", err)
	}
}

// TestParseRefusesWithOneError checks that a file that is something else gives
// a single error of the type that the documentation promises.
func TestParseRefusesWithOneError(t *testing.T) {
	_, err := manifest.Parse("mcp.json", []byte(`{"mcpServers": {"weather": {"command": "x"}}}`))
	if _, ok := err.(*source.Error); !ok { //nolint:errorlint // the error itself is meant
		t.Errorf("Parse = %T, want *source.Error", err)
	}
}

// TestParseIgnoresTheFileName reads the same content under every misleading
// name.
func TestParseIgnoresTheFileName(t *testing.T) {
	for _, name := range []string{"mcp.json", "manifest.json", "tools.yaml", "server.json", "x", ""} {
		list, err := manifest.Parse(name, []byte(`{"tools": [{"name": "a"}]}`))
		if err != nil || len(list) != 1 || len(list[0].Items) != 1 || list[0].Items[0].Pos.File != name {
			t.Errorf("Parse(%q) = %v, %v", name, list, err)
		}
	}
}

func TestNotesAreLimited(t *testing.T) {
	var text bytes.Buffer
	text.WriteString(`{"tools": [{"name": "a"`)
	for range 60 {
		text.WriteString(`, "x": 1`)
	}
	text.WriteString(`}]}`)
	list, err := manifest.Parse("f.json", text.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := len(list[0].Notes); got != 51 {
		t.Errorf("%d notes, want 50 and one that counts the rest", got)
	}
}

func TestInventoryOf(t *testing.T) {
	list, err := manifest.Parse("f.json", []byte(`{"tools": [{"name": "a"}, {"name": "b"}], "prompts": []}`))
	if err != nil {
		t.Fatal(err)
	}
	inv := list[0]
	if n := len(inv.Of(authz.ToolItem)); n != 2 {
		t.Errorf("%d tools, want 2", n)
	}
	if !inv.HasType(authz.PromptItem) || inv.HasType(authz.ResourceItem) {
		t.Errorf("speaks of %v, want tools, prompts", inv.Types)
	}
}

// FuzzParse checks that no input makes Parse panic, that it gives either
// inventories or errors with positions, and that the inventories hold what
// their documentation says.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"testdata/read", "testdata/refused"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := manifest.Parse("f", data)
		if err != nil {
			if len(list) != 0 {
				t.Errorf("%d inventories beside an error", len(list))
			}
			for _, mistake := range source.Mistakes(err) {
				var e *source.Error
				if !errors.As(mistake, &e) || e.Pos.File != "f" {
					t.Errorf("%v has no position", mistake)
				}
			}
			return
		}
		if len(list) == 0 {
			t.Error("neither inventories nor an error")
		}
		for _, inv := range append(list, manifest.Merge(list...)) {
			check(t, inv)
		}
	})
}

func check(t *testing.T, inv *manifest.Inventory) {
	t.Helper()
	if len(inv.Items) == 0 && len(inv.Gaps) == 0 {
		t.Error("an empty inventory without a gap")
	}
	var last authz.ItemType
	for _, it := range inv.Items {
		if it.Name == "" || it.Pos.Line < 1 || it.Pos.Col < 1 {
			t.Errorf("%v %q at %v", it.Type, it.Name, it.Pos)
		}
		if it.Type < last {
			t.Errorf("%v %q stands behind items of type %v", it.Type, it.Name, last)
		}
		last = it.Type
		it.Destructive()
	}
}
