package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mcpolicy/mcpolicy/internal/mcptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// commanding is text that a terminal, a CI system or a reader's eye may take for
// something else than text.
var commanding = []string{
	"\n::error file=a::b", "\r\n::set-env name=A::b", "\n  ::add-mask::x", "::stop-commands::x", "  ::debug::x", "\n\t::warning::x",
	"##vso[task.setvariable variable=a]b", "x ##vso[task.complete result=Succeeded;]", "##[error]x", "##[group]x", "##teamcity[buildStatus status='SUCCESS']", "###[x", "\n##vso[x]",
	"\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\", "\x1b]52;c;YQ==\x07", "\x1bPq\x1b\\", "\x1b_bk;t=1\x07",
	"\u009b31m", "\u0085", "\u0090x\u009c", "\x7f\x7f", "\b\b\b\bok", "\x00", "\v", "\f", "wrong\rmcpolicy: no findings",
	"section_start:1:a\r\x1b[0K", "\u202egnp.exe", "\u2066a\u2069", "\u200b", "\u200d\u200c", "\ufeff", "\u00ad", "\u2028::error::x", "\u2029x", "\u00a0", "\u3164", "\U000e0041", "\ue000",
	"a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", strings.Repeat("long ", 20_000), strings.Repeat("\u202e", 5_000), strings.Repeat("##vso[", 2_000),
}

var obeyed = regexp.MustCompile(`##\w*\[|(?m)^\s*::`)

// checkInert fails if a text does more than show itself, or has a line that is
// too long to read.
func checkInert(t *testing.T, what, text string) {
	t.Helper()
	if m := obeyed.FindString(text); m != "" {
		t.Errorf("%s has a command, %q:\n%q", what, m, text)
	}
	if !utf8.ValidString(text) {
		t.Errorf("%s is not UTF-8: %q", what, text)
	}
	marks := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > lineHead+lineTail+60 {
			t.Errorf("%s has a line of %d characters", what, n)
		}
		for _, r := range line {
			if source.Hidden(r) {
				t.Errorf("%s has %U:\n%q", what, r, text)
			}
			if marks++; r != '\u0301' {
				marks = 0
			}
			if marks > 4 {
				t.Errorf("%s has a pile of marks: %q", what, text)
			}
		}
	}
}

// quoted writes a text as YAML and JSON both have it.
func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// A channel is a way from a stranger's text to the output of the command.
type channel struct {
	name   string
	change func(s string) map[string]string
	args   func(s string) []string
	status int
}

func ofFile(name, before, after string) func(string) map[string]string {
	return func(s string) map[string]string { return map[string]string{name: before + quoted(s) + after} }
}

func args(list ...string) func(string) []string { return func(string) []string { return list } }

