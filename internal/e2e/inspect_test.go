//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/manifest"
)

// TestInspect holds that both formats of fastmcp inspect give the same
// inventory, and that the manifests of the fixtures are what it prints.
func TestInspect(t *testing.T) {
	t.Parallel()
	tests := []struct {
		environment   string
		world         *world
		mcp, ownNames string // the manifests that were written in each format
	}{
		{"fastmcp3", desk(t), "desk.json", ""},
		{"fastmcp2", warehouse(t), "warehouse.json", "warehouse-own-names.json"},
		{"fastmcp4", returns(t), "returns.json", ""},
	}
	for _, test := range tests {
		t.Run(test.environment, func(t *testing.T) {
			t.Parallel()
			parsed := map[string]*manifest.Inventory{}
			for format, name := range map[string]string{"mcp": test.mcp, "fastmcp": test.ownNames} {
				data := inspect(t, python(t, test.environment), test.world.dir, format)
				inventories, err := manifest.Parse(format+".json", data)
				if err != nil || len(inventories) != 1 {
					t.Fatalf("%s: %d inventories, %v", format, len(inventories), err)
				}
				parsed[format] = inventories[0]
				if name == "" {
					continue
				}
				kept, err := os.ReadFile(filepath.Join(test.world.dir, "manifests", name))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(decoded(t, data), decoded(t, kept)); diff != "" {
					t.Errorf("manifests/%s is not what is printed (-printed +kept):\n%s", name, diff)
				}
			}
			for format, inventory := range parsed {
				if len(inventory.Gaps) > 0 || inventory.FastMCP != parsed["mcp"].FastMCP || inventory.Types != parsed["mcp"].Types {
					t.Errorf("%s: %v, FastMCP %s, %v", format, inventory.Gaps, inventory.FastMCP, inventory.Types)
				}
			}
			if diff := cmp.Diff(described(t, parsed["mcp"].Items), described(t, parsed["fastmcp"].Items)); diff != "" {
				t.Errorf("items (-mcp +fastmcp):\n%s", diff)
			}
			both := manifest.Merge(parsed["mcp"], parsed["fastmcp"]).Items
			if diff := cmp.Diff(described(t, parsed["mcp"].Items), described(t, both)); diff != "" {
				t.Errorf("items (-mcp +both):\n%s", diff)
			}
		})
	}
}

// inspect has FastMCP describe the server.py in dir.
func inspect(t *testing.T, interpreter, dir, format string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), format+".json")
	cmd := exec.CommandContext(t.Context(), interpreter, "-m", "fastmcp.cli", "inspect", "server.py", "--format", format, "--output", file)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "FASTMCP_CHECK_FOR_UPDATES=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("fastmcp inspect: %v\n%s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A description is what both formats say of an item.
type description struct {
	Type, Name, Description string
	Hints                   manifest.Hints
	Schema                  any
	Arguments               []manifest.Argument
	Tags                    []string
}

func described(t *testing.T, items []*manifest.Item) []description {
	t.Helper()
	var list []description
	for _, it := range items {
		d := description{
			Type: it.Type.String(), Name: it.Name, Description: it.Description,
			Hints: it.Hints, Arguments: it.Arguments, Tags: it.Tags,
		}
		if it.Schema != nil {
			d.Schema = decoded(t, it.Schema.JSON())
		}
		list = append(list, d)
	}
	return list
}

func decoded(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
