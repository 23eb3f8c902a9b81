package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"

	"github.com/mcpolicy/mcpolicy/policy"
)

var (
	patterns = []string{
		"*", "**", "a", "a*", "*a", "tools/*", "tools/call::*", "tools/call::**", "tools/**", "*::*", "**::a",
		"get_?", "get_?*", "{a,b}", "{a,b}*", "[a-c]x", "[a-c]*", "[!a]*", `\*`, `a\*b`, "[x", "[x*", "{a*", "a]*", "a}*", `*\`, "*:*", "a**b",
		"ns:*", "***", "*,*", "é*", "?*",
	}
	values = []string{
		"a", "b", "ab", "a*b", "axb", "*", "**", "tools/list", "tools/call::a", "tools/call::ns:a", "tools/call::", "tools/call:a",
		"get_", "get_1", "get_?", "get_12", "{a,b}", "ax", "bx", "dx", "[x", "[x*", "[a-c]x", `\*`, `a\*b`, "a]", "a]b", "ns:x", "ns:x:y", ",", "é", "éa", "a:b", ":",
	}
)

// head begins every policy file.
const head = "apiVersion: api.cerbos.dev/v1\n"

// TestMatchAction compares every pattern and value to the engine, in policies
// of every kind.
func TestMatchAction(t *testing.T) {
	fsys := files()
	add := func(name, format string, args ...any) {
		fsys[name] = &fstest.MapFile{Data: fmt.Appendf(nil, head+format, args...)}
	}
	var rules strings.Builder
	for i, pattern := range patterns {
		fmt.Fprintf(&rules, "    - {actions: [%q], effect: EFFECT_ALLOW, roles: [role%d]}\n", pattern, i)
		add(fmt.Sprintf("principal%d.yaml", i), `principalPolicy:
  principal: principal%d
  version: default
  rules:
    - {resource: res, actions: [{action: %q, effect: EFFECT_ALLOW}]}
`, i, pattern)
		add(fmt.Sprintf("role%d.yaml", i), `rolePolicy:
  role: child%d
  version: default
  parentRoles: [parent]
  rules:
    - {resource: res, allowActions: [%q]}
`, i, pattern)
	}
	add("resource.yaml", `resourcePolicy:
  resource: res
  version: default
  rules:
    - {actions: ["**"], effect: EFFECT_ALLOW, roles: [parent]}
%s`, rules.String())

	set, e := load(t, fsys, ""), open(t, fsys)
	for i, pattern := range patterns {
		for id, principal := range map[string]*enginev1.Principal{
			fmt.Sprintf("resource.res.vdefault#rule-%03d", i+2):           {Id: "bot", Roles: []string{fmt.Sprint("role", i)}},
			fmt.Sprintf("principal.principal%d.vdefault#res_rule-001", i): {Id: fmt.Sprint("principal", i), Roles: []string{"none"}},
			fmt.Sprintf("role.child%d.vdefault#res_rule-001", i):          {Id: "bot", Roles: []string{fmt.Sprint("child", i)}},
		} {
			rule := set.Rule(id)
			if rule == nil {
				t.Fatalf("rule %s is not found", id)
			}
			for _, action := range values {
				want := e.allows(t, principal, "", "res", action)
				got, err := rule.MatchAction(pattern, action)
				if got != want {
					t.Errorf("%v: %q matches %q: got %t, the engine says %t", rule.Policy.Kind, pattern, action, got, want)
				}
				if got && err != nil {
					t.Errorf("%v: %q matches %q: %v besides a match", rule.Policy.Kind, pattern, action, err)
				}
				if rule.CoversAction(action) != want {
					t.Errorf("%v: %q covers %q: want %t", rule.Policy.Kind, pattern, action, want)
				}
			}
		}
	}
}

// TestMatchRole compares patterns of roles and of derived roles' parents.
func TestMatchRole(t *testing.T) {
	var rules, definitions strings.Builder
	for i, pattern := range patterns {
		fmt.Fprintf(&rules, "    - {actions: [plain%d], effect: EFFECT_ALLOW, roles: [%q]}\n", i, pattern)
		fmt.Fprintf(&rules, "    - {actions: [derived%d], effect: EFFECT_ALLOW, derivedRoles: [d%d]}\n", i, i)
		fmt.Fprintf(&definitions, "    - {name: d%d, parentRoles: [%q]}\n", i, pattern)
	}
	e := open(t, files(
		"resource.yaml", head+"resourcePolicy:\n  resource: res\n  version: default\n  importDerivedRoles: [set]\n  rules:\n"+rules.String(),
		"derived.yaml", head+"derivedRoles:\n  name: set\n  definitions:\n"+definitions.String(),
	))
	for i, pattern := range patterns {
		for _, role := range values {
			got, err := policy.MatchRole(pattern, role)
			if got && err != nil {
				t.Errorf("%q matches %q: %v besides a match", pattern, role, err)
			}
			for _, action := range []string{"plain", "derived"} {
				principal := &enginev1.Principal{Id: "bot", Roles: []string{role}}
				if want := e.allows(t, principal, "", "res", fmt.Sprint(action, i)); got != want {
					t.Errorf("%s: %q matches %q: got %t, the engine says %t", action, pattern, role, got, want)
				}
			}
		}
	}
}

// TestCoversKind compares resources of every kind of policy, as they are and
// as Cerbos writes them.
func TestCoversKind(t *testing.T) {
	kinds := []string{
		"mcp", "mcp:crm", "mcp_crm", "mcp/crm", "mcp-crm", "mcp::crm", "mcp.crm", "mcp@@crm", "1:crm", "mcp:1", "mcp crm", "mcp:", "é:a", "_a:b", "a:_b", "a:b-/c@2", "a.b:c_d-",
	}
	resources := append([]string{"*", "mcp*", "mcp:*", "mcp_*", "mcp::*", "mcp?crm", "mcp?crm*", "**", "[x*"}, kinds...)

	fsys := files()
	add := func(name, format string, args ...any) {
		fsys[name] = &fstest.MapFile{Data: fmt.Appendf(nil, head+format, args...)}
	}
	for i, kind := range kinds { // by version, since some are one to Cerbos
		add(fmt.Sprintf("resource%d.yaml", i), `resourcePolicy:
  resource: %q
  version: v%d
  rules:
    - {actions: ["*"], effect: EFFECT_ALLOW, roles: [parent]}
`, kind, i)
		for j, resource := range resources {
			add(fmt.Sprintf("principal%d-%d.yaml", i, j), `principalPolicy:
  principal: principal%d
  version: v%d
  rules:
    - {resource: %q, actions: [{action: a, effect: EFFECT_ALLOW}]}
`, j, i, resource)
			add(fmt.Sprintf("role%d-%d.yaml", i, j), `rolePolicy:
  role: child%d
  version: v%d
  parentRoles: [parent]
  rules:
    - {resource: %q, allowActions: [a]}
`, j, i, resource)
		}
	}

	set, e := load(t, fsys, ""), open(t, fsys)
	for i, kind := range kinds {
		version := fmt.Sprint("v", i)
		for j, resource := range resources {
			for key, principal := range map[string]*enginev1.Principal{
				fmt.Sprintf("principal.principal%d.vv%d", j, i): {Id: fmt.Sprint("principal", j), Roles: []string{"none"}, PolicyVersion: version},
				fmt.Sprintf("role.child%d.vv%d", j, i):          {Id: "bot", Roles: []string{fmt.Sprint("child", j)}, PolicyVersion: version},
			} {
				rule := set.Policy(key).Rules[0]
				if got, want := rule.CoversKind(kind), e.allows(t, principal, version, kind, "a"); got != want {
					t.Errorf("%v: %q covers %q: got %t, the engine says %t", rule.Policy.Kind, resource, kind, got, want)
				}
			}
			got, err := policy.MatchResource(resource, kind)
			if got && err != nil || got != set.Policy(fmt.Sprintf("principal.principal%d.vv%d", j, i)).Rules[0].CoversKind(kind) {
				t.Errorf("MatchResource(%q, %q) = %t, %v", resource, kind, got, err)
			}
		}
		n := slices.IndexFunc(set.Policies, func(p *policy.Policy) bool { return p.File == fmt.Sprintf("resource%d.yaml", i) })
		rule := set.Policies[n].Rules[0]
		for _, other := range kinds {
			parent := &enginev1.Principal{Id: "bot", Roles: []string{"parent"}, PolicyVersion: version}
			if got, want := rule.CoversKind(other), e.allows(t, parent, version, other, "a"); got != want {
				t.Errorf("%v: %q covers %q: got %t, the engine says %t", rule.Policy.Kind, kind, other, got, want)
			}
		}
	}
}

func TestInvalidGlob(t *testing.T) {
	for pattern, isGlob := range map[string]bool{"[x*": true, "{a*": true, `*\`: true, "[x": false, "{a": false, "*": true, "a": false, "get_?": false} {
		if policy.IsGlob(pattern) != isGlob {
			t.Errorf("IsGlob(%q) = %t", pattern, !isGlob)
		}
	}
	for pattern, invalid := range map[string]bool{"[x*": true, "[*": true, "[x": false, "*": false} {
		if _, err := policy.MatchAction(pattern, "a"); (err != nil) != invalid {
			t.Errorf("MatchAction(%q): got error %v", pattern, err)
		}
	}
}

func FuzzMatchAction(f *testing.F) {
	for i, pattern := range patterns {
		f.Add(pattern, values[i%len(values)])
	}
	f.Add("*:{", ":") // the library panics
	f.Fuzz(func(t *testing.T, pattern, action string) {
		got, err := policy.MatchAction(pattern, action)
		switch {
		case got && err != nil:
			t.Errorf("%q matches %q besides an error: %v", pattern, action, err)
		case !policy.IsGlob(pattern) && got != (pattern == action):
			t.Errorf("%q matches %q: got %t", pattern, action, got)
		}
		if all, err := policy.MatchAction("*", action); !all || err != nil {
			t.Errorf("* matches %q: got %t, %v", action, all, err)
		}
	})
}

func BenchmarkMatchAction(b *testing.B) {
	for b.Loop() {
		if ok, err := policy.MatchAction("tools/call::get_*", "tools/call::get_sales_data"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
