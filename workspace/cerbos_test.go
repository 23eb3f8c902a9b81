package workspace_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// orchard is a project with schemas, a clock, and suites of both kinds below its policies.
func orchard(more map[string]string) fstest.MapFS {
	files := map[string]string{
		"mcpolicy.yaml": "servers: {gate: {manifest: gate.json, with: {resourceKind: orchard}}}\npolicies: policies\nprincipals: policies/testdata/principals.yaml\ntests: policies/own_test.yaml\nengine: {globals: {open: true}}\n",
		"gate.json":     `{"tools": [{"name": "pick"}, {"name": "prune"}]}`,
		"policies/orchard.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: orchard
  version: default
  schemas: {resourceSchema: {ref: "cerbos:///tree.json"}}
  rules:
    - {name: pick, actions: ["tools/call::pick"], effect: EFFECT_ALLOW, roles: [picker], condition: {match: {expr: G.open}}}
    - {name: prune, actions: ["tools/call::prune"], effect: EFFECT_ALLOW, roles: [picker], condition: {match: {expr: now().getFullYear() == 2030}}}
`,
		"policies/_schemas/tree.json":       `{"type": "object", "required": ["kind"]}`,
		"policies/testdata/principals.yaml": "principals: {mia: {id: mia, roles: [picker]}}\n",
		"policies/own_test.yaml":            "name: Own\ntests:\n  - name: picks\n    principals: [mia]\n    call: {allow: [pick, prune]}\n",
		"policies/tree_test.yaml": `name: Trees
resources: {pear: {id: p, kind: orchard, attr: {kind: pear}}, bare: {id: b, kind: orchard}}
tests:
  - name: picks
    options: {globals: {open: true}}
    input: {principals: [mia], resources: [pear, bare], actions: ["tools/call::pick"]}
    expected: [{principal: mia, resource: pear, actions: {"tools/call::pick": EFFECT_ALLOW}}]
`,
	}
	for name, text := range more {
		files[name] = text
	}
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func openOrchard(t *testing.T, more map[string]string) *workspace.Workspace {
	t.Helper()
	w, err := workspace.Open(t.Context(), orchard(more), workspace.Options{Now: time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestCerbosSuites holds that schemas are enforced in suites of Cerbos's own, which the
// engine's settings are nothing to, and that a suite of the config is none of them.
func TestCerbosSuites(t *testing.T) {
	for name, x := range map[string]struct {
		config       string
		passed, fail int
	}{
		"as cerbos compile": {"", 4, 0},
		"without schemas":   {"cerbosTests: {ignoreSchemas: true}\n", 3, 1}, // bare is allowed then
		"left out":          {"cerbosTests: {skip: true}\n", 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			base := string(orchard(nil)["mcpolicy.yaml"].Data)
			d, err := openOrchard(t, map[string]string{"mcpolicy.yaml": base + x.config}).Check(t.Context(), workspace.Checks{Tests: &testrunner.Filter{}})
			if err != nil {
				t.Fatal(err)
			}
			if n := d.Tests.Counts(); n.Passed != x.passed || n.Failed != x.fail || n.Errored+n.Skipped > 0 {
				t.Errorf("counts: %+v", n)
			}
		})
	}
}

// TestExportCerbos holds that a suite is exported with what the engine is set to, that the
// clock is pinned where it is read, and that the flag is said without which it fails.
func TestExportCerbos(t *testing.T) {
	x, err := openOrchard(t, nil).ExportCerbos(t.Context(), testrunner.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Suites) != 1 || x.Suites[0].File != "own_test.yaml" || x.Suites[0].Decisions != 2 || x.Suites[0].Failing != 0 || len(x.Left) > 0 || !x.IgnoreSchemas {
		t.Fatalf("export: %+v, ignore schemas: %t", x.Export, x.IgnoreSchemas)
	}
	for _, want := range []string{"globals: {open: true}", `now: '2030-06-01T00:00:00Z'`, "description: for cerbos compile --ignore-schemas"} {
		if text := string(x.Suites[0].Data()); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
