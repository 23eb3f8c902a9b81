package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// The property: a real PDP that is asked about a principal's roles in the order
// in which they are declared decides as the embedded engine does, and as a
// cell's condition says, whatever the arguments. Where evaluation is strict the
// order matters.

// A roleWorld is a set of policies about a kind of its own, with names that no
// other has.
type roleWorld struct {
	n      int
	random *rand.Rand
	files  map[string]string
	people []*authz.Principal
	scopes []string
}

// name makes a name the world's own.
func (w *roleWorld) name(s string) string { return fmt.Sprintf("%s%d", s, w.n) }

func (w *roleWorld) one(of ...string) string { return of[w.random.IntN(len(of))] }

// chance is true once in n times.
func (w *roleWorld) chance(n int) bool { return w.random.IntN(n) == 0 }

var orderedRoles = []string{"clerk", "lead", "guest", "bot"}

func newRoleWorld(n int) *roleWorld {
	w := &roleWorld{n: n, random: rand.New(rand.NewPCG(7, uint64(n))), files: map[string]string{}, scopes: []string{""}} //nolint:gosec // a test's
	w.policy("derived", "derivedRoles:\n  name: "+w.name("set")+"\n  definitions:\n"+
		fmt.Sprintf("    - {name: %s, parentRoles: [%s], condition: {match: %s}}\n", w.name("owner"), w.name("clerk"), w.match())+
		fmt.Sprintf("    - {name: %s, parentRoles: [%s, %s], condition: {match: %s}}\n", w.name("near"), w.name("lead"), w.name("guest"), w.match()))
	w.resourcePolicy("", "")
	if w.chance(2) {
		consent := w.one("OVERRIDE_PARENT", "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS")
		w.scopes = append(w.scopes, w.name("team"))
		w.resourcePolicy(w.name("team"), consent)
	}
	if w.chance(3) {
		w.rolePolicy("bot", w.one(w.scopes...), "")
	}
	if w.chance(3) {
		w.rolePolicy("guest", w.one(w.scopes...), w.one("", w.name("clerk")))
	}
	if w.chance(4) {
		w.policy("principal", fmt.Sprintf("principalPolicy:\n  principal: %s\n  version: default\n  rules:\n    - resource: %s\n      actions:\n        - {name: own, action: %s, effect: EFFECT_%s, condition: {match: %s}}\n",
			w.name("ann"), w.name("desk"), w.one("call", "list"), w.one("ALLOW", "DENY"), w.match()))
	}
	for range 6 {
		w.people = append(w.people, w.principal())
	}
	return w
}

func (w *roleWorld) policy(file, text string) {
	w.files[w.name(file+"-")+".yaml"] = "apiVersion: api.cerbos.dev/v1\n" + text
}

func (w *roleWorld) resourcePolicy(scope, consent string) {
	text := fmt.Sprintf("resourcePolicy:\n  resource: %s\n  version: default\n  importDerivedRoles: [%s]\n", w.name("desk"), w.name("set"))
	if scope != "" {
		text += fmt.Sprintf("  scope: %s\n  scopePermissions: SCOPE_PERMISSIONS_%s\n", scope, consent)
	}
	text += fmt.Sprintf("  variables: {local: {%s: %q}}\n  rules:\n", w.name("v"), w.expr(0))
	for i := range 2 + w.random.IntN(4) {
		whom := fmt.Sprintf("roles: [%s]", w.name(w.one(orderedRoles...)))
		switch w.random.IntN(6) {
		case 0:
			whom = `roles: ["*"]`
		case 1, 2: // one alone: the engine takes those of a rule in any order
			whom = fmt.Sprintf("derivedRoles: [%s]", w.name(w.one("owner", "near")))
		}
		text += fmt.Sprintf("    - {name: r%d, actions: [%s], effect: EFFECT_%s, %s", i, w.one("call", "call", "list", `"*"`), w.one("ALLOW", "ALLOW", "DENY"), whom)
		switch w.random.IntN(8) {
		case 0, 1:
		case 2:
			text += fmt.Sprintf(", condition: {match: {expr: V.%s == true}}", w.name("v"))
		default:
			text += ", condition: {match: " + w.match() + "}"
		}
		text += "}\n"
	}
	w.policy("resource"+strings.TrimSuffix(scope, fmt.Sprint(w.n)), text)
}

func (w *roleWorld) rolePolicy(role, scope, parent string) {
	text := fmt.Sprintf("rolePolicy:\n  role: %s\n  version: default\n", w.name(role))
	if scope != "" {
		text += "  scope: " + scope + "\n"
	}
	if parent != "" {
		text += "  parentRoles: [" + parent + "]\n"
	}
	text += fmt.Sprintf("  rules:\n    - {resource: %s, allowActions: [%s]", w.name("desk"), w.one("call", "list", `"*"`))
	if !w.chance(3) {
		text += ", condition: {match: " + w.match() + "}"
	}
	w.policy("role"+role, text+"}\n")
}

