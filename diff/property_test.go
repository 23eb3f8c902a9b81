package diff_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/workspace"
)

var conditions = []string{
	"", "", `R.attr.arguments.x < 2`, `R.attr.arguments.x <= 2`, `R.attr.arguments.x > 1`, `R.attr.arguments.x == P.attr.n`, `P.attr.n < 2`, `P.attr.n <= 1`,
	`has(R.attr.arguments.y)`, `R.attr.arguments.y == "a"`, `R.attr.arguments.y in ["a", "b"]`, `R.attr.arguments.y.startsWith("a")`,
	`"B" in P.roles`, `!("C" in P.roles)`, `P.roles.exists(r, r == "D")`, `"owner" in runtime.effectiveDerivedRoles`, `P.id == "ada"`, `V.low`,
	`now() < timestamp("2030-01-01T00:00:00Z")`, `now() < timestamp("2040-01-01T00:00:00Z")`,
}

var schemas = []string{
	`{"type": "object"}`,
	`{"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "string"}}}`,
	`{"type": "object", "properties": {"x": {"type": "number", "minimum": 1, "maximum": 3}, "y": {"type": "string"}}, "required": ["x"]}`,
	`{"type": "object", "properties": {"x": {"type": "integer"}, "y": {"enum": ["a", "c"]}}, "additionalProperties": false}`,
}

