package clients_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/internal/clients"
	"github.com/mcpolicy/mcpolicy/source"
)

func ExampleParse() {
	servers, err := clients.Parse(".mcp.json", []byte(`{
  "mcpServers": {
    "crm": {"type": "http", "url": "https://crm.example.com/mcp", "headers": {"Authorization": "Bearer ${CRM_TOKEN}"}},
    "files": {"command": "npx", "args": ["-y", "files-server", "${HOME:-/tmp}"]}
  }
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range servers {
		e, err := s.Expand(clients.Variables{Env: func(name string) (string, bool) { return "42", name == "CRM_TOKEN" }})
		fmt.Println(s.Pos, s.Name, s.Starts(), e.URL, e.Command, e.Headers, err)
	}
	// Output:
	// .mcp.json:3:5 crm false https://crm.example.com/mcp [] map[Authorization:Bearer 42] <nil>
	// .mcp.json:4:5 files true  [npx -y files-server /tmp] map[] <nil>
}

var variables = clients.Variables{
	Env: func(name string) (string, bool) {
		v, ok := map[string]string{"KEY": "secret-key", "EMPTY": ""}[name]
		return v, ok
	},
	Folder: "/src", Home: "/home/ada",
}

// Every client's way to say it.
func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want clients.Endpoint
	}{
		"VS Code":  {`{"servers": {"a": {"type": "stdio", "command": "node", "args": ["${workspaceFolder}/s.js"], "env": {"K": "${env:KEY}", "N": 1, "X": null}, "cwd": "${userHome}"}}, /* c */ "inputs": [],}`, clients.Endpoint{Command: []string{"node", "/src/s.js"}, Dir: "/home/ada", Env: map[string]string{"K": "secret-key", "N": "1"}, Secrets: map[string]string{"KEY": "secret-key"}}},
		"settings": {`{"mcp": {"servers": {"a": {"url": "http://a.example", "type": "sse"}}}}`, clients.Endpoint{URL: "http://a.example", Transport: "sse"}},
		"Gemini":   {`{"mcpServers": {"a": {"httpUrl": "http://a.example"}}}`, clients.Endpoint{URL: "http://a.example", Transport: "http"}},
		"Windsurf": {`{"mcpServers": {"a": {"serverUrl": "http://a.example?k=${KEY}"}}}`, clients.Endpoint{URL: "http://a.example?k=secret-key", Secrets: map[string]string{"KEY": "secret-key"}}},
		"Claude":   {`{"mcpServers": {"a": {"command": "a", "args": ["${EMPTY:-b}", "${NONE:-}", "$KEY", "${"], "autoApprove": ["x"], "timeout": 3}}}`, clients.Endpoint{Command: []string{"a", "b", "", "$KEY", "${"}}},
		"a list":   {`{"mcpServers": {"a": {"command": ["a", "b"]}}}`, clients.Endpoint{Command: []string{"a", "b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			servers, err := clients.Parse("c.json", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			got, err := servers.Get("a").Expand(variables)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []*map[string]string{&test.want.Headers, &test.want.Env, &test.want.Secrets} {
				if *m == nil {
					*m = map[string]string{}
				}
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("endpoint (-want +got):\n%s", diff)
			}
		})
	}
}

// Servers under every key are read.
func TestSeveralKeys(t *testing.T) {
	servers, err := clients.Parse("c.json", []byte(`{"servers": {"c": {"url": "x"}}, "mcpServers": {"a": {"url": "y"}}, "mcp": {"servers": {"b": {"command": "z"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, servers.Names()); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

// Each mistake has its place, all are reported, and no value is repeated.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`[]`:                                     "c.json:1:1: this is no client configuration",
		`{"mcpServers": []}`:                     "c.json:1:16: want servers under their names, have a list",
		`{"mcpServers": {}}`:                     "c.json:1:16: this configuration has no servers",
		`{"mcpServers": {"a": 1}}`:               `c.json:1:22: server "a": want an object, have a number`,
		`{"mcpServers": {"a": {}}}`:              `c.json:1:17: server "a" has neither a command nor a url`,
		`{"mcpServers": {"a": {"command": ""}}}`: "c.json:1:34: command: no program is named",
		`{"mcpServers": {"a": {"command": "x", "url": "http://secret"}}}`:              `c.json:1:17: server "a" has a command and a url`,
		`{"mcpServers": {"a": {"command": "x", "args": "secret"}}}`:                    "c.json:1:47: args: want a list of strings, have a string",
		`{"mcpServers": {"a": {"command": "x", "args": [1]}}}`:                         "c.json:1:48: args: want a string, have a number",
		`{"mcpServers": {"a": {"command": "x", "env": {"K": ["secret"]}}}}`:            `c.json:1:52: env: "K": want a string, have a list`,
		`{"mcpServers": {"a": {"url": "x", "headers": {"K": null}}}}`:                  `c.json:1:52: headers: "K": want a string, have null`,
		`{"mcpServers": {"a": {"url": "x", "type": "ftp"}}}`:                           `c.json:1:43: type: want stdio, http or sse, have "ftp"`,
		`{"mcpServers": {"a": {"url": "x"}, "a": {"url": "y"}}}`:                       `c.json:1:17: server "a" stands here twice`,
		`{"mcpServers": {"a": {"url": "x"}}, "mcp": {"servers": {"a": {"url": "y"}}}}`: `c.json:1:57: server "a" stands here twice`,
		`{"mcpServers": {"a": {"url": "${input:k}"}}}`:                                 "c.json:1:30: the client asks a person for ${input:k}: export the value, and write ${env:NAME} in its place",
		`{"mcpServers": {"a": {"url": "${NOT_SET}"}}}`:                                 "c.json:1:30: the environment variable NOT_SET is not set",
		`{"mcpServers": {"a": {"url": "${command:x}"}}}`:                               "c.json:1:30: the placeholder ${command:x} is not known",
		`{"mcpServers": {"a": {"command": "x", "envFile": ".env"}}}`:                   "c.json:1:50: envFile is not read",
		`{"mcpServers": `:                    "c.json:1:",
		"[mcp_servers.a]\ncommand = \"x\"\n": "c.json: this is TOML",
	} {
		servers, err := clients.Parse("c.json", []byte(text))
		if err == nil {
			_, err = servers[0].Expand(variables)
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	_, err := clients.Parse("c.json", []byte(`{"mcpServers": {"a": {}, "b": {"url": 1, "args": 2, "env": 3}}}`))
	if got := len(source.Mistakes(err)); got != 3 {
		t.Errorf("%d mistakes: %v", got, err)
	}
}

// Whatever a file holds, it is read or refused, and refused with a position.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"mcpServers": {"a": {"command": "x", "args": ["${A:-b}"], "env": {"A": 1}}}}`))
	f.Add([]byte(`{"servers": {"a": {"type": "http", "url": "${input:x}", "headers": {"X": "${env:Y}"}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		servers, err := clients.Parse("c.json", data)
		for _, s := range servers {
			if _, err := s.Expand(variables); err != nil {
				for _, m := range source.Mistakes(err) {
					if !strings.HasPrefix(m.Error(), "c.json:") {
						t.Errorf("no position: %v", m)
					}
				}
			}
		}
		if err != nil && !strings.HasPrefix(err.Error(), "c.json") {
			t.Errorf("no position: %v", err)
		}
	})
}
