package testcoverage_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/testrunner"
	"github.com/mcpolicy/mcpolicy/workspace"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// measured runs the suites of a folder at noon and measures what they cover.
func measured(t *testing.T, files fstest.MapFS) (*workspace.Workspace, *report.Document) {
	t.Helper()
	return measuredAt(t, files, noon)
}

func measuredAt(t *testing.T, files fstest.MapFS, now time.Time) (*workspace.Workspace, *report.Document) {
	t.Helper()
	w, err := fixture.Open(t.Context(), files, "", workspace.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.Check(t.Context(), workspace.Checks{Tests: &testrunner.Filter{}, Coverage: &workspace.Coverage{}})
	if err != nil {
		t.Fatal(err)
	}
	return w, d
}

// A truth is what an expression comes to.
type truth int8

const (
	erring truth = iota - 1
	untrue
	isTrue
)

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return untrue
}

// A node is an expression or a condition that the test can evaluate by itself.
type node struct {
	op   string // "", !, &&, ||; all, any, none
	atom *atom
	of   []*node
	held truth // of a leaf that is held
	is   bool  // it is held
}

type atom struct {
	text string
	of   func(arguments, attr map[string]any) truth
}

func number(m map[string]any, key string) (float64, bool) {
	f, ok := m[key].(float64)
	return f, ok
}

var callAtoms = []*atom{
	{"R.attr.arguments.n < 2", func(a, _ map[string]any) truth {
		n, ok := number(a, "n")
		if !ok {
			return erring
		}
		return truthOf(n < 2)
	}},
	{"R.attr.arguments.n == 2", func(a, _ map[string]any) truth {
		if _, there := a["n"]; !there {
			return erring
		}
		n, ok := number(a, "n")
		return truthOf(ok && n == 2)
	}},
	{`R.attr.arguments.s == "a"`, func(a, _ map[string]any) truth {
		if _, there := a["s"]; !there {
			return erring
		}
		return truthOf(a["s"] == "a")
	}},
	{"has(R.attr.arguments.s)", func(a, _ map[string]any) truth {
		_, there := a["s"]
		return truthOf(there)
	}},
	{"P.attr.quota >= R.attr.arguments.n", func(a, p map[string]any) truth {
		n, ok := number(a, "n")
		q, also := number(p, "quota")
		if !ok || !also {
			return erring
		}
		return truthOf(q >= n)
	}},
	whoAtom,
}

var whoAtom = &atom{"P.attr.quota > 1", func(_, p map[string]any) truth {
	q, ok := number(p, "quota")
	if !ok {
		return erring
	}
	return truthOf(q > 1)
}}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func expression(r *rand.Rand, depth int, atoms []*atom) *node {
	if depth == 0 || r.IntN(3) == 0 {
		return &node{atom: pick(r, atoms...)}
	}
	op := pick(r, "!", "&&", "||", "&&", "||")
	n := &node{op: op, of: []*node{expression(r, depth-1, atoms)}}
	if op != "!" {
		n.of = append(n.of, expression(r, depth-1, atoms))
	}
	return n
}

func condition(r *rand.Rand, atoms []*atom) *node {
	if r.IntN(2) == 0 {
		return expression(r, 2, atoms)
	}
	n := &node{op: pick(r, "all", "any", "none")}
	for range 1 + r.IntN(2) {
		n.of = append(n.of, expression(r, 1, atoms))
	}
	return n
}

func (n *node) cel() string {
	switch {
	case n.is:
		return fmt.Sprint(n.held == isTrue)
	case n.op == "":
		return n.atom.text
	case n.op == "!":
		return "!(" + n.of[0].cel() + ")"
	}
	return "(" + n.of[0].cel() + ") " + n.op + " (" + n.of[1].cel() + ")"
}

func (n *node) yaml() string {
	if n.is || n.op != "all" && n.op != "any" && n.op != "none" {
		return "{expr: '" + n.cel() + "'}"
	}
	var of []string
	for _, x := range n.of {
		of = append(of, x.yaml())
	}
	return "{" + n.op + ": {of: [" + strings.Join(of, ", ") + "]}}"
}

// leaves lists the parts.
func (n *node) leaves() []*node {
	if n.op == "" {
		return []*node{n}
	}
	var list []*node
	for _, x := range n.of {
		list = append(list, x.leaves()...)
	}
	return list
}

// value evaluates an expression as CEL does: what decides it hides errors.
func (n *node) value(a, p map[string]any) truth {
	switch n.op {
	case "":
		return n.atom.of(a, p)
	case "!":
		if v := n.of[0].value(a, p); v != erring {
			return 1 - v
		}
		return erring
	}
	x, y := n.of[0].value(a, p), n.of[1].value(a, p)
	decides := truthOf(n.op == "||")
	switch {
	case x == decides || y == decides:
		return decides
	case x == erring || y == erring:
		return erring
	}
	return 1 - decides
}

