package testgen_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func policies(rules ...string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n    - " + strings.Join(rules, "\n    - ") + "\n")}
}

func load(t *testing.T, files fstest.MapFS, now time.Time) *workspace.Workspace {
	t.Helper()
	w, err := fixture.Open(t.Context(), files, "", workspace.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func contains(t *testing.T, text []byte, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(string(text), part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}

// TestNames holds that whatever things are called, suites name them.
func TestNames(t *testing.T) {
	w := load(t, fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [{"name": "a*b"}, {"name": "axb"}, {"name": "it's: \"so\" # {x}"}, {"name": "yes"}, {"name": "007"}, {"name": "twice"}, {"name": "twice"}],
			"resources": [{"uri": "x://?a=[b]"}], "resourceTemplates": [{"uriTemplate": "x://{id}"}]}`)},
		"policies/p.yaml": policies(`{actions: ["tools/list", "tools/list::a*b", "tools/call::**", "resources/list"], effect: EFFECT_ALLOW, roles: ["#staff"]}`),
		"principals.yaml": {Data: []byte("principals:\n  '@desk': {id: a, roles: ['#staff']}\n  'a?': {id: b, roles: ['#staff']}\n  'true': {id: c, roles: ['true']}\n  desk: {id: d, roles: [x, y]}\nprincipalGroups: {desk: {principals: ['a?', 'desk']}}\n")},
	}, time.Time{})
	made, err := w.Generate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	contains(t, made.Text, `"it's: \"so\" # {x}"`, `'007'`, `['@desk', 'a?']`, "may do nothing here", "# resources read: no policy is asked, so there is nothing to test.")
}

// TestWhom holds that a test names a group or a role where that says who it is about, and
// some of many otherwise.
func TestWhom(t *testing.T) {
	var people strings.Builder
	people.WriteString("principals:\n")
	for _, name := range strings.Split("abcdefghijklmnopq", "") {
		people.WriteString("  " + name + "1: {id: " + name + "1, roles: [crowd]}\n  " + name + "2: {id: " + name + "2, roles: [" + name + ", many]}\n")
	}
	people.WriteString("  ann: {id: ann, roles: [pair]}\n  ben: {id: ben, roles: [pair]}\n  zoe: {id: zoe, roles: [many, pair, crowd]}\nprincipalGroups: {two: {principals: [ben, ann]}}\n")
	w := load(t, fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "dig"}, {"name": "fill"}]}`)},
		"policies/p.yaml": policies(`{actions: ["tools/call::dig"], effect: EFFECT_ALLOW, roles: [pair]}`, `{actions: ["tools/call::fill"], effect: EFFECT_ALLOW, roles: [crowd]}`, `{actions: ["tools/list::fill", "tools/list"], effect: EFFECT_ALLOW, roles: [many]}`),
		"principals.yaml": {Data: []byte(people.String())},
	}, time.Time{})
	made, err := w.Generate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	contains(t, made.Text, "principals: ['@two']", "principals: [zoe]", "principals: [a1, b1, c1, d1, e1, f1, g1, h1, i1, j1, k1, l1]", "# and 5 more with the same access")
}

// TestClock holds that suites of policies that read the clock say what time it is.
func TestClock(t *testing.T) {
	files := fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "dig"}]}`)},
		"policies/p.yaml": policies(`{actions: ["tools/call::dig"], effect: EFFECT_ALLOW, roles: [x], condition: {match: {expr: 'now() < timestamp("2031-01-01T00:00:00Z")'}}}`),
		"principals.yaml": {Data: []byte("principals: {ann: {id: ann, roles: [x]}}\n")},
	}
	for year, want := range map[int]string{2030: "call: {exactly: [dig]}", 2032: "call: {exactly: []}"} {
		made, err := load(t, files, time.Date(year, 3, 1, 4, 5, 6, 7, time.UTC)).Generate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		contains(t, made.Text, want, "options: {now: "+time.Date(year, 3, 1, 4, 5, 6, 0, time.UTC).Format(time.RFC3339)+"}")
	}
}

// TestNothing holds that where no policy is asked about anything there is no empty suite.
func TestNothing(t *testing.T) {
	w := load(t, fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"resources": [{"uri": "x://y"}]}`)},
		"mcpolicy.yaml":   {Data: []byte("servers: {crm: {manifest: manifest.json, enforcement: open}}\nenforcement: {open: {tools/call: [{kind: k, id: x, action: x}]}}\npolicies: policies\nprincipals: principals.yaml\n")},
		"policies/p.yaml": policies(`{actions: ["x"], effect: EFFECT_ALLOW, roles: [x]}`),
		"principals.yaml": {Data: []byte("principals: {ann: {id: ann, roles: [x]}}\n")},
	}, time.Time{})
	if made, err := w.Generate(t.Context()); !errors.Is(err, testgen.ErrNothing) {
		t.Errorf("%v, %v", made, err)
	}
}

