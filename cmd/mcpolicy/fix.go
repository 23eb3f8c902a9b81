package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
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
	in.writes = targets
	w, err := in.load(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	start := time.Now()
	m, err := w.decide(cmd)
	if err != nil {
		return err
	}
	d := &report.Document{Scope: report.ScopeOf(m), Notes: w.notes(), Linted: true}
	if d.Findings, err = l.findings(ctx, w, m, nil); err != nil {
		return err
	}
	root, err := w.policyRoot(in)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // what was written has been closed
	list := w.proposals(d.Findings)
	if err := w.confirm(ctx, root, list); err != nil {
		return err
	}
	if x.diff {
		return overridden(w.doubt(d, m), x.show(cmd, in, w, root, list, l.threshold(w.config)))
	}
	made, refused := corrections(root, w.options.Prefix, chosen(list, x.widening))
	said(list, refused, x.widening, logTo(cmd))
	if len(made) > 0 {
		if _, err := w.tryOut(ctx, made); err != nil {
			return err
		}
		if err := replace(root, made); err != nil {
			return err
		}
		again, err := in.load(ctx)
		if err != nil {
			return err
		}
		defer again.close()
		if m, err = again.decide(cmd); err != nil {
			return err
		}
		if d.Findings, err = l.findings(ctx, again, m, nil); err != nil {
			return err
		}
		d.Scope = report.ScopeOf(m)
	}
	noAnswer := w.doubt(d, m)
	d.Elapsed = time.Since(start)
	return overridden(noAnswer, w.conclude(cmd, out, targets, d, l.threshold(w.config), in.given()))
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
func (x *fixing) show(cmd *cobra.Command, in *input, w *workspace, root *os.Root, list []proposal, failOn lint.Severity) error {
	all, refused := corrections(root, w.options.Prefix, list)
	said(list, refused, true, logTo(cmd))
	if len(all) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "mcpolicy: nothing to correct")
		return nil
	}
	if _, err := w.tryOut(cmd.Context(), all); err != nil {
		return err
	}
	first, _ := corrections(root, w.options.Prefix, safe(list))
	then := besides(first, all)
	out, inRepository := cmd.OutOrStdout(), w.inRepository(in.given())
	for _, part := range []struct {
		title string
		list  []*correction
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
	if failOn == lint.Off {
		return nil
	}
	return errFindings
}

