package main

import "github.com/spf13/cobra"

func newRoot() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mcpolicy",
		Short: "Who can see and use which MCP tool, and who wrote that down?",
		Long: `mcpolicy answers, before production does, who can see and use which MCP tool.

It reads the inventories of MCP servers and the Cerbos policies that guard them,
decides every cell of a principal-by-tool matrix with the real Cerbos engine,
runs suites of expectations over it, and reports access that is over-exposed,
unguarded or unreachable.

Exit status: 0 clean; 1 the answer is no (findings, failed cases, drift); 2 the
command line or the config is wrong; 3 the run could not complete.`,
		Example: `  mcpolicy check                      everything that mcpolicy.yaml describes
  mcpolicy matrix --only conditional  the cells that depend on arguments
  mcpolicy check --format text --format junit=report.xml
  mcpolicy probe --server crm         what the running server does, against the matrix`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),

		// Without Args and RunE cobra reports an unknown command in its own
		// way, which run could tell from a failure only by its text.
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetVersionTemplate("mcpolicy {{.Version}}\n")
	cmd.SetFlagErrorFunc(badFlag)
	cmd.SetHelpCommand(newHelp())
	cmd.AddCommand(newInit(), newCheck(), newMatrix(), newLint(), newTest(), newMutate(), newProve(), newDiff(), newLock(), newExplain(), newWhoCan(), newRules(), newDiscover(), newProbe(), newWaive(), newBaseline(), newReport(), newExport(), newVersion(), newValidate())
	return cmd
}