// match is a condition, of several parts or one.
func (w *roleWorld) match() string {
	if !w.chance(4) {
		return fmt.Sprintf("{expr: %q}", w.expr(2))
	}
	return fmt.Sprintf("{%s: {of: [{expr: %q}, {expr: %q}]}}", w.one("all", "any", "none"), w.expr(1), w.expr(1))
}

// expr is an expression that errs for some requests.
func (w *roleWorld) expr(depth int) string {
	if depth > 0 && w.chance(3) {
		return fmt.Sprintf("(%s %s %s)", w.expr(depth-1), w.one("&&", "||"), w.expr(depth-1))
	}
	x, y := "R.attr.arguments."+w.name("x"), "R.attr.arguments."+w.name("y")
	atoms := []string{
		x + " == 1", x + " < P.attr." + w.name("level"), y + " == P.attr." + w.name("team"), y + `.startsWith("a")`,
		"has(" + x + ")", "(!has(" + y + ") || " + y + ` != "b")`, "P.attr." + w.name("level") + " > 1", "has(P.attr." + w.name("team") + ")",
		y + " in P.attr." + w.name("teams"), "!(" + x + " > 2)", `(P.id == "` + w.name("ann") + `" || ` + y + ` == "a")`,
	}
	return atoms[w.random.IntN(len(atoms))]
}

func (w *roleWorld) principal() *authz.Principal {
	p := &authz.Principal{ID: w.name(w.one("ann", "bob")), Key: fmt.Sprintf("p%d-%d", w.n, len(w.people)), Attr: map[string]any{}}
	for _, i := range w.random.Perm(len(orderedRoles))[:1+w.random.IntN(len(orderedRoles))] {
		p.Roles = append(p.Roles, w.name(orderedRoles[i]))
	}
	if w.chance(6) {
		p.Roles = append(p.Roles, p.Roles[0])
	}
	w.give(p.Attr, 6, "level", 1.0, 2.0, 3.0, "high")
	w.give(p.Attr, 6, "team", "a", "b")
	w.give(p.Attr, 6, "teams", []any{"a"}, []any{})
	return p
}

func (w *roleWorld) arguments() map[string]any {
	args := map[string]any{}
	w.give(args, 3, "x", 1.0, 2.0, 3.0, "1", nil)
	w.give(args, 3, "y", "a", "b", "ab", 1.0, true)
	return args
}

// give puts one of some values under a name, but for once in n times.
func (w *roleWorld) give(to map[string]any, n int, name string, values ...any) {
	if !w.chance(n) {
		to[w.name(name)] = values[w.random.IntN(len(values))]
	}
}

// An orderedCell is a request that leaves its arguments open, and the same with
// some.
type orderedCell struct {
	open  authz.Request
	known []authz.Request
}

func (w *roleWorld) cells(tries int) []orderedCell {
	var list []orderedCell
	for _, p := range w.people {
		for _, action := range []string{"call", "list"} {
			for _, scope := range w.scopes {
				c := orderedCell{open: authz.Request{Principal: p, Action: action, Unknown: []string{"arguments"}, Resource: authz.Resource{
					Kind: w.name("desk"), ID: "t", Scope: scope, Attr: map[string]any{"tool_name": "t"},
				}}}
				for range tries {
					known := c.open
					known.Unknown = nil
					known.Resource.Attr = map[string]any{"tool_name": "t", "arguments": w.arguments()}
					c.known = append(c.known, known)
				}
				list = append(list, c)
			}
		}
	}
	return list
}

// roleWorlds makes policies in a folder, and cells that are asked about there.
func roleWorlds(t *testing.T, worlds, tries int) (dir string, cells []orderedCell) {
	t.Helper()
	dir = t.TempDir()
	for n := range worlds {
		w := newRoleWorld(n)
		fsys := fstest.MapFS{}
		for name, text := range w.files {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		e, err := embedded.Open(t.Context(), fsys, pdp.Options{})
		if err != nil {
			t.Fatalf("%v in\n%v", err, w.files)
		}
		if len(e.Confused()) > 0 {
			continue // decided differently from one load to the next
		}
		for name, text := range w.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cells = append(cells, w.cells(tries)...)
	}
	return dir, cells
}

func TestDifferentialRoleOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	dir, cells := roleWorlds(t, rounds.Of(12, 150), 8)
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict=%t", strict), func(t *testing.T) {
			options := pdp.Options{StrictEvaluation: strict, Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}
			official := pdptest.Dial(t, cerbosbin.Serve(t, dir, map[string]any{"engine": map[string]any{"strictEvaluation": strict}}), remote.Options{})
			compareOrders(t, dir, cells, options, official)
		})
	}
}