// besides returns what corrections change in files that others have changed
// already.
func besides(first, all []*correction) []*correction {
	var list []*correction
	for _, c := range all {
		rest := *c
		if i := slices.IndexFunc(first, func(f *correction) bool { return f.file == c.file }); i >= 0 {
			rest.old = first[i].new
		}
		if !bytes.Equal(rest.old, rest.new) {
			list = append(list, &rest)
		}
	}
	return list
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

// decide builds the matrix and shows how far it is.
func (w *workspace) decide(cmd *cobra.Command) (*matrix.Matrix, error) {
	bar := newProgress(cmd.ErrOrStderr(), "deciding")
	defer bar.done()
	return w.build(cmd.Context(), bar.report)
}

// A correction is a file of the policies with edits made.
type correction struct {
	file     string // as positions have it
	name     string // below the policies
	old, new []byte
	mode     fs.FileMode
}

// chosen returns the proposals that are to be made.
func chosen(list []proposal, widening bool) []proposal {
	if widening {
		return list
	}
	return safe(list)
}

// corrections makes proposals, in memory, and says why it refuses some.
func corrections(root *os.Root, prefix string, proposed []proposal) ([]*correction, map[fix.Edit]string) {
	edits := map[string][]fix.Edit{}
	for _, p := range proposed {
		edits[p.Pos.File] = append(edits[p.Pos.File], p.Edit)
	}
	var list []*correction
	refused := map[fix.Edit]string{}
	for _, file := range slices.Sorted(maps.Keys(edits)) {
		c, err := readCorrection(root, prefix, file)
		if err != nil {
			for _, e := range edits[file] {
				refused[e] = err.Error()
			}
			continue
		}
		var refusals []fix.Refusal
		c.new, refusals = fix.Apply(c.old, edits[file])
		for _, r := range refusals {
			refused[r.Edit] = r.Why
		}
		if !bytes.Equal(c.old, c.new) {
			list = append(list, c)
		}
	}
	return list, refused
}

// readCorrection reads a file of the policies that may be replaced.
func readCorrection(root *os.Root, prefix, file string) (*correction, error) {
	name := file
	if prefix != "." {
		below, ok := strings.CutPrefix(file, strings.TrimSuffix(prefix, "/")+"/")
		if !ok {
			return nil, errors.New("it is not below the policies")
		}
		name = below
	}
	for part := name; part != "."; part = path.Dir(part) {
		info, err := root.Lstat(filepath.FromSlash(part))
		switch {
		case err != nil:
			return nil, plainError(err)
		case info.Mode()&fs.ModeSymlink != 0:
			return nil, errors.New("symbolic links are not written through")
		case part == name && !info.Mode().IsRegular():
			return nil, errors.New("it is no ordinary file")
		}
	}
	info, err := root.Lstat(filepath.FromSlash(name))
	if err != nil {
		return nil, plainError(err)
	}
	data, err := root.ReadFile(filepath.FromSlash(name))
	if err != nil {
		return nil, plainError(err)
	}
	return &correction{file: file, name: name, old: data, mode: info.Mode().Perm()}, nil
}

// plainError returns what went wrong without the name of the file.
func plainError(err error) error {
	var inFile *fs.PathError
	if errors.As(err, &inFile) {
		return inFile.Err
	}
	return err
}

// tryOut loads the policies as they are after the corrections. It fails if the
// engine does not take them.
func (w *workspace) tryOut(ctx context.Context, list []*correction) (*pdp.Engine, error) {
	files := map[string][]byte{}
	for _, c := range list {
		files[c.name] = c.new
	}
	fsys := overlay{w.policyFS, files}
	var engine *pdp.Engine
	_, err := policy.Load(fsys, w.options.Prefix)
	if err == nil {
		engine, err = pdp.Open(ctx, fsys, w.options)
	}
	if err != nil {
		return nil, errors.Join(errors.New("nothing is fixed: with the changes the policies would not load"), err)
	}
	return engine, nil
}

// policyRoot opens the folder of the policies for writing.
func (w *workspace) policyRoot(in *input) (*os.Root, error) {
	if in.policies != "" {
		return os.OpenRoot(in.policies)
	}
	root, err := os.OpenRoot(w.folder.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	return root.OpenRoot(filepath.FromSlash(w.config.Policies.Path))
}

// replace writes the corrections: each beside its place, and when all are whole
// they are moved there. A file that has changed since it was read stays.
func replace(root *os.Root, list []*correction) (err error) {
	var temps []string
	defer func() {
		for _, temp := range temps {
			if gone := root.Remove(temp); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}()
	for _, c := range list {
		temp := path.Join(path.Dir(c.name), fmt.Sprintf(".mcpolicy-%d-%s", os.Getpid(), path.Base(c.name)))
		file, err := root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return source.Errorf(source.Pos{File: c.file}, "write: %w", plainError(err))
		}
		temps = append(temps, temp)
		_, err = file.Write(c.new)
		if err := errors.Join(err, file.Chmod(c.mode), file.Sync(), file.Close()); err != nil {
			return source.Errorf(source.Pos{File: c.file}, "write: %w", err)
		}
	}
	for i, c := range list {
		if now, err := root.ReadFile(c.name); err != nil || !bytes.Equal(now, c.old) {
			return source.Errorf(source.Pos{File: c.file}, "it has changed since it was read, so it is left as it is")
		}
		if err := root.Rename(temps[i], c.name); err != nil {
			return source.Errorf(source.Pos{File: c.file}, "write: %w", plainError(err))
		}
	}
	return nil
}

// writeDiff shows the corrections as a unified diff, with paths below the root
// of the repository. Policies may be a stranger's, so its lines are inert.
func writeDiff(w io.Writer, list []*correction, inRepository func(string) string) error {
	for _, c := range list {
		name := inRepository(c.file)
		if err := writeLines(w, string(diff.Diff(source.Printable("a/"+name), c.old, source.Printable("b/"+name), c.new))); err != nil {
			return fmt.Errorf("write the diff: %w", err)
		}
	}
	return nil
}

// An overlay is a folder with other content in some of its files.
type overlay struct {
	fs.FS
	files map[string][]byte
}

// Open opens a file with its other content, if it has some.
func (o overlay) Open(name string) (fs.File, error) {
	file, err := o.FS.Open(name)
	data, other := o.files[name]
	if err != nil || !other {
		return file, err
	}
	return overlaid{file, bytes.NewReader(data)}, nil
}

// overlaid is an open file with other content.
type overlaid struct {
	fs.File
	content *bytes.Reader
}

// Read reads the other content.
func (o overlaid) Read(b []byte) (int, error) { return o.content.Read(b) }

// Stat describes the file with the size of the other content.
func (o overlaid) Stat() (fs.FileInfo, error) {
	info, err := o.File.Stat()
	return resized{info, o.content.Size()}, err
}

type resized struct {
	fs.FileInfo
	size int64
}

// Size returns the size of the other content.
func (r resized) Size() int64 { return r.size }
