package manifest_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

var update = flag.Bool("update", false, "rewrite the .want files of testdata")

// TestRead reads every file in testdata/read and compares all that came out of
// it, positions included, with the file's .want.
func TestRead(t *testing.T) {
	for _, file := range inputs(t, "read") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			list, err := parse(t, file)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			var got strings.Builder
			for _, inv := range list {
				render(&got, inv)
			}
			compare(t, file, got.String())
		})
	}
}

// TestRefused checks that every file in testdata/refused is refused with the
// mistakes in its .want, each at a position.
func TestRefused(t *testing.T) {
	for _, file := range inputs(t, "refused") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			list, err := parse(t, file)
			if err == nil || list != nil {
				t.Fatalf("Parse = %d inventories, %v; want none and an error", len(list), err)
			}
			var got strings.Builder
			for _, mistake := range source.Mistakes(err) {
				e, ok := mistake.(*source.Error) //nolint:errorlint // the leaves themselves are meant
				if !ok || e.Pos.File == "" {
					t.Errorf("%T %q has no position", mistake, mistake)
				}
				fmt.Fprintln(&got, mistake)
			}
			compare(t, file, got.String())
		})
	}
}

// inputs lists the files of a folder of testdata that are not wanted output.
func inputs(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", dir))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".want" {
			files = append(files, filepath.Join("testdata", dir, e.Name()))
		}
	}
	return files
}

func parse(t *testing.T, file string) ([]*manifest.Inventory, error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Parse(filepath.Base(file), data)
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	golden := file + ".want"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// render writes an inventory in the form of the .want files.
func render(w *strings.Builder, inv *manifest.Inventory) {
	fmt.Fprintf(w, "%d:%d %q: %v of %v", inv.Pos.Line, inv.Pos.Col, inv.Server, inv.Format, inv.Types)
	field(w, "FastMCP", inv.FastMCP)
	field(w, "protocol", inv.Protocol)
	fmt.Fprintln(w)
	for _, g := range inv.Gaps {
		fmt.Fprintf(w, "  gap %d:%d %v (%v): %s\n", g.Pos.Line, g.Pos.Col, g.Reason, g.Types, g.Message)
	}
	for _, n := range inv.Notes {
		fmt.Fprintf(w, "  note %d:%d %s\n", n.Pos.Line, n.Pos.Col, n.Message)
	}
	for _, it := range inv.Items {
		fmt.Fprintf(w, "  %d:%d %v %s", it.Pos.Line, it.Pos.Col, it.Type, it.Name)
		field(w, "own name", it.OwnName)
		field(w, "title", it.Title)
		field(w, "description", it.Description)
		field(w, "version", it.Version)
		field(w, "task", it.TaskSupport)
		field(w, "tags", strings.Join(it.Tags, " "))
		for _, a := range it.Arguments {
			if a.Required {
				a.Name += "!"
			}
			field(w, "argument", a.Name)
		}
		if it.Schema != nil {
			fmt.Fprint(w, " schema")
		}
		if it.Type == authz.ToolItem {
			fmt.Fprintf(w, " %s", effect(it))
		}
		fmt.Fprintln(w)
	}
}

func field(w *strings.Builder, name, value string) {
	if value != "" {
		fmt.Fprintf(w, " %s=%q", name, value)
	}
}

func effect(it *manifest.Item) string {
	h := it.Hints
	s := fmt.Sprintf("hints=%c%c%c%c", letter(h.ReadOnly), letter(h.Destructive), letter(h.Idempotent), letter(h.OpenWorld))
	if h.Lossy {
		s += " lossy"
	}
	if it.ReadOnly() {
		s += " read-only"
	}
	if d := it.Destructive(); d != manifest.None {
		s += " destructive:" + d.String()
	}
	return s
}

func letter(h manifest.Hint) rune { return []rune("-TF")[h] }
