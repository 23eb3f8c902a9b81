package probe_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/mcptest"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/probe"
	"github.com/mcpolicy/mcpolicy/solver"
)

const inventory = `{
  "tools": [
    {"name": "greet", "annotations": {"readOnlyHint": true},
     "inputSchema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false}},
    {"name": "report", "annotations": {"readOnlyHint": true},
     "inputSchema": {"type": "object", "properties": {"region": {"type": "string"}, "year": {"type": "integer"}}, "required": ["region", "year"]}},
    {"name": "purge", "annotations": {"destructiveHint": true},
     "inputSchema": {"type": "object", "properties": {"table": {"type": "string"}}, "required": ["table"], "additionalProperties": false}},
    {"name": "note", "annotations": {"readOnlyHint": true}, "inputSchema": {"type": "object"}},
    {"name": "wipe", "annotations": {"destructiveHint": true}, "inputSchema": {"type": "object"}},
    {"name": "export", "annotations": {"readOnlyHint": true}, "execution": {"taskSupport": "optional"},
     "inputSchema": {"type": "object", "properties": {"year": {"type": "integer"}}, "required": ["year"], "additionalProperties": false}}
  ],
  "prompts": [{"name": "brief", "arguments": [{"name": "topic", "required": true}]}],
  "resources": [{"uri": "desk://plan", "name": "plan"}]
}`

const people = `principals:
  ian: {id: ian, roles: [ADMIN]}
  sally: {id: sally, roles: [SALES], attr: {region: EMEA}}
  otto: {id: otto, roles: [SALES], attr: {region: APAC}}
`

