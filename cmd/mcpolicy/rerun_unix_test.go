//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/mcpolicy/mcpolicy/internal/rounds"
)

// bounded is how long a test waits for what comes within a fraction of a second on a
// machine that has nothing else to do.
const bounded = 60 * time.Second

// A watched command is one with --watch that runs.
type watchedCommand struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}
	keys io.Writer // of its terminal, if it has one

	mu  sync.Mutex
	out bytes.Buffer
}

func (w *watchedCommand) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

// text returns what was written so far.
func (w *watchedCommand) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}

func watchedIn(t *testing.T, dir string, args ...string) *watchedCommand {
	t.Helper()
	w := &watchedCommand{t: t, done: make(chan struct{}), cmd: exec.CommandContext(t.Context(), "mcpolicy", append(args, "--watch")...)}
	w.cmd.Dir, w.cmd.Stdout, w.cmd.Stderr = dir, w, w
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go w.wait()
	return w
}

// watchedAt starts a command at a terminal.
func watchedAt(t *testing.T, dir string, args ...string) *watchedCommand {
	t.Helper()
	return atTerminal(t, dir, exec.CommandContext(t.Context(), "mcpolicy", append(args, "--watch")...))
}

func atTerminal(t *testing.T, dir string, cmd *exec.Cmd) *watchedCommand {
	t.Helper()
	w := &watchedCommand{t: t, done: make(chan struct{}), cmd: cmd}
	w.cmd.Dir = dir
	w.cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	terminal, err := pty.StartWithSize(w.cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	w.keys = terminal
	go func() {
		_, _ = io.Copy(w, terminal) // it ends with an error when the command does, with all that was written
		w.wait()
	}()
	return w
}

func (w *watchedCommand) wait() {
	_ = w.cmd.Wait() // the status is looked at by whoever wants it
	close(w.done)
}

// until waits for something, and fails the test if it does not come.
func (w *watchedCommand) until(what string, is func(text string) bool) string {
	w.t.Helper()
	for end := time.Now().Add(bounded); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if text := w.text(); is(text) {
			return text
		}
		select {
		case <-w.done:
			if text := w.text(); is(text) {
				return text
			}
			w.t.Fatalf("%s: the watch has ended:\n%s", what, w.text())
		default:
		}
	}
	w.t.Fatalf("%s: nothing for %v:\n%s", what, bounded, w.text())
	return ""
}

var shownResult = regexp.MustCompile(`(?ms)^== ([^\n]*)\n(.*?)^-- [^\n]*\(status (\d), \d+ ms\)`)

// last returns the head, the text and the status of the last result.
func last(text string) (head, body, status string) {
	all := shownResult.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return "", "", ""
	}
	m := all[len(all)-1]
	return m[1], m[2], m[3]
}

// comesTo waits for a result of a status that has some text.
func (w *watchedCommand) comesTo(status, want string) {
	w.t.Helper()
	w.until(fmt.Sprintf("status %s with %q", status, want), func(text string) bool {
		head, body, got := last(text)
		return got == status && strings.Contains(head+"\n"+body, want)
	})
}

// interrupted ends the command and returns its status.
func (w *watchedCommand) interrupted(by os.Signal) int {
	w.t.Helper()
	if err := w.cmd.Process.Signal(by); err != nil {
		w.t.Fatal(err)
	}
	return w.ended()
}

func (w *watchedCommand) ended() int {
	w.t.Helper()
	select {
	case <-w.done:
	case <-time.After(bounded):
		w.t.Fatalf("it does not end:\n%s", w.text())
	}
	return w.cmd.ProcessState.ExitCode()
}

