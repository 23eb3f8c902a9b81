package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A hostileInput is a file made to cost much, or to make the command wait or
// read what it should not.
type hostileInput struct {
	name   string
	change map[string]string
	pipe   string // a file that is replaced by a pipe to which nobody writes
	args   []string
	status int
	want   string // a regular expression
	// answered says that the command copes with it: there is a report, and no message.
	answered bool
}

// The bounds on what any input may cost.
const (
	maxHostileMemory = 1 << 30
	maxHostileTime   = 20 * time.Second
)

// TestHostileInputs gives the command itself inputs that are made to harm: each
// ends with a message, its status, and little memory.
func TestHostileInputs(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector takes memory, too")
	}
	for _, tt := range hostileInputs() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := writeWorld(t, tt.change)
			if tt.pipe != "" {
				path := filepath.Join(dir, tt.pipe)
				if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				if err := syscall.Mkfifo(path, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := tt.args
			if args == nil {
				args = []string{"check"}
			}
			cmd := exec.CommandContext(t.Context(), "mcpolicy", args...)
			cmd.Dir = dir
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			start := time.Now()
			var exit *exec.ExitError
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			peak := peakOf(cmd.Process.Pid)
			if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			switch took := peak(); {
			case took == 0 && cmd.ProcessState.UserTime() > time.Second: // else it was gone too soon
				t.Error("the system does not tell what the command took")
			case took > maxHostileMemory:
				t.Errorf("%d MiB of memory", took>>20)
			}
			if strings.Contains(stderr.String(), "goroutine ") {
				t.Error("it crashed")
			}
			if took := cmd.ProcessState.UserTime(); took > maxHostileTime {
				t.Errorf("%v of a processor, %v in all", took, time.Since(start))
			}
			if status := cmd.ProcessState.ExitCode(); status != tt.status {
				t.Errorf("exit status %d, want %d", status, tt.status)
			}
			said := strings.TrimSpace(stderr.String())
			if tt.answered {
				if said != "" || stdout.Len() == 0 {
					t.Errorf("no report, or not that alone:\n%.600s", said)
				}
				return
			}
			if !regexp.MustCompile(tt.want).MatchString(said) || strings.Contains(said, "\n") {
				t.Errorf("standard error is not one message that matches %s:\n%.600s", tt.want, said)
			}
			if len(said) > 2000 {
				t.Errorf("the message has %d bytes", len(said))
			}
			if stdout.Len() > 0 {
				t.Errorf("a report was written:\n%.600s", stdout.String())
			}
		})
	}
}

