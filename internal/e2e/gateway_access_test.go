//go:build e2e && linux

package e2e

import (
	"slices"
	"strings"
	"testing"
)

// The default mappings alone can be said by a profile of a config, for people
// who have the one role that is sent. With no declared mapping it is all that
// the gateway goes by.
var onDefaults = []change{
	{file: "mcpolicy.yaml", new: `servers:
  harbour: {manifest: inventory.json, enforcement: defaults}
policies: policies
principals: principals.yaml
enforcement:
  defaults:
    tools/list: {filter: gate, requests: [{kind: mcp_server, id: "https://harbour.example/mcp", action: tools/list}]}
    prompts/list: {filter: gate, requests: [{kind: mcp_server, id: "https://harbour.example/mcp", action: prompts/list}]}
    resources/list: {filter: gate, requests: [{kind: mcp_server, id: "https://harbour.example/mcp", action: resources/list}]}
    # Refused unasked. No policy is about this kind.
    resources/templates/list: {filter: gate, requests: [{kind: nothing, id: nothing, action: resources/templates/list}]}
    tools/call: [{kind: tool, id: "{name}", action: tools/call}]
    prompts/get: [{kind: prompt, id: "{name}", action: prompts/get}]
    resources/read: [{kind: resource, id: "{name}", action: resources/read}]
    refused: [{code: -32001}]
    admitted: [{method: tools/call, isError: true, text: "Input validation error: *"}]
`},
	{file: "principals.yaml", new: `principals:
  hana: {id: hana, roles: [identity]}
  pelle: {id: pelle, roles: [identity]}
  rosa: {id: rosa, roles: [identity]}
  kim: {id: kim, roles: [identity]}
  otto: {id: otto, roles: [identity]}
`},
	{file: "inventory.json", old: `"x-authzen-mapping"`, new: `"x-unread"`, all: true},
}

// TestGatewayDefaults compares every cell of what a profile of a config says with
// what the gateway shows and does, and holds mcpolicy probe to find nothing, and
// to take a gateway without a PDP for no denial.
func TestGatewayDefaults(t *testing.T) {
	t.Parallel()
	for _, denials := range []string{"error", "result"} {
		t.Run(denials, func(t *testing.T) {
			t.Parallel()
			changes := onDefaults
			if denials == "result" {
				changes = append(slices.Clone(changes), change{file: "mcpolicy.yaml", old: "{code: -32001}", new: `{code: -32001}, {isError: true, text: "Access denied*"}`})
			}
			w := harbour(t, changes...)
			s, pdp := w.run(t, "coaz", "DENIALS="+denials)
			if drifts, said := w.probe(t, s, 0); len(drifts) > 0 {
				t.Errorf("drift: %v\n%s", drifts, said)
			}
			pdp.Kill()
			if _, said := w.probe(t, s, 3); !strings.Contains(said, "-32603") {
				t.Errorf("why is not said:\n%s", said)
			}
		})
	}
	t.Run("cells", func(t *testing.T) {
		t.Parallel()
		w := harbour(t, onDefaults...)
		s, _ := w.run(t, "coaz")
		for _, d := range w.differences(t, s) {
			t.Errorf("%s: %s", d.cell, d.what)
		}
	})
	// Of a token that does not say whose it is no question can be made.
	t.Run("no subject", func(t *testing.T) {
		t.Parallel()
		w := harbour(t, append(slices.Clone(onDefaults), change{file: "principals.yaml", old: "{id: pelle, roles: [identity]}", new: "{id: pelle, roles: [identity], attr: {sub: null}}"})...)
		s, _ := w.run(t, "coaz")
		if _, said := w.probe(t, s, 3); !strings.Contains(said, "pelle could not be probed") || !strings.Contains(said, "COAZ mapping error") || strings.Contains(said, "hana could not") {
			t.Errorf("it is not said of pelle alone:\n%s", said)
		}
	})
}

// TestCOAZ compares every cell of the matrix of the profile with what the
// gateway shows and does, and holds mcpolicy probe to find nothing.
func TestCOAZ(t *testing.T) {
	t.Parallel()
	w := harbour(t)
	s, pdp := w.run(t, "coaz")
	strangers(t, s)
	for _, d := range w.differences(t, s) {
		t.Errorf("%s: %s", d.cell, d.what)
	}
	// Another one, for no tool may have run.
	s = serve(t, python(t, "coaz"), w.dir, pdp, w.keys())
	if drifts, said := w.probe(t, s, 0); len(drifts) > 0 {
		t.Errorf("drift: %v\n%s", drifts, said)
	}
}