func saveFile(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func removeFile(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// moveFile writes a file as many editors do: beside its place, and then moved there.
func moveFile(t *testing.T, dir, name, text string) {
	t.Helper()
	saveFile(t, dir, name+"~", text)
	if err := os.Rename(filepath.Join(dir, name+"~"), filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// TestWatch saves files in all the ways that there are, right and broken ones.
func TestWatch(t *testing.T) {
	t.Parallel()
	dir := writeWorld(t, nil)
	report := filepath.Join(t.TempDir(), "report.json")
	w := watchedIn(t, dir, "test", "--format", "text", "--format", "json="+report)
	w.comesTo("0", "the first run")
	failing := strings.Replace(good["tests/t.yaml"], "[ian]", "[guest]", 1)

	saveFile(t, dir, "tests/t.yaml", failing)
	w.comesTo("1", "tests/t.yaml changed\nFAIL")
	written, err := os.ReadFile(report)
	if err != nil || !strings.Contains(string(written), `"failed": 1`) {
		t.Errorf("the report: %v\n%s", err, written)
	}
	moveFile(t, dir, "tests/t.yaml", good["tests/t.yaml"])
	w.comesTo("0", "tests/t.yaml changed")

	saveFile(t, dir, "policies/p.yaml", "a: [")
	w.comesTo("3", "mcpolicy: policies/p.yaml:1:")
	if !strings.Contains(w.text(), report+" is of a run before") {
		t.Errorf("the report of before is passed over:\n%s", w.text())
	}
	removeFile(t, dir, "policies/p.yaml")
	w.comesTo("3", "mcpolicy: policies: ")
	saveFile(t, dir, "policies/p.yaml", good["policies/p.yaml"])
	w.comesTo("0", "policies/p.yaml changed")

	saveFile(t, dir, "tests/more/new.yaml", strings.Replace(failing, "name: crm", "name: new", 1)) // in a folder that was not there
	w.comesTo("1", "tests/more/new.yaml changed")
	removeFile(t, dir, "tests/more")
	w.comesTo("0", "tests/more/new.yaml changed")

	saveFile(t, dir, "mcpolicy.yaml", "servers: [")
	w.comesTo("2", "mcpolicy: mcpolicy.yaml:")
	removeFile(t, dir, "mcpolicy.yaml")
	w.comesTo("2", "no mcpolicy.yaml in")
	saveFile(t, dir, "mcpolicy.yaml", strings.Replace(good["mcpolicy.yaml"], "crm.json", "other.json", 1))
	w.comesTo("3", "other.json: no such file")
	saveFile(t, dir, "other.json", good["crm.json"])
	w.comesTo("0", "other.json changed")
	removeFile(t, dir, "principals.yaml")
	w.comesTo("3", "principals.yaml: no such file")
	saveFile(t, dir, "principals.yaml", good["principals.yaml"])
	w.comesTo("0", "principals.yaml changed")

	n := strings.Count(w.text(), "\n== ")
	saveFile(t, dir, "crm.json", "{}") // that nobody reads any more
	saveFile(t, dir, "README.md", "x")
	saveFile(t, dir, "tests/notes.txt", "x")
	saveFile(t, dir, ".git/x.yaml", "x")
	for i := range 20 { // several saves are one change, or a few
		saveFile(t, dir, "tests/t.yaml", good["tests/t.yaml"]+strings.Repeat("#", i))
		time.Sleep(time.Millisecond)
	}
	saveFile(t, dir, "tests/t.yaml", failing)
	w.comesTo("1", "tests/t.yaml changed")
	text := w.text()
	if more := strings.Count(text, "\n== ") - n; more > 5 {
		t.Errorf("%d runs:\n%s", more, text)
	}
	for _, name := range []string{"README", "notes.txt", ".git", "crm.json changed"} {
		if strings.Contains(text, name) {
			t.Errorf("%s counts:\n%s", name, text)
		}
	}
	if got := w.interrupted(os.Interrupt); got != exitFinding {
		t.Errorf("status %d\n%s", got, w.text())
	}
}

// TestWatchCommands holds what each command reads, and that its status is that of the last
// run.
func TestWatchCommands(t *testing.T) {
	t.Parallel()
	for command, readsSuites := range map[string]bool{"check": true, "lint": true, "matrix": false} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			dir := writeWorld(t, nil)
			w := watchedIn(t, dir, command)
			w.comesTo("0", "the first run")
			saveFile(t, dir, "tests/t.yaml", good["tests/t.yaml"]+"\n")
			if readsSuites {
				w.comesTo("0", "tests/t.yaml changed")
			}
			saveFile(t, dir, "crm.json", `{"tools": [`)
			w.comesTo("3", "crm.json changed")
			if !readsSuites && strings.Contains(w.text(), "tests/t.yaml") {
				t.Errorf("it reads no suites:\n%s", w.text())
			}
			saveFile(t, dir, "crm.json", good["crm.json"])
			w.comesTo("0", "crm.json changed")
			if got := w.interrupted(syscall.SIGTERM); got != exitOK {
				t.Errorf("status %d\n%s", got, w.text())
			}
		})
	}
}

var anyTime = regexp.MustCompile(`\d+[\s ]+ms`)

// TestWatchIsAFreshRun edits files at random, several at once. What is shown in the end is
// what a run by hand shows, with its status.
func TestWatchIsAFreshRun(t *testing.T) {
	t.Parallel()
	dir := writeWorld(t, map[string]string{"tests/u.yaml": "name: more\ntests:\n  - name: t\n    principals: [guest]\n    call: {deny: [greet]}\n"})
	kinds := map[string][]string{
		"mcpolicy.yaml":   {good["mcpolicy.yaml"], good["mcpolicy.yaml"] + "lint: {failOn: error}\n", "servers: {", good["mcpolicy.yaml"] + "nope: 1\n"},
		"crm.json":        {good["crm.json"], `{"tools": [{"name": "greet"}, {"name": "part"}]}`, `{"tools": [`, `{"tools": []}`},
		"principals.yaml": {good["principals.yaml"], good["principals.yaml"] + "  ada: {id: ada, roles: [ADMIN, GUEST]}\n", "principals: {}\n", "x"},
		"policies/p.yaml": {good["policies/p.yaml"], strings.Replace(good["policies/p.yaml"], "ADMIN", "GUEST", 1), strings.Replace(good["policies/p.yaml"], "ALLOW", "DENY", 1), "a: ["},
		"policies/q.yaml": {"", strings.Replace(good["policies/p.yaml"], "mcp_server", "other", 1), strings.Replace(good["policies/p.yaml"], "roles: [ADMIN]", "roles: [GUEST]", 1)},
		"tests/t.yaml":    {good["tests/t.yaml"], strings.Replace(good["tests/t.yaml"], "[ian]", "[guest]", 1), strings.Replace(good["tests/t.yaml"], "greet", "gret", 1), "x: y"},
		"tests/v.yaml":    {"", strings.Replace(good["tests/t.yaml"], "name: crm", "name: v", 1), "name: v\n"},
	}
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	w := watchedIn(t, dir, "check")
	w.comesTo("0", "the first run")
	for i := range rounds.Of(20, 300) {
		for range 1 + r.IntN(3) {
			name := names[r.IntN(len(names))]
			text := kinds[name][r.IntN(len(kinds[name]))]
			switch how := r.IntN(4); {
			case text == "" || how == 0 && r.IntN(3) == 0:
				removeFile(t, dir, name)
			case how == 1:
				moveFile(t, dir, name, text)
			default:
				saveFile(t, dir, name, text)
			}
			time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
		}
		fresh := exec.CommandContext(t.Context(), "mcpolicy", "check")
		fresh.Dir = dir
		var stdout, stderr bytes.Buffer
		fresh.Stdout, fresh.Stderr = &stdout, &stderr
		_ = fresh.Run() // its status is looked at
		want := anyTime.ReplaceAllString(stdout.String()+stderr.String(), "N ms")
		status := fmt.Sprint(fresh.ProcessState.ExitCode())
		w.until(fmt.Sprintf("seed %d, round %d: status %s and\n%s", seed, i, status, want), func(text string) bool {
			_, body, got := last(text)
			return got == status && anyTime.ReplaceAllString(body, "N ms") == want
		})
	}
	w.interrupted(os.Interrupt)
}
