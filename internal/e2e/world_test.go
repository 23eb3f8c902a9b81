//go:build e2e && linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A world is a copy of a fixture, and what mcpolicy says of it.
type world struct {
	*fixture.Fixture
	dir    string
	matrix *matrix.Matrix
	// trials are the arguments that each item is used with, besides none at
	// all. They lie on both sides of every condition.
	trials map[string][]map[string]any
}

// A change is made to the files of a copy: the text of one is replaced, once or
// wherever it stands, or, if there is nothing to replace, all of it.
type change struct {
	file, old, new string
	all            bool
}

func newWorld(t *testing.T, folder string, trials map[string][]map[string]any, changes ...change) *world {
	t.Helper()
	dir := copied(t, folder)
	for _, c := range changes {
		rewrite(t, filepath.Join(dir, c.file), c)
	}
	f := fixture.Load(t, dir)
	return &world{Fixture: f, dir: dir, matrix: f.Matrix(t, f.Engine), trials: trials}
}

// copied copies a folder, for programs that leave things behind where they run.
func copied(t *testing.T, folder string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(folder))
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func rewrite(t *testing.T, path string, c change) {
	t.Helper()
	text := c.new
	if c.old != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		times := 1
		if c.all {
			times = -1
		}
		if text = strings.Replace(string(data), c.old, c.new, times); text == string(data) {
			t.Fatalf("%s has no %q", c.file, c.old)
		}
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts the world's PDP, and its server behind it; see [serve].
func (w *world) run(t *testing.T, environment string, settings ...string) (*server, *cerbosbin.Server) {
	t.Helper()
	interpreter := python(t, environment)
	pdp := cerbosbin.Start(t, w.Policies, w.Conf)
	return serve(t, interpreter, w.dir, pdp, w.keys(), settings...), pdp
}

func (w *world) keys() []string {
	var keys []string
	for _, p := range w.Principals {
		keys = append(keys, p.Key)
	}
	return keys
}

// item returns the item of that name.
func (w *world) item(t *testing.T, name string) *manifest.Item {
	t.Helper()
	for _, item := range w.Servers[0].Inventory.Items {
		if item.Name == name {
			return item
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

// access returns what the matrix says of the use of an item.
func (w *world) access(t *testing.T, key, name string) matrix.Access {
	t.Helper()
	item := w.item(t, name)
	for _, col := range w.matrix.Columns {
		if col.Item == item && col.Operation != authz.List {
			return w.matrix.Cell(w.matrix.ClassOf(key), col).Access
		}
	}
	t.Fatalf("%s has no column", name)
	return 0
}

// plain is the world's matrix for whoever makes no call as a task.
func (w *world) plain(t *testing.T) *matrix.Matrix {
	t.Helper()
	f := *w.Fixture
	f.Servers = nil
	for _, s := range w.Servers {
		inventory := *s.Inventory
		inventory.Items = nil
		for _, item := range s.Inventory.Items {
			plain := *item
			plain.TaskSupport = ""
			inventory.Items = append(inventory.Items, &plain)
		}
		f.Servers = append(f.Servers, &matrix.Server{Name: s.Name, Inventory: &inventory, Profile: s.Profile})
	}
	return f.Matrix(t, f.Engine)
}

// tries returns the arguments to use an item with.
func (w *world) tries(item *manifest.Item) []map[string]any {
	list := w.trials[item.Name]
	switch item.Type {
	case authz.ToolItem: // absent, empty, and none that the tool knows
		return append([]map[string]any{nil, {}, {"no_such_argument": true}}, list...)
	case authz.PromptItem:
		return append([]map[string]any{nil}, list...)
	case authz.ResourceItem:
		return []map[string]any{nil}
	default: // a template has no URI without arguments
		return list
	}
}

// fits reports whether an item takes the arguments: all that it requires, none
// that it does not know, and no null.
func fits(item *manifest.Item, arguments map[string]any) bool {
	known, required := map[string]bool{}, []string{}
	switch item.Type {
	case authz.ToolItem:
		for _, f := range item.Schema.Get("properties").Fields {
			known[f.Name] = true
		}
		if list := item.Schema.Get("required"); list != nil {
			for _, n := range list.Items {
				required = append(required, n.Text)
			}
		}
	case authz.PromptItem:
		for _, a := range item.Arguments {
			known[a.Name] = true
			if a.Required {
				required = append(required, a.Name)
			}
		}
	default:
		return true
	}
	for _, name := range required {
		if _, ok := arguments[name]; !ok {
			return false
		}
	}
	for name, v := range arguments {
		if !known[name] || v == nil {
			return false
		}
	}
	return true
}
