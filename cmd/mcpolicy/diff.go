package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// comparing is what the command line says about how changes are judged.
type comparing struct {
	failOn string
	beside bool // beside what else is checked, so that a budget alone fails
}

func (c *comparing) valid() error {
	flag := "--fail-on"
	if c.beside {
		flag = "--fail-on-access"
	}
	if _, ok := config.ParseDiffFailOn(c.failOn); !ok && c.failOn != "" {
		return usageError{fmt.Errorf(flag+": want %s, have %q", strings.Join(config.DiffFailOns(), ", "), c.failOn)}
	}
	return nil
}

func newDiff() *cobra.Command {
	var in input
	var out output
	var c comparing
	var save, by string
	cmd := &cobra.Command{
		Use:   "diff BASE [HEAD]",
		Short: "Show who gains and who loses access between two revisions",
		Long: `Show who gains and who loses access from BASE to HEAD: not which lines changed, but
which cells of the matrix, for the declared principals and for anybody by role.

BASE and HEAD are git revisions of the repository that holds the config, folders with
a config, or files that --save wrote. Without HEAD it is the working tree. Revisions are
read without checking them out. A saved matrix (--format json of matrix or check) does
as BASE too, but where both sides are conditional it leaves unknown which is wider.

Conditions are compared as the sets of calls that they let through: a refactoring is
no difference. What widened or narrowed is shown with a call that the engine allows on
one side and denies on the other, and with the rules at file:line that did it.

Exit status: 1 with --fail-on widened (the default) if somebody gains, or might; with a
budget under diff in mcpolicy.yaml only beyond it; with any for every difference.`,
		Example: `  mcpolicy diff main                        the working tree against a branch
  mcpolicy diff HEAD~1 HEAD --format markdown
  mcpolicy diff main --by rule
  mcpolicy diff main --summary              who gains and loses what, and no more
  mcpolicy diff ../before ../after          two folders
  mcpolicy diff --save base.json            what the working tree is, to be a base later
  mcpolicy diff base.json --fail-on any`,
		Args: func(cmd *cobra.Command, args []string) error {
			most := 2
			if save != "" {
				most = 0
			}
			if save == "" && len(args) == 0 || len(args) > most {
				return usageArgs(cobra.RangeArgs(1, 2))(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: completeRevisions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.valid(); err != nil {
				return err
			}
			if by != "who" && by != "rule" {
				return usageError{fmt.Errorf("--by: want who or rule, have %q", by)}
			}
			out.byRule = by == "rule"
			if save != "" {
				return in.save(cmd.Context(), save)
			}
			targets, err := out.targets()
			if err != nil {
				return err
			}
			in.writes = targets
			return in.diff(cmd, &out, &c, targets, args)
		},
	}
	f := cmd.Flags()
	in.configFlags(cmd)
	out.flags(cmd)
	f.StringVar(&c.failOn, "fail-on", "", "exit with 1 on `WHAT`: widened, any or never (default: the config's, or widened)")
	f.StringVar(&by, "by", "who", "text and Markdown: group by `WHAT`, who or rule")
	f.BoolVar(&out.summary, "summary", false, "text and Markdown: a sentence for each change, without conditions, calls and rules")
	f.StringVar(&save, "save", "", "write what the working tree is to `FILE`, to be BASE or HEAD later")
	completeFlag(cmd, "by", cobra.FixedCompletions([]string{"who", "rule"}, cobra.ShellCompDirectiveNoFileComp))
	completeFlag(cmd, "fail-on", cobra.FixedCompletions(config.DiffFailOns(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// diff compares two revisions and writes the reports.
func (in *input) diff(cmd *cobra.Command, out *output, c *comparing, targets []target, args []string) error {
	ctx := cmd.Context()
	name := ""
	if len(args) == 2 {
		name = args[1]
	}
	head, err := in.revision(ctx, name)
	if err != nil {
		return err
	}
	defer head.close()
	base, err := in.revision(ctx, args[0])
	if err != nil {
		return err
	}
	defer base.close()
	switch {
	case head.saved != nil:
		return usageError{fmt.Errorf("%s is a matrix, which does as BASE only; mcpolicy diff --save writes what does as HEAD", head.name)}
	case head.missing != "":
		return usageError{errors.New(head.missing)}
	}
	d, err := in.compare(ctx, base, head, c)
	if err != nil {
		return err
	}
	doc := &report.Document{Notes: head.session.Notes()}
	if detailed(targets) {
		doc.Matrix = d.Result.Head
		if err := doc.Matrix.Decide(ctx, doc.Matrix.Columns); err != nil {
			return err
		}
		if err := workspace.Stable(doc.Matrix, doc.Matrix.Columns); err != nil {
			return err
		}
		if doc.Details, err = head.session.Details(ctx, doc.Matrix); err != nil {
			return err
		}
	}
	doc.SetDiff(d)
	if base.session != nil {
		out.was = base.session.here(nil)
	}
	return head.session.conclude(cmd, out, targets, doc, authz.SeverityOff, nil)
}

// compare loads both revisions, as far as they are not, and says what changed.
func (in *input) compare(ctx context.Context, base, head *side, c *comparing) (*report.Diff, error) {
	if err := in.loadBoth(ctx, base, head); err != nil {
		return nil, err
	}
	w := head.session.Workspace
	var r *diff.Result
	var err error
	switch {
	case base.saved != nil:
		r, err = w.DiffSaved(ctx, base.saved)
	case base.missing != "":
		r, err = w.Diff(ctx, nil)
	default:
		r, err = w.Diff(ctx, base.session.Workspace)
	}
	if err != nil {
		return nil, err
	}
	return c.report(w.Config.Diff, base, head, r), nil
}

// report returns what changed, and how that is judged.
func (c *comparing) report(cfg config.Diff, base, head *side, r *diff.Result) *report.Diff {
	judged := c.judged(cfg)
	if base.config != nil {
		judged = judged.Stricter(c.judged(base.config.Diff))
	}
	d := report.NewDiff(r, base.name, head.name, judged.FailOn, judged.Budget)
	d.Missing = base.missing
	return d
}

// judged returns how a config and the command line want changes to be judged.
func (c *comparing) judged(cfg config.Diff) config.Diff {
	switch {
	case c.failOn != "":
		cfg.FailOn, _ = config.ParseDiffFailOn(c.failOn)
	case cfg.FailOn == config.FailBudget && !c.beside:
		cfg.FailOn = config.FailWidened
	}
	return cfg
}

// save writes what the working tree is.
func (in *input) save(ctx context.Context, file string) error {
	tree, err := in.revision(ctx, "")
	if err != nil {
		return err
	}
	defer tree.close()
	in.writes = []target{{file: file}}
	recorder := workspace.NewRecorder(tree.folder.FS)
	tree.folder.FS = recorder
	if tree.session, err = in.loadFrom(ctx, tree.config, tree.folder, time.Time{}, false); err != nil {
		return err
	}
	name := filepath.Base(tree.folder.config)
	config, err := source.ReadFile(recorder, name)
	if err != nil {
		return err
	}
	text, err := recorder.Snapshot(name, config)
	if err != nil {
		return err
	}
	return replaceFile(file, func(w io.Writer) error { _, err := w.Write(text); return err })
}
