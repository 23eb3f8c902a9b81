package scaffold_test

import (
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/scaffold"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// serversOf returns the servers of a file of inventories.
func serversOf(t *testing.T, name string, data []byte) []scaffold.Server {
	t.Helper()
	list, err := manifest.Parse(name, data)
	if err != nil {
		t.Fatal(err)
	}
	var servers []scaffold.Server
	for _, i := range list {
		s := scaffold.Server{Name: workspace.ServerName(name), File: path.Join("manifests", name), Data: data}
		if len(list) > 1 {
			s.Name, s.Pick, s.Kind = i.Server, i.Server, "mcp:"+i.Server
		}
		servers = append(servers, s)
	}
	return servers
}

// TestFolder makes a project for each inventory of the folder that MCPOLICY_INVENTORIES names.
func TestFolder(t *testing.T) {
	dir := os.Getenv("MCPOLICY_INVENTORIES")
	if dir == "" {
		t.Skip("MCPOLICY_INVENTORIES names no folder of inventories")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no inventories in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			made, err := scaffold.Make(t.Context(), scaffold.Options{
				Servers: serversOf(t, filepath.Base(file), data), Enforcement: "cerbos-fastmcp", Roles: scaffold.DefaultRoles(),
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v: %d tools, %d inferred, %d cases, %d invariants; %q", time.Since(start).Round(time.Millisecond), made.Tools, made.Inferred, made.Cases, made.Invariants, made.Notes)
			if out := os.Getenv("OUT"); out != "" {
				for _, f := range made.Files {
					name := filepath.Join(out, filepath.Base(file), f.Name)
					_ = os.MkdirAll(filepath.Dir(name), 0o777)
					_ = os.WriteFile(name, f.Data, 0o666)
				}
			}
		})
	}
}
