package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/report"
)

// merging is what the command line says about reports to merge.
type merging struct {
	labels []string
	failOn string
}

func newReportMerge() *cobra.Command {
	var out output
	var x merging
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Join the JSON of several runs into one report",
		Long: `Join the reports of several runs, of shards or of repositories, into one. Each FILE is
what check, lint, test, prove, matrix, diff or probe wrote with --format json.

What several files tell of the same thing has to be the same: a cell, a finding or a case
that they tell differently is an error with both places. Of a run that test --shard split
all shards are wanted. --label, given once for each
FILE in their order, puts a name before the servers and files of each, so that those of
different repositories stay apart.

Any format can be written. A matrix is shown as a table where the cells of all principals
are told; one in numbers (--summary) only JSON and JSON Lines have. JSON does not say
which roles principals have, nor what stands in front of a server.

Exit status: 1 if one of the runs failed (cases, drift, changes), or if a finding does
from --fail-on on; 3 if one of them cannot be read, or was in doubt.`,
		Example: `  mcpolicy report merge shard-1.json shard-2.json --format junit=report.xml
  mcpolicy report merge crm.json wiki.json --label crm --label wiki --format markdown`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return x.run(cmd, &out, args) },
	}
	out.flags(cmd)
	_ = cmd.Flags().MarkHidden("by-class")
	f := cmd.Flags()
	f.StringArrayVar(&x.labels, "label", nil, "put `NAME` before the servers and files of a FILE; once for each, in their order")
	f.StringVar(&x.failOn, "fail-on", "warning", "exit with 1 from this `SEVERITY` on: note, warning, error or off")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"label": cobra.NoFileCompletions, "fail-on": cobra.FixedCompletions(authz.Severities(), cobra.ShellCompDirectiveNoFileComp),
	})
	cmd.ValidArgsFunction = cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveFilterFileExt)
	return cmd
}

// check finds mistakes on the command line.
func (x *merging) check(files []string) error {
	if n := len(x.labels); n > 0 && n != len(files) {
		return usageError{fmt.Errorf("--label: want one for each of the %d files, have %d", len(files), n)}
	}
	seen := map[string]bool{}
	for _, label := range x.labels {
		if label == "" || strings.ContainsAny(label, " \t\r\n") {
			return usageError{fmt.Errorf("--label: want a word, have %q", label)}
		}
		if seen[label] {
			return usageError{fmt.Errorf("--label: %q is given twice", label)}
		}
		seen[label] = true
	}
	for _, file := range files {
		name := "\x00" + filepath.Clean(file) // no label has this
		if seen[name] {
			return usageError{fmt.Errorf("%s is given twice", file)}
		}
		seen[name] = true
	}
	return nil
}

func (x *merging) run(cmd *cobra.Command, out *output, files []string) error {
	targets, err := out.targets()
	if err != nil {
		return err
	}
	failOn, err := parseFailOn(x.failOn)
	if err != nil {
		return usageError{err}
	}
	if err := x.check(files); err != nil {
		return err
	}
	var list []report.MergeFile
	for i, name := range files {
		data, err := readOS(name)
		if err != nil {
			return usageError{err}
		}
		f := report.MergeFile{Name: filepath.ToSlash(name), Data: data}
		if len(x.labels) > 0 {
			f.Label = x.labels[i]
		}
		list = append(list, f)
	}
	_, merged := show(cmd.Context(), "merging")
	m, err := report.Merge(list)
	merged()
	if err != nil {
		return err
	}
	for i := range targets {
		name := targets[i].format.Name
		if err := m.Writable(name); err != nil {
			return usageError{err}
		}
		targets[i].format = m.Format(targets[i].format)
	}
	if err := out.write(cmd.OutOrStdout(), targets, nil, report.Options{FailOn: failOn, Version: version()}); err != nil {
		return err
	}
	if doubt := m.Doubt(); doubt != nil {
		return doubt
	}
	if m.Fails(failOn) {
		return errFindings
	}
	return nil
}
