package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/cerbossuite"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func newExport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write suites in the form of other tools",
		Args:  unknownExport,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExportCerbos())
	return cmd
}

// unknownExport is the mistake of a form that there is not.
func unknownExport(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("nothing is exported as %q; want cerbos-tests", args[0])}
	}
	return nil
}

func newExportCerbos() *cobra.Command {
	var in input
	var t suiteRun
	var dir string
	var force bool
	cmd := &cobra.Command{
		Use:   "cerbos-tests",
		Short: "Write the suites as test suites of Cerbos's own",
		Long: `Write a *_test.yaml file for each suite, which cerbos compile runs: what the enforcement
point asks for each case, with the principals and the arguments, and what the policies have
to answer.

A case about all arguments becomes a call, or two where it depends on them, that shows
what it came to. What cannot be written is said, with the reason, and what is written has
been run as Cerbos runs it: what fails here fails there, and nothing else.

A file that was not written by this command is not replaced without --force. One that was,
and whose suite there is no more, is removed, unless only some suites are written.`,
		Example: `  mcpolicy export cerbos-tests
  mcpolicy export cerbos-tests -o policies/tests
  mcpolicy export cerbos-tests --suite 'Sales*' -o out && cerbos compile --tests out policies`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			in.suites = t.files
			return in.exportCerbos(cmd, &t, dir, force)
		},
	}
	in.flags(cmd)
	t.flags(cmd)
	t.filterFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&dir, "out", "o", "", "the `DIR` to write to (default: cerbos-tests beside the config)")
	f.BoolVar(&force, "force", false, "replace files that this command has not written, too")
	_ = cmd.MarkFlagDirname("out")
	return cmd
}

func (in *input) exportCerbos(cmd *cobra.Command, t *suiteRun, dir string, force bool) error {
	if len(in.pdp) > 0 {
		return usageError{errors.New("--pdp: suites are exported for the policies at hand; leave it out")}
	}
	w, err := in.load(cmd.Context(), true)
	if err != nil {
		return err
	}
	defer w.close()
	here, policies := w.here(in.given()), in.policies
	if here == nil {
		here = func(name string) string { return name }
	}
	if dir == "" {
		dir = w.from("cerbos-tests")
	}
	if policies == "" {
		policies = w.from(w.Config.Policies.Path)
	}
	filter, err := t.filter()
	if err != nil {
		return err
	}
	x, err := w.ExportCerbos(cmd.Context(), *filter)
	if err != nil {
		return err
	}
	out := lines{cmd.OutOrStdout()}
	reportLeft(out, x.Left, here)
	if len(x.Suites) == 0 {
		return errors.New("no case can be written as one of a Cerbos suite; nothing was written")
	}
	if err := writeSuites(dir, x.Suites, force); err != nil {
		return err
	}
	if err := reportExport(out, dir, x, policies); err != nil || filter.IsSet() || len(t.files) > 0 {
		return err // of some suites nothing follows for the others
	}
	return removeStale(out, dir, x.Suites)
}

// from returns the path of what is beside the config, from where the command runs.
func (s *session) from(name string) string {
	local := filepath.FromSlash(name)
	if s.folder == nil {
		return local
	}
	full := filepath.Join(absolute(s.folder.dir), local)
	if near, err := filepath.Rel(absolute(""), full); err == nil {
		return near
	}
	return full
}

// reportLeft says which cases are not written, a line for those of one place and reason.
func reportLeft(out io.Writer, list []cerbossuite.Left, here func(string) string) {
	for len(list) > 0 {
		first, n := list[0], 1
		for n < len(list) && list[n].Case.Pos == first.Case.Pos && list[n].Why == first.Why {
			n++
		}
		list = list[n:]
		at := first.Case.Pos
		at.File = here(at.File)
		text := report.About(first.Case)
		if n > 1 {
			text += fmt.Sprintf(", and %d more like it", n-1)
		}
		fmt.Fprintf(out, "left out  %s: %s: %s\n", at, text, first.Why)
	}
}

// reportExport says what was written, and how to run it.
func reportExport(out io.Writer, dir string, x *workspace.CerbosExport, policies string) error {
	failing := 0
	for _, s := range x.Suites {
		fmt.Fprintf(out, "%s  %s, %s\n", filepath.Join(dir, s.File), counted(s.Cases, "case"), counted(s.Decisions, "decision"))
		failing += s.Failing
	}
	written, decisions, left := x.Cases()
	text := fmt.Sprintf("%s with %s, which are %s for Cerbos", counted(len(x.Suites), "suite"), counted(written, "case"), counted(decisions, "decision"))
	if failing > 0 {
		text += fmt.Sprintf(", %d of which fail, as cases do here", failing)
	}
	if left > 0 {
		text += fmt.Sprintf("; %s left out", counted(left, "case"))
	}
	flag := ""
	if x.IgnoreSchemas {
		flag = "--ignore-schemas "
	}
	fmt.Fprintln(out, text)
	_, err := fmt.Fprintf(out, "run them with: cerbos compile %s--tests %s %s\n", flag, dir, policies)
	return err
}
