package workspace

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/config"
)

// TestNames holds that names are found in what the config names, and in what is given in
// its place.
func TestNames(t *testing.T) {
	w, folder := quickstart(t)
	n := Names{Inputs: &Inputs{Config: w.Config, Folder: folder}}
	if got := slices.Sorted(maps.Keys(n.Inventories())); !slices.Equal(got, []string{"crm"}) {
		t.Errorf("servers %q", got)
	}
	items := 0
	for server := range n.Items("crm") {
		if items++; server != "crm" {
			t.Errorf("an item of %q", server)
		}
	}
	for range n.Items("elsewhere") {
		t.Error("an item of no server")
	}
	if want := len(w.Servers[0].Inventory.Items); items != want {
		t.Errorf("%d items, want %d", items, want)
	}
	var keys, declared []string
	for p := range n.Principals() {
		keys = append(keys, p.Key)
	}
	for _, p := range w.Principals.Principals {
		declared = append(declared, p.Key)
	}
	slices.Sort(keys)
	slices.Sort(declared)
	if diff := cmp.Diff(declared, keys); diff != "" {
		t.Errorf("principals (-want +got):\n%s", diff)
	}
	if len(slices.Collect(n.Roles())) == 0 || len(slices.Collect(n.PolicyRoles())) == 0 || len(n.Suites()) == 0 {
		t.Error("there are no roles or no suites")
	}
	inventory := w.Config.Servers[0].Manifest[0].File
	given := Names{Inputs: &Inputs{Inventories: []Inventory{{File: File{
		Name: "desk.tools.json", Open: func() (fs.File, error) {
			return os.Open(filepath.Join("..", "fixtures", "quickstart", filepath.FromSlash(inventory)))
		},
	}}}}}
	if got := slices.Collect(maps.Keys(given.Inventories())); !slices.Equal(got, []string{"desk"}) {
		t.Errorf("servers that are given: %q", got)
	}
}

// TestNamesTolerate holds that what cannot be read takes nothing else along.
func TestNamesTolerate(t *testing.T) {
	const text = `servers:
  desk: {manifest: [none.json, broken.json, tools.json], enforcement: cerbos-fastmcp, live: {url: "https://desk.example/mcp"}}
policies: none
principals: people.csv
tests: [none.yaml, suites]
probe: {tokens: {ada: {env: ADA}}}
`
	c, err := config.Parse("mcpolicy.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	n := Names{Inputs: &Inputs{Config: c, Folder: fstest.MapFS{
		"broken.json":      {Data: []byte("{")},
		"tools.json":       {Data: []byte(`{"tools": [{"name": "sit", "inputSchema": {"type": "object"}}]}`)},
		"people.csv":       {Data: []byte("id,roles\nada,clerk;guest\nben,clerk\n")},
		"suites/a.yaml":    {Data: []byte("a: [")},
		"suites/desk.yaml": {Data: []byte("name: desks\nexpect:\n  - {name: all sit, principals: [ada], allow: [sit]}\n")},
	}}}
	var items []string
	for _, item := range n.Items("") {
		items = append(items, item.Name)
	}
	for what, pair := range map[string][2][]string{
		"items":     {items, {"sit"}},
		"roles":     {slices.Sorted(n.Roles()), {"clerk", "guest"}},
		"of rules":  {slices.Collect(n.PolicyRoles()), nil},
		"tokens of": {n.TokenHolders(), {"ada"}},
	} {
		if diff := cmp.Diff(pair[1], pair[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	nothing := Names{Inputs: &Inputs{}}
	if len(nothing.Inventories()) > 0 || len(nothing.Suites()) > 0 || len(slices.Collect(nothing.Roles())) > 0 {
		t.Error("there are names of nothing")
	}
}
