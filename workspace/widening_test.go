package workspace

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// slipped draws a name, sometimes with a letter that is wrong.
func slipped(r *rapid.T, names ...string) string {
	name := rapid.SampledFrom(names).Draw(r, "name")
	switch i := len(name) - 2; rapid.IntRange(0, 4).Draw(r, "slip") {
	case 0:
		return name[:i] + name[i+1:]
	case 1:
		return name[:i] + "q" + name[i+1:]
	}
	return name
}

// slippedPolicies draws policies of a kind in two scopes, with slips in the names
// of tools, roles and arguments, and with definitions that nothing uses.
func slippedPolicies(r *rapid.T) map[string]string {
	files := map[string]string{}
	for _, scope := range []string{"", "branch"} {
		head := "  constants: {local: {unused: 1, used: 2}}\n"
		if scope != "" {
			head += "  scope: branch\n  scopePermissions: " + rapid.SampledFrom([]string{"SCOPE_PERMISSIONS_OVERRIDE_PARENT", parentalConsent}).Draw(r, "permissions") + "\n"
		}
		var rules []string
		for i := range rapid.IntRange(1, 5).Draw(r, "rules") {
			var actions []string
			for range rapid.IntRange(1, 2).Draw(r, "actions") {
				actions = append(actions, `"tools/`+rapid.SampledFrom([]string{"call::", "call::", "list::"}).Draw(r, "operation")+slipped(r, "transfer", "statement")+`"`)
			}
			effect, role := rapid.SampledFrom([]string{"ALLOW", "ALLOW", "DENY"}).Draw(r, "effect"), slipped(r, "CLERK", "AUDITOR")
			if effect == "ALLOW" && rapid.IntRange(0, 3).Draw(r, "everyone") == 0 {
				role = "\"*\""
			}
			rule := fmt.Sprintf("    - name: r%d\n      actions: [%s]\n      effect: EFFECT_%s\n      roles: [%s]\n", i, strings.Join(actions, ", "), effect, role)
			if rapid.Bool().Draw(r, "conditional") {
				rule += fmt.Sprintf("      condition: {match: {expr: R.attr.arguments.%s %s C.used}}\n", slipped(r, "amount"), rapid.SampledFrom([]string{">", "<="}).Draw(r, "operator"))
			}
			rules = append(rules, rule)
		}
		files["p"+scope+".yaml"] = "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n" + head + "  rules:\n" + strings.Join(rules, "")
	}
	return files
}

// TestDifferentialFixNeverWidens corrects random policies as plain --fix does. Nobody may do
// afterwards what the engine denied before: no declared principal and no holder
// of a role that was misspelt, with any arguments.
func TestDifferentialFixNeverWidens(t *testing.T) {
	worlds, made, decided, left := 0, 0, 0, 0
	for worlds < rounds.Of(20, 400) {
		rapid.Check(t, func(r *rapid.T) {
			worlds++
			files := slippedPolicies(r)
			strict := rapid.IntRange(0, 3).Draw(r, "strict") == 0
			before := engineOf(r, files, strict)
			if before == nil || len(before.Confused()) > 0 {
				return // the engine refuses them, or does not decide them reliably
			}
			list, after := fixed(r, bank(files, strict))
			made, left = made+len(Safe(list)), left+len(list)-len(Safe(list))
			engine := engineOf(r, after, strict)
			if engine == nil {
				r.Fatalf("the engine refuses\n%s", after)
			}
			requests := everyRequest()
			decided += len(requests)
			was, err := before.Decide(t.Context(), requests)
			if err != nil {
				r.Fatal(err)
			}
			is, err := engine.Decide(t.Context(), requests)
			if err != nil {
				r.Fatal(err)
			}
			for i, q := range requests {
				if was[i].Effect != authz.Allow && is[i].Effect == authz.Allow {
					r.Fatalf("%v may %s with %v (strict: %v), after %+v of\n%s", q.Principal.Roles, q.Action, q.Resource.Attr, strict, Safe(list), files)
				}
			}
		})
	}
	t.Logf("%d worlds, %d corrections made and %d left out, %d decisions", worlds, made, left, decided)
	if made == 0 || left == 0 {
		t.Error("nothing was corrected, or nothing was left out")
	}
}