const policies = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {name: open, actions: [tools/list, prompts/list, resources/list], effect: EFFECT_ALLOW, roles: [ADMIN, SALES]}
    - {name: greet, actions: ["tools/*::greet"], effect: EFFECT_ALLOW, roles: [ADMIN, SALES]}
    - {name: reports, actions: ["tools/list::report"], effect: EFFECT_ALLOW, roles: [SALES]}
    - name: own-region
      actions: ["tools/call::report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
    - {name: admin, actions: ["tools/*::purge", "tools/*::wipe", "tools/*::export", "tools/*::note"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`

// A world is policies, and the matrix that they make.
type world struct {
	engine *embedded.Engine
	*matrix.Matrix
}

// newWorld builds the matrix of policies behind cerbos-fastmcp, or behind what
// the profile makes of it.
func newWorld(t *testing.T, text string, profile *pep.Profile) *world {
	t.Helper()
	fsys := fstest.MapFS{"p.yaml": {Data: []byte(text)}}
	engine, err := embedded.Open(t.Context(), fsys, pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	syntax, err := policy.Load(fsys, "policies")
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("desk.json", []byte(inventory))
	if err != nil {
		t.Fatal(err)
	}
	who, err := principals.Parse("principals.yaml", []byte(people))
	if err != nil {
		t.Fatal(err)
	}
	if profile == nil {
		if profile, err = pep.New("cerbos-fastmcp", "desk", pep.With{FastMCP: "3.4.9"}, ""); err != nil {
			t.Fatal(err)
		}
	}
	m, err := matrix.Build(t.Context(), &matrix.Input{
		Servers:    []*matrix.Server{{Name: "desk", Inventory: inventories[0], Profile: profile}},
		Principals: who.Principals, Decider: engine, Class: engine.Class, Policies: syntax,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &world{engine, m}
}

func (w *world) principal(key string) *authz.Principal {
	for p := range w.Principals() {
		if p.Key == key {
			return p
		}
	}
	return nil
}

func (w *world) column(name string, op authz.Operation) *matrix.Column {
	for _, c := range w.Columns {
		if c.Item.Name == name && c.Operation == op {
			return c
		}
	}
	return nil
}

// A desk is a running server behind an enforcement point that asks the real
// engine about the policies that are deployed. It plays what can be wrong with
// one.
type desk struct {
	deployed *world

	anyone  bool              // lets in who has no good token, as ian
	lax     map[string]bool   // tools that take any arguments
	extra   map[string]string // tools that are listed besides, or instead of others
	refusal any               // what it answers instead of Unauthorized
	failure any               // what it answers to bad arguments, instead of a complaint
	tasks   bool              // lets calls made as tasks pass unasked, as FastMCP 2.14 does
	trouble func(principal, method, name string) any

	mu   sync.Mutex
	runs map[string]int
	said []string // the calls, as they came
}

func (d *desk) run(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.runs == nil {
		d.runs = map[string]int{}
	}
	d.runs[name]++
}

const tokenOf = "token-0f3a-of-"

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "+tokenOf)
	if !ok && d.anyone {
		who, ok = "ian", true
	}
	if !ok {
		http.Error(w, "who are you, "+r.Header.Get("Authorization")+"?", http.StatusUnauthorized)
		return
	}
	mcptest.Wire(func(method string, params map[string]any) any { return d.answer(r.Context(), who, method, params) }).ServeHTTP(w, r)
}

func failed(text string) any {
	return map[string]any{"isError": true, "content": []any{map[string]any{"type": "text", "text": text}}}
}

func (d *desk) answer(ctx context.Context, who, method string, params map[string]any) any {
	name, _ := params["name"].(string)
	if uri, ok := params["uri"].(string); ok {
		name = uri
	}
	if d.trouble != nil {
		if x := d.trouble(who, method, name); x != nil {
			return x
		}
	}
	p := d.deployed.principal(who)
	switch method {
	case "tools/list":
		return d.list(p, authz.ToolItem, "tools", "name")
	case "prompts/list":
		return d.list(p, authz.PromptItem, "prompts", "name")
	case "resources/list":
		return d.list(p, authz.ResourceItem, "resources", "uri")
	case "tasks/result":
		return d.called(params["taskId"].(string), map[string]any{})
	case "prompts/get", "resources/read":
		op := map[string]authz.Operation{"prompts/get": authz.Get, "resources/read": authz.Read}[method]
		if d.refuses(ctx, p, name, op, nil) {
			return errors.New("not for you")
		}
		d.run(name)
		return map[string]any{}
	case "tools/call":
		arguments, _ := params["arguments"].(map[string]any)
		_, task := params["task"]
		d.mu.Lock()
		d.said = append(d.said, fmt.Sprintf("%s %s %v", who, name, arguments))
		d.mu.Unlock()
		if (!task || !d.tasks) && d.refuses(ctx, p, name, authz.Call, arguments) {
			if d.refusal != nil {
				return d.refusal
			}
			return failed("Unauthorized")
		}
		if task {
			return map[string]any{"task": map[string]any{"taskId": name, "status": "working"}}
		}
		return d.called(name, arguments)
	}
	return mcptest.ErrMethod
}

func (d *desk) called(name string, arguments map[string]any) any {
	schema := witness.NewSchema(d.deployed.column(name, authz.Call).Item.Schema)
	if !d.lax[name] && !schema.Allows(arguments) {
		if d.failure != nil {
			return d.failure
		}
		return failed("1 validation error for call[" + name + "]\n  that will not do")
	}
	d.run(name)
	return map[string]any{"content": []any{map[string]any{"type": "text", "text": "secret figures"}}}
}

func (d *desk) refuses(ctx context.Context, p *authz.Principal, name string, op authz.Operation, arguments map[string]any) bool {
	cells, err := d.deployed.Ask(ctx, []matrix.Attempt{{Principal: p, Column: d.deployed.column(name, op), Arguments: arguments}})
	return err != nil || cells[0].Access == matrix.Denied
}

func (d *desk) list(p *authz.Principal, of authz.ItemType, key, id string) any {
	list := []any{}
	for _, c := range d.deployed.Columns {
		name := c.Item.Name
		if c.Item.Type != of || c.Operation != authz.List || d.deployed.Cell(d.deployed.ClassOf(p.Key), c).Access == matrix.Denied {
			continue
		}
		if other, ok := d.extra[name]; ok {
			name = other
		}
		if name != "" {
			list = append(list, map[string]any{id: name})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.extra)) {
		if d.deployed.column(name, authz.List) == nil && of == authz.ToolItem {
			list = append(list, map[string]any{id: name})
		}
	}
	return map[string]any{key: list}
}

// probed runs a probe over the wire, of what the checkout says.
func probed(t *testing.T, checkout *world, d http.Handler, change func(*probe.Input)) (*probe.Result, error) {
	t.Helper()
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	in := &probe.Input{
		Matrix: checkout.Matrix, Server: checkout.Servers[0], Conditions: checkout.engine.Conditions(), Solver: solver.New(checkout.engine.Leaves()),
		Clients: []probe.Client{{}, {WrongToken: true}}, Calls: true, Reads: true,
		Dial: func(ctx context.Context, c probe.Client) (probe.Session, error) {
			target := live.Target{URL: server.URL, Transport: live.StreamableHTTP}
			switch {
			case c.Principal != nil:
				target.Token = live.Secret(tokenOf + c.Principal.Key)
			case c.WrongToken:
				target.Token = "wrong-9bd1"
			}
			return live.Dial(ctx, target, live.Options{Timeout: 10 * time.Second})
		},
	}
	for p := range checkout.Principals() {
		in.Clients = append(in.Clients, probe.Client{Principal: p})
	}
	if change != nil {
		change(in)
	}
	return probe.Run(t.Context(), in)
}
