package scaffold_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/scaffold"
	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// options are those of a project for the servers of a file.
func options(t testing.TB, name string, data []byte) scaffold.Options {
	return optionsAt(t, authz.CerbosFastMCP, name, data)
}

// optionsAt are those of a project behind an enforcement point.
func optionsAt(t testing.TB, enforcement, name string, data []byte) scaffold.Options {
	t.Helper()
	servers, err := scaffold.ServersOf([]string{name}, func(string) ([]byte, error) { return data, nil })
	if err != nil {
		t.Fatal(err)
	}
	o := scaffold.Options{Servers: servers, Enforcement: enforcement, Roles: scaffold.DefaultRoles()}
	if err := o.Check(""); err != nil {
		t.Fatal(err)
	}
	return o
}

// makeProject makes a project, and holds what has to be true of each.
func makeProject(t testing.TB, o scaffold.Options) *scaffold.Project {
	t.Helper()
	made, err := scaffold.Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{}
	for _, f := range made.Files {
		if folder[f.Name] != nil || !fs.ValidPath(f.Name) {
			t.Errorf("%q is written twice, or leads elsewhere", f.Name)
		}
		folder[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	clean(t, folder)
	return made
}

// clean holds that nothing above a note is found in a project, that its suites cover it, and that at
// least three sentences are proved, and all that are said.
func clean(t testing.TB, folder fs.FS) {
	t.Helper()
	w, err := workspace.Open(t.Context(), folder, workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	checks := workspace.Everything()
	checks.Coverage = &workspace.Coverage{}
	d, err := w.Check(t.Context(), checks)
	if err != nil || d.Doubt != nil {
		t.Fatal(err, d.Doubt)
	}
	for _, f := range d.Findings {
		if !f.Waived && f.Severity > authz.SeverityNote {
			t.Errorf("%v %s: %s", f.Severity, f.Rule, f.Message)
		}
	}
	if d.Fails(authz.SeverityWarning) {
		t.Error("the check fails")
	}
	for _, kind := range []testcoverage.Kind{testcoverage.Rule, testcoverage.MCDC} {
		if c := d.Coverage.Count(kind); c.Covered != c.Total || c.Unknown > 0 || kind == testcoverage.Rule && c.Total == 0 {
			t.Errorf("coverage: %+v", c)
		}
	}
	proved := map[string]bool{}
	for _, s := range d.Tests.Suites {
		for _, c := range s.Cases {
			if c.Outcome != testrunner.Passed {
				t.Errorf("%v: %s %v: %s", c.Pos, c.Test, c.Outcome, c.Message)
			}
			if c.Proof != nil {
				proved[c.Test] = proved[c.Test] || c.Proof.Verdict == prove.Proved
			}
		}
	}
	if n := len(proved); n < 3 || slices.Contains(slices.Collect(maps.Values(proved)), false) {
		t.Errorf("sentences that are proved: %v", proved)
	}
}

// compiles holds that the official compiler takes the policies of a project.
func compiles(t *testing.T, made *scaffold.Project) {
	t.Helper()
	binary, dir := cerbosbin.Path(t), t.TempDir()
	for _, f := range made.Files {
		if name, ok := strings.CutPrefix(f.Name, "policies/"); ok {
			if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out, err := exec.Command(binary, "compile", dir).CombinedOutput(); err != nil {
		t.Errorf("cerbos compile: %v\n%s", err, out)
	}
}

// TestFixtures makes a project for each inventory of the fixtures, which the official compiler takes.
func TestFixtures(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../fixtures/*/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if list, err := manifest.Parse(file, data); err != nil || len(list) == 0 || len(list[0].Items) == 0 {
			continue // no inventory, such as a schema
		}
		seen++
		t.Run(filepath.ToSlash(file[3:]), func(t *testing.T) {
			t.Parallel()
			compiles(t, makeProject(t, options(t, filepath.Base(file), data)))
		})
	}
	if seen < 8 {
		t.Errorf("only %d inventories", seen)
	}
}

// TestCustom makes projects behind an enforcement point of one's own, which asks about prompts and resources, too.
func TestCustom(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../fixtures/quickstart/manifests/crm.json", "../manifest/testdata/read/prompts-only.json"} {
		data, err := os.ReadFile(file) //nolint:gosec // the project's own
		if err != nil {
			t.Fatal(err)
		}
		made := makeProject(t, optionsAt(t, scaffold.Custom, filepath.Base(file), data))
		compiles(t, made)
		if config := string(made.Files[0].Data); strings.Contains(config, "operation-not-enforced") {
			t.Errorf("something is not asked about:\n%s", config)
		}
	}
}

// TestEveryShape makes a project for each inventory that package manifest is tested with, or, in short,
// for some.
func TestEveryShape(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	t.Parallel()
	files, err := filepath.Glob("../manifest/testdata/read/*")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list, err := manifest.Parse(filepath.Base(file), data)
		if err != nil || len(list) != 1 || len(list[0].Items) == 0 { // of several one has to be named
			continue
		}
		if seen++; seen%4 != 0 && os.Getenv("MCPOLICY_LONG") == "" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			makeProject(t, options(t, filepath.Base(file), data))
		})
	}
	if seen < 30 {
		t.Errorf("only %d inventories", seen)
	}
}

// TestNothing holds that there is no project without anything to guard.
func TestNothing(t *testing.T) {
	o := options(t, "empty.json", []byte(`{"tools": []}`))
	made, err := scaffold.Make(t.Context(), o)
	if err == nil || made != nil || !strings.Contains(err.Error(), "empty.json:1:1: the inventory of empty has no tools, prompts or resources") {
		t.Errorf("have %v, %v", made, err)
	}
}

// TestMany holds that policies about 300 tools are divided, and that each tool is in them.
func TestMany(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	t.Parallel()
	var tools []string
	for i := range 300 {
		verb := []string{"get", "list", "search", "create", "update", "delete"}[i%6]
		tools = append(tools, fmt.Sprintf(`{"name": "%s_%s_%d", "inputSchema": {"type": "object", "required": ["project_id"], "properties": {"project_id": {"type": "string"}}}}`,
			verb, []string{"invoice", "order", "customer", "shipment", "return"}[i/6%5], i))
	}
	made := makeProject(t, options(t, "shop.json", []byte(`{"tools": [`+strings.Join(tools, ",")+`]}`)))
	compiles(t, made)
	policies := 0
	for _, f := range made.Files {
		if !strings.HasPrefix(f.Name, "policies/") {
			continue
		}
		policies++
		if f.Name == "policies/mcp_server.yaml" {
			for _, want := range []string{"# invoice\n", "# shipment\n", "# review: there are no hints, so by their names\n", "- tools/call::delete_customer_17\n"} {
				if !strings.Contains(string(f.Data), want) {
					t.Errorf("no %q", want)
				}
			}
		}
	}
	if policies < 3 || made.Tools != 300 || made.Reading != 150 || made.Changing != 100 || made.Destroying != 50 || made.Inferred != 300 {
		t.Errorf("%d files of policies, %+v", policies, made)
	}
}