// TestDenialUnderStrictEvaluation corrects the action of a DENY where an error denies to all
// roles of a principal: with the DENY the role is refused before anything errs, and another
// role allows the call.
func TestDenialUnderStrictEvaluation(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		w, err := Open(t.Context(), bank(map[string]string{"p.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {name: audit, actions: ["tools/call::transfr"], effect: EFFECT_DENY, roles: [AUDITOR]}
    - {name: small, actions: ["tools/call::transfer"], effect: EFFECT_ALLOW, roles: [AUDITOR], condition: {match: {expr: R.attr.arguments.sum < 9}}}
    - {name: desk, actions: ["tools/call::transfer"], effect: EFFECT_ALLOW, roles: [CLERK]}
`}, strict), Options{})
		if err != nil {
			t.Fatal(err)
		}
		list, err := w.Proposals(t.Context(), findings(t.Context(), t, w, Rules{Only: []string{"rule-matches-nothing"}}))
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 1 || list[0].New != "tools/call::transfer" || (list[0].Widens != "") != strict {
			t.Errorf("strict: %t: %+v", strict, list)
		}
	}
}

// bank is a folder with policies, a config and what it names.
func bank(files map[string]string, strict bool) fstest.MapFS {
	all := map[string]string{
		"mcpolicy.yaml": fmt.Sprintf("servers: {bank: {manifest: bank.json}}\npolicies: policies\nprincipals: people.csv\nengine: {strictEvaluation: %t}\n", strict),
		"people.csv":    "id,roles\nada,CLERK\nbo,AUDITOR\ncy,CLERK;AUDITOR\n",
		"bank.json": `{"tools": [{"name": "transfer", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}},
			{"name": "statement", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}}]}`,
	}
	for name, text := range files {
		all["policies/"+name] = text
	}
	fsys := fstest.MapFS{}
	for name, text := range all {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// engineOf returns an engine, or nil if it refuses the policies.
func engineOf(r *rapid.T, files map[string]string, strict bool) *embedded.Engine {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	engine, err := embedded.Open(r.Context(), fsys, pdp.Options{StrictEvaluation: strict})
	if err != nil {
		return nil
	}
	return engine
}

// fixed returns what lint proposes, and the policies with what is safe of it.
func fixed(r *rapid.T, folder fs.FS) ([]Proposal, map[string]string) {
	w, err := Open(r.Context(), folder, Options{})
	if err != nil {
		r.Fatal(err)
	}
	rules := Rules{Only: []string{"rule-matches-nothing", "role-not-held", "argument-not-in-schema", "argument-at-list-time", "unused-definition"}}
	list, err := w.Proposals(r.Context(), findings(r.Context(), r, w, rules))
	if err != nil {
		r.Fatal(err)
	}
	made, _ := w.Correct(Safe(list))
	after := map[string]string{}
	for _, p := range w.Policies.Policies {
		data, err := fs.ReadFile(folder, p.File)
		if err != nil {
			r.Fatal(err)
		}
		after[strings.TrimPrefix(p.File, "policies/")] = string(data)
	}
	for _, c := range made {
		after[c.Name] = string(c.New)
	}
	return list, after
}

func findings(ctx context.Context, t rapid.TB, w *Workspace, rules Rules) []lint.Finding {
	t.Helper()
	d, err := w.Check(ctx, Checks{Lint: &rules})
	if err != nil {
		t.Fatal(err)
	}
	return d.Findings
}

// everyRequest asks about each tool, for holders of each role and of each slip of
// it, in both scopes, without arguments and with some on both sides of a limit.
func everyRequest() []authz.Request {
	var list []authz.Request
	for _, roles := range [][]string{
		{"CLERK"},
		{"AUDITOR"},
		{"CLERK", "AUDITOR"},
		{"AUDITOR", "CLERK"},
		{"CLEK"},
		{"CLEqK"},
		{"CLqRK"},
		{"AUDITR"},
		{"AUDITqR"},
		{"CLEK", "CLERK"},
		{"AUDITqR", "CLERK"},
	} {
		for _, scope := range []string{"", "branch"} {
			for _, action := range []string{"tools/call::transfer", "tools/call::statement", "tools/list::transfer", "tools/list::statement"} {
				for _, arguments := range []any{nil, map[string]any{}, map[string]any{"amount": 1.0}, map[string]any{"amount": 3.0}, map[string]any{"amouqt": 3.0, "amount": 1.0}} {
					attr := map[string]any{}
					if arguments != nil {
						attr["arguments"] = arguments
					}
					list = append(list, authz.Request{
						Principal: &authz.Principal{Key: "x", ID: "x", Roles: roles}, Action: action,
						Resource: authz.Resource{Kind: "mcp_server", ID: "mcp_server", Scope: scope, Attr: attr},
					})
				}
			}
		}
	}
	return list
}

// TestConfirm has the engine notice what the form of an edit would let pass.
func TestConfirm(t *testing.T) {
	w, err := Open(t.Context(), bank(map[string]string{"p.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::transfr"], effect: EFFECT_ALLOW, roles: [CLERK]}
    - {actions: ["tools/call::statment"], effect: EFFECT_DENY, roles: [CLERK]}
`}, false), Options{})
	if err != nil {
		t.Fatal(err)
	}
	list := w.proposals(findings(t.Context(), t, w, Rules{Only: []string{"rule-matches-nothing"}}))
	for i := range list {
		list[i].Widens = ""
	}
	if err := w.confirm(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		got = append(got, p.New+": "+p.Widens)
	}
	if want := "tools/call::transfer: more is allowed with it; tools/call::statement: "; strings.Join(got, "; ") != want {
		t.Errorf("%q, want %s", got, want)
	}
}
