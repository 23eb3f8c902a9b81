package main

import "github.com/spf13/cobra"

func newProve() *cobra.Command {
	var in input
	var out output
	t := &suiteRun{required: true, claims: true}
	cmd := &cobra.Command{
		Use:   "prove",
		Short: "Prove what suites say of everybody who could exist",
		Long: `Prove what the suites say under prove: not of the principals that are declared, but
of everybody who could exist, with any roles together, any attributes and any
arguments that a tool takes.

  tests:
    - name: only administrators destroy
      prove:
        never: {principals: {not: {roles: [ADMIN]}}, call: {tools: {destructive: true}}}
    - name: a refund is at most 500
      prove:
        needs: {principals: {not: {roles: [manager]}}, call: {tools: {names: [refund]}},
                condition: arguments.amount <= 500}

A sentence is proved, refuted by a principal and a call that the engine has decided,
or unknown, which fails too unless the test says allowUnknown. The sentences are

  never      nobody of the principals may
  always     everybody may, whatever the arguments
  needs      whoever may meets a condition
  implies    whoever may do one thing may do another: then: list
  within     who has the roles may do no more than who has those under of
  apart      nobody may do two of the things
  somebody   there is somebody who may
  delegated  a declared agent may do no more than the one that it acts for

test and check prove them, too. Running servers and PDPs are not asked: what is proved
holds for the policies at hand.`,
		Example: `  mcpolicy prove
  mcpolicy prove --run 'only administrators*' --tool 'delete_*'
  mcpolicy prove --format junit=proofs.xml --format text`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runChecks(cmd, &in, &out, nil, t)
		},
	}
	in.localFlags(cmd)
	out.flags(cmd)
	failuresFlag(cmd, &out)
	t.flags(cmd)
	t.claimFlags(cmd)
	return cmd
}
