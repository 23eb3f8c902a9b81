package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// suiteRun is what the command line says about suites.
type suiteRun struct {
	files                            []string
	required                         bool // a run without any suite is a failure
	claims                           bool // only what is said of everybody
	noCerbos                         bool // without the suites of Cerbos's own
	suites, tests, principals, items []string
	texts                            []string
	shard                            string
	coverage                         *covering // nil where the command does not measure it
}

func (t *suiteRun) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&t.files, "tests", nil, "a suite `FILE` or a folder of them; may be repeated")
	_ = cmd.MarkFlagFilename("tests", "yaml")
}

func (t *suiteRun) cerbosFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.noCerbos, "no-cerbos-tests", false, "leave out the *_test.yaml suites of Cerbos's own below the policies")
}

func (t *suiteRun) filterFlags(cmd *cobra.Command) {
	t.claimFlags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&t.principals, "principal", nil, "only cases about principals that match `GLOB`")
	f.StringArrayVar(&t.texts, "filter", nil, "only cases that have `TEXT` in their name, SUITE > TEST > PRINCIPAL calls ITEM, or in their file; or whose name, or a part of it, matches a glob; may be repeated")
	f.StringVar(&t.shard, "shard", "", "only the tests of one shard `I/N` of N, each in exactly one of them")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"principal": each(complete((*completing).principalsAndGroups)),
		"filter":    complete(func(c *completing) { c.suiteNames(); c.testNames(); c.principals(); c.items(anyItem) }),
		"shard":     completeShard,
	})
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
	out := output{covers: true}
	var g generation
	t := &suiteRun{required: true, coverage: &covering{}}
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Run the suites of expectations",
		Long: `Run the suites: who must be able to list and use what, with which arguments, and
who must not. The *_test.yaml suites of Cerbos's own that stand below the policies run
along, as cerbos compile runs them; --tests and --no-cerbos-tests leave them out.

A name or a pattern that matches nothing is an error, not a pass.

--shard splits a run between machines. The tests are dealt out by the alphabet of their
suites' names and their own, whatever else is filtered, so that each is run exactly once;
a test's cases stay together. mcpolicy report merge joins the JSON of the shards into the
report of the whole run. A shard without any case is an error.

--coverage says which rules, which outcomes of conditions (met, not met, errored), which
parts of them by MC/DC, which derived roles and which sides of the matrix the suites
assert, and shows the case that would cover what is not covered, as a line to paste below
tests. Only what a case asserts counts. What no call of a declared principal rests on is
impossible and is not counted. With --min the run fails below a percentage, by kind; a
kind of which there is nothing to cover is below any.

With --generate suites are written instead, of what the policies decide today: what each group
of principals sees and uses, and calls on both sides of each condition, down to its parts and
the arguments that are left out. They pass: read them, and mend the policies where they are
not what was meant.` + watchHelp,
		Example: `  mcpolicy test
  mcpolicy test --principal sally --tool 'get_*'
  mcpolicy test --filter guardrails --filter 'sally calls export_*'
  mcpolicy test --shard 2/4 --format json=shard-2.json
  mcpolicy test --watch
  mcpolicy test --tests tests/sales.yaml --format junit=report.xml
  mcpolicy test --coverage --min rule=100,outcome=90,mcdc=80
  mcpolicy test --coverage --changed-since origin/main --min outcome=100
  mcpolicy test --coverage --format text --format lcov=lcov.info --format cobertura=cobertura.xml
  mcpolicy test --generate
  mcpolicy test --generate -o - | less`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.check(cmd, &in); err != nil {
				return err
			}
			if g.wanted {
				return g.run(cmd, &in)
			}
			return runChecks(cmd, &in, &out, nil, t)
		},
	}
	in.flags(cmd)
	out.flags(cmd)
	failuresFlag(cmd, &out)
	t.flags(cmd)
	t.cerbosFlags(cmd)
	t.filterFlags(cmd)
	watchFlag(cmd)
	t.coverage.flags(cmd)
	g.flags(cmd)
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

What mcpolicy-baseline.yaml knows, beside the config, does not count; mcpolicy baseline
writes it.

--base says besides who gains and who loses access since a revision, as mcpolicy diff
does, and counts only findings that the revision does not have. What somebody gains
fails the run only where diff in mcpolicy.yaml has a budget or failOn, or with
--fail-on-access.

With --pdp a running PDP decides instead of the embedded engine, and a cell that
it cannot decide ends the run with status 3. --compare-embedded reports where it
decides differently from the policies at hand: what production does is then not
what was reviewed.` + watchHelp,
		Example: `  mcpolicy check
  mcpolicy check -C services/crm
  mcpolicy check --format text --format junit=report.xml --format sarif=mcpolicy.sarif
  mcpolicy check --summary
  mcpolicy check --watch
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
	summaryFlag(cmd, &out)
	t.flags(cmd)
	watchFlag(cmd)
	t.cerbosFlags(cmd)
	cmd.Flags().StringVar(&in.base, "base", "", "say what changed in access since `REV`, a git revision, a folder or a file that diff --save wrote, and fail only on findings that it does not have")
	cmd.Flags().StringVar(&in.failOnAccess, "fail-on-access", "", "with --base, exit with 1 on `WHAT`: widened, any or never (default: the config's, or what is over its budget)")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"base": completeRevisions, "fail-on-access": cobra.FixedCompletions(config.DiffFailOns(), cobra.ShellCompDirectiveNoFileComp),
	})
	cmd.Flags().BoolVar(&in.compareEmbedded, "compare-embedded", false, "report where the PDP decides differently from the policies at hand")
	return cmd
}

// filter is what the command line says about which cases are wanted.
func (t *suiteRun) filter() (*testrunner.Filter, error) {
	f := &testrunner.Filter{Suites: t.suites, Tests: t.tests, Principals: t.principals, Items: t.items, Claims: t.claims, Texts: t.texts}
	if t.shard == "" {
		return f, nil
	}
	var err error
	if f.Shard, err = testrunner.ParseShard(t.shard); err != nil {
		return nil, usageError{fmt.Errorf("--shard: %w", err)}
	}
	return f, nil
}

// completeShard completes the number of shards to one of them.
func completeShard(_ *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	_, count, _ := strings.Cut(start, "/")
	n, err := strconv.Atoi(count)
	if err != nil || n > 16 {
		n = 4
	}
	var words []string
	for i := range n {
		if word := fmt.Sprintf("%d/%d", i+1, n); strings.HasPrefix(word, start) {
			words = append(words, word)
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