// compareOrders holds the embedded engine and its cells to a PDP.
func compareOrders(t *testing.T, dir string, cells []orderedCell, options pdp.Options, official pdp.Decider) {
	t.Helper()
	e, err := embedded.Open(t.Context(), os.DirFS(dir), options)
	if err != nil {
		t.Fatal(err)
	}
	var open, known []authz.Request
	for _, c := range cells {
		open, known = append(open, c.open), append(known, c.known...)
	}
	want := pdptest.Decide(t, official, known)
	differ, conditional, order := 0, 0, 0
	differs := func(what string, r *authz.Request, got, want authz.Effect) {
		if differ++; differ <= 10 {
			t.Errorf("%s: %v, the PDP %v: %s in scope %q for %v %v with %v", what, got, want, r.Action, r.Resource.Scope, r.Principal.Roles, r.Principal.Attr, r.Resource.Attr["arguments"])
		}
	}
	for i, d := range pdptest.Decide(t, e, known) {
		if d.Effect != want[i].Effect {
			differs("the engine", &known[i], d.Effect, want[i].Effect)
		}
	}
	for i, s := range holds(t, pdptest.Decide(t, e, open), cells, options) {
		if s.conditional {
			conditional++
		}
		if !s.vague && s.effect != want[i].Effect {
			differs("the cell, "+s.text, &known[i], s.effect, want[i].Effect)
		}
	}
	for i, d := range pdptest.Decide(t, e, reversed(known)) {
		if d.Effect != want[i].Effect {
			order++
		}
	}
	t.Logf("%d decisions, %d by cells on a condition, %d where the reverse order of roles decides otherwise, %d differences", 2*len(known), conditional, order, differ)
	if (order > 0) != options.StrictEvaluation {
		t.Errorf("%d decisions depend on the order of roles", order)
	}
}

// reversed are requests by principals with their roles in the reverse order.
func reversed(requests []authz.Request) []authz.Request {
	var list []authz.Request
	for _, r := range requests {
		back := *r.Principal
		back.Roles = slices.Clone(back.Roles)
		slices.Reverse(back.Roles)
		r.Principal = &back
		list = append(list, r)
	}
	return list
}

// A said is what a cell says of some arguments.
type said struct {
	effect      authz.Effect
	text        string
	conditional bool
	vague       bool // the condition is too long to be written
}

// holds evaluates what cells say for the arguments of each. Their conditions
// become policies about a kind each, for one engine.
func holds(t *testing.T, open []authz.Decision, cells []orderedCell, options pdp.Options) []said {
	t.Helper()
	fsys := fstest.MapFS{}
	var list []said
	var asked []authz.Request
	var of []int
	for i, d := range open {
		kind := fmt.Sprintf("condition%d", i)
		vague := strings.Contains(d.Condition.String(), "(depends on")
		conditional := d.Effect == authz.Conditional
		if conditional && !vague {
			text := string(conditionPolicy(d.Condition.String())["p.yaml"].Data)
			fsys[kind+".yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(text, "resource: mcp_server", "resource: "+kind, 1))}
		}
		for _, r := range cells[i].known {
			if conditional && !vague {
				reader := *r.Principal
				reader.Roles = alternatives
				r.Principal, r.Action, r.Resource.Kind, r.Resource.Scope = &reader, "call", kind, ""
				asked, of = append(asked, r), append(of, len(list))
			}
			list = append(list, said{effect: d.Effect, text: d.Condition.String(), conditional: conditional, vague: vague})
		}
	}
	readBack, err := embedded.Open(t.Context(), fsys, options)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range pdptest.Decide(t, readBack, asked) {
		list[of[i]].effect = d.Effect
	}
	return list
}

func TestClassesGoByTheOrderOfRoles(t *testing.T) {
	policies := fstest.MapFS{"p.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: desk\n  version: default\n  rules:\n    - {actions: [call], effect: EFFECT_ALLOW, roles: [A]}\n")}}
	for _, strict := range []bool{false, true} {
		e, err := embedded.Open(t.Context(), policies, pdp.Options{StrictEvaluation: strict})
		if err != nil {
			t.Fatal(err)
		}
		class := func(roles ...string) string { return e.Class(&authz.Principal{ID: "p", Roles: roles}) }
		if (class("A", "B") == class("B", "A")) == strict {
			t.Errorf("strict=%t: the order of roles counts wrongly", strict)
		}
		if class("B", "A") != class("B", "A", "B") {
			t.Errorf("strict=%t: a role that is listed twice counts twice", strict)
		}
	}
}
