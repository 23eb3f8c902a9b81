package lint_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/source"
)

// exceeded is how evidence says with which arguments an agent may call a tool.
var exceeded = regexp.MustCompile(`^With (\{.*\}) scout may call t(\d+), and bob may not`)

// TestDelegateHolds lets an agent and the person whom it acts for call tools under
// conditions at random. The engine has to allow each call that is said to be the agent's
// alone, and to deny it to the person; and of the tools for which calls at random are such,
// at most a few may be passed over: where the solver does not know.
func TestDelegateHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	worlds, found, shown, missed, decisions := rounds.Of(2, 30), 0, 0, 0, 0
	for seed := range worlds {
		d := delegateWorld(t, celgen.New(9000+uint64(seed))) //nolint:gosec // a small number
		w, err := load(t.Context(), d.files)
		if err != nil {
			t.Fatal(err)
		}
		list, err := findings(t.Context(), d.files, "delegate-exceeds-delegator")
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]bool{}
		for _, f := range list {
			for _, x := range f.Items {
				said[x.Name] = true
				found++
			}
			for _, line := range f.Evidence {
				m := exceeded.FindStringSubmatch(line)
				var arguments map[string]any
				if m == nil || json.Unmarshal([]byte(m[1]), &arguments) != nil {
					continue
				}
				if !d.alone(t, w, "t"+m[2], []map[string]any{arguments})[0] || !d.schemas["t"+m[2]].Allows(arguments) {
					t.Errorf("%s: not so\n%s", line, d.files["policies/p.yaml"].Data)
				}
			}
		}
		for i := range len(d.schemas) {
			name := fmt.Sprintf("t%d", i)
			schema := d.schemas[name]
			var some []map[string]any
			for range 200 {
				if arguments := d.source.Arguments(); schema.Allows(arguments) {
					some = append(some, arguments)
				}
			}
			decisions += 2 * len(some)
			for i, alone := range d.alone(t, w, name, some) {
				if !alone {
					continue
				}
				if shown++; !said[name] {
					missed++
					t.Logf("passed over: %s of %d with %v", name, seed, some[i])
				}
				break
			}
		}
	}
	t.Logf("%d worlds, %d tools of agents alone; %d decisions at random show %d, of which %d are passed over", worlds, found, decisions, shown, missed)
	if found == 0 || shown == 0 || 20*missed > shown {
		t.Errorf("%d of %d tools are passed over", missed, shown)
	}
}

// A delegation is a world in which an agent acts for a person.
type delegation struct {
	source  *celgen.Source
	files   fstest.MapFS
	person  *authz.Principal
	agent   *authz.Principal
	schemas map[string]*witness.Schema
}

func delegateWorld(t *testing.T, s *celgen.Source) *delegation {
	t.Helper()
	texts, err := s.Conditions(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	d := &delegation{source: s, schemas: map[string]*witness.Schema{}}
	d.person = &authz.Principal{ID: "bob", Roles: []string{"P"}, Attr: s.Attributes("a b n m f l o")}
	d.agent = &authz.Principal{ID: "scout", Roles: []string{"G"}, Attr: s.Attributes("a b n m f l o")}
	people, err := json.Marshal(map[string]any{"principals": map[string]any{
		"bob":   map[string]any{"id": "bob", "roles": d.person.Roles, "attr": d.person.Attr},
		"scout": map[string]any{"id": "scout", "roles": d.agent.Roles, "attr": d.agent.Attr, "kind": "agent", "onBehalfOf": "bob"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var tools []map[string]any
	var p strings.Builder
	p.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  rules:\n")
	for i := range 15 {
		name := fmt.Sprintf("t%d", i)
		tool, text := map[string]any{"name": name}, s.Schema()
		var node *source.Node
		if text != "" {
			tool["inputSchema"] = json.RawMessage(text)
			if node, err = source.ParseJSON("", []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		d.schemas[name] = witness.NewSchema(node)
		tools = append(tools, tool)
		first := deniedAtRandom(s, texts)
		second := []deniedWhere{first, first, deniedAtRandom(s, texts)}[s.IntN(3)]
		fmt.Fprintf(&p, "    - {actions: [\"tools/call::%s\"], effect: EFFECT_ALLOW, roles: [P], condition: {match: %s}}\n", name, first)
		fmt.Fprintf(&p, "    - {actions: [\"tools/call::%s\"], effect: EFFECT_ALLOW, roles: [G], condition: {match: %s}}\n", name, second)
		if s.IntN(3) == 0 {
			fmt.Fprintf(&p, "    - {actions: [\"tools/call::%s\"], effect: EFFECT_DENY, roles: [P], condition: {match: %s}}\n", name, deniedAtRandom(s, texts))
		}
	}
	inventory, err := json.Marshal(map[string]any{"tools": tools})
	if err != nil {
		t.Fatal(err)
	}
	d.files = fstest.MapFS{"manifest.json": {Data: inventory}, "principals.yaml": {Data: people}, "policies/p.yaml": {Data: []byte(p.String())}}
	return d
}

// alone says of each call whether the agent may make it and the person may not.
func (d *delegation) alone(t *testing.T, w *world, tool string, list []map[string]any) []bool {
	t.Helper()
	var requests []authz.Request
	for _, arguments := range list {
		for _, who := range []*authz.Principal{d.agent, d.person} {
			requests = append(requests, authz.Request{
				Principal: who, Action: "tools/call::" + tool,
				Resource: authz.Resource{Kind: "mcp_server", ID: tool, Attr: map[string]any{"tool_name": tool, "source": "client", "arguments": arguments}},
			})
		}
	}
	answers, err := w.engine.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	alone := make([]bool, len(list))
	for i := range list {
		alone[i] = answers[2*i].Effect == authz.Allow && answers[2*i+1].Effect == authz.Deny
	}
	return alone
}
