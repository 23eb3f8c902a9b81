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

// TestCustom makes projects behind enforcement points that ask about prompts and resources, too.
func TestCustom(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../fixtures/quickstart/manifests/crm.json", "../manifest/testdata/read/prompts-only.json"} {
		data, err := os.ReadFile(file) //nolint:gosec // the project's own
		if err != nil {
			t.Fatal(err)
		}
		compiles(t, makeProject(t, optionsAt(t, authz.COAZ, filepath.Base(file), data)))
		made := makeProject(t, optionsAt(t, scaffold.Custom, filepath.Base(file), data))
		compiles(t, made)
		if config := string(made.Files[0].Data); strings.Contains(config, "operation-not-enforced") {
			t.Errorf("something is not asked about:\n%s", config)
		}
	}
}

// mapped has tools that declare what is asked about their calls: what the default asks and an argument
// more, in two spellings, and something of their own.
const mapped = `{"tools": [
	{"name": "find_order", "annotations": {"readOnlyHint": true}, "inputSchema": {"type": "object", "required": ["region"], "properties": {"region": {"type": "string"}},
		"x-authzen-mapping": {"evaluation": {"subject": {"properties": {"region": "$token.region"}}, "action": {"name": "tools/call"},
			"resource": {"type": "tool", "id": "find_order", "properties": {"region": "$params.arguments.region"}}}}}},
	{"name": "list_orders", "annotations": {"readOnlyHint": true}, "inputSchema": {"type": "object", "properties": {"region": {"type": "string"}},
		"x-authzen-mapping": {"evaluation": {"subject": {"properties": {"region": "$token.region"}}, "action": {"name": "tools/call"},
			"resource": {"type": "tool", "id": "$params.name", "properties": {"region": "$params.arguments.?region"}}}}}},
	{"name": "pay", "annotations": {"readOnlyHint": false, "destructiveHint": false}, "inputSchema": {"type": "object", "required": ["amount", "region"],
		"properties": {"amount": {"type": "number"}, "region": {"type": "string"}}}},
	{"name": "look", "annotations": {"readOnlyHint": true}, "inputSchema": {"type": "object", "properties": {"region": {"type": "string"}},
		"x-authzen-mapping": {"evaluation": {"action": {"name": "look"}, "resource": {"type": "order", "id": "all"}}}}}
], "prompts": [{"name": "greet"}], "resources": [{"uri": "shop://plan", "name": "plan"}], "resourceTemplates": [{"uriTemplate": "shop://order/{id}", "name": "order"}]}`

// TestPoints makes projects behind each enforcement point that shows policies less than all.
func TestPoints(t *testing.T) {
	t.Parallel()
	for _, point := range scaffold.Points() {
		if point == authz.CerbosFastMCP || point == scaffold.Custom {
			continue
		}
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			made := makeProject(t, optionsAt(t, point, "shop.json", []byte(mapped)))
			compiles(t, made)
			for _, f := range made.Files {
				if strings.HasPrefix(f.Name, "policies/") && strings.Contains(string(f.Data), "on_behalf_of") {
					t.Errorf("%s reads what does not arrive:\n%s", f.Name, f.Data)
				}
			}
			if !slices.ContainsFunc(made.Notes, func(n string) bool { return strings.Contains(n, "never arrive") }) {
				t.Errorf("nothing says what no policy sees: %q", made.Notes)
			}
		})
	}
}

// TestMapping holds that calls are held to arguments where a mapping gives them, that a policy says
// what it does not see otherwise and what would show it, and that nobody may call what asks about
// something that is not known.
func TestMapping(t *testing.T) {
	t.Parallel()
	made := makeProject(t, optionsAt(t, authz.COAZ, "shop.json", []byte(mapped)))
	files := map[string]string{}
	for _, f := range made.Files {
		files[f.Name] = string(f.Data)
	}
	for name, texts := range map[string][]string{
		"policies/tool.yaml": {
			"      read_own_region:\n        - find_order\n        - list_orders\n", "              - expr: V.own_region\n",
			"no policy sees the amount, region that a", `"$params.arguments.amount"`, "until you write a policy about what their mappings ask: look.",
		},
		"policies/tool_conditions.yaml": {"own_region: 'R.attr.region == P.attr.region'"},
		"tests/access.yaml":             {"{tool: find_order, arguments: {}, expect: refuse}"},
	} {
		for _, text := range texts {
			if !strings.Contains(files[name], text) {
				t.Errorf("no %q in %s:\n%s", text, name, files[name])
			}
		}
	}
	for _, closed := range []string{"- look\n", "resource: order"} {
		if strings.Contains(files["policies/tool.yaml"], closed) {
			t.Errorf("%q is in a rule:\n%s", closed, files["policies/tool.yaml"])
		}
	}
}

// TestSeveral holds that servers which no policy can tell apart get no project together.
func TestSeveral(t *testing.T) {
	t.Parallel()
	one, two := scaffold.NewServer("one", nil), scaffold.NewServer("two", nil)
	o := scaffold.Options{Servers: []scaffold.Server{one, two}, Enforcement: authz.COAZ, Roles: scaffold.DefaultRoles()}
	if err := o.Check(""); err == nil || !strings.Contains(err.Error(), "a project for each") {
		t.Errorf("have %v", err)
	}
	o.Servers = o.Servers[:1]
	if err := o.Check("mcp:one"); err == nil || !strings.Contains(err.Error(), "the binding says") {
		t.Errorf("have %v", err)
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