// A world is one that changes.
type world struct {
	rules     []string
	schema    string
	tools     []string
	owner     string // condition of a derived role
	low       string // a variable
	principal string // a principal policy about ada, or ""
	strict    bool
	people    []string
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func rule(r *rand.Rand) string {
	text := pick(r, conditions...)
	if text != "" && r.IntN(4) == 0 {
		if other := pick(r, conditions...); other != "" {
			text += pick(r, " && ", " || ") + other
		}
	}
	if text != "" {
		text = fmt.Sprintf(", condition: {match: {expr: %q}}", text)
	}
	whom := "roles: [" + pick(r, "A", "B", "C", "A, B", "D", `"*"`, `"team-*"`, `"*-a"`) + "]"
	if r.IntN(5) == 0 {
		whom = "derivedRoles: [owner]"
	}
	return fmt.Sprintf("{actions: [%s], effect: EFFECT_%s, %s%s}",
		pick(r, `"tools/call::pump"`, `"tools/call::pump"`, `"tools/call::*"`, `"tools/list::pump"`, `"tools/*"`, `"tools/list"`),
		pick(r, "ALLOW", "ALLOW", "ALLOW", "DENY"), whom, text)
}

var people = []string{
	"ada: {id: ada, roles: [A], attr: {n: 1}}", "bo: {id: bo, roles: [B]}", "cy: {id: cy, roles: [A, C], attr: {n: 2}}", "di: {id: di, roles: [team-a], attr: {n: 0}}", "ed: {id: ed, roles: [x]}",
}

func newWorld(r *rand.Rand) *world {
	w := &world{
		schema: pick(r, schemas...), tools: []string{"pump"}, owner: pick(r, conditions[6], conditions[12]), low: pick(r, "P.attr.n < 1", "P.attr.n < 3"),
		strict: r.IntN(4) == 0, people: slices.Clone(people[:2+r.IntN(4)]),
	}
	for range 2 + r.IntN(4) {
		w.rules = append(w.rules, rule(r))
	}
	if r.IntN(5) == 0 {
		w.principal = pick(r, "ALLOW", "DENY")
	}
	return w
}

// changed returns the world with a change or two.
func (w *world) changed(r *rand.Rand) *world {
	c := *w
	c.rules, c.people = slices.Clone(w.rules), slices.Clone(w.people)
	for range 1 + r.IntN(2) {
		switch at := r.IntN(len(c.rules)); r.IntN(11) {
		case 0, 1, 2:
			c.rules[at] = rule(r)
		case 3:
			c.rules = append(c.rules, rule(r))
		case 4:
			if len(c.rules) > 1 {
				c.rules = slices.Delete(c.rules, at, at+1)
			}
		case 5:
			c.schema = pick(r, schemas...)
		case 6:
			c.owner = pick(r, conditions[6], conditions[12], conditions[2])
		case 7:
			c.low = pick(r, "P.attr.n < 1", "P.attr.n < 3", `"B" in P.roles`)
		case 8:
			c.principal = pick(r, "", "ALLOW", "DENY")
		case 9:
			c.people[0] = pick(r, "ada: {id: ada, roles: [B], attr: {n: 1}}", "ada: {id: ada, roles: [A], attr: {n: 0}}", "new: {id: new, roles: [A]}")
		case 10:
			c.strict = !c.strict
		}
	}
	return &c
}

func (w *world) files() fstest.MapFS {
	var tools []string
	for _, name := range w.tools {
		tools = append(tools, fmt.Sprintf(`{"name": %q, "inputSchema": %s}`, name, w.schema))
	}
	files := fstest.MapFS{}
	add := func(name, text string) { files[name] = &fstest.MapFile{Data: []byte(text)} }
	add("manifest.json", `{"tools": [`+strings.Join(tools, ", ")+`]}`)
	add("mcpolicy.yaml", fmt.Sprintf("servers: {crm: {manifest: manifest.json, enforcement: cerbos-fastmcp}}\npolicies: policies\nprincipals: principals.yaml\nengine: {strictEvaluation: %t}\n", w.strict))
	add("policies/p.yaml", "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [roles]\n  variables: {local: {low: '"+w.low+"'}}\n  rules:\n    - "+strings.Join(w.rules, "\n    - ")+"\n")
	add("policies/d.yaml", fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: roles\n  definitions:\n    - {name: owner, parentRoles: [A], condition: {match: {expr: %q}}}\n", w.owner))
	if w.principal != "" {
		add("policies/u.yaml", "apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: ada\n  version: default\n  rules:\n    - {resource: mcp_server, actions: [{action: \"tools/call::pump\", effect: EFFECT_"+w.principal+"}]}\n")
	}
	return files
}

func (w *world) open(t *testing.T) *workspace.Workspace {
	t.Helper()
	opened, err := fixture.Open(t.Context(), w.files(), "principals: {"+strings.Join(w.people, ", ")+"}\n", workspace.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, w)
	}
	return opened
}

func (w *world) String() string {
	return fmt.Sprintf("%s\nowner %s; low %s; principal %q; strict %t; schema %s; %v", strings.Join(w.rules, "\n"), w.owner, w.low, w.principal, w.strict, w.schema, w.people)
}

// decide says whether a call is allowed by the policies and by the inputSchema.
func decide(t *testing.T, m *matrix.Matrix, operation authz.Operation, who *authz.Principal, arguments map[string]any) (allowed, fits bool) {
	t.Helper()
	for _, col := range m.Columns {
		if col.Operation != operation {
			continue
		}
		if operation == authz.List {
			arguments = nil
		}
		cells, err := m.Ask(t.Context(), []matrix.Attempt{{Principal: who, Column: col, Arguments: arguments}})
		if err != nil {
			t.Fatal(err)
		}
		return cells[0].Access.Possible(), operation == authz.List || witness.NewSchema(col.Item.Schema).Allows(arguments)
	}
	t.Fatal("no column")
	return false, false
}

func someArguments(r *rand.Rand) map[string]any {
	arguments := map[string]any{}
	if r.IntN(4) > 0 {
		arguments["x"] = pick[any](r, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, "a")
	}
	if r.IntN(2) > 0 {
		arguments["y"] = pick[any](r, "a", "b", "c", "ab", 1.0)
	}
	return arguments
}

// TestNothingIsPassedOver holds to the engines of both sides that whatever somebody gains
// or loses is said, of declared principals and of others.
func TestNothingIsPassedOver(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	changes, unknown := 0, 0
	for seed := range rounds.Of(25, 3000) {
		r := rand.New(rand.NewPCG(uint64(seed), 15)) //nolint:gosec // a test
		before := newWorld(r)
		after := before.changed(r)
		base, head := before.open(t), after.open(t)
		result, err := head.Diff(t.Context(), base)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s\n-----\n%s", seed, err, before, after)
		}
		x := &held{t: t, r: r, result: result, story: fmt.Sprintf("seed %d\n%s\n-----\n%s", seed, before, after)}
		if x.base, err = base.Matrix(t.Context()); err != nil {
			t.Fatal(err)
		}
		if x.head, err = head.Matrix(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range result.Cells {
			if changes++; result.Cells[i].Kind == diff.Unknown {
				unknown++
			}
		}
		for i := range result.Roles {
			if changes++; result.Roles[i].Kind == diff.Unknown {
				unknown++
			}
		}
		x.declared()
		x.anybody()
		if t.Failed() {
			return
		}
	}
	t.Logf("%d changes, %d unknown", changes, unknown)
	if changes == 0 {
		t.Error("no change was seen")
	}
}

type held struct {
	t          *testing.T
	r          *rand.Rand
	result     *diff.Result
	base, head *matrix.Matrix
	story      string
}

// differ says what becomes of a call. Where only the inputSchema of one side refuses it,
// that is left out.
func (x *held) differ(op authz.Operation, was, is *authz.Principal, arguments map[string]any) (gains, loses bool) {
	var before, after, fitted, fits bool
	if was != nil {
		before, fitted = decide(x.t, x.base, op, was, arguments)
	}
	if is != nil {
		after, fits = decide(x.t, x.head, op, is, arguments)
	}
	return after && fits && !before, before && fitted && !after
}

func (x *held) declared() {
	keys := map[string]bool{}
	for p := range x.base.Principals() {
		keys[p.Key] = true
	}
	for p := range x.head.Principals() {
		keys[p.Key] = true
	}
	for key := range keys {
		was, is := find(x.base, key), find(x.head, key)
		for range 25 {
			arguments := someArguments(x.r)
			for _, op := range []authz.Operation{authz.List, authz.Call} {
				gains, loses := x.differ(op, was, is, arguments)
				if !gains && !loses {
					continue
				}
				i := slices.IndexFunc(x.result.Cells, func(c diff.Cell) bool {
					return c.Column.Operation == op && slices.ContainsFunc(c.Principals, func(p *authz.Principal) bool { return p.Key == key })
				})
				if i < 0 || gains && !x.result.Cells[i].Kind.Gains() || loses && x.result.Cells[i].Kind == diff.Widened && x.result.Cells[i].Relation != 0 {
					x.t.Errorf("%s with %v: %s gains %t, loses %t, and that is not said\n%s", op, arguments, key, gains, loses, x.story)
					return
				}
			}
		}
	}
}

func find(m *matrix.Matrix, key string) *authz.Principal {
	for p := range m.Principals() {
		if p.Key == key {
			return p
		}
	}
	return nil
}

func (x *held) anybody() {
	all := []string{"A", "B", "C", "D", "team-a", "team-b", "b-a", "x", "y"}
	for range 120 {
		var roles []string
		for range 1 + x.r.IntN(3) {
			if role := pick(x.r, all...); !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		}
		who := &authz.Principal{Key: "somebody", ID: pick(x.r, "somebody", "ada"), Roles: roles, Attr: map[string]any{}}
		if x.r.IntN(3) > 0 {
			who.Attr["n"] = float64(x.r.IntN(4))
		}
		arguments := someArguments(x.r)
		for _, op := range []authz.Operation{authz.List, authz.Call} {
			gains, loses := x.differ(op, who, who, arguments)
			if gains && !x.said(op, who, true) || loses && !x.said(op, who, false) {
				x.t.Errorf("%s with %v: %v of %s with %v gain %t, lose %t, and that is not said\n%s", op, arguments, roles, who.ID, who.Attr, gains, loses, x.story)
				return
			}
		}
	}
}

// said reports whether a change by role is about somebody, or a declared principal shows it.
func (x *held) said(op authz.Operation, who *authz.Principal, gains bool) bool {
	fits := func(k diff.Kind) bool { return k.Gains() && gains || k != diff.Widened && !gains }
	return slices.ContainsFunc(x.result.Roles, func(c diff.Role) bool {
		return c.Column.Operation == op && fits(c.Kind) && (c.ID == "" || c.ID == who.ID) && !slices.ContainsFunc(c.Roles, func(role string) bool { return !has(who.Roles, role) })
	}) || slices.ContainsFunc(x.result.Cells, func(c diff.Cell) bool {
		return c.Column.Operation == op && fits(c.Kind) && slices.ContainsFunc(c.Principals, func(p *authz.Principal) bool {
			if was := find(x.base, p.Key); was != nil && !slices.Equal(was.Roles, p.Roles) {
				return false // it has other roles now
			}
			return p.ID == who.ID || slices.ContainsFunc(p.Roles, func(role string) bool {
				return slices.ContainsFunc(who.Roles, func(other string) bool { return x.stands(op, role) == x.stands(op, other) })
			})
		})
	})
}

// stands returns which role stands for one in a column.
func (x *held) stands(op authz.Operation, role string) string {
	var roles universe.Roles
	for _, m := range []*matrix.Matrix{x.base, x.head} {
		for _, col := range m.Columns {
			if col.Operation == op {
				roles = roles.And(universe.Of(m.Policies(), col))
			}
		}
	}
	return roles.Stands(role)
}

// has reports whether somebody has a role, as diff names it.
func has(roles []string, name string) bool {
	return name == "*" || slices.ContainsFunc(roles, func(role string) bool {
		for pattern := range strings.SplitSeq(name, " and ") {
			ok := role == pattern || strings.HasSuffix(pattern, "*") && strings.HasPrefix(role, strings.TrimSuffix(pattern, "*")) ||
				strings.HasPrefix(pattern, "*-") && strings.HasSuffix(role, pattern[1:])
			if !ok {
				return false
			}
		}
		return true
	})
}
