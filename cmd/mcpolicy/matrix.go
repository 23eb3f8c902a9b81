package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func newMatrix() *cobra.Command {
	var in input
	var out output
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "Show who may list and use what",
		Long: `Show the decision matrix: for each principal, which tools, prompts and resources
it sees in lists and may use, and on what condition.

Principals with equal access share a column, agents, people and workloads apart. Rows
are in the order of danger: destructive tools first, then what lets the most people in.
Many tools with equal access share a row. --all gives each its row and names everybody.` + watchHelp,
		Example: `  mcpolicy matrix
  mcpolicy matrix --only conditional --principal sally
  mcpolicy matrix --tool 'delete_*' --operation call
  mcpolicy matrix --watch --tool 'get_*'
  mcpolicy matrix --summary                 how much each set of roles can reach
  mcpolicy matrix --pdp pdp.internal:3593   as a running PDP decides
  mcpolicy matrix --manifest tools.json --policies policies --principals people.yaml`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			targets, err := out.targets()
			if err != nil {
				return err
			}
			for _, t := range targets {
				if t.format.Checks {
					return usageError{fmt.Errorf("--format: %s is for findings and cases, of which a matrix has none", t.format.Name)}
				}
			}
			filter, err := out.filter()
			if err != nil {
				return err
			}
			in.writes = targets
			if watching(cmd) {
				return again(cmd, &in, &out)
			}
			w, err := in.load(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer w.close()
			start := time.Now()
			m, err := w.Matrix(cmd.Context())
			if err != nil {
				return err
			}
			if err := filter.Check(m); err != nil {
				return usageError{err}
			}
			if err := workspace.Stable(m, m.Columns); err != nil {
				return err
			}
			if err := w.Simplify(cmd.Context(), m); err != nil {
				return err
			}
			d := &report.Document{Matrix: m, Notes: append(w.Notes(), w.Uncovered(m.Columns)...), Elapsed: time.Since(start)}
			if detailed(targets) {
				if d.Details, err = w.Details(cmd.Context(), m); err != nil {
					return err
				}
			}
			defer begin(cmd.Context(), "writing the report")()
			out.here = w.here(in.given())
			return out.write(cmd.OutOrStdout(), targets, d, report.Options{Filter: filter, Path: w.inRepository(in.given()), Version: version()})
		},
	}
	in.flags(cmd)
	out.flags(cmd)
	out.filterFlags(cmd)
	watchFlag(cmd)
	cmd.Flags().BoolVar(&out.summary, "summary", false, "show numbers for each set of roles instead of cells")
	return cmd
}
