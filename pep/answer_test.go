package pep_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestJudge holds profiles to take for a refusal what is one, and nothing that
// only looks like one.
func TestJudge(t *testing.T) {
	middleware, err := pep.New("cerbos-fastmcp", "s", pep.With{}, "3.4.9")
	if err != nil {
		t.Fatal(err)
	}
	demo, err := pep.New("tool-as-action", "s", pep.With{}, "")
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := pep.Custom("gateway", "s", []pep.Spec{{Endpoint: "tools/call"}})
	if err != nil {
		t.Fatal(err)
	}
	err = gateway.SetAnswers(
		[]pep.Answer{{IsError: true, Text: "Unknown tool: *"}, {Endpoint: "resources/read", Code: -32602}, {Status: 403}},
		[]pep.Answer{{Code: -32602, Text: "arguments*"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	const call, read = "tools/call", "resources/read"
	validation := pep.Reply{IsError: true, Text: "1 validation error for call[greet]\nname\n  Missing required argument"}
	for _, test := range []struct {
		profile  *pep.Profile
		endpoint string
		reply    pep.Reply
		want     pep.Verdict
	}{
		{middleware, call, pep.Reply{IsError: true, Text: "Unauthorized"}, pep.Refused},
		{middleware, call, pep.Reply{IsError: true, Text: "Unauthorized by the database"}, pep.Unclear},
		{middleware, call, pep.Reply{IsError: true, Text: "unauthorized"}, pep.Unclear},
		{middleware, call, pep.Reply{Code: -32010, Text: "Unauthorized"}, pep.Unclear},
		{middleware, read, pep.Reply{IsError: true, Text: "Unauthorized"}, pep.Unclear},
		{middleware, call, validation, pep.Admitted},
		{middleware, call, pep.Reply{IsError: true, Text: "1 validation error for Order\nid"}, pep.Unclear}, // the tool's own
		{middleware, call, pep.Reply{IsError: true, Text: "Unknown tool: 'greet'"}, pep.Admitted},
		{middleware, call, pep.Reply{Code: -32602, Text: "Invalid request parameters"}, pep.Unclear},
		{middleware, call, pep.Reply{Status: 401}, pep.Unclear},
		{demo, call, pep.Reply{IsError: true, Text: "Unauthorized"}, pep.Unclear},
		{demo, call, pep.Reply{Code: -32602, Text: `unknown tool "greet"`}, pep.Unclear},
		{demo, call, pep.Reply{IsError: true, Text: "MCP error -32602: Input validation error: Invalid arguments for tool greet: []"}, pep.Admitted},
		{demo, call, pep.Reply{IsError: true, Text: `validating "arguments": validating root: required: missing properties: ["name"]`}, pep.Admitted},
		{gateway, call, pep.Reply{IsError: true, Text: "Unknown tool: 'greet'"}, pep.Refused},
		{gateway, call, pep.Reply{Code: -32602, Text: "arguments: no"}, pep.Admitted},
		{gateway, call, pep.Reply{Code: -32602, Text: "no arguments"}, pep.Unclear},
		{gateway, read, pep.Reply{Code: -32602, Text: "arguments: no"}, pep.Refused},
		{gateway, read, pep.Reply{Status: 403}, pep.Refused},
		{gateway, read, pep.Reply{Status: 500}, pep.Unclear},
		{gateway, call, validation, pep.Unclear}, // it says itself what shows that a call was admitted
		{pep.COAZ(), call, pep.Reply{Code: -32001, Text: "Access denied"}, pep.Refused},
		{pep.COAZ(), read, pep.Reply{Code: -32001, Text: "no"}, pep.Refused},
		{pep.COAZ(), "resources/templates/list", pep.Reply{Code: -32001}, pep.Refused},
		{pep.COAZ(), call, pep.Reply{Code: -32602, Text: "COAZ mapping error: no such key 'region'"}, pep.Refused},
		{pep.COAZ(), call, pep.Reply{Code: -32602, Text: "Unknown tool: greet"}, pep.Unclear},
		{pep.COAZ(), call, pep.Reply{Code: -32602, Text: "MCP error -32602: Invalid arguments for tool greet"}, pep.Admitted},
		{pep.COAZ(), call, pep.Reply{Code: -32603, Text: "Authorization service unavailable"}, pep.Unclear},
		{pep.COAZ(), call, pep.Reply{Code: -32401, Text: "Access denied"}, pep.Unclear}, // of an earlier draft
		{pep.COAZ(), call, pep.Reply{IsError: true, Text: "Access denied: not your customer"}, pep.Refused},
		{pep.COAZ(), call, pep.Reply{IsError: true, Text: "Database: Access denied"}, pep.Unclear},
		{pep.COAZ(), call, validation, pep.Admitted},
		{pep.COAZ(), call, pep.Reply{Status: 401}, pep.Unclear},
	} {
		if got := test.profile.Judge(test.endpoint, test.reply); got != test.want {
			t.Errorf("%s, %s, %+v: %v, want %v", test.profile.Name, test.endpoint, test.reply, got, test.want)
		}
	}
	err = gateway.SetAnswers([]pep.Answer{{Code: 1, Text: "[a", Pos: source.Pos{File: "c", Line: 3, Col: 2}}}, nil)
	if err == nil || err.Error() != `c:3:2: invalid pattern "[a": a [ is not closed` {
		t.Errorf("have %v", err)
	}
}
