package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// costly is a policy with one condition, and what else stands in it.
func costly(condition, head string) string {
	return "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n" + head +
		"  rules:\n    - actions: [\"*\"]\n      effect: EFFECT_ALLOW\n      roles: [ADMIN]\n" +
		"      condition: {match: {expr: '" + condition + "'}}\n"
}

// loops nests comprehensions over a list that nobody can fold beforehand.
func loops(over string, deep int) string {
	text := "false"
	for i := range deep {
		text = fmt.Sprintf("%s.exists(x%d, %s)", over, i, text)
	}
	return text
}

// chain is variables that name the one before twice.
func chain(first, operator string, n int) string {
	head := "  variables:\n    local:\n      v0: '" + first + "'\n"
	for i := 1; i <= n; i++ {
		head += fmt.Sprintf("      v%d: 'V.v%d %s V.v%d'\n", i, i-1, operator, i-1)
	}
	return head
}

func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("mcpolicy", args...) //nolint:gosec // testscript puts it into the path
	cmd.Dir = dir
	return cmd
}

// TestExplainCostly asks about policies that take more than any machine has, and
// about one that only looks so.
func TestExplainCostly(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for what takes too long")
	}
	for name, tt := range map[string]struct {
		policy string
		status int
		want   string
	}{
		"loops over the request":      {costly("P.id == \"\" || "+loops("(P.id + P.id + P.id + P.id + P.id + P.id + P.id + P.id).split(\"\")", 10), ""), 3, `^mcpolicy: policies/p.yaml:9:\d+: .*the policies take too much: more than \S+; of all`},
		"texts that double":           {costly("V.v40 != P.id", chain("P.id", "+", 40)), 3, `^mcpolicy: policies/p.yaml:\d+:12: the policies take too much: this can make a text of \d+ MiB at once; the most is 64 MiB\n$`},
		"open variables that double":  {costly("V.v40", chain("R.attr.arguments.x == \"q\"", "&&", 40)), 0, `^$`},
		"known variables that double": {costly("V.v40", chain("P.id == \"q\"", "||", 40)), 0, `^$`},
		"not, ten thousand times":     {costly(strings.Repeat("!", 10_000)+"R.attr.arguments.x", ""), 0, `^$`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"explain", "ian", "greet"}
			if strings.Contains(tt.want, "more than") { // it would take hours
				args = append(args, "--condition-timeout", "1s")
			}
			cmd := command(t, writeWorld(t, map[string]string{"policies/p.yaml": tt.policy}), args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // the status is looked at below
			if status := cmd.ProcessState.ExitCode(); status != tt.status || (status == 0) != (stdout.Len() > 0) {
				t.Errorf("exit status %d, want %d\n%.600s", status, tt.status, stdout.String())
			}
			if !regexp.MustCompile(tt.want).Match(stderr.Bytes()) {
				t.Errorf("standard error does not match %s:\n%.600s", tt.want, stderr.String())
			}
		})
	}
}

// TestTimeout ends a run by the clock.
func TestTimeout(t *testing.T) {
	dir := writeWorld(t, map[string]string{"policies/p.yaml": costly(loops("(P.id + P.id + P.id + P.id + P.id + P.id + P.id + P.id).split(\"\")", 10), "")})
	status, stdout, stderr := runIn(t, "check", "-C", dir, "--timeout", "500ms", "--condition-timeout", "1h")
	if want := regexp.MustCompile(`^mcpolicy: not finished within the 500ms of --timeout while [a-z ,]+; nothing is known of what was not done\n$`); status != exitFailure || stdout != "" || !want.MatchString(stderr) {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	for _, flag := range []string{"--timeout=-1s", "--condition-timeout=0", "--memory=0"} {
		if status, _, stderr := runIn(t, "check", "-C", dir, flag); status != exitUsage || !strings.Contains(stderr, "want more than nothing") {
			t.Errorf("%s: status %d\n%s", flag, status, stderr)
		}
	}
}

// TestSignals interrupts the command wherever it is busy. It would go on for hours.
func TestSignals(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the command to get busy")
	}
	endless := costly(loops("(P.id + P.id + P.id + P.id + P.id + P.id + P.id + P.id).split(\"\")", 12), "")
	folded := costly(loops("["+strings.TrimSuffix(strings.Repeat("1, ", 100), ", ")+"]", 8), "")
	for name, tt := range map[string]struct {
		policy string
		args   []string
		slow   bool // standard output is a pipe that nobody reads
		want   string
	}{
		"compiling": {folded, []string{"check"}, false, `compiling the policies`},
		"deciding":  {endless, []string{"matrix"}, false, `deciding`},
		"linting":   {endless, []string{"lint"}, false, `deciding|linting`},
		"writing":   {good["policies/p.yaml"], []string{"matrix", "--format", "json"}, true, `writing the report`},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(name+" "+sig.String(), func(t *testing.T) {
				t.Parallel()
				change := map[string]string{"policies/p.yaml": tt.policy}
				if tt.slow {
					var tools []string
					for i := range 2000 {
						tools = append(tools, fmt.Sprintf(`{"name": "t%d", "description": %q, "annotations": {}}`, i, strings.Repeat("x", 50)))
					}
					change["crm.json"] = `{"tools": [` + strings.Join(tools, ",") + `]}`
				}
				dir := writeWorld(t, change)
				said := ""
				want := regexp.MustCompile(`^mcpolicy: interrupted \(` + sig.String() + `\) while (\w+ the \w+, )*(` + tt.want + `)`)
				for wait := time.Second; wait < 20*time.Second && !want.MatchString(said); wait *= 2 { // it may not be there yet
					said = interrupted(t, command(t, dir, append(tt.args, "--condition-timeout", "1h")...), tt.slow, wait, sig)
				}
				if !want.MatchString(said) {
					t.Errorf("standard error does not match %s:\n%s", want, said)
				}
			})
		}
	}
}

// interrupted starts a command, sends it a signal after a while, and returns what it
// says.
func interrupted(t *testing.T, cmd *exec.Cmd, slow bool, wait time.Duration, sig syscall.Signal) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if slow {
		if _, err := cmd.StdoutPipe(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(wait)
	start := time.Now()
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s to end", took)
	}
	var exit *exec.ExitError
	switch {
	case !errors.As(err, &exit), stderr.Len() > 0 && exit.ExitCode() != exitFailure:
		t.Errorf("it ended with %v:\n%s", err, &stderr)
	}
	return stderr.String()
}
