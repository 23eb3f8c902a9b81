package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// A view is what a watch shows: in a terminal one result at a time, otherwise all of them,
// one after the other.
type view struct {
	name           string
	stdout, stderr io.Writer
	head           io.Writer // where what is said beside the reports goes
	terminal       *os.File  // nil if it is none
	raw            bool      // lines have to end in a carriage return, too
	color          bool
}

func newView(cmd *cobra.Command, o *output, targets []target) *view {
	v := &view{name: cmd.CommandPath(), stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
	if l, ok := v.stderr.(lines); ok { // a run has seen to its lines itself
		v.stderr = l.w
	}
	if os.Getenv("TERM") != "dumb" {
		v.terminal = terminal(v.stdout)
	}
	_, color := v.size()
	v.color = color && o.color != "never" || o.color == "always"
	v.head = v.stderr
	for _, t := range targets {
		if v.terminal != nil || t.file == "" && t.format.Name == "text" {
			v.head = v.stdout
		}
	}
	return v
}

// size returns the width of the terminal, 0 if it is none, and whether it shows colours.
func (v *view) size() (width int, color bool) { return terminalOf(v.stdout) }

// A key is something that somebody who looks asks for.
type key uint8

const (
	keyAgain key = iota
	keyQuit
	keyHelp
)

// keys returns what is pressed, if there is a terminal to press keys at, and what gives it
// back its ways.
func (v *view) keys() (<-chan key, func()) {
	stdin := int(os.Stdin.Fd()) //nolint:gosec // a file descriptor is small
	if v.terminal == nil || !isatty.IsTerminal(os.Stdin.Fd()) {
		return nil, func() {}
	}
	state, err := term.MakeRaw(stdin)
	if err != nil {
		return nil, func() {}
	}
	v.raw = true
	keys := make(chan key)
	go func() {
		b := make([]byte, 1)
		for {
			if n, err := os.Stdin.Read(b); err != nil || n == 0 {
				return
			}
			switch b[0] {
			case '\r', '\n', 'a', ' ':
				keys <- keyAgain
			case 'q', 'Q', 3, 4: // and Ctrl-C, Ctrl-D, which are keys like any now
				keys <- keyQuit
			case 'h', '?':
				keys <- keyHelp
			}
		}
	}()
	return keys, sync.OnceFunc(func() {
		_ = term.Restore(stdin, state) // there is nothing else to be done about it
		v.print(v.head, "\n")
		v.raw = false
	})
}

// busy says that a run begins. What is on the screen is of before.
func (v *view) busy(why string) {
	if v.terminal != nil {
		v.print(v.head, fmt.Sprintf("\r\x1b[K%s", v.dim(why+": running "+v.name+" ...")))
	}
}

// result shows what a run has come to.
func (v *view) result(why string, took time.Duration, r *ran, older []string, stale bool) {
	head := fmt.Sprintf("%s at %s, %s", v.name, time.Now().Format("15:04:05"), why)
	foot := ""
	for _, file := range older {
		foot += "-- " + file + " is of a run before\n"
	}
	foot += fmt.Sprintf("-- %s (status %d, %d ms)", outcomeOf(r.status), r.status, took.Milliseconds())
	next := "waiting for files to change"
	if stale {
		next = "files have changed meanwhile, so it runs again"
	}
	if v.terminal == nil {
		v.print(v.head, "== "+head+"\n")
		v.print(v.stdout, string(r.stdout.text))
		v.print(v.stderr, string(r.stderr.text))
		v.print(v.head, foot+"; "+next+"\n\n")
		return
	}
	v.print(v.head, "\x1b[H\x1b[2J\x1b[3J"+v.dim(head)+"\n\n"+string(r.stdout.text)+string(r.stderr.text)+"\n"+foot+"\n"+v.dim(next+v.hint()))
}

// hint says which keys there are, if there are any.
func (v *view) hint() string {
	if !v.raw {
		return ""
	}
	return "; Enter: run again, q: quit, ?: help"
}

// help says which keys there are.
func (v *view) help() {
	v.print(v.head, "\r\x1b[K\n  Enter, a   run again\n  q, Ctrl-C  quit, with the status of the last run\n  ?, h       this help\n")
}

// outcomeOf says what a status means.
func outcomeOf(status int) string {
	switch status {
	case exitOK:
		return "clean"
	case exitFinding:
		return "the answer is no"
	case exitUsage:
		return "the command line or the config is wrong"
	}
	return "the run could not complete"
}

func (v *view) dim(text string) string {
	if !v.color {
		return text
	}
	return "\x1b[2m" + text + "\x1b[0m"
}

// print writes in one go, so that nothing flickers.
func (v *view) print(w io.Writer, text string) {
	if v.raw {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	_, _ = io.WriteString(w, text) // nobody is left to say it to
}
