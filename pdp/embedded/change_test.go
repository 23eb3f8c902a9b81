package embedded_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
)

// The property: an engine of which a rule or a file says something else decides as one that is
// opened with the policy so written, and what it does not touch is decided as before.

func randomMatch(t *rapid.T, depth int) *pdp.Match {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "plain") > 0 {
		return &pdp.Match{Expr: exprs.Draw(t, "expr")}
	}
	m := &pdp.Match{Op: rapid.SampledFrom([]pdp.MatchOp{pdp.MatchAll, pdp.MatchAny, pdp.MatchNone}).Draw(t, "op")}
	for range rapid.IntRange(1, 3).Draw(t, "parts") {
		m.Of = append(m.Of, randomMatch(t, depth-1))
	}
	return m
}

func randomRule(t *rapid.T) *pdp.Rule {
	r := &pdp.Rule{
		Effect:  rapid.SampledFrom([]authz.Effect{authz.Allow, authz.Allow, authz.Deny}).Draw(t, "effect"),
		Actions: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"call", "list", "call:a", "ca*", "*", "call:*"}), 1, 2, rapid.ID).Draw(t, "actions"),
	}
	if rapid.IntRange(0, 3).Draw(t, "derived") == 0 {
		r.DerivedRoles = []string{rapid.SampledFrom([]string{"owner", "other"}).Draw(t, "derived role")}
	}
	if r.DerivedRoles == nil || rapid.Bool().Draw(t, "both") {
		r.Roles = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"A", "B", "*"}), 1, 2, rapid.ID).Draw(t, "roles")
	}
	if rapid.IntRange(0, 3).Draw(t, "conditional") > 0 {
		r.Condition = randomMatch(t, 2)
	}
	return r
}

func writeMatch(m *pdp.Match) string {
	if m.Op == pdp.MatchExpr {
		return fmt.Sprintf("{expr: %q}", m.Expr)
	}
	of := make([]string, len(m.Of))
	for i, x := range m.Of {
		of[i] = writeMatch(x)
	}
	op := map[pdp.MatchOp]string{pdp.MatchAll: "all", pdp.MatchAny: "any", pdp.MatchNone: "none"}[m.Op]
	return fmt.Sprintf("{%s: {of: [%s]}}", op, strings.Join(of, ", "))
}

