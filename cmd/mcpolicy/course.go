package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A course is what a run is about, so that it can say so when it is ended before
// its time.
type course struct {
	args   []string // of the command line
	pane   *pane    // of a watch that the run belongs to; nil otherwise
	cancel context.CancelCauseFunc
	limits limits
	pulse  pdp.Pulse
	screen *screen
	mute   bool // standard output is a terminal, on which a report is not to be disturbed

	mu       sync.Mutex
	doing    []string    // begun and not done, in this order
	policies *policy.Set // once they are read
	policyFS fs.FS

	suspicion suspicion
}

type courseKey struct{}

// courseOf returns the run's course, or one of no run.
func courseOf(ctx context.Context) *course {
	if c, ok := ctx.Value(courseKey{}).(*course); ok {
		return c
	}
	return &course{screen: &screen{}}
}

// begin notes that the run writes something until the function that it returns is called,
// and shows it unless what is written goes to the terminal itself. What the end of the
// context ends stays noted.
func begin(ctx context.Context, what string) (done func()) {
	if courseOf(ctx).mute {
		return note(ctx, what)
	}
	_, done = show(ctx, what)
	return done
}

// show notes some work, and shows it on a terminal while it is long. It returns functions
// that say how far it is, and that it is done.
func show(ctx context.Context, what string) (report func(made, total int), done func()) {
	shown, noted := courseOf(ctx).screen.begin(what), note(ctx, what)
	return shown.report, func() { shown.done(); noted() }
}

// note notes what the run does, for the message of its end.
func note(ctx context.Context, what string) (done func()) {
	c := courseOf(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doing = append(c.doing, what)
	return func() {
		if ctx.Err() != nil {
			return // it was not finished
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if i := slices.Index(c.doing, what); i >= 0 {
			c.doing = slices.Delete(c.doing, i, i+1)
		}
	}
}

// read notes the policies, which are what may take too much, and returns what is to
// be minded when they are evaluated. It refuses those that are known to.
func (c *course) read(policies *policy.Set, fsys fs.FS) (pdp.Bounds, error) {
	c.mu.Lock()
	c.policies, c.policyFS = policies, fsys
	c.mu.Unlock()
	bounds := pdp.Bounds{Pulse: &c.pulse}
	admit, err := workspace.Admission(policies)
	if admit == nil {
		return bounds, err
	}
	bounds.Admit = func(r pdp.Request) error {
		err := admit(r)
		if err != nil && c.cancel != nil {
			c.cancel(excess{err})
		}
		return err
	}
	return bounds, err
}

// flags adds those that every command has.
func (c *course) flags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.DurationVar(&c.limits.run, "timeout", 0, "end with status 3 after `DURATION`, like 90s or 5m (default: none)")
	f.DurationVar(&c.limits.condition, "condition-timeout", defaultCondition, "the most that a condition of a policy may take, as a `DURATION`")
	f.IntVar(&c.limits.memory, "memory", defaultMemory, "the most memory that the process may take, in `MIB`; twice as much where two revisions are compared")
	f.Func(paneFlag, "", func(text string) (err error) { c.pane, err = parsePane(text); return err })
	_ = f.MarkHidden(paneFlag)
}

// start minds the flags. A command that compares two revisions holds both, and may take
// twice the memory unless the command line says how much.
func (c *course) start(cmd *cobra.Command) error {
	if f := cmd.Flags(); !f.Changed("memory") && (f.Lookup("save") != nil || f.Changed("base")) {
		c.limits.memory *= 2
	}
	if c.limits.run < 0 || c.limits.condition <= 0 || c.limits.memory < leastMemory || c.limits.memory > mostMemory {
		return usageError{fmt.Errorf("--timeout and --condition-timeout: want more than nothing; --memory: want %d to %d", leastMemory, mostMemory)}
	}
	if c.pane != nil {
		c.pane.w = cmd.OutOrStdout()
		cmd.Root().SetOut(c.pane)
	}
	if watching(cmd) {
		return nil // the limits are those of each run
	}
	if c.limits.run > 0 {
		time.AfterFunc(c.limits.run, func() { c.cancel(fmt.Errorf("not finished within the %s of --timeout", c.limits.run)) })
	}
	if ownsProcess(cmd.Context()) {
		setMemoryLimit(int64(c.limits.memory) << 20 / 8 * 5)
		go c.watch()
	}
	return nil
}

// An interruption is the signal that ended a run.
type interruption struct{ os.Signal }

func (i interruption) Error() string { return "interrupted (" + i.String() + ")" }

// grace is how long a run that was ended may take to clean up.
const grace = 700 * time.Millisecond

// follow does what a command does, and returns when that is done, or a little
// after the context was ended, whatever the command is busy with then. It does not
// wait where memory runs out.
func (c *course) follow(ctx context.Context, command func(context.Context) error) error {
	defer c.screen.end()
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		defer workspace.Guard(&err)
		err = command(ctx)
	}()
	select {
	case err := <-done:
		return c.ended(ctx, err)
	case <-ctx.Done():
	}
	about := c.unfinished() // before it is given up
	if cause := context.Cause(ctx); errors.Is(cause, errExceeded) {
		drafts.remove()
		return cause
	}
	select {
	case err := <-done:
		if err == nil || errors.Is(err, errFindings) {
			return err
		}
	case <-time.After(grace):
		drafts.remove()
	}
	return fmt.Errorf("%w%s", context.Cause(ctx), about)
}

// ended returns the error of a command that came to its end.
func (c *course) ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, errFindings) {
		return err
	}
	if cause := context.Cause(ctx); errors.Is(cause, errExceeded) {
		return cause
	}
	return fmt.Errorf("%w%s", context.Cause(ctx), c.unfinished())
}

// unfinished says what was being done.
func (c *course) unfinished() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.doing) == 0 {
		return ""
	}
	return " while " + strings.Join(c.doing, ", ") + "; nothing is known of what was not done"
}
