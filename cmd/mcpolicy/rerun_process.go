package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// run runs the command once, as a process of its own: it reads everything anew and takes
// its bounds with it, so that what it shows is what a run by hand would, and policies that
// take too much end it and not the watch.
func (r *rerun) run(ctx context.Context) *ran {
	result := &ran{}
	_ = os.Remove(r.report) // of the run before
	width, color := r.view.size()
	p := &pane{width: width, color: color, files: r.report}
	args := append([]string{"--" + paneFlag + "=" + p.String()}, r.args...)
	cmd := exec.CommandContext(ctx, r.binary, args...) //nolint:gosec // it is this program
	cmd.Stdout, cmd.Stderr = &result.stdout, &result.stderr
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = grace + time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		result.status = exit.ExitCode()
	default: // killed, or not started
		result.status = exitFailure
		result.stderr.text = fmt.Appendf(result.stderr.text, "mcpolicy: the run: %v\n", err)
	}
	return result
}