func writeRule(name string, r *pdp.Rule) string {
	list := func(of []string) string {
		quoted := make([]string, len(of))
		for i, s := range of {
			quoted[i] = fmt.Sprintf("%q", s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	text := fmt.Sprintf("    - {actions: %s, effect: EFFECT_%s", list(r.Actions), strings.ToUpper(r.Effect.String()))
	if name != "" {
		text += ", name: " + name
	}
	if r.Roles != nil {
		text += ", roles: " + list(r.Roles)
	}
	if r.DerivedRoles != nil {
		text += ", derivedRoles: " + list(r.DerivedRoles)
	}
	if r.Condition != nil {
		text += ", condition: {match: " + writeMatch(r.Condition) + "}"
	}
	return text + "}\n"
}

// A changeWorld is policies of one kind, in a scope or two, and what stands around them.
type changeWorld struct {
	rules   map[string][]*pdp.Rule // by scope
	names   map[string][]string
	permits string // of the scope below
	schemas string
	around  fstest.MapFS
}

func randomChangeWorld(t *rapid.T) *changeWorld {
	w := &changeWorld{rules: map[string][]*pdp.Rule{}, names: map[string][]string{}, around: fstest.MapFS{}}
	scopes := []string{""}
	if rapid.Bool().Draw(t, "scoped") {
		scopes = append(scopes, "child")
	}
	w.permits = rapid.SampledFrom([]string{"SCOPE_PERMISSIONS_OVERRIDE_PARENT", "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"}).Draw(t, "permits")
	for _, scope := range scopes {
		for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
			w.rules[scope] = append(w.rules[scope], randomRule(t))
			w.names[scope] = append(w.names[scope], rapid.SampledFrom([]string{"", fmt.Sprint("named", i)}).Draw(t, "name"))
		}
	}
	w.around["derived.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: derived\n  definitions:\n    - {name: owner, parentRoles: [A], condition: {match: " + match(t, 1) + "}}\n    - {name: other, parentRoles: [B]}\n")}
	if rapid.IntRange(0, 1).Draw(t, "principal policy") == 0 {
		w.around["principal.yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil, "apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: %s\n  version: default\n  rules:\n    - resource: %q\n      actions:\n        - {action: %s, effect: EFFECT_%s, condition: {match: {expr: %q}}}\n",
			rapid.SampledFrom([]string{"p", "q1", "r"}).Draw(t, "id"), rapid.SampledFrom([]string{"mcp_server", "*"}).Draw(t, "resource"), rapid.SampledFrom([]string{"call", "list"}).Draw(t, "action"),
			rapid.SampledFrom([]string{"ALLOW", "DENY"}).Draw(t, "effect"), rapid.SampledFrom(atoms[:18]).Draw(t, "expr"))}
	}
	if rapid.IntRange(0, 1).Draw(t, "schemas") == 0 {
		w.schemas = "  schemas:\n    principalSchema: {ref: 'cerbos:///p.json'}\n    resourceSchema: {ref: 'cerbos:///r.json'}\n"
		w.around["_schemas/p.json"] = &fstest.MapFile{Data: []byte(`{"type": "object", "properties": {"n": {"type": "number", "maximum": 2}, "s": {"enum": ["a"]}}}`)}
		w.around["_schemas/r.json"] = &fstest.MapFile{Data: []byte(`{"type": "object", "properties": {"arguments": {"type": "object", "properties": {"x": {"type": "number"}}}}}`)}
	}
	if rapid.IntRange(0, 3).Draw(t, "role policy") == 0 {
		w.around["role.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: B\n  version: default\n" + rapid.SampledFrom([]string{"", "  parentRoles: [A]\n", "  parentRoles: [between]\n"}).Draw(t, "parents") +
			"  rules:\n    - {resource: mcp_server, allowActions: [call, list]}\n")}
		w.around["between.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: between\n  version: default\n  parentRoles: [A]\n  rules:\n    - {resource: mcp_server, allowActions: [\"*\"]}\n")}
	}
	return w
}

