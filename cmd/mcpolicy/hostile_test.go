package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// good is a small world in which nothing is wrong.
var good = map[string]string{
	"mcpolicy.yaml":   "servers: {crm: {manifest: crm.json}}\npolicies: policies\nprincipals: principals.yaml\ntests: tests\n",
	"crm.json":        `{"tools": [{"name": "greet", "annotations": {"readOnlyHint": true}}]}`,
	"principals.yaml": "principals:\n  ian: {id: ian, roles: [ADMIN]}\n  guest: {id: guest, roles: [GUEST]}\n",
	"policies/p.yaml": `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: [tools/list, "tools/list::greet", "tools/call::greet"]
      effect: EFFECT_ALLOW
      roles: [ADMIN]
`,
	"tests/t.yaml": "name: crm\ntests:\n  - name: t\n    principals: [ian]\n    call: {allow: [greet]}\n",
}

func writeWorld(t *testing.T, change map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, files := range []map[string]string{good, change} {
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func runIn(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, &out, &errs)
	return status, out.String(), errs.String()
}

// TestBadInput gives the command everything that can be wrong with a file:
// one clear message with its place, the right status, and no report.
func TestBadInput(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), c-1)
	}
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	tests := []struct {
		name   string
		change map[string]string
		status int
		want   string // a regular expression
	}{
		{"broken config", map[string]string{"mcpolicy.yaml": "servers: [\n"}, 2, `^mcpolicy: mcpolicy.yaml:\d+:1: not valid YAML`},
		{"unknown key in config", map[string]string{"mcpolicy.yaml": good["mcpolicy.yaml"] + "test: x\n"}, 2, `^mcpolicy: mcpolicy.yaml:5:1: unknown key "test" \(did you mean tests\?\)`},
		{"path out of the folder", map[string]string{"mcpolicy.yaml": strings.Replace(good["mcpolicy.yaml"], "policies: policies", "policies: ../elsewhere", 1)}, 2, `^mcpolicy: mcpolicy.yaml:2:11: `},
		{"config of aliases", map[string]string{"mcpolicy.yaml": bomb}, 2, `aliases expand to more than`},
		{"broken manifest", map[string]string{"crm.json": `{"tools": [{"name": "a"}`}, 3, `^mcpolicy: crm.json:1:\d+: `},
		{"deep manifest", map[string]string{"crm.json": deep}, 3, `^mcpolicy: crm.json:1:513: values are nested more than 512 deep`},
		{"manifest of bytes", map[string]string{"crm.json": "{\"tools\": [{\"name\": \"\xff\"}]}"}, 3, `^mcpolicy: crm.json:1:22: byte 0xff is not valid UTF-8`},
		{"empty inventory", map[string]string{"crm.json": `{"tools": []}`}, 3, `^mcpolicy: crm.json:1:\d+: inventory-incomplete: `},
		{"manifest is a client config", map[string]string{"crm.json": `{"mcpServers": {"x": {"command": "y"}}}`}, 3, `^mcpolicy: crm.json:1:\d+: .*client config`},
		{"a name with escapes", map[string]string{"crm.json": `{"tools": [{"name": "\u001b[31mred", "inputSchema": 3, "annotations": 7}]}`}, 3, `^mcpolicy: crm.json:1:\d+: [^\x1b]*$`},
		{"policy that does not compile", map[string]string{"policies/p.yaml": strings.Replace(good["policies/p.yaml"], "roles: [ADMIN]", "roles: [ADMIN]\n      condition: {match: {expr: P.attr.x ==}}", 1)}, 3, `^mcpolicy: policies/p.yaml:9:\d+: `},
		{"unknown key in policy", map[string]string{"policies/p.yaml": strings.Replace(good["policies/p.yaml"], "roles:", "rolls:", 1)}, 3, `^mcpolicy: policies/p.yaml:\d+:\d+: `},
		{"broken policy", map[string]string{"policies/p.yaml": "resourcePolicy: [\n"}, 3, `^mcpolicy: policies/p.yaml:\d+:`},
		{"policy of aliases", map[string]string{"policies/p.yaml": bomb}, 3, `^mcpolicy: policies/p.yaml:\d+:\d+: aliases expand to more than`},
		{"deep policy", map[string]string{"policies/p.yaml": "a: " + deep}, 3, `nested more than 512 deep`},
		{"policy of bytes", map[string]string{"policies/p.yaml": "a: \xff\n"}, 3, `^mcpolicy: policies/p.yaml:1:4: byte 0xff is not valid UTF-8`},
		{"policy that makes the engine panic", map[string]string{"policies/q.yaml": "!\n"}, 3, `^mcpolicy: `},
		{"missing import", map[string]string{"policies/p.yaml": strings.Replace(good["policies/p.yaml"], "  rules:", "  importDerivedRoles: [nope]\n  rules:", 1)}, 3, `^mcpolicy: policies/p.yaml:\d+:\d+: .*nope`},
		{"principal without roles", map[string]string{"principals.yaml": "principals:\n  ian: {id: ian}\n"}, 3, `^mcpolicy: principals.yaml:2:\d+: .*roles`},
		{"no principals", map[string]string{"principals.yaml": "principals: {}\n"}, 3, `^mcpolicy: principals.yaml:.*no principals`},
		{"unknown key in principals", map[string]string{"principals.yaml": "principals:\n  ian: {id: ian, role: [a]}\n"}, 3, `mcpolicy: principals.yaml:2:\d+: unknown key "role" \(did you mean roles\?\)`},
		{"suite names no tool", map[string]string{"tests/t.yaml": strings.Replace(good["tests/t.yaml"], "[greet]", "[gret]", 1)}, 3, `^mcpolicy: tests/t.yaml:5:20: no tool "gret" on crm \(did you mean greet\?\)`},
		{"suite names no principal", map[string]string{"tests/t.yaml": strings.Replace(good["tests/t.yaml"], "[ian]", "[iam]", 1)}, 3, `^mcpolicy: tests/t.yaml:4:18: .*did you mean ian\?`},
		{"unknown key in suite", map[string]string{"tests/t.yaml": strings.Replace(good["tests/t.yaml"], "allow", "alow", 1)}, 3, `^mcpolicy: tests/t.yaml:5:\d+: unknown key "alow" \(did you mean allow\?\)`},
		{"empty suite", map[string]string{"tests/t.yaml": ""}, 3, `^mcpolicy: tests/t.yaml`},
		{"waiver without a reason", map[string]string{"mcpolicy.yaml": good["mcpolicy.yaml"] + "waivers: [{rule: wildcard-role}]\n"}, 2, `^mcpolicy: mcpolicy.yaml:5:\d+: .*reason`},
		{"waiver of no rule", map[string]string{"mcpolicy.yaml": good["mcpolicy.yaml"] + "waivers: [{rule: wildcard-rol, reason: x}]\n"}, 2, `did you mean wildcard-role\?`},
		{"setting of no rule", map[string]string{"mcpolicy.yaml": good["mcpolicy.yaml"] + "lint: {rules: {nope: {severity: off}}}\n"}, 2, `^mcpolicy: mcpolicy.yaml:5:\d+: no rule is called "nope"`},
		{"unknown enforcement point", map[string]string{"mcpolicy.yaml": strings.Replace(good["mcpolicy.yaml"], "crm.json", "crm.json, enforcement: cerbos-fastmpc", 1)}, 2, `did you mean cerbos-fastmcp\?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeWorld(t, tt.change)
			t.Chdir(dir)
			status, stdout, stderr := runIn(t, "check")
			if status != tt.status {
				t.Errorf("exit status %d, want %d", status, tt.status)
			}
			if stdout != "" {
				t.Errorf("a report was written:\n%s", stdout)
			}
			if !regexp.MustCompile(tt.want).MatchString(strings.TrimSpace(stderr)) {
				t.Errorf("standard error does not match %s:\n%s", tt.want, stderr)
			}
			if strings.Contains(stderr, dir) && tt.status == 3 {
				t.Errorf("an absolute path:\n%s", stderr)
			}
		})
	}
}

func TestMissingAndLargeFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(dir string) error
		status  int
		want    string
	}{
		"no manifest":    {func(dir string) error { return os.Remove(filepath.Join(dir, "crm.json")) }, 3, `^mcpolicy: mcpolicy.yaml:1:27: crm.json: no such file$`},
		"no principals":  {func(dir string) error { return os.Remove(filepath.Join(dir, "principals.yaml")) }, 3, `^mcpolicy: mcpolicy.yaml:3:13: principals.yaml: no such file$`},
		"no policies":    {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "policies")) }, 3, `^mcpolicy: mcpolicy.yaml:2:11: policies: no such folder$`},
		"empty policies": {func(dir string) error { return os.Remove(filepath.Join(dir, "policies", "p.yaml")) }, 3, `^mcpolicy: policies: `},
		"no tests":       {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "tests")) }, 3, `^mcpolicy: mcpolicy.yaml:4:8: tests: no such file or folder$`},
		"empty tests":    {func(dir string) error { return os.Remove(filepath.Join(dir, "tests", "t.yaml")) }, 3, `no suites below tests`},
		"a folder": {func(dir string) error {
			if err := os.Remove(filepath.Join(dir, "crm.json")); err != nil {
				return err
			}
			return os.Mkdir(filepath.Join(dir, "crm.json"), 0o755)
		}, 3, `^mcpolicy: mcpolicy.yaml:1:27: crm.json: this is a folder`},
		"large manifest": {func(dir string) error { return os.Truncate(filepath.Join(dir, "crm.json"), 200<<20) }, 3, `^mcpolicy: crm.json: the file is 200 MiB, more than the 32 MiB`},
		"large policy":   {func(dir string) error { return os.Truncate(filepath.Join(dir, "policies", "p.yaml"), 200<<20) }, 3, `^mcpolicy: policies/p.yaml: the file is 200 MiB`},
		"large suite":    {func(dir string) error { return os.Truncate(filepath.Join(dir, "tests", "t.yaml"), 200<<20) }, 3, `^mcpolicy: tests/t.yaml: the file is 200 MiB`},
		"large config":   {func(dir string) error { return os.Truncate(filepath.Join(dir, "mcpolicy.yaml"), 200<<20) }, 2, `mcpolicy.yaml: the file is 200 MiB`},
		"link out of the folder": {func(dir string) error {
			if err := os.Remove(filepath.Join(dir, "crm.json")); err != nil {
				return err
			}
			return os.Symlink("/etc/hostname", filepath.Join(dir, "crm.json"))
		}, 3, `^mcpolicy: mcpolicy.yaml:1:27: crm.json: this leads out of the config.s folder`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeWorld(t, nil)
			if err := tt.prepare(dir); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			status, stdout, stderr := runIn(t, "check")
			if status != tt.status || stdout != "" {
				t.Errorf("exit status %d, want %d; report %q", status, tt.status, stdout)
			}
			if !regexp.MustCompile(tt.want).MatchString(strings.TrimSpace(stderr)) {
				t.Errorf("standard error does not match %s:\n%s", tt.want, stderr)
			}
		})
	}
}

func TestGoodWorld(t *testing.T) {
	status, stdout, stderr := runIn(t, "check", "-C", writeWorld(t, nil), "--fail-on", "error")
	if status != exitOK || stderr != "" || !strings.Contains(stdout, "1 passed") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}