// outcome evaluates a condition: met, not met or errored.
func (n *node) outcome(a, p map[string]any, strict bool) string {
	erred := false
	met := n.meets(a, p, &erred)
	switch {
	case erred && (strict || !met):
		return "errored"
	case met:
		return "met"
	}
	return "not met"
}

func (n *node) meets(a, p map[string]any, erred *bool) bool {
	switch n.op {
	case "all":
		for _, x := range n.of {
			if !x.meets(a, p, erred) {
				return false
			}
		}
		return true
	case "any", "none":
		for _, x := range n.of {
			if x.meets(a, p, erred) {
				return n.op == "any"
			}
		}
		return n.op == "none"
	}
	v := n.value(a, p)
	*erred = *erred || v == erring
	return v == isTrue
}

// A random rule, and a world of some.
type randomRule struct {
	effect, roles string
	condition     *node // nil for none
	gone          bool
}

type randomWorld struct {
	rules  []*randomRule
	role   *node // the condition of the derived role boss
	strict bool
	tests  []*randomCase
}

// A randomCase is one line of the suite.
type randomCase struct {
	who       string
	arguments map[string]any // nil for all
	list      bool
	expect    string
}

var people = map[string]map[string]any{"ann": {"quota": 1.0}, "ben": {"quota": 2.0}, "cat": {}}

const declared = "principals:\n  ann: {id: ann, roles: [hand], attr: {quota: 1}}\n  ben: {id: ben, roles: [hand, foreman], attr: {quota: 2}}\n  cat: {id: cat, roles: [foreman], attr: {}}\n"

func newWorld(r *rand.Rand) *randomWorld {
	w := &randomWorld{role: condition(r, []*atom{whoAtom}), strict: r.IntN(4) == 0}
	for i := range 2 + r.IntN(2) {
		rule := &randomRule{effect: pick(r, "ALLOW", "ALLOW", "DENY"), roles: pick(r, "roles: [hand]", "roles: [foreman]", `roles: ["*"]`, "derivedRoles: [boss]")}
		if i == 0 || r.IntN(3) > 0 {
			rule.condition = condition(r, callAtoms)
		}
		w.rules = append(w.rules, rule)
	}
	return w
}

func (w *randomWorld) files() fstest.MapFS {
	var b strings.Builder
	b.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [all]\n  rules:\n    - {name: other, actions: [other], effect: EFFECT_ALLOW, roles: [nobody]}\n")
	for i, rule := range w.rules {
		if rule.gone {
			continue
		}
		fmt.Fprintf(&b, "    - {name: rule-%d, actions: ['tools/call::pump'], effect: EFFECT_%s, %s", i, rule.effect, rule.roles)
		if rule.condition != nil {
			b.WriteString(", condition: {match: " + rule.condition.yaml() + "}")
		}
		b.WriteString("}\n")
	}
	return fstest.MapFS{
		"manifest.json":       {Data: []byte(`{"tools": [{"name": "pump"}]}`)},
		"principals.yaml":     {Data: []byte(declared)},
		"policies/p.yaml":     {Data: []byte(b.String())},
		"policies/roles.yaml": {Data: []byte("apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: all\n  definitions:\n    - {name: boss, parentRoles: [hand, foreman], condition: {match: " + w.role.yaml() + "}}\n")},
		"mcpolicy.yaml":       {Data: fmt.Appendf(nil, "servers: {plant: {manifest: manifest.json, enforcement: cerbos-fastmcp}}\npolicies: policies\nprincipals: principals.yaml\ntests: tests\nengine: {strictEvaluation: %t}\n", w.strict)},
		"tests/s.yaml":        {Data: []byte(w.suite())},
	}
}

// suite writes a case a line, from the fourth on.
func (w *randomWorld) suite() string {
	text := "name: random\nserver: plant\ntests:\n"
	for i, c := range w.tests {
		said := fmt.Sprintf("call: {%s: [pump]}", c.expect)
		switch {
		case c.list:
			said = fmt.Sprintf("list: {%s: [pump]}", c.expect)
		case c.arguments != nil:
			data, _ := json.Marshal(c.arguments)
			said = fmt.Sprintf("call: {cases: [{tool: pump, arguments: %s, expect: %s}]}", data, c.expect)
		}
		text += fmt.Sprintf("  - {name: t%d, principals: [%s], %s}\n", i, c.who, said)
	}
	return text
}

// calls lists the arguments of a small domain.
func calls() []map[string]any {
	var list []map[string]any
	for _, n := range []any{nil, 0.0, 1.0, 1.5, 2.0, 3.0, "x"} {
		for _, s := range []any{nil, "a", "b", 5.0} {
			a := map[string]any{}
			if n != nil {
				a["n"] = n
			}
			if s != nil {
				a["s"] = s
			}
			list = append(list, a)
		}
	}
	return list
}
