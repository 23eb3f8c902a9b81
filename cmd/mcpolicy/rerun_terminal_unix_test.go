//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const cleared = "\x1b[H\x1b[2J\x1b[3J"

// on returns what is on a terminal: what was written since it was cleared, and how often it
// was.
func on(text string) (screen string, times int) {
	i := strings.LastIndex(text, cleared)
	if i < 0 {
		return "", 0
	}
	return text[i+len(cleared):], strings.Count(text, cleared)
}

// press presses keys.
func (w *watchedCommand) press(keys string) {
	w.t.Helper()
	if _, err := io.WriteString(w.keys, keys); err != nil {
		w.t.Fatal(err)
	}
}

// shows waits for a screen that has some text, the last of those that are wanted so far.
func (w *watchedCommand) shows(after int, want string) {
	w.t.Helper()
	w.until("a screen with "+want, func(text string) bool {
		screen, times := on(text)
		return times > after && strings.Contains(screen, want)
	})
}

// TestWatchAtATerminal holds what is drawn and what keys do.
func TestWatchAtATerminal(t *testing.T) {
	t.Parallel()
	dir := writeWorld(t, nil)
	w := watchedAt(t, dir, "test")
	w.shows(0, "Enter: run again, q: quit, ?: help")
	screen, _ := on(w.text())
	for _, want := range []string{"mcpolicy test at ", "the first run", "1 passed", "-- clean (status 0, "} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q in %q", want, screen)
		}
	}
	if strings.Contains(strings.ReplaceAll(screen, "\r\n", ""), "\n") {
		t.Errorf("a line break without a carriage return: %q", screen)
	}

	saveFile(t, dir, "tests/t.yaml", strings.Replace(good["tests/t.yaml"], "[ian]", "[guest]", 1))
	w.shows(1, "(status 1, ")
	if screen, _ := on(w.text()); !strings.Contains(screen, "\x1b[") || !strings.Contains(screen, "tests/t.yaml changed") {
		t.Errorf("no colours, or no reason: %q", screen)
	}
	if !strings.Contains(w.text(), "\r\x1b[K\x1b[2mtests/t.yaml changed: running") {
		t.Errorf("what was shown before is not marked as old: %q", w.text())
	}
	w.press("?")
	w.shows(1, "this help")
	w.press("a")
	w.shows(2, "asked for")
	w.press("\r")
	w.shows(3, "asked for")
	w.press("x\x1b[A") // these mean nothing
	saveFile(t, dir, "policies/p.yaml", "a: [")
	w.shows(4, "mcpolicy: policies/p.yaml:1:")
	saveFile(t, dir, "policies/p.yaml", good["policies/p.yaml"])
	w.shows(5, "(status 1, ")
	w.press("q")
	if got := w.ended(); got != exitFinding {
		t.Errorf("status %d", got)
	}
}

// TestWatchIsQuit holds each way to end it.
func TestWatchIsQuit(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *watchedCommand){
		"q": func(w *watchedCommand) { w.press("q") }, "Ctrl-C": func(w *watchedCommand) { w.press("\x03") }, "Ctrl-D": func(w *watchedCommand) { w.press("\x04") },
		"SIGTERM": func(w *watchedCommand) { _ = w.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watchedAt(t, writeWorld(t, nil), "matrix")
			w.shows(0, "q: quit")
			end(w)
			if got := w.ended(); got != exitOK {
				t.Errorf("status %d: %q", got, w.text())
			}
		})
	}
}

