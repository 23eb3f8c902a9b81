package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// fixing is what the command line says about correcting policies.
type fixing struct {
	fix, widening, diff bool
}

func (x *fixing) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&x.fix, "fix", false, "correct what is beyond doubt in the policies and cannot give anybody more access, and report what remains")
	f.BoolVar(&x.widening, "fix-widening", false, "as --fix, and make the corrections too that can give somebody more access")
	f.BoolVar(&x.diff, "diff", false, "print what --fix and --fix-widening would change, and change nothing; the status is 1 if that is something, 0 if not")
}

// asked reports whether anything is to be corrected or shown.
func (x *fixing) asked() bool { return x.fix || x.widening || x.diff }

// run lints, corrects the policies or shows how, and reports what remains.
func (x *fixing) run(cmd *cobra.Command, in *input, out *output, l *linting) error {
	ctx := cmd.Context()
	targets, err := out.targets()
	if err := errors.Join(err, l.check(), x.check(in, out)); err != nil {
		return err
	}
	in.writes, in.baseline = targets, l.baseline
	w, err := in.load(ctx, false)
	if err != nil {
		return err
	}
	defer w.close()
	rules := l.rules()
	checks := workspace.Checks{Lint: &rules}
	d, err := w.Check(ctx, checks)
	if err != nil {
		return err
	}
	list, err := w.Proposals(ctx, d.Findings)
	if err != nil {
		return err
	}
	if x.diff {
		err := x.show(cmd, in, w, list, l.threshold(w))
		if d.Doubt != nil && (err == nil || errors.Is(err, errFindings)) {
			return d.Doubt
		}
		return err
	}
	made, refused := w.Correct(chosen(list, x.widening))
	said(list, refused, x.widening, logTo(cmd))
	if len(made) > 0 {
		if _, err := w.TryOut(ctx, made); err != nil {
			return err
		}
		if err := w.replacePolicies(in, made); err != nil {
			return err
		}
		again, err := in.load(ctx, false)
		if err != nil {
			return err
		}
		defer again.close()
		if d, err = again.Check(ctx, checks); err != nil {
			return err
		}
	}
	l.leaveOut(d)
	return w.conclude(cmd, out, targets, d, l.threshold(w), in.given())
}

// logTo returns a function that writes a line of diagnostics.
func logTo(cmd *cobra.Command) func(format string, args ...any) {
	return func(format string, args ...any) {
		fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: "+format+"\n", args...)
	}
}

// show prints what would change: first the corrections that cannot widen
// access, then what those that can change besides. As with diff, it is a
// difference that makes the status 1, unless nothing is to fail the run.
func (x *fixing) show(cmd *cobra.Command, in *input, w *session, list []workspace.Proposal, failOn authz.Severity) error {
	all, refused := w.Correct(list)
	said(list, refused, true, logTo(cmd))
	if len(all) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "mcpolicy: nothing to correct")
		return nil
	}
	if _, err := w.TryOut(cmd.Context(), all); err != nil {
		return err
	}
	first, _ := w.Correct(workspace.Safe(list))
	then := workspace.Besides(first, all)
	out, inRepository := cmd.OutOrStdout(), w.inRepository(in.given())
	for _, part := range []struct {
		title string
		list  []*workspace.Correction
	}{
		{"# --fix: cannot give anybody more access", first},
		{"# --fix-widening: can give somebody more access", then},
	} {
		if len(part.list) == 0 {
			continue
		}
		if len(then) > 0 {
			fmt.Fprintln(out, part.title) //nolint:errcheck // the diff reports it
		}
		if err := writeDiff(out, part.list, inRepository); err != nil {
			return err
		}
	}
	if failOn == authz.SeverityOff {
		return nil
	}
	return errFindings
}

// check finds mistakes on the command line before any work is done.
func (x *fixing) check(in *input, out *output) error {
	switch {
	case len(in.pdp) > 0:
		return usageError{errors.New("--fix corrects the policies at hand, which are not those of a running PDP: leave --pdp out")}
	case x.diff && len(out.formats) > 0:
		return usageError{errors.New("--diff prints a diff in place of a report: leave --format out")}
	}
	return nil
}

// chosen returns the proposals that are to be made.
func chosen(list []workspace.Proposal, widening bool) []workspace.Proposal {
	if widening {
		return list
	}
	return workspace.Safe(list)
}

// policyRoot opens the folder of the policies for writing.
func (s *session) policyRoot(in *input) (*os.Root, error) {
	if in.policies != "" {
		return os.OpenRoot(in.policies)
	}
	root, err := os.OpenRoot(s.folder.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	return root.OpenRoot(filepath.FromSlash(s.Config.Policies.Path))
}

// replacePolicies writes corrections into the folder of the policies.
func (s *session) replacePolicies(in *input, list []*workspace.Correction) error {
	root, err := s.policyRoot(in)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // what was written has been closed
	return replace(root, list)
}

// plainError returns what went wrong without the name of the file.
func plainError(err error) error {
	var inFile *fs.PathError
	if errors.As(err, &inFile) {
		return inFile.Err
	}
	return err
}

// replace writes the corrections: each beside its place, and when all are whole
// they are moved there. A file that has changed since it was read stays.
func replace(root *os.Root, list []*workspace.Correction) (err error) {
	var temps []string
	defer func() {
		for _, temp := range temps {
			if gone := root.Remove(temp); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}()
	for _, c := range list {
		info, err := root.Lstat(c.Name)
		if err != nil {
			return source.Errorf(source.Pos{File: c.File}, "write: %w", plainError(err))
		}
		temp := path.Join(path.Dir(c.Name), fmt.Sprintf(".mcpolicy-%d-%s", os.Getpid(), path.Base(c.Name)))
		file, err := root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return source.Errorf(source.Pos{File: c.File}, "write: %w", plainError(err))
		}
		temps = append(temps, temp)
		_, err = file.Write(c.New)
		if err := errors.Join(err, file.Chmod(info.Mode().Perm()), file.Sync(), file.Close()); err != nil {
			return source.Errorf(source.Pos{File: c.File}, "write: %w", err)
		}
	}
	for i, c := range list {
		if now, err := root.ReadFile(c.Name); err != nil || !bytes.Equal(now, c.Old) {
			return source.Errorf(source.Pos{File: c.File}, "it has changed since it was read, so it is left as it is")
		}
		if err := root.Rename(temps[i], c.Name); err != nil {
			return source.Errorf(source.Pos{File: c.File}, "write: %w", plainError(err))
		}
	}
	return nil
}

// writeDiff shows the corrections as a unified diff, with paths below the root
// of the repository. Policies may be a stranger's, so its lines are inert.
func writeDiff(w io.Writer, list []*workspace.Correction, inRepository func(string) string) error {
	for _, c := range list {
		name := inRepository(c.File)
		if err := writeLines(w, string(diff.Diff(source.Printable("a/"+name), c.Old, source.Printable("b/"+name), c.New))); err != nil {
			return fmt.Errorf("write the diff: %w", err)
		}
	}
	return nil
}