var channels = []channel{
	{"config key", func(s string) map[string]string {
		return map[string]string{"mcpolicy.yaml": good["mcpolicy.yaml"] + quoted(s) + ": x\n"}
	}, args("check"), 2},
	{"config value", ofFile("mcpolicy.yaml", good["mcpolicy.yaml"]+"lint: {failOn: ", "}\n"), args("check"), 2},
	{"server name", ofFile("mcpolicy.yaml", "policies: policies\nprincipals: principals.yaml\nservers: {", ": {}}\n"), args("check"), 2},
	{"enforcement point", ofFile("mcpolicy.yaml", "policies: policies\nprincipals: principals.yaml\nservers: {a: {manifest: crm.json, enforcement: ", "}}\n"), args("check"), 2},
	{"inventory key", ofFile("crm.json", "{\"mcpServers\": {", ": {\"command\": \"x\"}}}"), args("check"), 3},
	{"inventory name", ofFile("crm.json", `{"tools": [{"name": `, `, "inputSchema": 3, "annotations": 7}]}`), args("check"), 3},
	{"policy key", func(s string) map[string]string {
		return map[string]string{"policies/p.yaml": good["policies/p.yaml"] + "      " + quoted(s) + ": x\n"}
	}, args("lint"), 3},
	{"policy effect", func(s string) map[string]string {
		return map[string]string{"policies/p.yaml": strings.Replace(good["policies/p.yaml"], "EFFECT_ALLOW", quoted(s), 1)}
	}, args("matrix"), 3},
	{"policy import", func(s string) map[string]string {
		return map[string]string{"policies/p.yaml": strings.Replace(good["policies/p.yaml"], "  rules:", "  importDerivedRoles: ["+quoted(s)+"]\n  rules:", 1)}
	}, args("test"), 3},
	{"principal", ofFile("principals.yaml", "principals: {", ": {id: a}}\n"), args("check"), 3},
	{"principal key", ofFile("principals.yaml", "principals: {a: {id: a, roles: [b], ", ": x}}\n"), args("check"), 3},
	{"suite tool", ofFile("tests/t.yaml", "name: x\ntests: [{name: t, principals: [ian], call: {allow: [", "]}}]\n"), args("test"), 3},
	{"suite name", ofFile("tests/t.yaml", "name: ", "\ntests: [{name: t, principals: [iam], call: {allow: [greet]}}]\n"), args("test"), 3},
	{"suite principal", ofFile("tests/t.yaml", "name: x\ntests: [{name: t, principals: [", "], call: {allow: [greet]}}]\n"), args("test"), 3},
	{"--fail-on", nil, func(s string) []string { return []string{"check", "--fail-on", s} }, 2},
	{"--format", nil, func(s string) []string { return []string{"check", "--format", s} }, 2},
	{"--rule", nil, func(s string) []string { return []string{"lint", "--rule=" + quoted(s)} }, 2},
	{"--now", nil, func(s string) []string { return []string{"check", "--now", s} }, 2},
	{"--config", nil, func(s string) []string { return []string{"check", "--config", s} }, 2},
	{"--manifest", nil, func(s string) []string { return []string{"check", "--manifest", s} }, 3},
	{"flag", nil, func(s string) []string { return []string{"check", "--x" + s} }, 2},
	{"command", nil, func(s string) []string { return []string{"x" + s} }, 2},
	{"argument", nil, func(s string) []string { return []string{"explain", "x" + s, "greet"} }, 2},
	{"server of a client", ofFile("clients.json", `{"mcpServers": {`, `: {"command": "x", "disabled": true}}}`), args("discover", "--from", "clients.json", "--all"), 3},
	{"client command", ofFile("clients.json", `{"mcpServers": {"a": {"command": "no-such-program", "args": [`, `]}}}`), args("discover", "--from", "clients.json", "--run"), 3},
	{"lint --diff", func(s string) map[string]string {
		text := strings.Replace(good["policies/p.yaml"], "tools/call::greet", "tools/call::greeet", 1)
		var comments strings.Builder
		for line := range strings.Lines("x" + strings.NewReplacer("\x00", "", "\u0085", "\n").Replace(s)) {
			comments.WriteString("      # " + strings.TrimRight(line, "\r\n") + "\n")
		}
		return map[string]string{"policies/p.yaml": strings.Replace(text, "      effect", comments.String()+"      effect", 1)}
	}, args("lint", "--diff"), 1},
}

// TestEveryLineIsInert sends every text through every channel: whatever leaves
// the command is text and no command, and each of its lines can be read.
func TestEveryLineIsInert(t *testing.T) {
	some := rounds.Of(4, len(commanding)) // texts a channel, others for each
	for at, c := range channels {
		at *= some
		t.Run(c.name, func(t *testing.T) {
			for i, s := range commanding {
				if (i+at)%len(commanding) >= some {
					continue
				}
				if c.name == "lint --diff" && strings.ContainsFunc(s, func(r rune) bool {
					return r != '\n' && r != '\r' && r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0x2028 || r == 0x2029
				}) {
					continue // YAML takes no such character in a comment, so there is no policy to correct
				}
				var change map[string]string
				if c.change != nil {
					change = c.change(s)
				}
				dir := writeWorld(t, change)
				t.Chdir(dir)
				status, stdout, stderr := runIn(t, c.args(s)...)
				if status != c.status && s != "" {
					t.Errorf("text %d (%.20q): status %d, want %d\n%.300s", i, s, status, c.status, stderr)
				}
				checkInert(t, "standard error", stderr)
				checkInert(t, "standard output", stdout)
				for line := range strings.Lines(stderr) {
					if !strings.HasPrefix(line, "mcpolicy: ") {
						t.Errorf("text %d (%.20q): a line of standard error that is none of its own: %q", i, s, line)
					}
				}
			}
		})
	}
}

