package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func newReport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Write evidence for an access review, or merge reports",
		Long: `Reports beside those of the other commands: the evidence for a review of access, and
the reports of several runs as one.`,
		Example: `  mcpolicy report access --format csv >review.csv
  mcpolicy report merge shard-1.json shard-2.json --format junit=report.xml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var names []string
			for _, c := range cmd.Commands() {
				names = append(names, c.Name())
			}
			return usageError{fmt.Errorf("unknown command %q%s; mcpolicy report --help lists the reports", args[0], source.DidYouMean(args[0], names))}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newReportAccess(), newReportMerge())
	return cmd
}

// historyLimit is how many revisions are read unless the command line says otherwise.
const historyLimit = 50

// reviewing is what the command line says about a review.
type reviewing struct {
	since   string
	history int
}

func newReportAccess() *cobra.Command {
	var in input
	var out output
	var x reviewing
	cmd := &cobra.Command{
		Use:   "access",
		Short: "Write who may do what, why, since when, and who accepted it",
		Long: `Write the evidence for a review of access: for each declared principal and each tool,
prompt and resource what is granted, by which rules at file:line and on what condition,
since which commit, and which waiver accepts a finding about it. What is denied is left
out. --since adds what changed since the last review, and what was taken away.

The report says what it holds for: the engine, the commit that is checked out and which
files differ from it, the clock, and the SHA-256 of every file that was read. The digest
of several files is that of what sha256sum prints for them, sorted by name.

"Since" is the commit after whose parent the principal had no access at all, along the
first parents of the history; "unchanged since" the one that last changed the access or
the words of its condition. Revisions are decided as they stood, by this engine and this
clock, each time that files changed that the config names. Where no more can be read,
the report says "at or before": after --history of them, where a shallow clone ends, and
before a revision that cannot be loaded.

CSV has one table. A cell that a spreadsheet would take for a formula begins with an
apostrophe; so does one that begins with an apostrophe.`,
		Example: `  mcpolicy report access --format csv >review.csv
  mcpolicy report access --format html >review.html
  mcpolicy report access --since 2026-Q3 --format json
  mcpolicy report access --history 0        leave since when out`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if x.history < 0 {
				return usageError{fmt.Errorf("--history: want a number of revisions, have %d", x.history)}
			}
			write, err := writerOf(&out, report.ReviewFormats())
			if err != nil {
				return err
			}
			r, err := x.review(cmd.Context(), &in)
			if err != nil {
				return err
			}
			out.here = hereOf(cmd)
			defer begin(cmd.Context(), "writing the report")()
			return write(cmd.OutOrStdout(), r)
		},
	}
	in.configFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&out.formats, "format", nil, "write text, json, csv or html")
	f.StringVar(&out.color, "color", "auto", "colour: auto, always or never; NO_COLOR turns auto off")
	f.BoolVar(&out.ascii, "ascii", false, "use nothing but ASCII (default where the locale is not UTF-8)")
	f.BoolVar(&out.all, "all", false, "show all principals in text")
	f.StringVar(&x.since, "since", "", "say what changed since `REV`, that of the last review: what BASE of mcpolicy diff can be")
	f.IntVar(&x.history, "history", historyLimit, "read at most `N` revisions for since when; 0 for none")
	var formats []string
	for _, f := range report.ReviewFormats() {
		formats = append(formats, f.Name)
	}
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"format": cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp),
		"color":  cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp),
		"since": func(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
			return completeRevisions(cmd, nil, start)
		},
		"history": cobra.NoFileCompletions,
	})
	return cmd
}

// review puts the evidence together.
func (x *reviewing) review(ctx context.Context, in *input) (*report.Review, error) {
	now, err := in.clock()
	if err != nil {
		return nil, err
	}
	if now.IsZero() {
		in.started = time.Now() // the same for all revisions
	}
	tree, err := in.revision(ctx, "")
	if err != nil {
		return nil, err
	}
	defer tree.close()
	recorder := workspace.NewRecorder(tree.folder.FS)
	tree.folder.FS = recorder
	name := filepath.Base(tree.folder.config)
	if _, err := source.ReadFile(recorder, name); err != nil { // for its digest
		return nil, err
	}
	if tree.session, err = in.loadFrom(ctx, tree.config, tree.folder, now, false); err != nil {
		return nil, err
	}
	files := recorder.Digests(tree.config)
	r, err := tree.session.Review(ctx)
	if err != nil {
		return nil, err
	}
	r.Holds.Engine, r.Holds.Version, r.Holds.Files = engineVersion(), version(), files
	if err := x.past(ctx, in, r, recorder, tree, now); err != nil {
		return nil, err
	}
	if x.since != "" {
		if r.Changes, err = x.changes(ctx, in, tree); err != nil {
			return nil, err
		}
	}
	return r.Review, nil
}

// past says which revision is checked out, and since when grants are so.
func (x *reviewing) past(ctx context.Context, in *input, r *workspace.Reviewing, recorder *workspace.Recorder, tree *side, now time.Time) error {
	repo, err := openRepo(ctx, filepath.Dir(tree.folder.config))
	if err != nil {
		r.Holds.History = "none: this is in no git repository"
		return ctx.Err()
	}
	head, err := repo.resolve(ctx, "HEAD")
	if err != nil {
		r.Holds.History = "none: nothing is committed"
		return ctx.Err()
	}
	r.Holds.Revision = head
	if r.Holds.Dirty, err = repo.dirty(ctx, head, recorder, r.Holds.Files); err != nil {
		return err
	}
	if x.history == 0 {
		r.Holds.History = "not read"
		return nil
	}
	r.Now(&report.Since{})
	p := &past{in: in, repo: repo, config: filepath.Base(tree.folder.config), limit: x.history, now: now}
	r.Holds.History, err = p.trace(ctx, r, head)
	return err
}

// changes says what changed since the last review.
func (x *reviewing) changes(ctx context.Context, in *input, tree *side) (*report.Diff, error) {
	base, err := in.revision(ctx, x.since)
	if err != nil {
		return nil, err
	}
	defer base.close()
	return in.compare(ctx, base, tree, &comparing{failOn: "never"})
}
