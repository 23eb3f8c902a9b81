//go:build e2e && linux

package e2e

import (
	"path/filepath"
	"testing"
)

// gateDir is the folder of a server behind a gateway that follows COAZ-MCP.
var gateDir = filepath.Join("testdata", "harbour")

var (
	// harbourPeople are the keys of the principals; the first may list everything.
	harbourPeople = []string{"hana", "pelle", "rosa", "kim", "otto"}
	// harbourTrials lie on both sides of every condition, and of what a mapping
	// needs.
	harbourTrials = map[string][]map[string]any{
		"find_ship":  {{"name": "Ada"}},
		"scrap_ship": {{"name": "Ada"}},
		"assign_berth": {
			{"berth": "dock-1", "length": 90},
			{"berth": "dock-1", "length": 90.5},
			{"berth": "dock-1", "length": 150, "cargo": "tea"},
			{"berth": "dock-1", "length": 90, "cargo": "oil"},
			{"berth": "dock-1", "length": 200},
			{"berth": "dock-1", "length": 200.01},
			{"berth": "", "length": 1},
			{"length": 90},
		},
		"shift_ship": {
			{"from": "dock-1", "to": "dock-2", "length": 90},
			{"from": "dock-1", "to": "dock-2", "length": 150.5},
			{"from": "dock-0", "to": "dock-2", "length": 1},
			{"from": "dock-1", "to": "dock-1", "length": 400},
			{"from": "dock-1", "to": "dock-2"},
		},
		"sign_log": {
			{"page": 1234567, "remark": "hana was here"},
			{"page": 1234567, "remark": "pelle was here"},
			{"page": 1234567, "remark": "rosa was here"},
			{"page": 1234567, "remark": "kim was here"},
			{"page": 1234567, "remark": "otto was here"},
			{"page": 1, "remark": "hana was here"},
			{"page": 1234567},
		},
		"lift_crane": {
			{"quay": "north", "tons": 20}, {"quay": "north", "tons": 20.5}, {"quay": "", "tons": 99}, {"quay": "south", "tons": 1}, {"quay": "a b", "tons": 1},
		},
		"pilot_ship":           {{"name": "Ada"}},
		"weigh_cargo":          {{"crate": 3}},
		"count_ropes":          {{"store": "a"}},
		"count_buoys":          {{"channel": "a"}},
		"arrival_notice":       {{"ship": "Ada"}},
		"harbour://berth/{id}": {{"id": "dock-1"}},
	}
	// otherRequests are about no item, or have arguments that no server takes.
	otherRequests = []request{
		{"initialize", `{"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "mcpolicy-e2e", "version": "1"}}`},
		{"initialize", `{}`},
		{"tools/list", `{}`},
		{"prompts/list", `{}`},
		{"resources/list", `{}`},
		{"resources/templates/list", `{}`},
		{"tools/call", `{"name": "no_such_tool"}`},
		{"tools/call", `{}`},
		{"resources/subscribe", `{"uri": "harbour://tides"}`},
		{"resources/unsubscribe", `{"uri": "harbour://tides"}`},
		{"completion/complete", `{"ref": {"type": "ref/prompt", "name": "arrival_notice"}, "argument": {"name": "ship", "value": "A"}}`},
		{"completion/complete", `{"ref": {"type": "ref/resource", "uri": "harbour://berth/{id}"}, "argument": {"name": "id", "value": "d"}}`},
		{"completion/complete", `{}`},
		{"logging/setLevel", `{"level": "info"}`},
		{"logging/setLevel", `{}`},
		{"tasks/list", `{}`},
		{"tasks/get", `{"taskId": "t-1"}`},
		{"tasks/result", `{"taskId": "t-1"}`},
		{"tasks/cancel", `{"taskId": "t-1"}`},
		{"ping", `{}`},
		{"server/discover", `{}`},
		{"subscriptions/listen", `{}`},
		{"tools/Call", `{"name": "find_ship"}`},
		{"tools/call", `{"name": "assign_berth", "arguments": {"berth": 7, "length": 1}}`},
		{"tools/call", `{"name": "assign_berth", "arguments": {"berth": "dock-1", "length": "90"}}`},
		{"tools/call", `{"name": "sign_log", "arguments": {"page": "1234567", "remark": "hana"}}`},
		{"tools/call", `{"name": "lift_crane", "arguments": {"quay": 1, "tons": 99}}`},
	}
)

// harbour is that server and what mcpolicy says of it.
func harbour(t *testing.T, changes ...change) *world {
	return newWorld(t, gateDir, harbourTrials, changes...)
}
