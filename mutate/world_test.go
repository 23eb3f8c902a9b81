package mutate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// read reads policies, and what stands in their files.
func read(t testing.TB, files map[string]string) (*policy.Set, map[string]*source.Node) {
	t.Helper()
	roots := map[string]*source.Node{}
	for name, text := range files {
		docs, err := source.ParseYAML(name, []byte(text))
		if err != nil || len(docs) != 1 {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		roots[name] = docs[0]
	}
	set, err := policy.Load(folder(files), ".")
	if err != nil {
		t.Fatal(err)
	}
	return set, roots
}

func folder(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func mutantsOf(t testing.TB, files map[string]string) []*mutate.Mutant {
	t.Helper()
	set, roots := read(t, files)
	return mutate.Of(set, func(file string) *source.Node { return roots[file] })
}

func content(t testing.TB, m *mutate.Mutant) string {
	t.Helper()
	data, err := m.Content()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var options = pdp.Options{Now: time.Unix(1_800_000_000, 0)}

func open(t testing.TB, files map[string]string) (*embedded.Engine, error) {
	t.Helper()
	return embedded.Open(t.Context(), folder(files), options)
}

// A maker makes policies up.
type maker struct {
	*celgen.Source
	conditions []string // that compile
}

// conditions are what makers put into policies.
var conditions = sync.OnceValues(func() ([]string, error) {
	list, err := celgen.New(7).Conditions(context.Background(), rounds.Of(80, 600))
	return append(list,
		"has(R.attr.arguments.n) && R.attr.arguments.n <= 3 && P.attr.n > -1", "V.mine || C.limit >= R.attr.arguments.n", "R.attr.arguments.t < timestamp(C.until)",
		"timestamp('2026-03-01T00:00:00Z') - duration('90s') < now()", "C.name == R.attr.arguments.a && (P.attr.f || !has(P.attr.a))", "R.attr.arguments.n != 2.5 || 2 == P.attr.n"), err
})

// newMaker returns a maker. Equal seeds make equal policies.
func newMaker(t testing.TB, seed int) *maker {
	t.Helper()
	list, err := conditions()
	if err != nil || len(list) < 40 {
		t.Fatalf("%d conditions: %v", len(list), err)
	}
	return &maker{celgen.New(uint64(seed)), list} //nolint:gosec // not negative
}

func (m *maker) one(of ...string) string { return of[m.IntN(len(of))] }

func (m *maker) some(of ...string) string {
	var list []string
	for _, i := range m.Perm(len(of))[:1+m.IntN(min(3, len(of)))] {
		list = append(list, fmt.Sprintf("%q", of[i]))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// match returns what stands under match, in flow style.
func (m *maker) match(depth int) string {
	if depth == 0 || m.IntN(3) > 0 {
		return fmt.Sprintf("{expr: %q}", m.one(m.conditions...))
	}
	var of []string
	for range 1 + m.IntN(3) {
		of = append(of, m.match(depth-1))
	}
	return "{" + m.one("all", "any", "none") + ": {of: [" + strings.Join(of, ", ") + "]}}"
}

// condition returns a condition or none, indented, in one of the ways to write it.
func (m *maker) condition(indent string) string {
	switch m.IntN(5) {
	case 0:
		return ""
	case 1:
		return indent + "condition:\n" + indent + "  match:\n" + indent + "    expr: |\n" + indent + "      " + m.one(m.conditions...) + "\n"
	case 2:
		return indent + "condition:\n" + indent + "  match:\n" + indent + "    expr: >-\n" + indent + "      " + m.one(m.conditions...) + "\n" + indent + "      || false\n"
	}
	return indent + "condition: {match: " + m.match(2) + "}\n"
}

func (m *maker) actions() string {
	return m.some("list", "call", "tools/call::move", "tools/call::stop", "tools/list", "tools/*", "*")
}

// resource returns a resource policy.
func (m *maker) resource(kind string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# of %s\napiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: %s\n  version: default\n  %s: [%s]\n", kind, kind, m.one("importDerivedRoles", "import_derived_roles"), "derived")
	fmt.Fprintf(&b, "  constants: {local: {limit: %d, name: bob, until: '2026-02-01T00:00:00Z'}}\n  variables:\n    local:\n      mine: %q\n  rules:\n", m.IntN(4), m.one(m.conditions[:5]...))
	for i := range 1 + m.IntN(4) {
		fmt.Fprintf(&b, "    - effect: %s\n", m.one("EFFECT_ALLOW", "EFFECT_ALLOW", "EFFECT_DENY", "1"))
		if m.IntN(2) == 0 {
			fmt.Fprintf(&b, "      name: rule-of-%d # so called\n", i)
		}
		fmt.Fprintf(&b, "      actions: %s\n", m.actions())
		switch m.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "      derivedRoles: %s\n", m.some("owner", "other"))
		case 1:
			fmt.Fprintf(&b, "      roles: %s\n      %s: %s\n", m.some("A", "B"), m.one("derivedRoles", "derived_roles"), m.some("owner", "other"))
		default:
			fmt.Fprintf(&b, "      roles:\n        - A\n        - %s\n", m.one("B", `"*"`, "C"))
		}
		b.WriteString(m.condition("      "))
	}
	if m.IntN(4) == 0 { // an anchor, and what repeats it
		fmt.Fprintf(&b, "    - &again {effect: EFFECT_ALLOW, actions: [list], roles: [C], condition: {match: %s}}\n    - <<: *again\n      name: once-more\n      actions: [call]\n", m.match(1))
	}
	return b.String()
}

func (m *maker) derived() string {
	return "apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: derived\n  constants: {local: {limit: 2, name: ann, until: '2026-02-01T00:00:00Z'}}\n  variables: {local: {mine: P.attr.f}}\n  definitions:\n    - name: owner\n      parentRoles: [A, B]\n" +
		m.condition("      ") + "    - {name: other, parentRoles: [B]}\n"
}

// others returns policies of the kinds that are not about one resource.
func (m *maker) others() map[string]string {
	const local = "  constants: {local: {limit: 2, name: ann, until: '2026-02-01T00:00:00Z'}}\n  variables: {local: {mine: P.attr.f}}\n"
	return map[string]string{
		"derived.yaml": m.derived(),
		"principal.yaml": "apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: ann\n  version: default\n" + local + "  rules:\n    - resource: server\n      actions:\n        - action: " + m.one("call", `"*"`, "tools/call::move") +
			"\n          effect: " + m.one("EFFECT_ALLOW", "EFFECT_DENY") + "\n" + m.condition("          ") + "        - {action: list, effect: EFFECT_ALLOW}\n",
		"role.yaml": "apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: C\n  version: default\n" + local + "  rules:\n    - resource: server\n      " + m.one("allowActions", "allow_actions") + ": " + m.actions() + "\n" + m.condition("      "),
	}
}

// requests returns requests about a kind.
func (m *maker) requests(kind string, n int) []authz.Request {
	var list []authz.Request
	for range n {
		p := &authz.Principal{ID: m.one("ann", "bob"), Attr: m.Attributes("a b n m f l o t")}
		for _, i := range m.Perm(3)[:1+m.IntN(2)] {
			p.Roles = append(p.Roles, string("ABC"[i]))
		}
		list = append(list, authz.Request{Principal: p, Action: m.one("list", "call", "tools/call::move", "tools/call::stop", "tools/list", "tools/call::new"), Resource: authz.Resource{
			Kind: kind, ID: "r", Attr: map[string]any{"arguments": m.Arguments(), "tool_name": "move"},
		}})
	}
	return list
}

// asJSON writes a file that was read as JSON.
func asJSON(t testing.TB, n *source.Node) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, n.JSON(), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
