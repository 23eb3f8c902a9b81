// Mcpolicy checks who can see and use which MCP tool.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// The rules of the interface: reports go to standard output, or to the files
// that --format names; diagnostics and progress go to standard error, each
// line of a diagnostic "mcpolicy: file:line:col: what is wrong", lower case,
// without a period, and inert, which lines sees to. The exit statuses are a
// contract.
const (
	exitOK      = 0
	exitFinding = 1 // the run completed, and the answer is no
	exitUsage   = 2 // the command line or the config is wrong
	exitFailure = 3 // the run could not complete, there was nothing to check, or some answers are none
)

// errFindings makes the command exit with exitFinding after its report.
var errFindings = errors.New("findings")

// A usageError is a mistake on the command line or in the config.
type usageError struct{ error }

// Unwrap returns a list, so that the mistakes of a joined error are found in it.
func (e usageError) Unwrap() []error { return []error{e.error} }

func main() {
	// What cannot be caught, like memory that the system does not give, ends the
	// process by a signal: Go's own status for it is exitUsage.
	debug.SetTraceback("crash")
	ctx, end := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { end(interruption{<-signals}) }()
	os.Exit(run(owningProcess(ctx), os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	stderr = lines{stderr}
	if err := tuneEngine(); err != nil {
		complain(stderr, err, nil)
		return exitFailure
	}
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &course{args: args, cancel: cancel, screen: newScreen(stderr), mute: terminal(stdout) != nil}
	c.flags(cmd)
	registerWords(cmd, args)
	finish := profiling(cmd, c.start)
	err := c.follow(context.WithValue(ctx, courseKey{}, c), cmd.ExecuteContext)
	finish()
	c.pane.tell()
	var usage usageError
	var wrong workspace.UsageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFinding
	}
	ran, _, _ := cmd.Find(args) // the root if there is none
	complain(stderr, err, hereOf(ran))
	if errors.As(err, &usage) || errors.As(err, &wrong) {
		return exitUsage
	}
	return exitFailure
}

// maxComplaints is how many mistakes are printed. Whoever has more to mend
// starts with these.
const maxComplaints = 30

func complain(stderr io.Writer, err error, here func(string) string) {
	mistakes := source.Mistakes(err)
	for i, m := range mistakes {
		if i == maxComplaints {
			fmt.Fprintf(stderr, "mcpolicy: and %d more\n", len(mistakes)-i)
			return
		}
		fmt.Fprintf(stderr, "mcpolicy: %s\n", mistake(m, here))
	}
}
