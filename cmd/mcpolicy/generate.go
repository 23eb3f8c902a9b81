package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/testgen"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// generation is what the command line says about suites to write.
type generation struct {
	wanted  bool
	missing workspace.Missing
	out     string
	force   bool
}

// name is the file that suites are written to where the command line names none.
func (g *generation) name() string {
	switch {
	case g.missing.Uncovered && g.missing.Survivors:
		return "missing.yaml"
	case g.missing.Uncovered:
		return "uncovered.yaml"
	case g.missing.Survivors:
		return "survivors.yaml"
	}
	return "generated.yaml"
}

func (g *generation) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&g.wanted, "generate", false, "write suites of what the policies decide today, and run none")
	f.StringVarP(&g.out, "output", "o", "", "with --generate, write to `FILE`, - for standard output (default: generated.yaml in the folder of suites)")
	f.BoolVar(&g.missing.Uncovered, "for-uncovered", false, "with --generate, write only cases that cover what no suite covers (uncovered.yaml)")
	f.BoolVar(&g.missing.Survivors, "for-survivors", false, "with --generate, write only cases that notice the mutants which no suite notices (survivors.yaml)")
	f.BoolVar(&g.force, "force", false, "with --generate, write over a file that is there")
	_ = cmd.MarkFlagFilename("output", "yaml")
}

// check refuses what does not go together.
func (g *generation) check(cmd *cobra.Command, in *input) error {
	if !g.wanted {
		if g.out != "" || g.force || g.missing != (workspace.Missing{}) {
			return usageError{errors.New("--output, --force, --for-uncovered and --for-survivors go with --generate")}
		}
		return nil
	}
	for _, name := range []string{"format", "tests", "suite", "run", "tool", "principal", "coverage", "min", "changed-since"} {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--generate writes suites of everything: leave --%s out", name)}
		}
	}
	if len(in.pdp) > 0 {
		return usageError{errors.New("--generate goes by the policies at hand: leave --pdp out")}
	}
	return nil
}

// run writes suites.
func (g *generation) run(cmd *cobra.Command, in *input) error {
	w, err := in.load(cmd.Context(), g.missing != (workspace.Missing{}))
	if err != nil {
		return err
	}
	defer w.close()
	file, hint, err := g.file(w)
	if err == nil && file != "" {
		err = g.apart(in, w, file)
	}
	if err != nil {
		return err
	}
	some := g.missing != (workspace.Missing{})
	var made *testgen.Suites
	if some {
		made, err = w.GenerateMissing(cmd.Context(), g.missing)
	} else {
		made, err = w.Generate(cmd.Context())
	}
	if some && errors.Is(err, testgen.ErrNothing) {
		fmt.Fprintln(lines{cmd.OutOrStdout()}, "no case is missing, so there is nothing to write")
		return nil
	}
	if errors.Is(err, testgen.ErrNothing) {
		return fmt.Errorf("no suites to write: %w", err)
	}
	if err != nil {
		return err
	}
	for _, what := range made.Unnoticed {
		fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: note: the suites may not notice it %s\n", what)
	}
	if g.out == "-" {
		_, err := cmd.OutOrStdout().Write(made.Text)
		return err
	}
	if g.out == "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil { //nolint:gosec // less what the umask says
			return fmt.Errorf("write %s: %w", file, err)
		}
	}
	if err := writeOut(file, made.Text); err != nil {
		return err
	}
	fmt.Fprintf(lines{cmd.OutOrStdout()}, "%s: %s, %s, all of which pass; read it before you commit it\n", filepath.ToSlash(file), counted(made.Tests, "test"), counted(made.Cases, "case"))
	if hint != "" {
		fmt.Fprintln(lines{cmd.OutOrStdout()}, hint)
	}
	return nil
}

// file returns where suites are to be written, and what has to be done for them to be run.
// What is there is not written over unless that is wanted.
func (g *generation) file(w *session) (file, hint string, err error) {
	switch {
	case g.out == "-":
		return "", "", nil
	case g.out != "":
		file = g.out
	case w.folder == nil:
		return "", "", usageError{errors.New("there is no config that names a folder of suites: say where to write with -o FILE")}
	default:
		name, named := suiteFolder(w)
		file = filepath.Join(w.folder.dir, filepath.FromSlash(path.Join(name, g.name())))
		if !named {
			hint = "for mcpolicy test and check to run it, add to the config: tests: " + name
		}
	}
	if _, err := os.Lstat(file); err == nil && !g.force {
		return "", "", usageError{fmt.Errorf("%s is there: write it anew with --force, or another file with -o FILE", filepath.ToSlash(file))}
	}
	return file, hint, nil
}

// apart refuses to write where something else than suites is read.
func (g *generation) apart(in *input, w *session, file string) error {
	at := placeOf(file)
	for _, o := range in.ingredients(w.Config, w.folder) {
		if o.what != suiteWhat && o.holds(at) {
			return usageError{fmt.Errorf("-o %s: it is or would be read as %s (%s); give the suites another file", filepath.ToSlash(file), o.what, o.name)}
		}
	}
	return nil
}

// suiteFolder returns the first folder of suites that a config names, or else where they
// are looked for by custom.
func suiteFolder(w *session) (name string, named bool) {
	for _, p := range w.Config.Tests {
		info, err := os.Stat(filepath.Join(w.folder.dir, filepath.FromSlash(p.Path)))
		if err == nil && info.IsDir() || err != nil && path.Ext(p.Path) == "" {
			return p.Path, true
		}
	}
	return "tests", false
}

// counted returns a number of things.
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