// loader is a world with a condition that has a boundary.
func loader(limit string) fstest.MapFS {
	return fstest.MapFS{
		"manifest.json":   {Data: []byte(`{"tools": [{"name": "lift", "inputSchema": {"type": "object", "properties": {"kilos": {"type": "number"}}}}]}`)},
		"policies/p.yaml": policies(`{name: light, actions: ["tools/call::lift"], effect: EFFECT_ALLOW, roles: [x], condition: {match: {expr: 'R.attr.arguments.kilos * 2.0 <= ` + limit + `'}}}`),
		"principals.yaml": {Data: []byte("principals: {ann: {id: ann, roles: [x]}}\n")},
	}
}

// TestGuards holds that a mistake that suites would not notice gets a call of its own, and
// says why it is there.
func TestGuards(t *testing.T) {
	w, wrong := load(t, loader("90.0"), time.Time{}), load(t, loader("91.0"), time.Time{})
	in, err := w.Generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in.Unnoticed = unnoticed(t, in.Matrix, []slip{{"90.0 would be 91.0", wrong}})
	made, err := testgen.Generate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if failing(t, w, made.Text, "") != 0 || failing(t, wrong, made.Text, "") == 0 {
		t.Errorf("the suites do not tell them apart:\n%s", made.Text)
	}
	contains(t, made.Text, "# 90.0 would be 91.0\n")
}

// TestAdditions holds that cases that others ask for are written, each once, and have to pass.
func TestAdditions(t *testing.T) {
	w := load(t, loader("90.0"), time.Time{})
	in, err := w.Generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var call *matrix.Column
	for _, col := range in.Matrix.Columns {
		if col.Operation == authz.Call {
			call = col
		}
	}
	ann := in.Matrix.ClassOf("ann").First()
	gap := testgen.Gap{Why: "light without kilos", Principal: ann, Column: call, Arguments: map[string]any{}, Expect: authz.Deny}
	made, err := testgen.Additions(t.Context(), in, "what no suite covers", []testgen.Gap{
		gap, gap,
		{Why: "light", Principal: ann, Column: call, Arguments: map[string]any{"kilos": 45.0}, Expect: authz.Allow},
		{Why: "both", Principal: ann, Column: call, Expect: authz.Conditional},
	})
	if err != nil {
		t.Fatal(err)
	}
	if made.Cases != 3 || made.Tests != 1 {
		t.Errorf("%d cases in %d tests:\n%s", made.Cases, made.Tests, made.Text)
	}
	contains(t, made.Text, "name: what no suite covers", "    call:\n      conditional: [lift]\n      cases:\n        # light without kilos\n        - {tool: lift, arguments: {}, expect: deny}\n        # light\n        - {tool: lift, arguments: {kilos: 45}, expect: allow}\n")
	gap.Expect = authz.Allow
	if made, err = testgen.Additions(t.Context(), in, "wrong", []testgen.Gap{gap}); err == nil {
		t.Errorf("a case that fails was written:\n%s", made.Text)
	}
	if _, err = testgen.Additions(context.Background(), in, "none", nil); !errors.Is(err, testgen.ErrNothing) {
		t.Errorf("no case is %v", err)
	}
}
