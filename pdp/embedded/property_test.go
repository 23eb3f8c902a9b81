package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// The property: what Decide says about unknown arguments is true of what it
// says about each value of them, by the engine's own check. The condition is
// read back by a policy of its own, so nothing here evaluates CEL but Cerbos.

var (
	atoms = []string{
		`R.attr.arguments.x == 1`, `R.attr.arguments.x != 1`, `R.attr.arguments.x < P.attr.n`, `R.attr.arguments.y == P.attr.s`,
		`R.attr.arguments.y in P.attr.list`, `R.attr.arguments.y in []`, `has(R.attr.arguments.x)`, `has(R.attr.arguments.y)`,
		`R.attr.arguments.y.startsWith("a")`, `size(R.attr.arguments) > 1`, `P.attr.s == "a"`, `P.attr.n > 1`, `P.attr.missing == 1`,
		`has(P.attr.n)`, `P.attr.list.exists(e, e == R.attr.arguments.y)`, `R.attr.arguments.z.all(e, e in P.attr.list)`,
		`R.attr.unsent == 1`, `R.attr.tool_name == "t"`, `V.big`, `V.open`, `P.id == "p"`, `"adm" in P.roles`,
		`(P.attr.n > 1 ? R.attr.arguments.x : R.attr.arguments.y) == 1`, `R.attr.arguments.x + P.attr.n == 3.0`,
		`timestamp(R.attr.arguments.y) > timestamp("2026-01-01T00:00:00Z")`, `now() > timestamp(R.attr.arguments.y)`,
		`hierarchy(P.attr.s).ancestorOf(hierarchy(R.attr.arguments.y))`, `R.attr.arguments.z.k == P.attr.n`,
		`{"a": 1, "b": 2}[R.attr.arguments.y] == 1`, `R.attr.arguments.y.matches("^[ab]$")`, `P.attr.map[R.attr.arguments.y] == 1`,
		`hasIntersection(R.attr.arguments.z, P.attr.list)`, `R.attr.arguments.z.filter(e, e == P.attr.s).size() > 0`,
		`R.attr["arguments"]["y"] == "b"`, `R.attr.arguments.?x.orValue(1) == 1`, `C.limit == R.attr.arguments.x`,
	}
	exprs = rapid.Custom(func(t *rapid.T) string { return expression(t, 2) })
)

func expression(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
		return rapid.SampledFrom(atoms).Draw(t, "atom")
	}
	switch rapid.SampledFrom([]string{"and", "or", "not", "if"}).Draw(t, "op") {
	case "and":
		return "(" + expression(t, depth-1) + " && " + expression(t, depth-1) + ")"
	case "or":
		return "(" + expression(t, depth-1) + " || " + expression(t, depth-1) + ")"
	case "not":
		return "!(" + expression(t, depth-1) + ")"
	}
	return "(" + expression(t, depth-1) + " ? " + expression(t, depth-1) + " : " + expression(t, depth-1) + ")"
}

func match(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "plain") > 0 {
		return fmt.Sprintf("{expr: %q}", exprs.Draw(t, "expr"))
	}
	var of []string
	for range rapid.IntRange(1, 2).Draw(t, "n") {
		of = append(of, match(t, depth-1))
	}
	return fmt.Sprintf("{%s: {of: [%s]}}", rapid.SampledFrom([]string{"all", "any", "none"}).Draw(t, "match"), strings.Join(of, ", "))
}

func randomPolicies(t *rapid.T) []string {
	var b strings.Builder
	scoped := rapid.Bool().Draw(t, "scoped")
	header := func(scope string) {
		b.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n")
		if scope != "" {
			fmt.Fprintf(&b, "  scope: %s\n  scopePermissions: %s\n", scope, rapid.SampledFrom([]string{
				"SCOPE_PERMISSIONS_OVERRIDE_PARENT", "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS",
			}).Draw(t, "permissions"))
		}
		b.WriteString("  importDerivedRoles: [derived]\n  constants: {local: {limit: 1}}\n  variables: {local: {big: P.attr.n > 1, open: R.attr.arguments.x == P.attr.n}}\n  rules:\n")
		for range rapid.IntRange(1, 4).Draw(t, "rules") {
			fmt.Fprintf(&b, "    - {actions: [%s], effect: EFFECT_%s", rapid.SampledFrom([]string{"call", `"*"`}).Draw(t, "action"), rapid.SampledFrom([]string{"ALLOW", "ALLOW", "DENY"}).Draw(t, "effect"))
			if rapid.IntRange(0, 3).Draw(t, "derived") == 0 {
				b.WriteString(", derivedRoles: [owner]")
			} else {
				fmt.Fprintf(&b, ", roles: [%s]", rapid.SampledFrom([]string{"A", "B", `"*"`}).Draw(t, "role"))
			}
			if rapid.IntRange(0, 3).Draw(t, "conditional") > 0 {
				fmt.Fprintf(&b, ", condition: {match: %s}", match(t, 2))
			}
			b.WriteString("}\n")
		}
	}
	header("")
	policies := []string{b.String()}
	if scoped {
		b.Reset()
		header("child")
		policies = append(policies, b.String())
	}
	policies = append(policies, "apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: derived\n  definitions:\n    - {name: owner, parentRoles: [A], condition: {match: "+match(t, 1)+"}}\n")
	if rapid.IntRange(0, 3).Draw(t, "principal policy") == 0 {
		policies = append(policies, fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: p\n  version: default\n  rules:\n    - resource: mcp_server\n      actions:\n        - {action: call, effect: EFFECT_%s, condition: {match: {expr: %q}}}\n",
			rapid.SampledFrom([]string{"ALLOW", "DENY"}).Draw(t, "effect"), rapid.SampledFrom(atoms[:18]).Draw(t, "expr")))
	}
	if rapid.IntRange(0, 3).Draw(t, "role policy") == 0 {
		policies = append(policies, fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: B\n  version: default\n  rules:\n    - {resource: mcp_server, allowActions: [call], condition: {match: {expr: %q}}}\n",
			rapid.SampledFrom(atoms[:18]).Draw(t, "expr")))
	}
	return policies
}

