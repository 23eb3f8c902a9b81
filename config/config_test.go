package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/source"
)

func ExampleParse() {
	c, err := config.Parse("mcpolicy.yaml", []byte(`
servers:
  mail:
    manifest: inventories.json#mail
    incomplete: accept
  crm:
    manifest: [crm.json, prompts.json]
    enforcement: tool-as-action
policies: policies
principals: ./principals.yaml
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range c.Servers {
		fmt.Println(s.Pos, s.Name, s.Enforcement, s.Incomplete)
		for _, m := range s.Manifest {
			fmt.Printf("\t%s %q\n", m.File, m.Pick)
		}
	}
	fmt.Println(c.Principals.Path, "failing from", c.Lint.FailOn)
	// Output:
	// mcpolicy.yaml:6:3 crm tool-as-action refuse
	// 	crm.json ""
	// 	prompts.json ""
	// mcpolicy.yaml:3:3 mail cerbos-fastmcp accept
	// 	inventories.json "mail"
	// principals.yaml failing from warning
}

func at(line, col int) source.Pos { return source.Pos{File: "m.yaml", Line: line, Col: col} }

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Everything that a config can say, decoded.
func TestParse(t *testing.T) {
	got, err := config.Parse("m.yaml", read(t, "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		File: "m.yaml",
		Servers: config.Servers{
			{
				Name: "crm", Pos: at(3, 3), Manifest: config.Manifests{{File: "manifests/crm.json", Pos: at(4, 15)}},
				Enforcement: "cerbos-fastmcp",
				With:        config.With{Pos: at(6, 11), ResourceKind: "mcp_server", FastMCP: "2.14"},
				Live: &config.Live{
					Pos: at(7, 11), URL: "https://crm.example.com/mcp",
					Headers: map[string]config.Env{"X-Team": {Name: "TEAM", Pos: at(7, 66)}},
				},
			},
			{
				Name: "files", Pos: at(8, 3),
				Manifest:    config.Manifests{{File: "all.json", Pick: "file server", Pos: at(9, 16)}, {File: "more.yaml", Pos: at(9, 40)}},
				Enforcement: "our-gateway", Incomplete: config.Accept,
				Live: &config.Live{Pos: at(12, 11), Command: []string{"node", "server.js"}},
			},
			{
				Name: "shell", Pos: at(13, 3), Manifest: config.Manifests{{File: "shell.json", Pos: at(13, 21)}},
				Enforcement: "tool-as-resource", With: config.With{Pos: at(13, 70), ResourceKind: "tool", Action: "invoke"},
				MetaTools: config.MetaTools{
					{Pattern: "call_tool", Pos: at(13, 120)},
					{Pattern: "name_tool", Pos: at(13, 158), Kind: config.MetaNone},
					{Pattern: "route_*", Pos: at(13, 140), Kind: config.MetaAsked},
				},
			},
		},
		Policies:   config.Path{Path: "policies", Pos: at(14, 11)},
		Principals: config.Path{Path: "people/principals.csv", Pos: at(15, 13)},
		Tests:      config.Paths{{Path: "tests", Pos: at(16, 9)}, {Path: "more/sales.yaml", Pos: at(16, 16)}},
		Engine: config.Engine{
			Pos: at(18, 3), SchemaEnforcement: authz.SchemaReject, StrictEvaluation: true, DefaultPolicyVersion: "prod",
			DefaultScope: "acme.corp", LenientScopeSearch: true,
			Globals: map[string]any{"region": "EMEA", "levels": []any{1.0, nil}},
		},
		Enforcement: config.Profiles{
			{
				Name: "our-gateway", Pos: at(26, 3),
				Methods: map[config.Method]config.Rule{
					config.ToolsList: {
						Pos: at(28, 7), Filter: authz.FilterOwn,
						Requests: []config.Request{{
							Pos: at(29, 18), Kind: "mcp:{server}", ID: "{name}", Action: "see",
							Attr: map[string]any{"tool": "{name}", "tags": "{tags}"},
						}},
					},
					config.ToolsCall: {
						Pos: at(31, 7),
						Requests: []config.Request{{
							Pos: at(31, 9), Kind: "mcp:{server}", ID: "{name}", Action: "invoke", Scope: "prod", PolicyVersion: "v2",
							Attr: map[string]any{"tool": "{name}", "args": "{arguments}", "depth": 1.0},
						}},
					},
					config.PromptsGet:    {Pos: at(32, 18), Requests: []config.Request{{Pos: at(32, 30), Kind: "prompt", ID: "{name}", Action: "get"}}},
					config.PromptsList:   {Pos: at(33, 19), Filter: authz.FilterCall},
					config.ResourcesRead: {Pos: at(34, 21)},
					config.ResourcesList: {
						Pos: at(35, 21), Filter: authz.FilterGate,
						Requests: []config.Request{{Pos: at(35, 47), Kind: "r", ID: "r", Action: "list"}},
					},
					config.TemplatesList: {Pos: at(36, 31)},
				},
			},
			{
				Name: "second", Pos: at(25, 3),
				Methods: map[config.Method]config.Rule{
					config.ToolsList: {Pos: at(25, 24), Filter: authz.FilterOwn, Requests: []config.Request{{Pos: at(25, 25), Kind: "k", ID: "i", Action: "a"}}},
				},
				Refused: config.Answers{
					{Pos: at(25, 65), IsError: true, Text: "no: *"}, {Pos: at(25, 97), Method: config.ResourcesRead, Code: -1}, {Pos: at(25, 133), Status: 403},
				},
				Admitted:   config.Answers{{Pos: at(25, 160), Code: -2}},
				OnNoPolicy: authz.Pass, OnPDPError: authz.Refuse, UnknownOperations: authz.Pass,
			},
		},
		Lint: config.Lint{
			Pos: at(38, 3), FailOn: authz.SeverityError,
			Administrators: config.Administrators{Pos: at(39, 19), Roles: []string{"ADMIN"}, Principals: []string{"root"}},
			SeparationOfDuties: []config.SeparationOfDuties{
				{Pos: at(41, 7), Name: "pay", Server: "crm", Sets: [][]string{{"create_invoice"}, {"approve_*"}}},
			},
			Rules: config.RuleSettings{
				{ID: "broad-principal", Pos: at(43, 5), Severity: new(authz.SeverityOff)},
				{ID: "name-not-portable", Pos: at(45, 5)},
				{ID: "tool-unreachable", Pos: at(44, 5), Severity: new(authz.SeverityNote), Confidence: new(authz.ConfidenceHigh)},
			},
		},
		Probe: config.Probe{
			Pos: at(47, 3),
			Tokens: config.Tokens{
				{Principal: "harry", Pos: at(47, 39), Env: config.Env{Name: "_H", Pos: at(47, 46)}},
				{Principal: "sally", Pos: at(47, 12), Env: config.Env{Name: "SALLY_TOKEN", Pos: at(47, 19)}},
			},
		},
		Waivers: []config.Waiver{
			{
				Pos: at(49, 5), Rule: "destructive-open-to-all", Server: "crm", Item: "purge_cache", Types: []authz.ItemType{authz.ToolItem},
				Reason: "Cache only; agreed in SEC-141", Expires: config.Date{Time: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)},
			},
			{Pos: at(54, 5), Rule: "wildcard-role", Reason: "b", Item: "x", Principal: "sally", File: "policies/mcp.yaml"},
			{Pos: at(55, 5), Rule: "wildcard-role", Reason: "b", Item: "x", Types: []authz.ItemType{authz.PromptItem}},
			{Pos: at(56, 5), Rule: "wildcard-role", Reason: "b", Item: "x://*", Types: []authz.ItemType{authz.ResourceItem, authz.TemplateItem}},
		},
	}
	options := got.Lint.Rules[1].Options
	got.Lint.Rules[1].Options = nil
	nodes := cmp.Options{cmpopts.IgnoreFields(config.Request{}, "Node"), cmpopts.IgnoreFields(config.With{}, "Node"), cmpopts.IgnoreUnexported(config.Config{})}
	if diff := cmp.Diff(want, got, nodes); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if got := string(options.JSON()); got != `{"longest":64}` {
		t.Errorf("options %s", got)
	}
	if s := got.Servers.Get("shell"); s != got.Servers[2] {
		t.Errorf("Get(shell) = %v", s)
	}
	if s := got.Servers.Get("nobody"); s != nil {
		t.Errorf("Get(nobody) = %v", s)
	}
}

func TestDefaults(t *testing.T) {
	c, err := config.Parse("m.yaml", []byte("servers: {crm: {manifest: a.json, with: null, live: null}}\nlint: {failOn: null}\nprobe:\nwaivers:\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %v %v %v %v %q", c.Servers[0].Enforcement, c.Servers[0].Incomplete, c.Lint.FailOn, c.Engine.SchemaEnforcement, c.Servers[0].Live, c.Policies.Path)
	if want := `cerbos-fastmcp refuse warning none <nil> ""`; got != want {
		t.Errorf("have %s, want %s", got, want)
	}
}

func TestWaiverExpired(t *testing.T) {
	c, err := config.Parse("m.yaml", []byte("waivers: [{rule: a, reason: b, expires: 2027-01-31}, {rule: a, reason: b}]"))
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[string]bool{
		"2027-01-30T00:00:00Z":      false,
		"2027-01-31T23:59:59Z":      false,
		"2027-02-01T00:00:00Z":      true,
		"2027-02-01T01:00:00+02:00": false,
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Waivers[0].Expired(at); got != want {
			t.Errorf("expired at %s: %v", now, got)
		}
		if c.Waivers[1].Expired(at) {
			t.Errorf("a waiver without a date expired at %s", now)
		}
	}
	if got := fmt.Sprint(c.Waivers[0].Expires, c.Waivers[1].Expires); got != "2027-01-31 never" {
		t.Errorf("dates %s", got)
	}
}

func TestWordsHaveNames(t *testing.T) {
	got := fmt.Sprint(
		[]authz.Severity{authz.SeverityOff, authz.SeverityNote, authz.SeverityWarning, authz.SeverityError},
		[]authz.Confidence{authz.ConfidenceHigh, authz.ConfidenceMedium, authz.ConfidenceLow},
		[]authz.Filter{authz.FilterNone, authz.FilterOwn, authz.FilterCall, authz.FilterGate},
		[]authz.SchemaEnforcement{authz.SchemaNone, authz.SchemaWarn, authz.SchemaReject},
		[]config.Incomplete{config.Refuse, config.Accept},
	)
	if want := "[off note warning error] [high medium low] [none own call gate] [none warn reject] [refuse accept]"; got != want {
		t.Errorf("have %s, want %s", got, want)
	}
}
