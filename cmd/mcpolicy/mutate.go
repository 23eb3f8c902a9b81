package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/mutate"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// mutating is what the command line says about mutants.
type mutating struct {
	operators []string
	sample    int
	seed      uint64
	since     string
	min       float64
}

func newMutate() *cobra.Command {
	var in input
	var out output
	var x mutating
	t := &suiteRun{required: true}
	cmd := &cobra.Command{
		Use:   "mutate",
		Short: "Show which mistakes in the policies the suites would not notice",
		Long: `Make mutants of the policies, each with one small mistake of the kinds that people
make, and run the suites against them: an effect flipped, a rule removed, a condition
removed, negated or without one of its parts, && for ||, all for any, a comparison or a
constant moved over its boundary, has() dropped, a role or an action widened or removed.

A mutant is killed if a case that passes now fails. One that survives is shown with the
line, the call that it opens or closes, and a test to paste that kills it. A mutant that
no call of a declared principal tells apart is equivalent: it does not count, and neither
do those that only somebody undeclared (outside) or a request that no enforcement point
sends (bare) tells apart. What is not known counts as not killed.

The score is the share of the mutants that count which are killed.`,
		Example: `  mcpolicy mutate
  mcpolicy mutate --min 80 --changed-since origin/main
  mcpolicy mutate --sample 200 --seed 7
  mcpolicy mutate --operator constant-moved --operator comparison-moved
  mcpolicy mutate --format json > mutants.json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return x.run(cmd, &in, &out, t)
		},
	}
	in.localFlags(cmd)
	out.flags(cmd)
	t.flags(cmd)
	t.claimFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&x.operators, "operator", nil, "only mutants of this `KIND`: "+strings.Join(operatorNames(), ", ")+"; may be repeated")
	f.IntVar(&x.sample, "sample", 0, "take `N` mutants at random instead of all")
	f.Uint64Var(&x.seed, "seed", 1, "what the sample hangs on: the same `N` takes the same mutants of the same policies")
	f.StringVar(&x.since, "changed-since", "", "only mutants of lines of the policies changed since `REV`, a git revision")
	f.BoolVar(&out.summary, "summary", false, "text: a line for each mutant, without what it changes and the case that kills it")
	f.Float64Var(&x.min, "min", -1, "exit with 1 if the score is below `PERCENT`")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"operator": cobra.FixedCompletions(operatorNames(), cobra.ShellCompDirectiveNoFileComp), "changed-since": completeRevisions,
	})
	return cmd
}

func operatorNames() []string {
	var names []string
	for _, o := range mutate.Operators() {
		names = append(names, string(o))
	}
	return names
}

func (x *mutating) run(cmd *cobra.Command, in *input, out *output, t *suiteRun) error {
	ctx := cmd.Context()
	write, err := writerOf(out, report.MutationFormats())
	if err != nil {
		return err
	}
	wanted, err := x.wanted(cmd, t)
	if err != nil {
		return err
	}
	if x.since != "" {
		before, end, err := in.before(ctx, x.since)
		if err != nil {
			return err
		}
		defer end()
		wanted.Before = before
	}
	in.suites = t.files
	w, err := in.load(ctx, false)
	if err != nil {
		return err
	}
	defer w.close()
	out.here = w.here(in.given())
	r, err := w.Mutate(ctx, wanted)
	if err != nil {
		return err
	}
	m := &report.Mutation{Result: r.Result, Made: r.Made, Seed: x.seed, Since: x.since, Min: x.min}
	defer begin(ctx, "writing the report")()
	if err := write(cmd.OutOrStdout(), m); err != nil {
		return err
	}
	if m.Fails() {
		return errFindings
	}
	return nil
}

// wanted finds mistakes of the command line.
func (x *mutating) wanted(cmd *cobra.Command, t *suiteRun) (*workspace.Mutating, error) {
	var errs []error
	filter, err := t.filter()
	if err != nil {
		return nil, err
	}
	o := &workspace.Mutating{Filter: *filter, Sample: x.sample, Seed: x.seed, Since: x.since}
	for _, name := range x.operators {
		if !slices.Contains(operatorNames(), name) {
			errs = append(errs, usageError{fmt.Errorf("--operator: unknown kind %q%s; the kinds are %s", name, source.DidYouMean(name, operatorNames()), strings.Join(operatorNames(), ", "))})
		}
		o.Operators = append(o.Operators, mutate.Operator(name))
	}
	if cmd.Flags().Changed("min") && (x.min < 0 || x.min > 100 || x.min != x.min) {
		errs = append(errs, usageError{fmt.Errorf("--min: want a percentage from 0 to 100, have %g", x.min)})
	}
	if x.sample < 0 || cmd.Flags().Changed("sample") && x.sample == 0 {
		errs = append(errs, usageError{fmt.Errorf("--sample: want how many mutants to take, 1 or more, have %d", x.sample)})
	}
	return o, errors.Join(errs...)
}