// TestWatchGivesTheTerminalBack looks at how a terminal is afterwards.
func TestWatchGivesTheTerminalBack(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("stty"); err != nil {
		t.Fatal("stty is not installed, which every Unix has")
	}
	for _, key := range []string{"q", "\x03"} {
		w := atTerminal(t, writeWorld(t, nil), exec.CommandContext(t.Context(), "sh", "-c", "mcpolicy matrix --watch; s=$?; stty -a; exit $s"))
		w.shows(0, "q: quit")
		w.press(key)
		if got := w.ended(); got != exitOK {
			t.Errorf("status %d: %q", got, w.text())
		}
		w.until("the terminal's ways", func(text string) bool { return strings.Contains(text, "icanon") })
		if text := w.text(); strings.Contains(text, "-icanon") || strings.Contains(text, "-opost") || strings.Contains(text, "-isig") {
			t.Errorf("the terminal is not as it was: %q", text)
		}
	}
}

// TestWatchOfRestlessFiles holds that something is shown though a file changes all the time,
// and that it is said to be of before.
func TestWatchOfRestlessFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a run that is let end")
	}
	t.Parallel()
	dir := writeWorld(t, nil)
	w := watchedIn(t, dir, "test")
	w.comesTo("0", "the first run")
	stop, stopped := make(chan struct{}), make(chan struct{})
	rest := sync.OnceFunc(func() { close(stop); <-stopped })
	defer rest()
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				saveFile(t, dir, "tests/t.yaml", good["tests/t.yaml"]+strings.Repeat("#", i%50))
			}
		}
	}()
	w.until("a result of before", func(text string) bool {
		return strings.Contains(text, "; files have changed meanwhile, so it runs again")
	})
	rest()
	saveFile(t, dir, "tests/t.yaml", strings.Replace(good["tests/t.yaml"], "[ian]", "[guest]", 1))
	w.comesTo("1", "tests/t.yaml changed")
	w.interrupted(os.Interrupt)
}

// TestWatchBeforeItHasRun ends it before there is an answer.
func TestWatchBeforeItHasRun(t *testing.T) {
	t.Parallel()
	w := watchedAt(t, writeWorld(t, nil), "check")
	w.until("a run", func(text string) bool { return strings.Contains(text, "the first run: running") })
	w.press("q")
	if got := w.ended(); got != exitFailure && !strings.Contains(w.text(), "(status 0, ") {
		t.Errorf("status %d: %q", got, w.text())
	}
}

// TestWatchOutlivesRuns holds that what ends a run leaves the watch alone: its time, and
// policies that take too much.
func TestWatchOutlivesRuns(t *testing.T) {
	t.Parallel()
	dir := writeWorld(t, nil)
	endless := costly("P.id == \"\" || "+loops("(P.id + P.id + P.id + P.id).split(\"\")", 10), "")
	w := watchedIn(t, dir, "check", "--condition-timeout", "200ms", "--timeout", "20s")
	w.comesTo("0", "the first run")
	for range 2 {
		saveFile(t, dir, "policies/p.yaml", endless)
		w.comesTo("3", "more than")
		saveFile(t, dir, "policies/p.yaml", good["policies/p.yaml"])
		w.comesTo("0", "policies/p.yaml changed")
	}
	if got := w.interrupted(os.Interrupt); got != exitOK {
		t.Errorf("status %d", got)
	}
	short := watchedIn(t, dir, "check", "--timeout", "1ms")
	short.comesTo("3", "--timeout")
	saveFile(t, dir, "crm.json", good["crm.json"]+" ")
	short.comesTo("3", "crm.json changed")
	if got := short.interrupted(os.Interrupt); got != exitFailure {
		t.Errorf("status %d", got)
	}
}