func randomArguments(t *rapid.T) map[string]any {
	values := []any{
		1.0, 2.0, "a", "b", "a.b", "2026-06-01T00:00:00Z", true, nil,
		[]any{"a"},
		[]any{"b", 1.0},
		map[string]any{},
		map[string]any{"k": 1.0},
	}
	args := map[string]any{}
	for _, name := range []string{"x", "y", "z"} {
		if rapid.IntRange(0, 3).Draw(t, "present") > 0 {
			args[name] = rapid.SampledFrom(values).Draw(t, name)
		}
	}
	return args
}

func TestConditionsAgreeWithTheEngine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fsys := fstest.MapFS{}
		for i, p := range randomPolicies(t) {
			fsys[fmt.Sprintf("p%d.yaml", i)] = &fstest.MapFile{Data: []byte(p)}
		}
		options := pdp.Options{StrictEvaluation: rapid.IntRange(0, 3).Draw(t, "strict") == 0, Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}
		e, err := embedded.Open(t.Context(), fsys, options)
		if err != nil {
			t.Skip(err) // a random policy may be refused, for instance for a type error
		}
		p := &authz.Principal{
			ID: "p", Roles: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"A", "B", "adm"}), 1, 3, rapid.ID).Draw(t, "roles"),
			Attr: map[string]any{"map": map[string]any{"a": 1.0}, "n": rapid.SampledFrom([]any{1.0, 2.0, 2.5}).Draw(t, "n"), "s": "a", "list": rapid.SampledFrom([]any{[]any{"a", "b"}, []any{}, []any{1.0}}).Draw(t, "list")},
		}
		request := authz.Request{Principal: p, Action: "call", Unknown: []string{"arguments"}, Resource: authz.Resource{
			Kind: "mcp_server", ID: "t", Attr: map[string]any{"tool_name": "t"},
			Scope: rapid.SampledFrom([]string{"", "child"}).Draw(t, "scope"),
		}}
		agree(t, e, request, options, func() authz.Request {
			known := request
			known.Unknown = nil
			known.Resource.Attr = map[string]any{"tool_name": "t", "arguments": randomArguments(t)}
			return known
		})
	})
}

// agree holds what is said of a request that leaves things open against what
// the engine decides for each of some requests that do not.
func agree(t *rapid.T, e *embedded.Engine, request authz.Request, options pdp.Options, sample func() authz.Request) {
	decide := func(e *embedded.Engine, r authz.Request) authz.Decision {
		d, err := embedded.Plainly(t.Context(), e, []authz.Request{r})
		if err != nil {
			t.Fatal(err)
		}
		return d[0]
	}
	decisions, err := e.Decide(t.Context(), []authz.Request{request})
	if err != nil {
		t.Fatal(err)
	}
	open := decisions[0]
	var readBack *embedded.Engine
	if open.Effect == authz.Conditional && !strings.Contains(open.Condition.String(), "(depends on") {
		var err error
		if readBack, err = embedded.Open(t.Context(), conditionPolicy(open.Condition.String()), options); err != nil {
			t.Fatalf("the condition %q is no CEL: %v", open.Condition.String(), err)
		}
	}
	var given []pdp.Given
	var wanted []authz.Effect
	for range 20 {
		known := sample()
		want := decide(e, known).Effect
		held := pdp.Given{Condition: open.Condition, Request: known}
		held.Request.Unknown = request.Unknown
		given, wanted = append(given, held), append(wanted, want)
		switch {
		case open.Effect != authz.Conditional && open.Effect != want:
			t.Fatalf("%v whatever is open, but %v with %v and %v", open.Effect, want, known.Principal.Attr, known.Resource.Attr)
		case readBack == nil:
		default:
			reader := *known.Principal
			reader.Roles = alternatives
			known.Principal, known.Resource.Scope = &reader, ""
			if got := decide(readBack, known).Effect; got != want {
				t.Fatalf("%q says %v, the engine %v, with %v and %v", open.Condition.String(), got, want, known.Principal.Attr, known.Resource.Attr)
			}
		}
	}
	if open.Effect != authz.Conditional {
		return
	}
	held, err := e.Holds(t.Context(), given)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range held {
		if untold := !open.Condition.Written() || open.Condition.Reads().Policy; got != wanted[i] && (got != authz.Conditional || !untold) {
			t.Fatalf("%q is held to be %v, the engine says %v, with %v", open.Condition.String(), got, wanted[i], given[i].Request)
		}
	}
}

