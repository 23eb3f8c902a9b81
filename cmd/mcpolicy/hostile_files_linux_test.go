package main

import "strings"

// hostileWrites are reports to where none should go.
func hostileWrites() []hostileInput {
	check := func(name, want string, status int, formats ...string) hostileInput {
		args := []string{"check"}
		for _, f := range formats {
			args = append(args, "--format", f)
		}
		return hostileInput{name: "report " + name, args: args, status: status, want: want}
	}
	return []hostileInput{
		check("onto the inventory", `^mcpolicy: .*crm.json`, 2, "json=crm.json"),
		check("onto the config", `^mcpolicy: .*mcpolicy.yaml`, 2, "text=mcpolicy.yaml"),
		check("onto the principals", `^mcpolicy: .*principals.yaml`, 2, "junit=principals.yaml"),
		check("onto a policy", `^mcpolicy: .*p.yaml`, 2, "sarif=policies/p.yaml"),
		check("onto a suite", `^mcpolicy: .*t.yaml`, 2, "json=./tests/../tests/t.yaml"),
		check("twice to one file", `^mcpolicy: .*out.txt`, 2, "json=out.txt", "text=./out.txt"),
		check("twice to standard output", `^mcpolicy: `, 2, "json", "text"),
		check("to a folder", `^mcpolicy: .*tests`, 3, "json=tests"),
		check("to a folder that is not there", `^mcpolicy: .*nowhere`, 3, "json=nowhere/out.json"),
		check("to a folder that takes no files", `^mcpolicy: .*/proc/`, 3, "json=/proc/self/out.json"),
		check("to a device that is full", `^mcpolicy: .*/dev/full`, 3, "json=/dev/full"),
		check("of no format", `^mcpolicy: .*jsn.*did you mean json\?`, 2, "jsn=out.json"),
		check("to no file", `^mcpolicy: `, 2, "json="),
	}
}

// hostileNames are files of other kinds than are expected, and values that would do
// something to whoever reads them.
func hostileNames() []hostileInput {
	commands := "\\u001b]0;x\\u0007##vso[task.complete]\\u202e::error::"
	inert := `^mcpolicy: [^\x1b\x07\x{202e}]*$`
	row := func(name string, status int, want string, args ...string) hostileInput {
		return hostileInput{name: name, args: append([]string{"check"}, args...), status: status, want: want}
	}
	changed := func(name, file, text string, status int, want string) hostileInput {
		return hostileInput{name: name, change: map[string]string{file: text}, status: status, want: want}
	}
	return []hostileInput{
		row("device for the config", 2, `^mcpolicy: /dev/zero: `, "--config", "/dev/zero"),
		row("device for principals", 3, `^mcpolicy: /dev/zero: this is no ordinary file$`, "--principals", "/dev/zero"),
		row("device for policies", 3, `^mcpolicy: /dev/zero: `, "--policies", "/dev/zero"),
		row("device for suites", 3, `^mcpolicy: /dev/zero: this is no ordinary file$`, "--tests", "/dev/zero"),
		row("folder for the inventory", 3, `^mcpolicy: policies: this is a folder`, "--manifest", "policies"),
		row("folder for principals", 3, `^mcpolicy: policies: this is a folder`, "--principals", "policies"),
		row("folder for the config", 2, `^mcpolicy: policies: `, "--config", "policies"),
		row("file for policies", 3, `^mcpolicy: crm.json: `, "--policies", "crm.json"),
		row("commands on the command line", 2, inert, "--\x1b[2J##vso[x]"),
		row("a long command line", 2, inert, "--"+strings.Repeat("x", 100_000)),
		changed("commands in the name of a key", "mcpolicy.yaml", good["mcpolicy.yaml"]+"\""+commands+"\": 1\n", 2, inert),
		changed("commands in the name of a file", "mcpolicy.yaml", strings.Replace(good["mcpolicy.yaml"], "crm.json", "\""+commands+"\"", 1), 3, inert),
		changed("commands in the name of a principal", "tests/t.yaml", "name: t\ntests: [{name: t, principals: [\""+commands+"\"], call: {allow: [greet]}}]\n", 3, inert),
		changed("commands in the name of a tool", "tests/t.yaml", "name: t\ntests: [{name: t, principals: [ian], call: {allow: [\""+commands+"\"]}}]\n", 3, inert),
		changed("commands in a role", "principals.yaml", "principals: {ian: {id: ian, roles: [\""+commands+"\"], \""+commands+"\": 1}}\n", 3, inert),
		changed("commands in an inventory", "crm.json", `{"tools": [{"name": "`+commands+`", "inputSchema": 3}]}`, 3, inert),
		changed("commands in a profile", "mcpolicy.yaml", strings.Replace(good["mcpolicy.yaml"], "crm.json", "crm.json, enforcement: \""+commands+"\"", 1), 2, inert),
		changed("commands in a waiver", "mcpolicy.yaml", good["mcpolicy.yaml"]+"waivers: [{rule: \""+commands+"\", reason: x}]\n", 2, inert),
		changed("commands in a policy", "policies/p.yaml", costly("P.id == \"\u202e##vso[task.complete]\" + ", ""), 3, inert),
		{name: "a token where its name belongs", args: []string{"discover", "--url", "http://127.0.0.1:9/mcp", "--token-env", "eyJhbGciOi.eyJzdWIi.c2ln"}, status: 2, want: `^mcpolicy: [^.]*want the name of an environment variable, not a value$`},
		{name: "a token that is not there", args: []string{"discover", "--url", "http://127.0.0.1:9/mcp", "--token-env", "NOBODYS_TOKEN"}, status: 2, want: `^mcpolicy: .*NOBODYS_TOKEN is not set$`},
		{name: "a server that is none", args: []string{"discover", "--url", "gopher://127.0.0.1:9/mcp"}, status: 2, want: `^mcpolicy: .*http`},
		{name: "a server that is away", args: []string{"discover", "--url", "http://127.0.0.1:9/mcp"}, status: 3, want: `^mcpolicy: `},
	}
}
