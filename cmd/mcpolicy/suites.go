package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// suiteRun is what the command line says about suites.
type suiteRun struct {
	files                            []string
	required                         bool // a run without any suite is a failure
	suites, tests, principals, items []string

	parsed []*testrunner.Suite
}

func (t *suiteRun) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&t.files, "tests", nil, "a suite `FILE` or a folder of them; may be repeated")
	_ = cmd.MarkFlagFilename("tests", "yaml")
}

func (t *suiteRun) filterFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&t.suites, "suite", nil, "only suites whose name matches `GLOB`")
	f.StringArrayVar(&t.tests, "run", nil, "only tests whose name matches `GLOB`")
	f.StringSliceVar(&t.principals, "principal", nil, "only cases about principals that match `GLOB`")
	f.StringArrayVar(&t.items, "tool", nil, "only cases about tools, prompts and resources that match `GLOB`")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"suite": complete((*completing).suiteNames), "run": complete((*completing).testNames),
		"principal": each(complete((*completing).principalsAndGroups)), "tool": complete(func(c *completing) { c.items(anyItem) }),
	})
}

func newTest() *cobra.Command {
	var in input
	var out output
	t := &suiteRun{required: true}
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Run the suites of expectations",
		Long: `Run the suites: who must be able to list and use what, with which arguments, and
who must not.

A name or a pattern that matches nothing is an error, not a pass.`,
		Example: `  mcpolicy test
  mcpolicy test --principal sally --tool 'get_*'
  mcpolicy test --tests tests/sales.yaml --format junit=report.xml`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runChecks(cmd, &in, &out, nil, t)
		},
	}
	in.flags(cmd)
	out.flags(cmd)
	t.flags(cmd)
	t.filterFlags(cmd)
	return cmd
}

func newCheck() *cobra.Command {
	var in input
	var out output
	var l linting
	var t suiteRun
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check everything: matrix, lint and suites",
		Long: `Check everything that the config describes: build the matrix, lint it, run the
suites. This is the command for CI.

The least that a config needs:

  servers:
    crm:
      manifest: crm.json        # the server's tools/list result, or fastmcp inspect
  policies: policies            # a folder of Cerbos policies
  principals: principals.yaml   # who there is
  tests: tests                  # a folder of suites; may be left out

With --pdp a running PDP decides instead of the embedded engine, and a cell that
it cannot decide ends the run with status 3. --compare-embedded reports where it
decides differently from the policies at hand: what production does is then not
what was reviewed.`,
		Example: `  mcpolicy check
  mcpolicy check -C services/crm
  mcpolicy check --format text --format junit=report.xml --format sarif=mcpolicy.sarif
  mcpolicy check --format github --format markdown=$GITHUB_STEP_SUMMARY
  mcpolicy check --pdp dns:///pdp.internal:3593 --pdp-ca ca.pem --compare-embedded
  mcpolicy check --pdp pdp-0:3593 --pdp pdp-1:3593 --pdp-timeout 5s`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runChecks(cmd, &in, &out, &l, &t)
		},
	}
	in.flags(cmd)
	out.flags(cmd)
	l.flags(cmd)
	t.flags(cmd)
	cmd.Flags().BoolVar(&in.compareEmbedded, "compare-embedded", false, "report where the PDP decides differently from the policies at hand")
	return cmd
}

// run runs the suites. Without any it returns nil, unless suites are
// all that was asked for.
func (t *suiteRun) run(ctx context.Context, w *workspace, m *matrix.Matrix) (*testrunner.Result, error) {
	if len(t.parsed) == 0 {
		if t.required {
			return nil, errors.New("nothing to test: name suites under tests in the config, or give --tests")
		}
		return nil, nil
	}
	result, err := testrunner.Run(ctx, &testrunner.Input{
		Suites: t.parsed, Matrix: m, Groups: w.principals.Groups,
		Filter: testrunner.Filter{Suites: t.suites, Tests: t.tests, Principals: t.principals, Items: t.items},
		Reopen: func(now time.Time, globals map[string]any) (pdp.Decider, error) { return w.reopen(ctx, now, globals) },
	})
	if errors.Is(err, testrunner.ErrNothingSelected) {
		return nil, usageError{err}
	}
	return result, err
}

// parse reads every suite that the command line or else the config names. All
// mistakes of all files are reported.
func (t *suiteRun) parse(w *workspace) error {
	var errs []error
	add := func(name string, data []byte, err error) {
		if err == nil {
			var parsed []*testrunner.Suite
			parsed, err = testrunner.Parse(filepath.ToSlash(name), data)
			t.parsed = append(t.parsed, parsed...)
		}
		errs = append(errs, err)
	}
	for _, given := range t.files {
		files, read := []string{given}, readOS
		if info, err := os.Stat(given); err == nil && info.IsDir() {
			below, err := suiteFiles(os.DirFS(given))
			errs = append(errs, err)
			files, read = nil, readOrdinary
			for _, f := range below {
				files = append(files, filepath.Join(given, filepath.FromSlash(f)))
			}
		}
		for _, f := range files {
			data, err := read(f)
			add(f, data, err)
		}
	}
	if len(t.files) > 0 {
		return errors.Join(errs...)
	}
	for _, p := range w.config.Tests {
		files := []string{p.Path}
		info, err := fs.Stat(w.folder, p.Path)
		if err != nil {
			errs = append(errs, w.named(p, either, err))
			continue
		}
		if info.IsDir() {
			sub, err := fs.Sub(w.folder, p.Path)
			errs = append(errs, err)
			below, err := suiteFiles(sub)
			errs = append(errs, err)
			files = nil
			for _, f := range below {
				files = append(files, path.Join(p.Path, f))
			}
			if len(below) == 0 {
				errs = append(errs, source.Errorf(p.Pos, "no suites below %s: it holds no .yaml file", p.Path))
			}
		}
		for _, f := range files {
			data, err := w.read(config.Path{Path: f, Pos: p.Pos})
			add(f, data, err)
		}
	}
	return errors.Join(errs...)
}

// suiteFiles lists the suites of a folder.
func suiteFiles(fsys fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != ".":
			return fs.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name))):
			files = append(files, name)
		}
		return nil
	})
	return files, err
}
