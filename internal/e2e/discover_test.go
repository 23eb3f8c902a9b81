//go:build e2e && linux

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// TestDiscover holds that mcpolicy discover, with the tokens of principals who
// see all there is, reads the inventory that fastmcp inspect prints.
func TestDiscover(t *testing.T) {
	t.Parallel()
	tests := []struct {
		environment string
		world       *world
		keys        []string // together they are shown everything
		missing     string   // by the first of them
	}{
		{"fastmcp3", desk(t), []string{"ian", "harry"}, "get_hr_records"},
		{"fastmcp2", warehouse(t), []string{"anna", "otto"}, "export_wages"},
		{"fastmcp4", returns(t), []string{"marta"}, ""},
	}
	for _, test := range tests {
		t.Run(test.environment, func(t *testing.T) {
			t.Parallel()
			w := test.world
			s, _ := w.run(t, test.environment)
			file := filepath.Join(t.TempDir(), "discovered.json")
			args := []string{"discover", "--url", s.url, "--output", file}
			for _, key := range test.keys {
				args = append(args, "--token-env", tokenVariable(key))
			}
			said, status := w.mcpolicy(t, args...)
			if status != 0 {
				t.Fatalf("exit status %d\n%s", status, said)
			}
			if test.missing != "" && !strings.Contains(said, test.missing) {
				t.Errorf("%s does not see %s, which is not said:\n%s", test.keys[0], test.missing, said)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range test.keys {
				if bytes.Contains(data, []byte(token(key))) || strings.Contains(said, token(key)) {
					t.Errorf("the token of %s is told", key)
				}
			}
			inventories, err := manifest.Parse("discovered.json", data)
			if err != nil || len(inventories) != 1 || len(inventories[0].Gaps) > 0 {
				t.Fatalf("%d inventories, %v\n%s", len(inventories), err, data)
			}
			printed, err := manifest.Parse("mcp.json", inspect(t, python(t, test.environment), w.dir, "mcp"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(byName(described(t, printed[0].Items)), byName(described(t, inventories[0].Items))); diff != "" {
				t.Errorf("items (-inspect +discover):\n%s", diff)
			}
			if diff := cmp.Diff(taskSupport(printed[0]), taskSupport(inventories[0])); diff != "" {
				t.Errorf("task support (-inspect +discover):\n%s", diff)
			}
			if runs := s.ran(t); len(runs) > 0 {
				t.Errorf("tools have run: %v", runs)
			}
		})
	}
}

func byName(list []description) map[string]description {
	m := make(map[string]description, len(list))
	for _, d := range list {
		m[d.Type+" "+d.Name] = d
	}
	return m
}

func taskSupport(inv *manifest.Inventory) map[string]string {
	m := map[string]string{}
	for _, it := range inv.Of(authz.ToolItem) {
		m[it.Name] = it.TaskSupport
	}
	return m
}
