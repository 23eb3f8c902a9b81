package workspace_test

import (
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/mutation"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// mill is a project with suites of Cerbos's own alone, about two kinds, in two versions and
// two scopes, one of which no enforcement point asks about.
var mill = map[string]string{
	"mcpolicy.yaml":   "servers: {gate: {manifest: gate.json, with: {resourceKind: mill}}}\npolicies: policies\nprincipals: principals.yaml\n",
	"gate.json":       `{"tools": [{"name": "grind", "inputSchema": {"type": "object", "properties": {"sacks": {"type": "number"}}}}, {"name": "stop"}]}`,
	"principals.yaml": "principals: {ada: {id: ada, roles: [miller]}, bo: {id: bo, roles: [guest]}}\n",
	"policies/mill.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mill
  version: default
  importDerivedRoles: [hands]
  constants: {local: {most: 12}}
  rules:
    - {name: grind, actions: ["tools/call::grind"], effect: EFFECT_ALLOW, roles: [miller], condition: {match: {expr: R.attr.arguments.sacks <= C.most}}}
    - {name: stop, actions: ["tools/call::stop"], effect: EFFECT_ALLOW, derivedRoles: [keeper], output: {when: {ruleActivated: '"stopped"'}}}
    - {name: nights, actions: [open], effect: EFFECT_ALLOW, roles: [miller, guest], condition: {match: {expr: "now().getHours() < 6 || G.festival"}}}
    - {name: closed, actions: [open], effect: EFFECT_DENY, roles: [guest]}
`,
	"policies/mill_2.yaml":     "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mill\n  version: \"2\"\n  rules:\n    - {actions: [\"tools/*\"], effect: EFFECT_ALLOW, roles: [miller]}\n",
	"policies/mill_north.yaml": "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mill\n  version: default\n  scope: north\n  rules:\n    - {actions: [\"tools/call::grind\"], effect: EFFECT_DENY, roles: [miller], condition: {match: {expr: R.attr.arguments.sacks > 5}}}\n",
	"policies/hands.yaml":      "apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: hands\n  definitions:\n    - {name: keeper, parentRoles: [miller], condition: {match: {expr: P.attr.keys > 1}}}\n",
	"policies/cart.yaml":       "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: cart\n  version: default\n  schemas: {resourceSchema: {ref: \"cerbos:///cart.json\"}}\n  rules:\n    - {name: load, actions: [load], effect: EFFECT_ALLOW, roles: [miller], condition: {match: {all: {of: [{expr: R.attr.free > 2}, {expr: P.attr.keys != 3}]}}}}\n",
	"policies/ada.yaml":        "apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: ada\n  version: default\n  rules:\n    - resource: cart\n      actions: [{action: paint, effect: EFFECT_ALLOW, condition: {match: {expr: R.attr.free == 3}}}]\n",

	"policies/_schemas/cart.json": `{"type": "object", "properties": {"free": {"type": "number"}}}`,
	"policies/testdata/principals.yaml": `principals:
  ada: {id: ada, roles: [miller], attr: {keys: 2}}
  kim: {id: kim, roles: [miller], attr: {keys: 1}}
  bo: {id: bo, roles: [guest]}
`,
	"policies/mill_test.yaml": `name: Mill
resources:
  few: {id: m, kind: mill, attr: {arguments: {sacks: 12}}}
  many: {id: m, kind: mill, attr: {arguments: {sacks: 13}}}
  north: {id: m, kind: mill, scope: north, attr: {arguments: {sacks: 6}}}
  newer: {id: m, kind: mill, policyVersion: "2"}
tests:
  - name: grinding and stopping
    input: {principals: [ada, kim], resources: [few, many, north, newer], actions: ["tools/call::grind", "tools/call::stop"]}
    expected:
      - {principals: [ada], resources: [few, newer], actions: {"tools/call::grind": EFFECT_ALLOW, "tools/call::stop": EFFECT_ALLOW}}
      - {principals: [ada], resources: [many, north], actions: {"tools/call::stop": EFFECT_ALLOW}}
      - {principals: [kim], resources: [few], actions: {"tools/call::grind": EFFECT_ALLOW}}
      - {principals: [kim], resources: [newer], actions: {"tools/call::grind": EFFECT_ALLOW, "tools/call::stop": EFFECT_ALLOW}}
  - name: at night
    options: {now: "2031-01-01T05:59:00Z", globals: {festival: false}}
    input: {principals: [ada, bo], resources: [few], actions: [open]}
    expected: [{principals: [ada], resources: [few], actions: {open: EFFECT_ALLOW}}]
  - name: this fails, so that it asserts nothing
    options: {now: "2031-01-01T12:00:00Z", globals: {festival: true}}
    input: {principals: [kim], resources: [few], actions: [open]}
    expected: [{principals: [kim], resources: [few], actions: {open: EFFECT_DENY}}]
  - name: its output fails, so that it asserts nothing
    input: {principals: [ada], resources: [few], actions: ["tools/call::stop"]}
    expected: [{principals: [ada], resources: [few], actions: {"tools/call::stop": EFFECT_ALLOW}, outputs: [{action: "tools/call::stop", expected: [{src: "resource.mill.vdefault#stop", val: other}]}]}]
  - name: this is skipped
    skip: true
    input: {principals: [bo], resources: [few], actions: [open]}
    expected: [{principals: [bo], resources: [few], actions: {open: EFFECT_DENY}}]
`,
	"policies/cart_test.yaml": `name: Cart
resources: {free: {id: c, kind: cart, attr: {free: 3}}, full: {id: c, kind: cart, attr: {free: 2}}, odd: {id: c, kind: cart, attr: {free: "3"}}}
tests:
  - name: loading
    input: {principals: [ada, bo], resources: [free, full, odd], actions: [load, paint]}
    expected: [{principals: [ada], resources: [free], actions: {load: EFFECT_ALLOW, paint: EFFECT_ALLOW}}]
`,
}

// TestCerbosKills holds what suites of Cerbos's own say to mutants to Cerbos's own runner,
// over policies with the mistake in them.
func TestCerbosKills(t *testing.T) {
	folder, policies := fstest.MapFS{}, fstest.MapFS{}
	for name, text := range mill {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
		if below, ok := strings.CutPrefix(name, "policies/"); ok {
			policies[below] = folder[name]
		}
	}
	w, err := workspace.Open(t.Context(), folder, workspace.Options{Now: time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	mutated, err := w.Mutate(t.Context(), &workspace.Mutating{Sample: rounds.Of(40, 0)})
	if err != nil {
		t.Fatal(err)
	}
	before := checksOf(t, policies)
	ofRules, ofFiles := 0, 0
	for i := range mutated.Outcomes {
		o := &mutated.Outcomes[i]
		data, err := o.Content()
		if err != nil {
			t.Fatal(err)
		}
		with := maps.Clone(policies)
		with[strings.TrimPrefix(o.Pos.File, "policies/")] = &fstest.MapFile{Data: data}
		failing, unsure := map[string]bool{}, map[string]bool{}
		for i, c := range checksOf(t, with) {
			switch key := keyOf(c); {
			case before[i].Outcome != pdp.CheckPassed:
			case c.Outcome == pdp.CheckErrored: // it reads the clock now, and the test sets none
				unsure[key] = true
			case c.Got != before[i].Got:
				failing[key] = true
			}
		}
		if (o.Status == mutation.Killed) != (len(failing) > 0) && len(unsure) == 0 {
			t.Errorf("%s at %v, %s for %s: %v, and Cerbos's runner has failing %v", o.Operator, o.Pos, o.After, o.Before, o.Status, failing)
		}
		for _, c := range o.By {
			if key := keyOf(c.Check.Of); !failing[key] && !unsure[key] {
				t.Errorf("%s at %v, %s for %s: killed by %s, and Cerbos's runner has failing %v", o.Operator, o.Pos, o.After, o.Before, key, failing)
			}
		}
		switch {
		case o.Status != mutation.Killed:
		case o.Change.File == "":
			ofRules++
		default:
			ofFiles++
		}
	}
	n := mutated.Counts()
	t.Logf("%v; of rules %d, of files %d", n, ofRules, ofFiles)
	if ofRules < 5 || ofFiles < 5 || n[mutation.Invalid] > 0 || n[mutation.Killed] == len(mutated.Outcomes) {
		t.Error("mutants of some kind were not tried")
	}
}

func keyOf(c *pdp.Check) string {
	return c.Test + "/" + c.Principal + "/" + c.Resource + "/" + c.Request.Action
}

// checksOf returns what comes of the suites of a folder by Cerbos's own runner.
func checksOf(t *testing.T, fsys fs.FS) []*pdp.Check {
	t.Helper()
	e, err := embedded.Open(t.Context(), fsys, pdp.Options{Prefix: "policies"})
	if err != nil {
		t.Fatal(err)
	}
	suites, err := e.Verify(t.Context(), fsys, pdp.VerifyOptions{Prefix: "policies"})
	if err != nil {
		t.Fatal(err)
	}
	var checks []*pdp.Check
	for _, s := range suites {
		if s.Err != nil {
			t.Fatal(s.Err)
		}
		checks = append(checks, s.Checks...)
	}
	return checks
}
