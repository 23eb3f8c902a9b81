package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/internal/mcptest"
)

// desk is the world of the desk of mcptest, which hides tools and answers calls
// of them as unknown.
func desk(change func(map[string]string)) map[string]string {
	files := map[string]string{
		"desk.json": `{"tools": [{"name": "admin_tool", "annotations": {"destructiveHint": true}}, {"name": "get_hr_records", "annotations": {"readOnlyHint": true}},
 {"name": "get_sales_data"}, {"name": "greet"}, {"name": "whoami"}],
 "prompts": [{"name": "sampleprompt", "arguments": [{"name": "topic", "required": true}]}],
 "resources": [{"uri": "prompt://sample", "name": "sample"}], "resourceTemplates": [{"uriTemplate": "desk://{team}", "name": "team"}]}`,
		"p/p.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: desk
  version: default
  rules:
    - {name: all, actions: [get_sales_data, greet, whoami], effect: EFFECT_ALLOW, roles: ["*"]}
    - {name: admin, actions: ["*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		"people.yaml": "principals:\n  ian: {id: ian, roles: [ADMIN]}\n  sally: {id: sally, roles: [SALES]}\n  harry: {id: harry, roles: [HR]}\n",
		"mcpolicy.yaml": `servers:
  desk: {manifest: desk.json, enforcement: hiding}
policies: p
principals: people.yaml
enforcement:
  hiding:
    tools/list: {filter: call}
    tools/call: [{kind: desk, id: "{name}", action: "{name}"}]
    refused: [{method: tools/call, code: -32602, text: "unknown tool*"}]
probe:
  tokens:
    ian: {env: IAN}
    sally: {env: SALLY}
`,
	}
	if change != nil {
		change(files)
	}
	return files
}

func setTokens(t *testing.T) {
	t.Setenv("IAN", mcptest.Ian)
	t.Setenv("SALLY", mcptest.Sally)
}

// TestProbe runs the command against a server of the official SDK.
func TestProbe(t *testing.T) {
	server := httptest.NewServer(mcptest.NewDesk())
	defer server.Close()
	edit := func(file, old, with string) func(map[string]string) {
		return func(files map[string]string) {
			if !strings.Contains(files[file], old) {
				t.Fatalf("no %q in %s", old, file)
			}
			files[file] = strings.Replace(files[file], old, with, 1)
		}
	}
	for name, test := range map[string]struct {
		change func(map[string]string)
		args   []string
		unset  string
		status int
		want   []string
	}{
		"clean":              {nil, nil, "", 0, []string{"no drift", "not probed, for there is no token: harry", "2 principals"}},
		"with calls":         {nil, []string{"--call", "--read"}, "", 0, []string{"1 of them to calls", "no drift", "admin_tool: not called where the matrix says denied", "--allow-destructive"}},
		"a destructive tool": {nil, []string{"--call", "--allow-destructive", "admin_tool"}, "", 0, []string{"2 of them to calls", "no drift"}},
		"one principal":      {nil, []string{"--principal", "sally"}, "IAN", 0, []string{"1 principal;", "no drift"}},
		"drift": {
			edit("p/p.yaml", "get_sales_data, greet", "greet"), nil, "", 1,
			[]string{"the server shows sally get_sales_data, which the matrix denies", "shown-but-denied", "1 error"},
		},
		"hidden": {
			edit("p/p.yaml", "get_sales_data, greet", "get_sales_data, get_hr_records, greet"),
			[]string{"--call"},
			"", 1,
			[]string{"the server does not show sally get_hr_records, which the matrix says is allowed", "hidden-but-allowed", "p/p.yaml:6"},
		},
		"a variable that is not set":      {nil, nil, "SALLY", 2, []string{"mcpolicy.yaml:13:5: probe: the token of sally: the environment variable SALLY is not set"}},
		"a principal that is not there":   {edit("mcpolicy.yaml", "sally:", "sallly:"), nil, "", 2, []string{`mcpolicy.yaml:13:5: probe: no principal "sallly" (did you mean sally?)`}},
		"no tokens":                       {edit("mcpolicy.yaml", "probe:\n  tokens:\n    ian: {env: IAN}\n    sally: {env: SALLY}\n", ""), nil, "", 3, []string{"nothing to probe: none of the principals has a token (harry, ian, sally)"}},
		"tokens on the command line":      {edit("mcpolicy.yaml", "probe:\n  tokens:\n    ian: {env: IAN}\n    sally: {env: SALLY}\n", ""), []string{"--token-env", "ian=IAN"}, "", 0, []string{"1 principal;", "no drift"}},
		"a token on the command line":     {nil, []string{"--token-env", "ian"}, "", 2, []string{"--token-env: want PRINCIPAL=VARIABLE"}},
		"no such principal":               {nil, []string{"--principal", "salli"}, "", 2, []string{`no principal matches "salli" (did you mean sally?)`}},
		"no such tool":                    {nil, []string{"--tool", "greed"}, "", 2, []string{`matches "greed" (did you mean greet?)`}},
		"no such destructive tool":        {nil, []string{"--call", "--allow-destructive", "greet"}, "", 2, []string{`no destructive tool is called "greet"`}},
		"destructive without calls":       {nil, []string{"--allow-destructive", "admin_tool"}, "", 2, []string{"calls are made with --call only"}},
		"nobody at once":                  {nil, []string{"--concurrency", "0"}, "", 2, []string{"--concurrency: want 1 or more"}},
		"a token that is not accepted":    {nil, nil, "wrong", 3, []string{"sally could not be probed to the end", "401", "the token in SALLY is not accepted"}},
		"a principal that may do nothing": {nil, []string{"--principal", "sally"}, "nobody", 3, []string{"the server admits none"}},
	} {
		t.Run(name, func(t *testing.T) {
			setTokens(t)
			switch test.unset {
			case "":
			case "wrong":
				t.Setenv("SALLY", "wrong-token-of-sally")
			case "nobody":
				t.Setenv("SALLY", mcptest.Nobody)
			default:
				t.Setenv(test.unset, "")
			}
			dir := writeWorld(t, desk(test.change))
			status, stdout, stderr := runIn(t, append([]string{"probe", "-C", dir, "--url", server.URL + "/mcp"}, test.args...)...)
			if status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
			all := strings.Join(strings.Fields(stdout+stderr), " ")
			for _, want := range test.want {
				if !strings.Contains(all, want) {
					t.Errorf("does not say %q:\n%s%s", want, stdout, stderr)
				}
			}
		})
	}
}

// TestProbeLeaks holds probes to keep tokens to themselves, in every format,
// whoever's they are and wherever a server puts them.
func TestProbeLeaks(t *testing.T) {
	setTokens(t)
	item := func(name string) any {
		return map[string]any{"name": name, "inputSchema": map[string]any{"type": "object"}}
	}
	tokens := []string{mcptest.Ian, mcptest.Sally}
	for name, answer := range map[string]func(method string) any{
		"in errors":      func(string) any { return errors.New("no " + strings.Join(tokens, " and ") + "\x1b[31m") },
		"in names":       func(string) any { return map[string]any{"tools": []any{item("t-" + tokens[0])}} },
		"in other names": func(string) any { return map[string]any{"tools": []any{item("t-" + tokens[1])}} },
		"in refusals": func(method string) any {
			if method == "tools/call" {
				return map[string]any{"isError": true, "content": []any{map[string]any{"type": "text", "text": strings.Join(tokens, " and ") + "\u202e"}}}
			}
			return map[string]any{"tools": []any{item("greet"), item("get_sales_data"), item("whoami"), item("new\x1b[31m")}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			wire := mcptest.Wire(func(method string, _ map[string]any) any {
				if method != "tools/list" && method != "tools/call" {
					return mcptest.ErrMethod
				}
				return answer(method)
			})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Echo", r.Header.Get("Authorization"))
				wire.ServeHTTP(w, r)
			}))
			defer server.Close()
			dir := writeWorld(t, desk(nil))
			args := []string{"probe", "-C", dir, "--url", server.URL, "--call", "--format", "text"}
			files := map[string]string{}
			for _, format := range []string{"json", "lines", "junit", "markdown", "sarif", "github", "codequality"} {
				files[format] = filepath.Join(t.TempDir(), format)
				args = append(args, "--format", format+"="+files[format])
			}
			status, stdout, stderr := runIn(t, args...)
			if status == 0 {
				t.Error("it is clean")
			}
			texts := map[string]string{"stdout": stdout, "stderr": stderr}
			for format, file := range files {
				data, err := os.ReadFile(file)
				if name == "in refusals" && (err != nil || !strings.Contains(string(data), "inconclusive") || !strings.Contains(string(data), "unknown-item")) {
					t.Errorf("%s does not have the drift: %v %s", format, err, data)
				}
				texts[format] = string(data)
			}
			for where, text := range texts {
				if strings.Contains(text, mcptest.Ian) || strings.Contains(text, mcptest.Sally) || strings.ContainsAny(text, "\x1b\u202e") {
					t.Errorf("%s is not harmless:\n%q", where, text)
				}
			}
		})
	}
}
