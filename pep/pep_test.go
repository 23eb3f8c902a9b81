package pep_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

func Example() {
	profile, err := pep.New("cerbos-fastmcp", "crm", pep.With{}, "3.4.9")
	if err != nil {
		panic(err)
	}
	for _, r := range profile.Ask(pep.Item{Name: "greet"}, authz.List).Requests {
		fmt.Println(r.Action, "on", r.Resource.Kind, r.Resource.ID)
	}
	read := profile.Ask(pep.Item{Type: authz.ResourceItem, Name: "crm://terms"}, authz.Read)
	fmt.Println("resources/read is guarded:", read.Guarded())
	// Output:
	// tools/list on mcp_server tools/list
	// tools/list::greet on mcp_server greet
	// resources/read is guarded: false
}

// lines renders a question, one request a line.
func lines(q pep.Question) []string {
	list := []string{}
	for _, r := range q.Requests {
		line := fmt.Sprintf("%s %s %s %v %v", r.Resource.Kind, r.Resource.ID, r.Action, r.Resource.Attr, r.Unknown)
		if r.OpenUncovered {
			line += " open if uncovered"
		}
		list = append(list, line)
	}
	if q.TaskOnly {
		list = append(list, "task only")
	}
	return list
}

func TestBuiltIn(t *testing.T) {
	tool := pep.Item{Name: "crm_greet", OwnName: "greet"}
	task := pep.Item{Name: "export", TaskSupport: "optional"}
	prompt := pep.Item{Type: authz.PromptItem, Name: "hello"}
	resource := pep.Item{Type: authz.ResourceItem, Name: "crm://a"}
	tmpl := pep.Item{Type: authz.TemplateItem, Name: "crm://{id}"}
	tests := []struct {
		profile string
		with    pep.With
		file    string // what the inventory says of FastMCP
		item    pep.Item
		op      authz.Operation
		want    []string
	}{
		{"cerbos-fastmcp", pep.With{}, "", tool, authz.List, []string{
			"mcp_server tools/list tools/list map[] []",
			"mcp_server crm_greet tools/list::crm_greet map[arguments:map[] source:client tool_name:crm_greet] []",
		}},
		{"cerbos-fastmcp", pep.With{}, "2.12.3", tool, authz.List, []string{
			"mcp_server tools/list tools/list map[] []",
			"mcp_server greet tools/list::greet map[arguments:map[] source:client tool_name:greet] []",
		}},
		{"cerbos-fastmcp", pep.With{ResourceKind: "k"}, "2.12.3", tool, authz.Call, []string{"k crm_greet tools/call::crm_greet map[source:client tool_name:crm_greet] [arguments]"}},
		{"cerbos-fastmcp", pep.With{}, "2.14.7", task, authz.Call, []string{"task only"}},
		{"cerbos-fastmcp", pep.With{FastMCP: "3.4.9"}, "2.14.7", task, authz.Call, []string{"mcp_server export tools/call::export map[source:client tool_name:export] [arguments]"}},
		{"cerbos-fastmcp", pep.With{}, "", prompt, authz.List, []string{"mcp_server prompts/list prompts/list map[] []"}},
		{"cerbos-fastmcp", pep.With{}, "", prompt, authz.Get, []string{}},
		{"cerbos-fastmcp", pep.With{}, "", resource, authz.List, []string{"mcp_server resources/list resources/list map[] []"}},
		{"cerbos-fastmcp", pep.With{}, "", resource, authz.Read, []string{}},
		{"cerbos-fastmcp", pep.With{}, "", tmpl, authz.List, []string{}},
		{"tool-as-action", pep.With{}, "", tool, authz.List, []string{"mcp::crm session crm_greet map[] []"}},
		{"tool-as-action", pep.With{ResourceKind: "mcp::x"}, "", tool, authz.Call, []string{"mcp::x session crm_greet map[] []"}},
		{"tool-as-resource", pep.With{Action: "invoke"}, "", tool, authz.List, []string{"mcp_tool crm_greet invoke map[tool_id:crm_greet] []"}},
		{"tool-as-resource", pep.With{}, "", resource, authz.Read, []string{}},
		{"voltagent", pep.With{}, "", tool, authz.List, []string{}},
		{"voltagent", pep.With{FilterOnDiscovery: true}, "", tool, authz.List, []string{"mcp::crm crm crm_greet map[] []"}},
		{"voltagent", pep.With{}, "", tool, authz.Call, []string{"mcp::crm crm crm_greet map[] []"}},
		{"voltagent", pep.With{ResourceKind: "mcp::{server}-2"}, "", tool, authz.Call, []string{"mcp::crm-2 crm crm_greet map[] []"}},
		{"voltagent", pep.With{}, "", prompt, authz.Get, []string{}},
		{"synapse-claude", pep.With{}, "", tool, authz.List, []string{}},
		{"synapse-claude", pep.With{}, "", tool, authz.Call, []string{
			"PreToolUse mcp__crm__crm_greet mcp__crm__crm_greet map[hook_event_name:PreToolUse tool_name:mcp__crm__crm_greet] [tool_input] open if uncovered",
		}},
		{"synapse-claude", pep.With{ResourceKind: "PermissionRequest"}, "", tool, authz.Call, []string{
			"PermissionRequest mcp__crm__crm_greet mcp__crm__crm_greet map[hook_event_name:PermissionRequest tool_name:mcp__crm__crm_greet] [tool_input] open if uncovered",
		}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.profile, " ", tt.file, " ", tt.item.Name, " ", tt.op), func(t *testing.T) {
			p, err := pep.New(tt.profile, "crm", tt.with, tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, lines(p.Ask(tt.item, tt.op))); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFastMCPVersions(t *testing.T) {
	for version, want := range map[string]string{
		"":       "known false, skipped false, sure false, unsupported false",
		"2":      "known true, skipped false, sure false, unsupported false",
		"2.14.7": "known true, skipped true, sure true, unsupported false",
		"3.4.9":  "known true, skipped false, sure true, unsupported false",
		"4.1.0":  "known true, skipped false, sure true, unsupported true",
	} {
		p, err := pep.New("cerbos-fastmcp", "crm", pep.With{}, version)
		if err != nil {
			t.Fatal(err)
		}
		skipped, sure := p.CallsAsTasks("optional")
		got := fmt.Sprintf("known %v, skipped %v, sure %v, unsupported %v", p.FastMCPKnown, skipped, sure, p.Unsupported != "")
		if got != want {
			t.Errorf("FastMCP %q: %s, want %s", version, got, want)
		}
	}
}

// TestClaudeNames holds that a server is named as Claude Code does it, which takes no other
// characters.
func TestClaudeNames(t *testing.T) {
	p, err := pep.New("synapse-claude", "my crm {1}", pep.With{}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Ask(pep.Item{Name: "greet"}, authz.Call).Requests[0].Action, "mcp__my_crm__1___greet"; got != want {
		t.Errorf("action %q, want %q", got, want)
	}
}

func TestUnknownProfile(t *testing.T) {
	_, err := pep.New("cerbos-fastmpc", "crm", pep.With{}, "")
	if err == nil || !strings.Contains(err.Error(), "did you mean cerbos-fastmcp?") {
		t.Errorf("error %v, want the nearest name", err)
	}
}

func TestCustom(t *testing.T) {
	p, err := pep.Custom("gateway", "crm", []pep.Spec{
		{Endpoint: "tools/list", Filter: authz.FilterOwn, Requests: []pep.RequestSpec{{
			Kind: "mcp:{server}", ID: "{name}", Action: "see", Attr: map[string]any{"tool": "{name}", "tags": "{tags}", "n": 1.0, "call": map[string]any{"args": "{arguments}"}},
		}}},
		{Endpoint: "tools/call", Requests: []pep.RequestSpec{
			{Kind: "mcp:{server}", ID: "{name}", Action: "invoke", Scope: "prod", PolicyVersion: "v2", Attr: map[string]any{"call": map[string]any{"args": "{arguments}"}}},
			{Kind: "audit", ID: "x", Action: "log-{type}"},
		}},
		{Endpoint: "prompts/get", Requests: []pep.RequestSpec{{Kind: "prompt", ID: "{name}", Action: "get"}}},
		{Endpoint: "prompts/list", Filter: authz.FilterCall},
		{Endpoint: "resources/list", Filter: authz.FilterGate, Requests: []pep.RequestSpec{{Kind: "r", ID: "all", Action: "list"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tool := pep.Item{Name: "greet", Tags: []string{"a", "b"}}
	list := p.Ask(tool, authz.List).Requests[0]
	want := authz.Request{Action: "see", Resource: authz.Resource{Kind: "mcp:crm", ID: "greet", Attr: map[string]any{
		"tool": "greet", "tags": []any{"a", "b"}, "n": 1.0, "call": map[string]any{"args": map[string]any{}},
	}}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	call := p.Ask(tool, authz.Call).Requests
	if diff := cmp.Diff([]string{"call", "args"}, call[0].Unknown); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	bound := pep.Bind(call[0], map[string]any{"x": 1.0})
	if diff := cmp.Diff(map[string]any{"call": map[string]any{"args": map[string]any{"x": 1.0}}}, bound.Resource.Attr); diff != "" || bound.Unknown != nil {
		t.Errorf("bound, unknown %v (-want +got):\n%s", bound.Unknown, diff)
	}
	if call[0].Unknown == nil {
		t.Error("Bind changed the question")
	}
	if got := call[1].Action; got != "log-tool" || len(call) != 2 {
		t.Errorf("second request is %q of %d", got, len(call))
	}
	prompt := pep.Item{Type: authz.PromptItem, Name: "hello"}
	if diff := cmp.Diff(lines(p.Ask(prompt, authz.Get)), lines(p.Ask(prompt, authz.List))); diff != "" {
		t.Errorf("filter call (-get +list):\n%s", diff)
	}
	tmpl := pep.Item{Type: authz.TemplateItem, Name: "crm://{id}"}
	if got := p.Ask(tmpl, authz.List); len(got.Requests) != 1 || p.Filter(authz.TemplateItem) != authz.FilterGate {
		t.Errorf("templates do not follow resources/list: %+v", got)
	}
	if p.Ask(tmpl, authz.Read).Guarded() {
		t.Error("an endpoint that is not mentioned is guarded")
	}
}

func TestCustomMistakes(t *testing.T) {
	at := func(line int) source.Pos { return source.Pos{File: "c", Line: line, Col: 1} }
	_, err := pep.Custom("g", "crm", []pep.Spec{
		{Endpoint: "tool/list", Pos: at(1)},
		{Endpoint: "tools/list", Filter: authz.FilterOwn, Pos: at(2)},
		{Endpoint: "prompts/list", Filter: authz.FilterCall, Pos: at(3), Requests: []pep.RequestSpec{{Kind: "k", ID: "i", Action: "a", Pos: at(3)}}},
		{Endpoint: "resources/list", Filter: authz.FilterGate, Pos: at(4), Requests: []pep.RequestSpec{{Kind: "k", ID: "{name}", Action: "a", Pos: at(4)}}},
		{Endpoint: "tools/call", Pos: at(5), Requests: []pep.RequestSpec{
			{Kind: "k", ID: "i", Action: "{nam}", Pos: at(6)},
			{Kind: "k", ID: "i", Pos: at(7)},
			{Kind: "k", ID: "{arguments}", Action: "a", Pos: at(8)},
			{Kind: "k", ID: "i", Action: "a", Pos: at(9), Attr: map[string]any{"a": "{arguments}", "b": "{arguments}"}},
			{Kind: "k", ID: "i", Action: "a", Pos: at(10), Attr: map[string]any{"a": []any{"{arguments}"}}},
			{Kind: "k", ID: "i", Action: "a", Pos: at(11), Attr: map[string]any{"a": "x{tags}"}},
		}},
	})
	var got []string
	for _, e := range source.Mistakes(err) {
		got = append(got, e.Error())
	}
	want := []string{
		`c:1:1: no MCP method is called "tool/list" (did you mean tools/list?)`,
		`c:2:1: tools/list: filter own needs requests`,
		`c:3:1: prompts/list: filter call sends no requests of its own`,
		`c:4:1: resources/list: a gate is asked about once for the list, so there is no {name}`,
		`c:6:1: tools/call: unknown placeholder {nam} (did you mean {name}?)`,
		`c:7:1: tools/call: a request needs action`,
		`c:8:1: tools/call: {arguments} can only be the whole of an attribute's value`,
		`c:10:1: tools/call: {arguments} cannot stand in a list`,
		`c:11:1: tools/call: {tags} can only be the whole of an attribute's value`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}
