package lint_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestVerdictsHold lints rules with conditions at random, and holds what is
// said of a condition that no request can meet or fail against requests at
// random. Nothing is said both ways.
func TestVerdictsHold(t *testing.T) {
	worlds, each := rounds.Of(3, 100), rounds.Of(100, 3000)
	said := map[string]int{}
	for seed := range worlds {
		s := celgen.New(1000 + uint64(seed)) //nolint:gosec // a small number
		v := &verdictWorld{source: s, schemas: map[string]*witness.Schema{}}
		v.load(t, seed%4 == 3)
		list, err := findings(t.Context(), v.files, "condition-always-true", "condition-never-true")
		if err != nil {
			t.Fatal(err)
		}
		rules := map[string]bool{}
		for _, f := range list {
			if rules[f.Policy] {
				t.Errorf("two findings about %s: %s", f.Policy, v.texts[f.Policy])
			}
			rules[f.Policy] = true
			kind, _, _ := strings.Cut(f.Message, " the condition of")
			said[kind]++
			v.refute(t, &f, kind, each)
		}
	}
	t.Logf("%d worlds: %v, each held against %d requests", worlds, said, each)
	if len(said) < 2 {
		t.Errorf("too little was said: %v", said)
	}
}

// A verdictWorld is tools with schemas, and rules about them.
type verdictWorld struct {
	source  *celgen.Source
	files   fstest.MapFS
	world   *world
	schemas map[string]*witness.Schema // by tool
	texts   map[string]string          // of the conditions, by rule
	named   map[string]bool            // the rules that name their tool
}

var verdictTools = []string{celgen.Tool, "stop", "ab"}

func (v *verdictWorld) load(t *testing.T, strict bool) {
	t.Helper()
	var tools []map[string]any
	for _, name := range verdictTools {
		tool := map[string]any{"name": name}
		if text := v.source.Schema(); text != "" {
			n, err := source.ParseJSON("schema.json", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			v.schemas[name], tool["inputSchema"] = witness.NewSchema(n), json.RawMessage(text)
		}
		tools = append(tools, tool)
	}
	inventory, err := json.Marshal(map[string]any{"tools": tools})
	if err != nil {
		t.Fatal(err)
	}
	texts, err := v.source.Conditions(t.Context(), 30)
	if err != nil {
		t.Fatal(err)
	}
	v.texts, v.named = map[string]string{}, map[string]bool{}
	var p strings.Builder
	p.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n")
	for i, text := range texts {
		id := fmt.Sprintf("resource.mcp_server.vdefault#r%d", i)
		action := []string{"tools/call::" + celgen.Tool, "tools/call::*"}[v.source.IntN(2)]
		v.texts[id], v.named[id] = text, !strings.Contains(action, "*")
		fmt.Fprintf(&p, "    - {name: r%d, actions: [%q], effect: EFFECT_%s, roles: [A], condition: {match: {expr: %q}}}\n", i, action,
			[]string{"ALLOW", "ALLOW", "DENY"}[v.source.IntN(3)], text)
	}
	v.files = fstest.MapFS{
		"manifest.json":   {Data: inventory},
		"principals.yaml": {Data: []byte("principals:\n  bob: {id: bob, roles: [A], attr: {n: 700, a: red, l: [a]}}\n")},
		"policies/p.yaml": {Data: []byte(p.String())},
		"mcpolicy.yaml": {Data: fmt.Appendf(nil, "servers: {crm: {manifest: manifest.json}}\npolicies: policies\nprincipals: principals.yaml\nengine: {strictEvaluation: %v}\n",
			strict)},
	}
	if v.world, err = load(t.Context(), v.files); err != nil {
		t.Fatal(err)
	}
}

// refute looks for a request that a finding is wrong about.
func (v *verdictWorld) refute(t *testing.T, f *lint.Finding, kind string, each int) {
	t.Helper()
	conditions := v.world.engine.Conditions()
	i := slices.IndexFunc(conditions, func(c *pdp.Condition) bool {
		return slices.ContainsFunc(c.Uses, func(u pdp.Use) bool { return u.Rule == f.Policy })
	})
	var trials []pdp.Trial
	for range each {
		name := v.source.Name()
		switch {
		case v.named[f.Policy]:
			name = celgen.Tool
		case kind != "no request can meet" && kind != "no request can fail":
			name = verdictTools[v.source.IntN(len(verdictTools))]
		}
		arguments := v.source.Arguments()
		if strings.Contains(kind, "inputSchema") && !v.schemas[name].Allows(arguments) {
			continue
		}
		trials = append(trials, pdp.Trial{Condition: conditions[i], Request: authz.Request{
			Principal: &authz.Principal{
				ID: v.source.ID(), Roles: []string{"A"}, Attr: v.source.Attributes("a b n m f l o t"), AuxData: v.source.Attributes("a l"),
			},
			Resource: authz.Resource{Kind: "mcp_server", ID: name, Attr: map[string]any{"tool_name": name, "source": "client", "arguments": arguments}},
		}})
	}
	outcomes, err := v.world.engine.Try(t.Context(), trials)
	if err != nil {
		t.Fatal(err)
	}
	for j, o := range outcomes {
		if (o == pdp.Met) != (kind == "no request can fail") {
			r := trials[j].Request
			t.Errorf("%s: %s, but it comes to %d for %v %v of %s", f.Message, v.texts[f.Policy], o, r.Principal.Attr, r.Resource.Attr, r.Principal.ID)
			return
		}
	}
}
