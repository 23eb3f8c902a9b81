package main

import (
	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// suiteRun is what the command line says about suites.
type suiteRun struct {
	files                            []string
	required                         bool // a run without any suite is a failure
	claims                           bool // only what is said of everybody
	suites, tests, principals, items []string
}

func (t *suiteRun) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&t.files, "tests", nil, "a suite `FILE` or a folder of them; may be repeated")
	_ = cmd.MarkFlagFilename("tests", "yaml")
}

func (t *suiteRun) filterFlags(cmd *cobra.Command) {
	t.claimFlags(cmd)
	cmd.Flags().StringSliceVar(&t.principals, "principal", nil, "only cases about principals that match `GLOB`")
	completeFlags(cmd, map[string]cobra.CompletionFunc{"principal": each(complete((*completing).principalsAndGroups))})
}

// claimFlags choose among what is said of everybody, too.
func (t *suiteRun) claimFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&t.suites, "suite", nil, "only suites whose name matches `GLOB`")
	f.StringArrayVar(&t.tests, "run", nil, "only tests whose name matches `GLOB`")
	f.StringArrayVar(&t.items, "tool", nil, "only cases about tools, prompts and resources that match `GLOB`")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"suite": complete((*completing).suiteNames), "run": complete((*completing).testNames),
		"tool": complete(func(c *completing) { c.items(anyItem) }),
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

--base says besides who gains and who loses access since a revision, as mcpolicy diff
does, and counts only findings that the revision does not have. What somebody gains
fails the run only where diff in mcpolicy.yaml has a budget or failOn, or with
--fail-on-access.

With --pdp a running PDP decides instead of the embedded engine, and a cell that
it cannot decide ends the run with status 3. --compare-embedded reports where it
decides differently from the policies at hand: what production does is then not
what was reviewed.`,
		Example: `  mcpolicy check
  mcpolicy check -C services/crm
  mcpolicy check --format text --format junit=report.xml --format sarif=mcpolicy.sarif
  mcpolicy check --base origin/main --fail-on-access widened
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
	cmd.Flags().StringVar(&in.base, "base", "", "say what changed in access since `REV`, a git revision, a folder or a file that diff --save wrote, and fail only on findings that it does not have")
	cmd.Flags().StringVar(&in.failOnAccess, "fail-on-access", "", "with --base, exit with 1 on `WHAT`: widened, any or never (default: the config's, or what is over its budget)")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"base": completeRevisions, "fail-on-access": cobra.FixedCompletions(config.DiffFailOns(), cobra.ShellCompDirectiveNoFileComp),
	})
	cmd.Flags().BoolVar(&in.compareEmbedded, "compare-embedded", false, "report where the PDP decides differently from the policies at hand")
	return cmd
}

// filter is what the command line says about which cases are wanted.
func (t *suiteRun) filter() *testrunner.Filter {
	return &testrunner.Filter{Suites: t.suites, Tests: t.tests, Principals: t.principals, Items: t.items, Claims: t.claims}
}