// alternatives are the roles of the policies that conditions are read back by.
var alternatives = func() (roles []string) {
	for i := range 48 {
		roles = append(roles, fmt.Sprintf("alternative%d", i))
	}
	return roles
}()

// TestConditionsOfRoles is the same for anybody with a role: the condition over
// principals and arguments holds for each of them.
func TestConditionsOfRoles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fsys := fstest.MapFS{}
		var text string
		for range rapid.IntRange(1, 3).Draw(t, "rules") {
			expr := exprs.Draw(t, "expr")
			if strings.Contains(expr, "V.") || strings.Contains(expr, "C.") || strings.Contains(expr, "P.roles") || strings.Contains(expr, "P.id") {
				expr = "R.attr.arguments.y == P.attr.s"
			}
			text += fmt.Sprintf("    - {actions: [call], effect: EFFECT_%s, roles: [A], condition: {match: {expr: %q}}}\n",
				rapid.SampledFrom([]string{"ALLOW", "ALLOW", "DENY"}).Draw(t, "effect"), expr)
		}
		fsys["p.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n" + text)}
		options := pdp.Options{Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}
		e, err := embedded.Open(t.Context(), fsys, options)
		if err != nil {
			t.Skip(err)
		}
		request := authz.Request{
			Principal: &authz.Principal{ID: "x", Roles: []string{"A"}}, Action: "call", Unknown: []string{"arguments"}, AnyPrincipal: true,
			Resource: authz.Resource{Kind: "mcp_server", ID: "t", Attr: map[string]any{"tool_name": "t"}},
		}
		agree(t, e, request, options, func() authz.Request {
			attr := map[string]any{"map": map[string]any{"a": 1.0}, "list": []any{"a"}}
			if rapid.Bool().Draw(t, "n") {
				attr["n"] = rapid.SampledFrom([]any{1.0, 2.0}).Draw(t, "value")
			}
			if rapid.Bool().Draw(t, "s") {
				attr["s"] = rapid.SampledFrom([]any{"a", "b"}).Draw(t, "value")
			}
			known := request
			known.Unknown, known.AnyPrincipal = nil, false
			known.Principal = &authz.Principal{ID: "x", Roles: []string{"A"}, Attr: attr}
			known.Resource.Attr = map[string]any{"tool_name": "t", "arguments": randomArguments(t)}
			return known
		})
	})
}

// conditionPolicy writes a condition back as a policy: one role for each
// alternative, an ALLOW for what allows and a DENY for what denies.
func conditionPolicy(condition string) fstest.MapFS {
	alternatives := []string{condition}
	if unlessAt(condition) < 0 {
		if parts := splitTop(condition, " || "); strings.Contains(condition, " unless ") || strings.Contains(condition, "(unless ") {
			alternatives = parts
		}
	}
	var b strings.Builder
	b.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n")
	names := strings.NewReplacer("arguments", "R.attr.arguments", "principal.", "P.attr.", "resource.", "R.attr.")
	for i, a := range alternatives {
		if unlessAt(a) < 0 && strings.HasPrefix(a, "(") && strings.Contains(a, "unless ") {
			a = strings.TrimSuffix(strings.TrimPrefix(a, "("), ")")
		}
		allow, deny := a, ""
		if at := unlessAt(a); at >= 0 {
			allow, deny = strings.TrimSuffix(a[:at], " "), a[at+len("unless "):]
		}
		if allow == "" {
			allow = "true"
		}
		fmt.Fprintf(&b, "    - {actions: [call], effect: EFFECT_ALLOW, roles: [alternative%d], condition: {match: {expr: %q}}}\n", i, names.Replace(allow))
		if deny != "" {
			fmt.Fprintf(&b, "    - {actions: [call], effect: EFFECT_DENY, roles: [alternative%d], condition: {match: {expr: %q}}}\n", i, names.Replace(deny))
		}
	}
	return fstest.MapFS{"p.yaml": {Data: []byte(b.String())}}
}

// unlessAt returns where "unless " stands outside of parentheses and strings.
func unlessAt(s string) int {
	if parts := splitTop(" "+s, " unless "); len(parts) == 2 {
		return max(0, len(parts[0])+1-1)
	}
	return -1
}

// splitTop splits where sep stands outside of parentheses and strings.
func splitTop(s, sep string) []string {
	var parts []string
	depth, start, quoted := 0, 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted:
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
		case c == '"':
			quoted = true
		case strings.ContainsRune("([{", rune(c)):
			depth++
		case strings.ContainsRune(")]}", rune(c)):
			depth--
		case depth == 0 && strings.HasPrefix(s[i:], sep):
			parts = append(parts, s[start:i])
			start = i + len(sep)
			i = start - 1
		}
	}
	return append(parts, s[start:])
}
