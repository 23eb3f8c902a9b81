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

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// recording is what the command line says about a baseline to write.
type recording struct {
	file               string
	only, skip         []string
	check, prune, diff bool
}

func newBaseline() *cobra.Command {
	var in input
	var x recording
	cmd := &cobra.Command{
		Use:   "baseline",
		Short: "Write down what is found today, so that only what is new fails",
		Long: `Write mcpolicy-baseline.yaml beside the config, or what lint.baseline in the config names: each
finding that counts today, by rule and cause, with the items and principals that it affects.
Commit it. From then on check and lint count only what is not in it: another cause, or one
that comes to affect another tool or principal. Reports say how many findings are known;
with --all, and in JSON, they show them, and --no-baseline counts them.

What is mended is reported, and stays in the file until --prune takes it out, or until the
file is written anew. A waiver is for what is meant to stay, with a reason; the baseline is
for what is to be mended. What is waived is not in it, nor what is found of waivers.

The file is sorted, a name a line, without dates or places, so that a pull request shows what
somebody wants to be known. Names are no globs. A file that cannot be read to its end, or that
names a rule that there is not, ends a run with status 2.

With --rule or --skip the entries of other rules stay as they are. --check compares: status 1 if
the file is not what would be written. --diff shows what would change, and writes nothing.`,
		Example: `  mcpolicy baseline                            and commit mcpolicy-baseline.yaml
  mcpolicy baseline --rule wildcard-role       only what this rule finds
  mcpolicy baseline --prune                    take out what is mended
  mcpolicy baseline --diff                     what would change?
  mcpolicy baseline --check                    is it what would be written? status 1 if not`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return x.run(cmd, &in) },
	}
	in.configFlags(cmd)
	f := cmd.Flags()
	baselineFlag(cmd, &x.file)
	f.StringSliceVar(&x.only, "rule", nil, "write what the lint rule `ID` finds, and leave other entries as they are; may be repeated")
	f.StringSliceVar(&x.skip, "skip", nil, "leave entries of the lint rule `ID` as they are; may be repeated")
	f.BoolVar(&x.check, "check", false, "compare, and write nothing: status 1 if the file is not what would be written")
	f.BoolVar(&x.prune, "prune", false, "only take out what is not found any more")
	f.BoolVar(&x.diff, "diff", false, "show the change, and write nothing")
	completeFlags(cmd, map[string]cobra.CompletionFunc{"rule": each(completeRules), "skip": each(completeRules)})
	return cmd
}

// baselineFlag adds the flag that names a baseline.
func baselineFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "baseline", "", "the `FILE` of findings that are known (default: the config's lint.baseline, or mcpolicy-baseline.yaml beside it)")
	_ = cmd.MarkFlagFilename("baseline", "yaml")
}

// A baselineFile is a baseline where it stands or is to stand.
type baselineFile struct {
	path   string // as the system has it
	name   string // in messages
	text   []byte // nil if it is not there
	before *lint.Baseline
}

func (x *recording) run(cmd *cobra.Command, in *input) error {
	l := linting{only: x.only, skip: x.skip}
	if err := l.check(); err != nil {
		return err
	}
	if !x.diff && !x.check {
		unlock, err := in.lockConfig(cmd.Context())
		if err != nil {
			return err
		}
		defer unlock()
	}
	in.baseline = x.file
	w, err := in.load(cmd.Context(), false)
	if err != nil {
		return err
	}
	defer w.close()
	file, err := x.open(w)
	if err != nil {
		return err
	}
	if err := in.apartFrom(w, file.path); err != nil {
		return err
	}
	after, findings, err := x.after(cmd.Context(), w, file.before)
	if err != nil {
		return err
	}
	text, err := written(after, file.name)
	if err != nil {
		return err
	}
	return x.conclude(cmd.OutOrStdout(), file, text, after, findings)
}

// open reads the baseline that is there. What is no baseline is not written over.
func (x *recording) open(w *session) (*baselineFile, error) {
	f := &baselineFile{path: x.file, name: filepath.ToSlash(x.file)}
	if x.file == "" {
		f.name = w.BaselineFile()
		f.path = filepath.Join(w.folder.dir, filepath.FromSlash(f.name))
		before, err := w.Baseline() // through the folder, which nothing leads out of
		if err != nil || before == nil {
			f.before = &lint.Baseline{}
			return f, err
		}
	}
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		f.before = &lint.Baseline{}
		return f, nil
	}
	var err error
	if f.text, err = readOrdinary(f.path); err != nil {
		return nil, usageError{err}
	}
	if f.before, err = lint.ParseBaseline(f.name, f.text); err != nil {
		return nil, usageError{err}
	}
	return f, nil
}

// apartFrom refuses to write where something else is read.
func (in *input) apartFrom(w *session, file string) error {
	at := placeOf(file)
	for _, o := range in.ingredients(w.Config, w.folder) {
		if o.what != baselineWhat && o.holds(at) {
			return usageError{fmt.Errorf("--baseline: %s is or would be read as %s (%s); give the baseline another file", file, o.what, o.name)}
		}
	}
	return nil
}