// machines are the formats that programs read from files; those of the others are
// read in a log, where no line may be a command.
var machines = []string{"json", "lines", "junit", "sarif", "codequality", "markdown"}

// hostileWorld is a world that loads, with a text wherever a stranger can put some.
func hostileWorld(s string) map[string]string {
	inJSON := quoted("delete" + s)
	name := strconv.QuoteToASCII("delete" + s) // YAML takes no control characters as they are
	return map[string]string{
		"crm.json":        `{"tools": [{"name": ` + inJSON + `, "title": ` + inJSON + `, "description": ` + inJSON + `, "annotations": {"destructiveHint": true}}]}`,
		"principals.yaml": "principals: {ian: {id: ian, roles: [ADMIN], attr: {region: " + name + "}}, guest: {id: guest, roles: [GUEST]}}\n",
		"policies/p.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: [tools/list, "tools/list::**"], effect: EFFECT_ALLOW, roles: ["*"]}
    - actions: ["tools/call::**"]
      effect: EFFECT_ALLOW
      roles: [ADMIN]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
`,
		"tests/t.yaml": "name: " + name + "\ntests: [{name: " + name + ", principals: [guest], call: {allow: [" + name + "]}}]\n",
	}
}

// TestReportsAreInert sends every text through every format of every report: what
// is written is text and no command, whoever reads it.
func TestReportsAreInert(t *testing.T) {
	some := rounds.Of(2, 8) // texts a report, others for each
	commands := [][]string{}
	for _, f := range report.Formats() {
		if f.Covers {
			commands = append(commands, []string{f.Name, "test", "--coverage"})
			continue
		}
		commands = append(commands, []string{f.Name, "check"})
		if !f.Checks {
			commands = append(commands, []string{f.Name, "matrix", "--all"})
		}
	}
	for _, f := range report.ExplainFormats() {
		commands = append(commands, []string{f.Name, "explain", "ian", "ITEM"}, []string{f.Name, "explain", "guest", "ITEM"})
	}
	for _, f := range report.WhoCanFormats() {
		commands = append(commands, []string{f.Name, "who-can", "call", "*"})
	}
	for _, f := range report.EnforcementPointFormats() {
		commands = append(commands, []string{f.Name, "explain", "--enforcement-point=cerbos-fastmcp"})
	}
	for _, f := range report.MutationFormats() {
		commands = append(commands, []string{f.Name, "mutate", "--all"})
	}
	for at, c := range commands {
		format, args := c[0], slices.Clone(c[1:])
		t.Run(strings.Join(c, " "), func(t *testing.T) {
			for i, s := range commanding {
				if (i+some*at)%len(commanding) >= some || len(s) > 1000 {
					continue
				}
				world := hostileWorld(s)
				if args[0] == "mutate" { // which takes a case that passes
					world["tests/t.yaml"] = strings.Replace(world["tests/t.yaml"], "call: {allow", "call: {deny", 1)
				}
				dir := writeWorld(t, world)
				if len(args) == 3 && args[0] == "explain" {
					args[2] = "delete" + s
				}
				status, stdout, stderr := runIn(t, append(args, "-C", dir, "--format", format)...)
				if status > exitFinding || stdout == "" {
					t.Fatalf("%q: status %d: %s", s, status, stderr)
				}
				checkInert(t, "standard error", stderr)
				if format == "csv" {
					stdout = strings.ReplaceAll(stdout, "\r\n", "\n") // of the rows
				}
				if strings.ContainsFunc(strings.ReplaceAll(stdout, "\n", ""), source.Hidden) {
					t.Errorf("%q: the report hides something:\n%q", s, stdout)
				}
				own := regexp.MustCompile("(?m)^::(error|warning|notice) ")
				if m := obeyed.FindString(own.ReplaceAllString(stdout, "")); m != "" && !slices.Contains(machines, format) {
					t.Errorf("%q: the report has a command, %q:\n%s", s, m, stdout)
				}
			}
		})
	}
}

// TestFileNamesAreInert has files of hostile names in the folders that are read.
func TestFileNamesAreInert(t *testing.T) {
	for i, s := range commanding {
		if i%5 >= rounds.Of(1, 5) || len(s) > 200 || strings.ContainsAny(s, "\x00/") {
			continue
		}
		for _, place := range []string{"policies/" + s + ".yaml", "tests/" + s + ".yaml"} {
			dir := t.TempDir()
			for name, text := range good {
				put(t, filepath.Join(dir, name), text)
			}
			put(t, filepath.Join(dir, place), "a: [\n")
			status, stdout, stderr := runIn(t, "check", "-C", dir)
			if status != exitFailure || stderr == "" {
				t.Errorf("%q: status %d: %s", place, status, stderr)
			}
			checkInert(t, "standard error", stderr)
			checkInert(t, "standard output", stdout)
		}
	}
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestServersAreInert has a running server say hostile things: in names, of
// which one token sees fewer, in descriptions and in errors.
func TestServersAreInert(t *testing.T) {
	t.Setenv("ADA_TOKEN", "ada-token-0123456789")
	for _, s := range commanding {
		for _, failing := range []bool{false, true} {
			server := httptest.NewServer(mcptest.Wire(func(method string, _ map[string]any) any {
				switch {
				case failing:
					return answerError(s)
				case method == "tools/list":
					return map[string]any{"tools": []any{map[string]any{"name": "a" + s, "description": s, "inputSchema": map[string]any{"type": "object", "title": s}}}}
				}
				return mcptest.ErrMethod
			}))
			_, stdout, stderr := runIn(t, "discover", "--url", server.URL, "--token-env", "ADA_TOKEN")
			server.Close()
			checkInert(t, "standard error", stderr)
			if m := obeyed.FindString(stdout); m != "" {
				t.Errorf("the inventory has a command: %q", m)
			}
			if strings.ContainsFunc(strings.ReplaceAll(stdout, "\n", ""), source.Hidden) {
				t.Errorf("the inventory hides something: %q", stdout)
			}
			var back struct {
				Tools []struct{ Description string }
			}
			if !failing && (json.Unmarshal([]byte(stdout), &back) != nil || len(back.Tools) != 1 || back.Tools[0].Description != s) {
				t.Errorf("the inventory does not say what the server did, %q:\n%s", s, stdout)
			}
		}
	}
}

type answerError string

func (e answerError) Error() string { return string(e) }

// TestProgressIsInert holds that a bar, which a terminal alone gets, is labelled
// with plain text.
func TestProgressIsInert(t *testing.T) {
	for _, s := range commanding {
		checkInert(t, "the label", newScreen(&bytes.Buffer{}).begin("probing "+s).what)
	}
}

// TestShorten holds that what is cut has its beginning and its end.
func TestShorten(t *testing.T) {
	var b bytes.Buffer
	complain(lines{&b}, usageError{source.Errorf(source.Pos{File: "a.yaml", Line: 3, Col: 1}, "unknown key %q; want one of b, c", strings.Repeat("ä", 90_000))}, nil)
	got := b.String()
	if !strings.HasPrefix(got, `mcpolicy: a.yaml:3:1: unknown key "ä`) || !strings.HasSuffix(got, "ä\"; want one of b, c\n") || !strings.Contains(got, " characters are left out] ") {
		t.Errorf("%s", got)
	}
	checkInert(t, "the line", got)
}
