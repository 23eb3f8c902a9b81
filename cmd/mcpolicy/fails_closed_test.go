package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
)

// schemaPolicy refers to a schema that is not there.
var schemaPolicy = strings.Replace(good["policies/p.yaml"], "  rules:", "  schemas: {resourceSchema: {ref: \"cerbos:///gone.json\"}}\n  rules:", 1)

// TestFailsClosed has each step fail of each command, in each format: the status is 3, nothing
// is reported, and nothing is written.
func TestFailsClosed(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the command a hundred times")
	}
	endless := costly(loops("(P.id + P.id + P.id + P.id + P.id + P.id + P.id + P.id).split(\"\")", 12), "")
	commands := map[string][]string{
		"check": {"check"}, "test": {"test"}, "coverage": {"test", "--coverage"}, "lint": {"lint"}, "matrix": {"matrix"}, "mutate": {"mutate"},
		"who-can": {"who-can", "call", "greet"}, "explain": {"explain", "ian", "greet"},
	}
	pdp := []string{"check", "test", "matrix"}
	for name, tt := range map[string]struct {
		change map[string]string
		args   []string
		only   []string // of the commands; all if there are none
	}{
		"the policies do not compile":    {map[string]string{"policies/p.yaml": strings.Replace(good["policies/p.yaml"], "roles: [ADMIN]", "roles: [ADMIN]\n      condition: {match: {expr: \"1 +\"}}", 1)}, nil, nil},
		"a schema is missing":            {map[string]string{"mcpolicy.yaml": good["mcpolicy.yaml"] + "engine: {schemaEnforcement: reject}\n", "policies/p.yaml": schemaPolicy}, nil, nil},
		"the engine panics":              {map[string]string{"policies/q.yaml": "!\n"}, nil, nil},
		"a condition is out of budget":   {map[string]string{"policies/p.yaml": endless}, []string{"--condition-timeout", "100ms"}, nil},
		"the time is over":               {map[string]string{"policies/p.yaml": endless}, []string{"--condition-timeout", "1h", "--timeout", "300ms"}, nil},
		"no PDP answers":                 {nil, []string{"--pdp", "127.0.0.1:1", "--pdp-plaintext"}, pdp},
		"the inventory is gone":          {map[string]string{"mcpolicy.yaml": strings.Replace(good["mcpolicy.yaml"], "crm.json", "gone.json", 1)}, nil, nil},
		"the principals cannot be read":  {map[string]string{"principals.yaml": "principals: ["}, nil, nil},
		"a suite cannot be read":         {map[string]string{"tests/t.yaml": "name: crm\ntests: ["}, nil, []string{"check", "test", "coverage", "mutate"}},
		"a file of a grant is not there": {map[string]string{"mcpolicy.yaml": "servers: {crm: {manifest: crm.json, enforcement: desk}}\npolicies: policies\nprincipals: principals.yaml\ntests: tests\nenforcement: {desk: {tools/list: {filter: grant, grant: {file: gone.yaml}, missing: refuse}, tools/call: [{kind: mcp_server, id: '{name}', action: 'tools/call::{name}'}]}}\n"}, nil, nil},
	} {
		for command, args := range commands {
			if tt.only != nil && !slices.Contains(tt.only, command) {
				continue
			}
			t.Run(name+" "+command, func(t *testing.T) {
				t.Parallel()
				dir := writeWorld(t, tt.change)
				closed(t, dir, append(slices.Concat(args, []string{"-C", dir}), tt.args...))
			})
		}
	}
	for command, args := range commands {
		if !slices.Contains(pdp, command) {
			continue
		}
		t.Run("the PDP stops during "+command, func(t *testing.T) {
			dir := writeWorld(t, nil)
			proxy := cerbosbin.NewProxy(t, "127.0.0.1:0", cerbosbin.Serve(t, filepath.Join(dir, "policies"), nil))
			proxy.After(2, proxy.Cut)
			closed(t, dir, append(slices.Clone(args), "-C", dir, "--pdp", proxy.Addr, "--pdp-plaintext"))
		})
	}
}

// closed runs a command that has to fail, in the formats that it has, and looks at what it
// leaves behind.
func closed(t *testing.T, dir string, args []string) {
	t.Helper()
	reports := t.TempDir()
	formats := []string{"json", "junit", "markdown", "sarif", "html"}
	switch args[0] {
	case "mutate":
		formats, args = nil, append(args, "--format", "json") // it writes one report
	case "who-can", "explain":
		formats = nil
	case "matrix":
		formats = []string{"json", "markdown", "html"}
	}
	for _, f := range formats {
		args = append(args, "--format", f+"="+filepath.Join(reports, f))
	}
	if len(formats) > 1 {
		args = append(args, "--format", "text")
	}
	before := filesIn(t, dir)
	cmd := command(t, dir, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status := cmd.ProcessState.ExitCode()
	if status != exitFailure || out.Len() > 0 || !strings.HasPrefix(errs.String(), "mcpolicy: ") {
		t.Errorf("%q: status %d\n%s%s", args, status, &out, &errs)
	}
	if left := filesIn(t, reports); len(left) > 0 {
		t.Errorf("reports are written: %q", left)
	}
	if after := filesIn(t, dir); !slices.Equal(after, before) {
		t.Errorf("there were %q, and there are %q", before, after)
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