// folder writes the world, with one rule or file saying something else.
func (w *changeWorld) folder(change *pdp.Change) fstest.MapFS {
	if change != nil && change.File != "" {
		fsys := w.folder(nil)
		fsys[change.File] = &fstest.MapFile{Data: change.Content}
		return fsys
	}
	fsys := fstest.MapFS{}
	for name, f := range w.around {
		fsys[name] = f
	}
	for scope, rules := range w.rules {
		text := "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [derived]\n" +
			"  constants: {local: {limit: 1}}\n  variables: {local: {big: P.attr.n > 1, open: R.attr.arguments.x == P.attr.n}}\n" + w.schemas
		if scope != "" {
			text += "  scope: " + scope + "\n  scopePermissions: " + w.permits + "\n"
		}
		text += "  rules:\n"
		for i, r := range rules {
			name := w.names[scope][i]
			if change != nil && w.id(scope, i) == change.Rule {
				if r = change.Says; r == nil {
					continue
				}
			}
			if name == "" && change != nil { // so that no other rule changes its number
				name = fmt.Sprintf("rule-%03d", i+1)
			}
			text += writeRule(name, r)
		}
		fsys["mcp_server"+scope+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func (w *changeWorld) id(scope string, i int) string {
	name := w.names[scope][i]
	if name == "" {
		name = fmt.Sprintf("rule-%03d", i+1)
	}
	id := "resource.mcp_server.vdefault"
	if scope != "" {
		id += "/" + scope
	}
	return id + "#" + name
}

func (w *changeWorld) changes(t *rapid.T) []pdp.Change {
	var list []pdp.Change
	for scope, rules := range w.rules {
		for i, r := range rules {
			list = append(list, pdp.Change{Rule: w.id(scope, i)}, pdp.Change{Rule: w.id(scope, i), Says: randomRule(t)})
			copied := *r
			copied.Effect = authz.Allow
			if r.Effect == authz.Allow {
				copied.Effect = authz.Deny
			}
			list = append(list, pdp.Change{Rule: w.id(scope, i), Says: &copied})
		}
	}
	for _, c := range list[:len(list):len(list)] {
		key, _, _ := strings.Cut(c.Rule, "#")
		_, scope, _ := strings.Cut(key, "/")
		file := "mcp_server" + scope + ".yaml"
		list = append(list, pdp.Change{File: file, Content: w.folder(&c)[file].Data})
	}
	other := randomChangeWorld(t)
	for name, f := range other.around {
		if w.around[name] != nil && !strings.HasPrefix(name, "_schemas") {
			list = append(list, pdp.Change{File: name, Content: f.Data})
		}
	}
	slices.SortStableFunc(list, func(a, b pdp.Change) int { return strings.Compare(a.Rule+a.File, b.Rule+b.File) })
	some := rapid.SliceOfNDistinct(rapid.IntRange(0, len(list)-1), 1, rounds.Of(1, 8), rapid.ID).Draw(t, "changes")
	for i, n := range some {
		list[i], list[n] = list[n], list[i]
	}
	return list[:len(some)]
}

func changeRequests(t *rapid.T) []authz.Request {
	var requests []authz.Request
	for i := range 3 {
		p := randomPrincipal(t, i)
		for _, action := range []string{"call", "list", "call:a"} {
			for _, unknown := range [][]string{nil, {"arguments"}} {
				r := authz.Request{Principal: p, Action: action, Unknown: unknown}
				r.Resource = authz.Resource{Kind: "mcp_server", ID: "r", Scope: rapid.SampledFrom([]string{"", "child"}).Draw(t, "scope"), Attr: map[string]any{"tool_name": "t"}}
				if unknown == nil {
					r.Resource.Attr["arguments"] = randomArguments(t)
				}
				requests = append(requests, r)
			}
		}
	}
	return requests
}

// told is what a decision comes to. Which rules are named besides, and in which order a
// condition is written, may depend on the other rules of the policies.
func told(d *authz.Decision) string { return fmt.Sprint(d.Effect, " ", d.NoPolicy) }

// What is decided by chance need not be the same each time.
func TestChange(t *testing.T) {
	compared, touched, unfit, files := 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := randomChangeWorld(t)
		options := pdp.Options{Now: time.Unix(1_800_000_000, 0), LenientScopeSearch: true, StrictEvaluation: rapid.Bool().Draw(t, "strict"), Schemas: rapid.SampledFrom([]pdp.Enforcement{pdp.EnforceNone, pdp.EnforceReject}).Draw(t, "enforcement")}
		before, err := embedded.Open(t.Context(), w.folder(nil), options)
		if err != nil {
			t.Skip(err) // a derived role with a variable of the policy
		}
		requests := changeRequests(t)
		was := decide(t, before, requests)
		changes := w.changes(t)
		changed, err := before.Change(t.Context(), changes)
		if err != nil {
			t.Fatal(err)
		}
		together := asOne(t, before, changed)
		for i, c := range changed {
			after, err := embedded.Open(t.Context(), w.folder(&changes[i]), options)
			switch {
			case c == nil:
				unfit++
				continue
			case (err == nil) != (c.Err == nil):
				t.Fatalf("%+v: opened: %v, changed: %v", changes[i], err, c.Err)
			case err != nil:
				continue
			}
			if changes[i].File != "" {
				files++
			}
			want := decide(t, after, requests)
			for k, actions := range [][]string{{"call"}, {"list", "call:a"}, {"call"}, {"list", "call:a"}} {
				var engine pdp.Decider
				if engine, err = c.For(actions); k >= len(askedTogether) {
					engine, err = together[k-len(askedTogether)][i], nil
				}
				if err != nil {
					t.Fatal(err)
				}
				of := slices.DeleteFunc(slices.Clone(requests), func(r authz.Request) bool { return !slices.Contains(actions, r.Action) })
				got := decide(t, engine, of)
				for k, n := 0, 0; n < len(requests); n++ {
					if !slices.Contains(actions, requests[n].Action) {
						continue
					}
					if c.ByChance(&requests[n]) {
						k++
						continue
					}
					compared++
					if diff := cmp.Diff(told(&want[n]), told(&got[k])); diff != "" {
						t.Fatalf("%s of %+v by %v: opened, changed (-, +):\n%s\n%s", changes[i].Rule, requests[n], requests[n].Principal, diff, writeFolder(w.folder(&changes[i])))
					}
					if c.Touches(&requests[n]) {
						touched++
					} else if told(&was[n]) != told(&want[n]) {
						t.Fatalf("%s touches %+v by %v", changes[i].Rule, requests[n], requests[n].Principal)
					}
					k++
				}
			}
		}
	})
	t.Logf("%d decisions compared, %d of them touched; %d changes left to opening; %d of files", compared, touched, unfit, files)
	if touched < compared/20 || compared < 100 || files < 5 && !testing.Short() {
		t.Error("too few decisions were compared")
	}
}

// askedTogether are the actions that changes are asked about together.
var askedTogether = [][]string{{"call"}, {"list", "call:a"}}

// asOne returns deciders of all changes that are loaded together, for each list of actions.
func asOne(t *rapid.T, before *embedded.Engine, changed []*pdp.Changed) [][]pdp.Decider {
	list := make([][]pdp.Decider, len(askedTogether))
	for k, actions := range askedTogether {
		var wanted []pdp.Wanted
		for _, c := range changed {
			if c != nil && c.Err == nil {
				wanted = append(wanted, pdp.Wanted{Changed: c, Actions: actions})
			}
		}
		deciders, err := before.Together(wanted)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changed {
			var d pdp.Decider
			if c != nil && c.Err == nil {
				d, deciders = deciders[0], deciders[1:]
			}
			list[k] = append(list[k], d)
		}
	}
	return list
}

// Policies that disagree on what a scope permits are decided by the row that was loaded last:
// changes that are loaded together go by the same one as engines of their own.
func TestChangesTogetherPermitAlike(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		w := randomChangeWorld(t)
		for i, permits := range []string{"SCOPE_PERMISSIONS_OVERRIDE_PARENT", "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"} {
			for scope, more := range map[string]string{"": "", "child": "  scopePermissions: " + permits + "\n"} {
				w.around[fmt.Sprintf("a%d%s.yaml", i, scope)] = &fstest.MapFile{Data: fmt.Appendf(nil, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: other%d\n  version: default\n  scope: %q\n%s  rules:\n    - {actions: [call], effect: EFFECT_ALLOW, roles: [A]}\n", i, scope, more)}
			}
		}
		before, err := embedded.Open(t.Context(), w.folder(nil), pdp.Options{Now: time.Unix(1_800_000_000, 0)})
		if err != nil {
			t.Skip(err) // the compiler knows some that disagree
		}
		requests := changeRequests(t)
		changed, err := before.Change(t.Context(), w.changes(t))
		if err != nil {
			t.Fatal(err)
		}
		together := asOne(t, before, changed)
		for i, c := range changed {
			if c == nil || c.Err != nil {
				continue
			}
			for k, actions := range askedTogether {
				alone, err := c.For(actions)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range requests {
					if !slices.Contains(actions, r.Action) || c.ByChance(&r) {
						continue
					}
					compared++
					of := []authz.Request{r}
					if got, want := decide(t, together[k][i], of), decide(t, alone, of); told(&got[0]) != told(&want[0]) {
						t.Fatalf("%+v by %v: %v together, %v alone\n%s", r, r.Principal, told(&got[0]), told(&want[0]), writeFolder(w.folder(nil)))
					}
				}
			}
		}
	})
	if compared < 100 {
		t.Errorf("%d decisions were compared", compared)
	}
}

func decide(t *rapid.T, d pdp.Decider, requests []authz.Request) []authz.Decision {
	decisions, err := d.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	return decisions
}

func writeFolder(fsys fstest.MapFS) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fsys)) {
		fmt.Fprintf(&b, "# %s\n%s", name, fsys[name].Data)
	}
	return b.String()
}