// after returns the baseline as it is to be, and what is found.
func (x *recording) after(ctx context.Context, w *session, before *lint.Baseline) (*lint.Baseline, []lint.Finding, error) {
	rules := workspace.Rules{Only: x.only, Skip: x.skip, IgnoreBaseline: true}
	d, err := w.Check(ctx, workspace.Checks{Lint: &rules})
	switch {
	case err != nil:
		return nil, nil, err
	case d.Doubt != nil:
		return nil, nil, d.Doubt // nothing can be known by cells that are no answer
	case x.prune:
		return before.Pruned(d.Findings, w.Ran(rules)), d.Findings, nil
	}
	return before.Renewed(d.Findings, w.Ran(rules)), d.Findings, nil
}

// written returns the text of a baseline, which is read back first.
func written(b *lint.Baseline, name string) ([]byte, error) {
	text := b.Text()
	again, err := lint.ParseBaseline(name, text)
	if err == nil && !bytes.Equal(again.Text(), text) {
		err = errors.New("it does not read as it is written")
	}
	if err != nil {
		return nil, fmt.Errorf("the baseline is not written: %w", err)
	}
	return text, nil
}

// conclude writes the baseline, or says what would change.
func (x *recording) conclude(out io.Writer, f *baselineFile, text []byte, after *lint.Baseline, findings []lint.Finding) error {
	same := bytes.Equal(f.text, text)
	if x.diff && !same {
		if err := writeLines(out, string(diff.Diff(f.name, f.text, f.name, text))); err != nil {
			return err
		}
	}
	to := lines{out}
	var err error
	switch {
	case same:
		_, err = fmt.Fprintf(to, "%s is up to date: %s\n", f.name, knownCount(after))
	case f.text == nil && x.prune:
		return usageError{fmt.Errorf("there is no %s; write it with mcpolicy baseline", f.name)}
	case f.text == nil && after.Findings() == 0:
		_, err = fmt.Fprintln(to, "there is nothing to write down: no findings count")
		return err // and no file says so, too
	case x.diff || x.check:
		_, err = fmt.Fprintf(to, "%s is not what would be written: %s\n", f.name, changeWords(f.before, after))
	default:
		if err := f.replace(text); err != nil {
			return err
		}
		_, err = fmt.Fprintf(to, "%s written: %s, %s\n", f.name, knownCount(after), changeWords(f.before, after))
	}
	if err == nil {
		err = x.besides(to, after, findings)
	}
	if err == nil && x.check && !same {
		return errFindings
	}
	return err
}

// replace writes the file, unless another did since it was read.
func (f *baselineFile) replace(text []byte) error {
	return replaceFile(f.path, func(to io.Writer) error {
		_, err := to.Write(text)
		return err
	}, func() error {
		now, err := os.ReadFile(f.path)
		if f.text == nil && errors.Is(err, fs.ErrNotExist) || err == nil && f.text != nil && bytes.Equal(now, f.text) {
			return nil
		}
		return errors.New("it has changed since it was read, so it is left as it is; try again")
	})
}

func knownCount(b *lint.Baseline) string {
	if n := b.Findings(); n != 1 {
		return fmt.Sprintf("%d findings are known", n)
	}
	return "1 finding is known"
}

// changeWords says how many findings a baseline knows that another does not, and less.
func changeWords(before, after *lint.Baseline) string {
	added, removed, changed := before.Compare(after)
	return fmt.Sprintf("%d added, %d removed, %d changed", added, removed, changed)
}

// besides says what is not in the baseline although it is found, and how to see what is.
func (x *recording) besides(out io.Writer, after *lint.Baseline, findings []lint.Finding) error {
	errs, others := 0, 0
	for i := range findings {
		switch f := &findings[i]; {
		case f.Waived:
		case !after.Has(f):
			others++
		case f.Severity == authz.SeverityError:
			errs++
		}
	}
	for _, line := range []struct {
		n    int
		text string
	}{
		{errs, "%s of severity error among what is known: mcpolicy lint --no-baseline shows all"},
		{others, "%s not in it, which count: mcpolicy lint shows them"},
	} {
		if line.n == 0 {
			continue
		}
		if _, err := fmt.Fprintf(out, line.text+"\n", findingCount(line.n)); err != nil {
			return err
		}
	}
	return nil
}

func findingCount(n int) string {
	if n == 1 {
		return "1 finding is"
	}
	return fmt.Sprintf("%d findings are", n)
}

// readBaseline reads the baseline that the command line names.
func readBaseline(file string) (*lint.Baseline, error) {
	data, err := readOS(file)
	if err != nil {
		return nil, usageError{err}
	}
	b, err := lint.ParseBaseline(filepath.ToSlash(file), data)
	if err != nil {
		return nil, usageError{errors.Join(source.Mistakes(err)...)}
	}
	return b, nil
}
