package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/source"
)

const (
	// settled is how long files have to be left alone before they are read: editors and
	// version control write several times, and several files.
	settled = 25 * time.Millisecond
	// unsettled is how long that is waited for.
	unsettled = 250 * time.Millisecond
	// overdue is how long after a change a run is not given up for another one any more,
	// so that something is shown though a file changes all the time.
	overdue = 5 * time.Second
)

// watchFlag adds the flag for running again.
func watchFlag(cmd *cobra.Command) {
	cmd.Flags().Bool("watch", false, "run again whenever a file that is read is saved, until q or an interrupt")
}

// watchHelp is what the help of each command says of --watch.
const watchHelp = `

--watch runs the command again, as a process of its own, whenever a file is saved that
it reads, and says which. Broken files are reported and waited for. In a terminal the
screen is cleared for each result, Enter or a runs again and q ends; otherwise results
follow each other. Reports in files are written anew by each run that completes. The
status is that of the last run, or 3 if what it read has changed since.`

// watching reports whether a command runs others, of which each is a run like any.
func watching(cmd *cobra.Command) bool {
	asked, err := cmd.Flags().GetBool("watch") // an error if there is no such flag
	return err == nil && asked && courseOf(cmd.Context()).pane == nil
}

// A rerun runs a command again and again.
type rerun struct {
	in      *input
	targets []target
	binary  string
	name    string // of the command
	args    []string
	view    *view
	report  string // where a run says which files it has read

	watch   *fileWatch
	keys    <-chan key
	restore func() // gives the terminal back
	status  int    // of the last run that is shown
	shown   bool   // some run is
	stale   bool   // since then files have changed
	waiting time.Time
}

