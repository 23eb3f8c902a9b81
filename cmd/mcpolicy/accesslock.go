package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/accesslock"
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func newLock() *cobra.Command {
	var in input
	var out output
	var check bool
	cmd := &cobra.Command{
		Use:   "lock",
		Short: "Write down who may use what, so that a change of it is reviewed",
		Long: `Write mcpolicy.lock.yaml beside the config: what each server offers, with its hints and
a digest of its schema, and who may list and use it, by role and on what condition. It is
sorted and has one fact a line, so that a change of access is a change of a line in a
pull request, whichever policy it came from.

Where the file is there, mcpolicy check verifies it: a new item, other hints or another
schema, and access that widened fail until the lock is written anew; so does what the
lock says and that is not so any more. Conditions are compared as the sets of calls
that they let through: a refactoring leaves the lock as it is.

It speaks of roles, not of people, and does not change with the order of files or
principals, or with the clock. --check verifies it, and nothing else.`,
		Example: `  mcpolicy lock                 after a change that is meant; commit the file with it
  mcpolicy lock --check         is it true? status 1 if not
  mcpolicy lock --check --format github`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if check {
				return in.checkLock(cmd, &out)
			}
			if len(out.formats) > 0 {
				return usageError{errors.New("--format goes with --check; without it the lock is written")}
			}
			return in.writeLock(cmd)
		},
	}
	in.configFlags(cmd)
	out.flags(cmd)
	cmd.Flags().BoolVar(&check, "check", false, "verify the lock, and write nothing")
	return cmd
}

// lockFile returns the lock beside the config, as the system has it.
func (f *folder) lockFile() string {
	return filepath.Join(filepath.Dir(f.config), workspace.LockName(filepath.Base(f.config)))
}

// checkLock verifies the lock alone.
func (in *input) checkLock(cmd *cobra.Command, out *output) error {
	targets, err := out.targets()
	if err != nil {
		return err
	}
	in.writes = targets
	w, err := in.load(cmd.Context(), false)
	if err != nil {
		return err
	}
	defer w.close()
	locked, err := w.Locked()
	switch {
	case err != nil:
		return err
	case locked == nil:
		return usageError{fmt.Errorf("there is no %s; write it with mcpolicy lock", w.folder.lockFile())}
	}
	r, err := w.VerifyLock(cmd.Context(), locked)
	if err != nil {
		return err
	}
	d := &report.Document{Lock: report.NewLock(r, locked), Notes: w.Notes()}
	return w.conclude(cmd, out, targets, d, authz.SeverityOff, in.given())
}

// writeLock writes the lock, and says which lines came and went.
func (in *input) writeLock(cmd *cobra.Command) error {
	unlock, err := in.lockConfig(cmd.Context())
	if err != nil {
		return err
	}
	defer unlock()
	w, err := in.load(cmd.Context(), false)
	if err != nil {
		return err
	}
	defer w.close()
	file := w.folder.lockFile()
	before, err := readLock(file)
	if err != nil {
		return err
	}
	old, err := accesslock.Parse(filepath.Base(file), before)
	if errors.Is(err, source.ErrOtherVersion) {
		return usageError{err}
	} // another mistake goes with the file
	after, err := w.lockText(cmd.Context(), old)
	if err != nil {
		return err
	}
	out := lines{cmd.OutOrStdout()}
	if bytes.Equal(before, after) {
		_, err := fmt.Fprintf(out, "%s is up to date\n", file)
		return err
	}
	if err := replaceFile(file, func(to io.Writer) error { _, err := to.Write(after); return err }); err != nil {
		return err
	}
	return reportLines(out, file, before, after)
}

// lockText returns the lock as it is to be written. What is written is read back first.
func (s *session) lockText(ctx context.Context, before *accesslock.Lock) ([]byte, error) {
	l, err := s.Lock(ctx, before)
	if err != nil {
		return nil, err
	}
	text := l.Text()
	again, err := accesslock.Parse("the new lock", text)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again.Text(), text) {
		return nil, errors.New("the lock does not read as it was written, so it is not written")
	}
	return text, nil
}

// readLock returns what stands in a lock, nothing if there is none.
func readLock(file string) ([]byte, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return readOrdinary(file)
}

// reportLines says which lines of a file came and went.
func reportLines(out io.Writer, file string, before, after []byte) error {
	was, is := lineSet(before), lineSet(after)
	added, removed := 0, 0
	for text := range is {
		if !was[text] {
			added++
		}
	}
	for text := range was {
		if !is[text] {
			removed++
		}
	}
	lines := "lines"
	if added == 1 {
		lines = "line"
	}
	what := fmt.Sprintf("%d %s added, %d removed", added, lines, removed)
	if len(before) == 0 {
		what = fmt.Sprintf("%d %s, all new", added, lines)
	}
	if _, err := fmt.Fprintf(out, "%s written: %s\n", file, what); err != nil || len(before) == 0 {
		return err
	}
	for _, side := range []struct {
		mark  string
		text  []byte
		other map[string]bool
	}{{"-", before, is}, {"+", after, was}} {
		for text := range strings.Lines(string(side.text)) {
			text = strings.TrimSpace(text)
			if isFact(text) && !side.other[text] {
				if _, err := fmt.Fprintf(out, "%s %s\n", side.mark, strings.TrimPrefix(text, "- ")); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func lineSet(text []byte) map[string]bool {
	set := map[string]bool{}
	for l := range strings.Lines(string(text)) {
		if l = strings.TrimSpace(l); isFact(l) {
			set[l] = true
		}
	}
	return set
}

// isFact reports whether a line of a lock says something.
func isFact(text string) bool { return strings.HasPrefix(text, "- ") }