// peakOf watches the memory of a process and returns a function that ends that
// and says how much it had at most, in bytes. What the system says of a process that
// has ended counts the memory of the one that started it, too.
func peakOf(pid int) func() int {
	end, peak := make(chan struct{}), make(chan int)
	go func() {
		most := 0
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if found := highWater.FindSubmatch(status); err == nil && found != nil {
				if kB, err := strconv.Atoi(string(found[1])); err == nil {
					most = max(most, kB<<10)
				}
			}
			select {
			case <-end:
				peak <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() int {
		close(end)
		return <-peak
	}
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// many is more values than are read.
const many = 1<<20 + 1

const tooMany = `\d+: the file has more than 1048576 values and names of fields`

func hostileInputs() []hostileInput {
	return slices.Concat(floods(), hostilePipes(), hostileSchemas(), hostileExpressions(), hostilePolicies(), heavyPolicies(), hostileWrites(), hostileNames())
}

// floods are files of as many values as fit.
func floods() []hostileInput {
	of := strings.Repeat
	list := []hostileInput{
		{name: "waivers", change: map[string]string{"mcpolicy.yaml": good["mcpolicy.yaml"] + "waivers: [" + of("{},", many) + "]\n"}, status: 2, want: `^mcpolicy: mcpolicy.yaml:5:` + tooMany},
		{name: "config of dashes", change: map[string]string{"mcpolicy.yaml": "servers:\n" + of(of("- ", 500)+"\n", 2*many/500+1)}, status: 2, want: `^mcpolicy: mcpolicy.yaml:\d+:` + tooMany},
		{name: "lines", change: map[string]string{"crm.json": of("{}\n", many)}, status: 3, want: `^mcpolicy: crm.json:`},
		{name: "schema of a tool", change: map[string]string{"crm.json": `{"tools": [{"name": "greet", "inputSchema": {"enum": [` + of("[],", many) + `[]]}}]}`}, status: 3, want: `^mcpolicy: crm.json:1:` + tooMany},
		{name: "tools of a word", change: map[string]string{"crm.json": `{"tools": [` + of(`"a",`, many) + `"a"]}`}, status: 3, want: `^mcpolicy: crm.json:1:` + tooMany},
		{name: "names of fields", change: map[string]string{"crm.json": `{"tools": [{` + of(`"a":1,`, many) + `"a":1}]}`}, status: 3, want: `^mcpolicy: crm.json:1:` + tooMany},
		{name: "comments", change: map[string]string{"crm.json": `{"tools": [` + of("/**/", many) + `]}`}, status: 3, want: `^mcpolicy: crm.json:1:` + tooMany},
		{name: "principals of lists", change: map[string]string{"principals.yaml": `{"principals": {"ian": {"id": "ian", "roles": ["A"], "attr": {"x": [` + of("[],", many/2) + "[]]}}}}\n"}, status: 3, want: `^mcpolicy: principals.yaml:1:\d+: a fixture file of more than 524288 values .*JSON Lines`},
		{name: "roles of one", change: map[string]string{"principals.yaml": `{"principals": {"ian": {"id": "ian", "roles": [` + of(`"A",`, 10_000) + "\"A\"]}}}\n"}, status: 3, want: `^mcpolicy: principals.yaml:1:\d+: .* has more than 10000 roles$`},
		{name: "roles", change: map[string]string{"principals.yaml": `{"principals": {"ian": {"id": "ian", "roles": [` + of(`"A",`, many/2) + "\"A\"]}}}\n"}, status: 3, want: `^mcpolicy: principals.yaml:1:\d+: a fixture file of more than 524288 values`},
		{name: "schema of a policy", change: map[string]string{
			"policies/p.yaml":          good["policies/p.yaml"] + "  schemas: {resourceSchema: {ref: \"cerbos:///a.json\"}}\n",
			"policies/_schemas/a.json": `{"enum": [` + of("[],", many) + `[]]}`,
		}, status: 3, want: `^mcpolicy: policies/_schemas/a.json:1:` + tooMany},
		{name: "line of principals", change: map[string]string{
			"mcpolicy.yaml": strings.Replace(good["mcpolicy.yaml"], "principals.yaml", "who.jsonl", 1),
			"who.jsonl":     `{"id": "ian", "roles": ["A"], "attr": {"x": [` + of("[],", 1<<19) + "[]]}}\n",
		}, status: 3, want: `^mcpolicy: who.jsonl:1: the line is longer than 1 MiB`},
		{name: "cell of principals", change: map[string]string{
			"mcpolicy.yaml": strings.Replace(good["mcpolicy.yaml"], "principals.yaml", "who.csv", 1),
			"who.csv":       "id,roles,attr.x:json\nian,A,\"[" + of("[],", 1<<19) + "[]]\"\n",
		}, status: 3, want: `^mcpolicy: who.csv:2: the record is longer than 1 MiB`},
		{name: "columns", change: map[string]string{
			"mcpolicy.yaml": strings.Replace(good["mcpolicy.yaml"], "principals.yaml", "who.csv", 1),
			"who.csv":       "id,roles" + of(",", 2<<20) + "\n",
		}, status: 3, want: `^mcpolicy: who.csv:1: the record is longer than 1 MiB`},
		{name: "client configuration", change: map[string]string{"c.json": `{"mcpServers": {"a": {"args": [` + of("[],", many) + "]}}}"}, args: []string{"discover", "--from", "c.json", "--all"}, status: 3, want: `^mcpolicy: c.json:1:` + tooMany},
	}
	for name, file := range map[string]string{"manifest": "crm.json", "policy": "policies/p.yaml", "suite": "tests/t.yaml", "principals": "principals.yaml"} {
		at := `^mcpolicy: ` + regexp.QuoteMeta(file) + `:\d+:` + tooMany
		for form, text := range map[string]string{
			"flow lists":    "a: [" + of("[],", 2*many) + "]\n",
			"flow mappings": "a: [" + of("{},", 2*many) + "]\n",
			"flow scalars":  "a: [" + of("1,", 2*many) + "1]\n",
			"block scalars": "a:\n" + of("- 1\n", 2*many),
			"dashes":        "a:\n" + of(of("- ", 500)+"1\n", 2*many/500+1),
			"keys":          "a:\n" + of(" b: 1\n", many+1),
		} {
			list = append(list, hostileInput{name: name + " of " + form, change: map[string]string{file: text}, status: 3, want: at})
		}
	}
	return list
}

// hostilePipes stand where files are expected, and nobody writes to them.
func hostilePipes() []hostileInput {
	var list []hostileInput
	for file, want := range map[string]string{
		"crm.json":                 `^mcpolicy: mcpolicy.yaml:1:27: crm.json: this is no ordinary file$`,
		"principals.yaml":          `^mcpolicy: mcpolicy.yaml:3:13: principals.yaml: this is no ordinary file$`,
		"policies/p.yaml":          `^mcpolicy: policies/p.yaml: this is no ordinary file$`,
		"policies/more.yml":        `^mcpolicy: policies/more.yml: this is no ordinary file$`,
		"policies/_schemas/a.json": `^mcpolicy: policies/_schemas/a.json: this is no ordinary file$`,
		"tests/t.yaml":             `^mcpolicy: mcpolicy.yaml:4:8: tests/t.yaml: this is no ordinary file$`,
	} {
		list = append(list, hostileInput{
			name: "pipe for " + file, change: map[string]string{"policies/_schemas/b.json": "{}"}, pipe: file, status: 3, want: want,
		})
	}
	remote := []string{"check", "--pdp", "127.0.0.1:1"}
	return append(list,
		hostileInput{name: "pipe for the config", pipe: "mcpolicy.yaml", status: 2, want: `^mcpolicy: .*mcpolicy.yaml: this is no ordinary file$`},
		hostileInput{name: "pipe among suites", pipe: "tests/more.yaml", args: []string{"check", "--tests", "tests"}, status: 3, want: `^mcpolicy: tests/more.yaml: this is no ordinary file$`},
		hostileInput{name: "pipe for certificates", pipe: "ca.pem", args: append(remote, "--pdp-ca", "ca.pem"), status: 3, want: `^mcpolicy: ca.pem: this is no ordinary file$`},
		hostileInput{name: "device for certificates", args: append(remote, "--pdp-ca", "/dev/zero"), status: 3, want: `^mcpolicy: /dev/zero: this is no ordinary file$`},
		hostileInput{name: "certificates without end", change: map[string]string{"ca.pem": strings.Repeat("x", 2<<20)}, args: append(remote, "--pdp-ca", "ca.pem"), status: 3, want: `^mcpolicy: ca.pem: the file is larger than certificates and keys are`},
		hostileInput{name: "device for a manifest", args: []string{"check", "--manifest", "/dev/zero"}, status: 3, want: `^mcpolicy: /dev/zero: this is no ordinary file$`},
		hostileInput{name: "named pipe on the command line", pipe: "p.json", args: []string{"check", "--manifest", "p.json"}, status: 3, want: `^mcpolicy: p.json: nobody has written to this pipe for 10s$`},
	)
}

// withSchema is a policy with a schema.
var withSchema = good["policies/p.yaml"] + "  schemas: {resourceSchema: {ref: \"cerbos:///a.json\"}}\n"

// hostileSchemas refer to what is none of their business.
func hostileSchemas() []hostileInput {
	var list []hostileInput
	for name, schema := range leadingOut {
		list = append(list, hostileInput{
			name: "schema with " + name, status: 3, want: `^mcpolicy: policies/_schemas/a.json:1:\d+: this \$\w+ leads to .*, which is not read`,
			change: map[string]string{"policies/p.yaml": withSchema, "policies/_schemas/a.json": schema},
		})
	}
	for _, ref := range []string{"http://127.0.0.1:9/a.json", "file:///etc/passwd", "cerbos:///../../../etc/passwd", "../../../etc/passwd"} {
		list = append(list, hostileInput{
			name: fmt.Sprintf("policy with %q", ref), status: 3, want: `^mcpolicy: policies/p.yaml:\d+:\d+: Failed to load resource schema`,
			change: map[string]string{"policies/p.yaml": strings.Replace(withSchema, "cerbos:///a.json", ref, 1), "policies/_schemas/a.json": "{}"},
		})
	}
	return list
}

var leadingOut = map[string]string{
	"a URL":            `{"$ref": "http://127.0.0.1:9/x.json"}`,
	"a URL in TLS":     `{"$ref": "https://localhost:9/x.json"}`,
	"a URL in capital": `{"$ref": "HTTP://127.0.0.1:9/x.json"}`,
	"a file":           `{"$ref": "file:///etc/passwd"}`,
	"a dynamic URL":    `{"$dynamicRef": "http://127.0.0.1:9/#x"}`,
	"a metaschema":     `{"$schema": "http://127.0.0.1:9/draft"}`,
	"a base":           `{"$id": "http://127.0.0.1:9/", "$ref": "x.json"}`,
	"a value":          `{"$ref": "#/default", "default": {"$ref": "http://127.0.0.1:9/x"}}`,
}