// again runs a command again and again, until it is ended.
func again(cmd *cobra.Command, in *input, out *output) error {
	targets, err := out.targets()
	if err != nil {
		return err
	}
	_, errClock := in.clock()
	if err := errors.Join(in.checkRemote(), in.checkRerun(targets), errClock); err != nil {
		return err
	}
	if _, err := in.findConfig(); err != nil {
		return err
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mcpolicy-watch-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is the system's to clean up otherwise
	w := newFileWatch()
	defer w.close()
	v := newView(cmd, out, targets)
	keys, restore := v.keys()
	defer restore()
	r := &rerun{
		in: in, targets: targets, binary: binary, name: cmd.CommandPath(), args: courseOf(cmd.Context()).args,
		view: v, report: filepath.Join(dir, "read"), watch: w, keys: keys, status: exitFailure,
	}
	r.restore = restore
	r.loop(cmd.Context())
	return r.ended()
}

// checkRerun refuses what cannot be followed: the result would be as of some time ago,
// and nobody would know.
func (in *input) checkRerun(targets []target) error {
	var errs []error
	refuse := func(format string, args ...any) {
		errs = append(errs, usageError{fmt.Errorf("--watch: "+format, args...)})
	}
	if len(in.pdp) > 0 {
		refuse("a running PDP does not say when what it decides by changes; leave --pdp out")
	}
	if in.base != "" {
		refuse("a base may move without a file being saved; leave --base out")
	}
	for _, t := range targets {
		if t.file == "" && !slices.Contains([]string{"text", "json", "lines"}, t.format.Name) {
			refuse("several reports as %s cannot follow each other; give them a file, as in --format %s=FILE", t.format.Name, t.format.Name)
		}
	}
	named := append([]string{in.config, in.principals, in.baseline}, in.suites...)
	for _, m := range in.manifests {
		file, _, _ := strings.Cut(m, "#")
		named = append(named, file)
	}
	for _, name := range named {
		if info, err := os.Stat(name); err == nil && !info.IsDir() && !info.Mode().IsRegular() { //nolint:gosec // a file that the command line names
			refuse("%s is no ordinary file, so that it can be read only once", name)
		}
	}
	return errors.Join(errs...)
}

// loop runs until the end of the context or of the patience of whoever looks.
func (r *rerun) loop(ctx context.Context) {
	for why := "the first run"; why != ""; {
		why = r.once(ctx, why)
	}
}

// once runs the command, shows the result, and waits for something to run again for. It
// returns what that is, or "" at the end.
func (r *rerun) once(ctx context.Context, why string) string {
	r.watch.look(r.in, r.name != "mcpolicy matrix")
	r.view.busy(why)
	_, finish := show(ctx, "running "+r.name)
	running, cancel := context.WithCancel(ctx)
	done := make(chan *ran, 1)
	started := time.Now()
	go func() { done <- r.run(running) }()
	defer func() {
		cancel()
		finish()
		if done != nil {
			<-done // it writes nothing any more
		}
	}()
	var changed []string // while it runs on all the same
	for {
		select {
		case <-ctx.Done():
			r.end(done != nil)
			return ""
		case k := <-r.keys:
			switch k {
			case keyQuit:
				r.end(done != nil)
				return ""
			case keyAgain:
				return "asked for"
			case keyHelp:
				r.view.help()
			}
		case <-r.watch.moved:
			files := r.watch.changed()
			if len(files) == 0 {
				continue
			}
			r.stale = true
			if r.waiting.IsZero() {
				r.waiting = time.Now()
			}
			if done == nil || time.Since(r.waiting) < overdue {
				return changedWords(files)
			}
			changed = append(changed, files...)
		case result := <-done:
			done = nil
			finish()
			r.show(why, time.Since(started), result, len(changed) > 0)
			if len(changed) > 0 {
				return changedWords(changed)
			}
		}
	}
}

// show shows what a run came to. Files may have changed meanwhile, or just now.
func (r *rerun) show(why string, took time.Duration, result *ran, changed bool) {
	r.watch.include(r.read(), result.status <= exitFinding)
	r.shown, r.status, r.waiting = true, result.status, time.Time{}
	r.stale = changed || len(r.watch.changed()) > 0
	r.view.result(why, took, result, r.older(result), r.stale)
}

// end gives the terminal back, before anything that may take long. If a run was under way
// or files have changed just now, what is shown is of before.
func (r *rerun) end(running bool) {
	r.restore()
	r.stale = r.stale || running || len(r.watch.changed()) > 0
}

// read returns which files the last run has read below the config.
func (r *rerun) read() []string {
	config, err := r.in.findConfig()
	if err != nil || config == "" {
		return nil
	}
	var files []string
	for _, name := range told(r.report) {
		files = append(files, filepath.Join(filepath.Dir(config), filepath.FromSlash(name)))
	}
	return files
}

// older names the reports in files that a run has not written.
func (r *rerun) older(result *ran) []string {
	if result.status <= exitFinding {
		return nil
	}
	var files []string
	for _, t := range r.targets {
		if t.file != "" {
			files = append(files, t.file)
		}
	}
	return files
}

// ended returns what the command ends with.
func (r *rerun) ended() error {
	switch {
	case !r.shown || r.stale:
		return errors.New("ended before a run has completed on the files as they are now")
	case r.status == exitOK:
		return nil
	case r.status == exitFinding:
		return errFindings
	case r.status == exitUsage:
		return usageError{errors.New("the last run could not begin: the command line or the config is wrong")}
	}
	return errors.New("the last run could not complete")
}

// changedWords says which files have changed.
func changedWords(files []string) string {
	const most = 3
	slices.Sort(files)
	files = slices.Compact(files)
	text := strings.Join(files[:min(most, len(files))], ", ")
	if more := len(files) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return source.Inert(text) + " changed"
}

// A ran is what a run wrote, and its status.
type ran struct {
	stdout, stderr limited
	status         int
}

// mostOutput is more than anybody scrolls through.
const mostOutput = 64 << 20

// limited keeps what is written to it, up to mostOutput.
type limited struct{ text []byte }

func (l *limited) Write(p []byte) (int, error) {
	if len(l.text)+len(p) > mostOutput {
		return 0, io.ErrShortWrite
	}
	l.text = append(l.text, p...)
	return len(p), nil
}