// TestWatchHostileFolders holds that nothing in a folder stops it: very many files, links
// that lead out or nowhere or in circles, pipes that nobody writes to.
func TestWatchHostileFolders(t *testing.T) {
	t.Parallel()
	dir := writeWorld(t, nil)
	for i := range 10_000 {
		saveFile(t, dir, filepath.Join("tests", "notes", strings.Repeat("x", i%7)+string(rune('a'+i%26)), time.Duration(i).String()+".txt"), "x")
	}
	if err := os.Symlink("..", filepath.Join(dir, "tests", "round")); err != nil {
		t.Fatal(err)
	}
	w := watchedIn(t, dir, "test")
	w.comesTo("0", "the first run")
	saveFile(t, dir, "tests/t.yaml", good["tests/t.yaml"]+"\n")
	w.comesTo("0", "tests/t.yaml changed")

	outside := filepath.Join(t.TempDir(), "outside.yaml")
	for name, there := range map[string]func(path string) error{
		"pipe.yaml":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"nowhere.yaml": func(path string) error { return os.Symlink("gone.yaml", path) },
		"out.yaml":     func(path string) error { return os.Symlink(outside, path) },
	} {
		saveFile(t, filepath.Dir(outside), "outside.yaml", good["tests/t.yaml"])
		if err := there(filepath.Join(dir, "tests", name)); err != nil {
			t.Fatal(err)
		}
		w.comesTo("3", "tests/"+name)
		removeFile(t, dir, filepath.Join("tests", name))
		w.comesTo("0", "")
		w.until("it to recover", func(text string) bool { _, _, status := last(text); return status == "0" })
	}

	link := filepath.Join(dir, "tests", "linked.yaml") // to a file beside
	saveFile(t, dir, "suites/real.yaml", strings.Replace(good["tests/t.yaml"], "name: crm", "name: linked", 1))
	if err := os.Symlink("../suites/real.yaml", link); err != nil {
		t.Fatal(err)
	}
	w.comesTo("0", "tests/linked.yaml changed")
	saveFile(t, dir, "suites/real.yaml", strings.NewReplacer("[ian]", "[guest]", "name: crm", "name: linked").Replace(good["tests/t.yaml"]))
	w.comesTo("1", "tests/linked.yaml changed")
	if got := w.interrupted(os.Interrupt); got != exitFinding {
		t.Errorf("status %d", got)
	}
}

// TestWatchRefuses holds what cannot be followed, and what is wrong on the command line,
// which no file that is saved mends.
func TestWatchRefuses(t *testing.T) {
	dir := writeWorld(t, nil)
	pipe := filepath.Join(t.TempDir(), "pipe.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, test := range []struct {
		args string
		want string
	}{
		{"check --pdp localhost:3593", "leave --pdp out"},
		{"check --base HEAD", "leave --base out"},
		{"lint --fix", "leave --fix, --fix-widening and --diff out"},
		{"lint --diff", "leave --fix, --fix-widening and --diff out"},
		{"check --format sarif", "--format sarif=FILE"},
		{"matrix --format junit", "a matrix has none"},
		{"check --format nope", "unknown format"},
		{"test --shard 3/2", "--shard: want"},
		{"lint --rule nope", "nope"},
		{"check --now today", "--now: want"},
		{"matrix --only nope", "nope"},
		{"check --manifest " + pipe, "can be read only once"},
		{"check -C gone", "no such folder"},
		{"explain ian greet", "unknown flag: --watch; it is one of mcpolicy check, lint, matrix, test"},
		{"check --pane 80", "for runs of --watch alone"},
	} {
		status, stdout, stderr := runIn(t, append(strings.Fields(test.args), "--watch")...)
		if status != exitUsage || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("%s: status %d, want %q:\n%s%s", test.args, status, test.want, stderr, stdout)
		}
	}
	t.Chdir(t.TempDir())
	if status, _, stderr := runIn(t, "check", "--watch"); status != exitUsage || !strings.Contains(stderr, "no mcpolicy.yaml") {
		t.Errorf("without a config: status %d: %s", status, stderr)
	}
}

// TestWatchJSON holds that several results on standard output are JSON, one after the other.
func TestWatchJSON(t *testing.T) {
	t.Parallel()
	dir := writeWorld(t, nil)
	w := watchedIn(t, dir, "test", "--format", "json")
	w.comesTo("0", `"passed": 1`)
	saveFile(t, dir, "tests/t.yaml", strings.Replace(good["tests/t.yaml"], "[ian]", "[guest]", 1))
	w.comesTo("1", `"failed": 1`)
	w.interrupted(os.Interrupt)
}
