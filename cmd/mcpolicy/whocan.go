package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func newWhoCan() *cobra.Command {
	var in input
	var out output
	var server string
	var destructive bool
	cmd := &cobra.Command{
		Use:   "who-can list|call|get|read [ITEM...]",
		Short: "Say who may do one thing, and on what condition",
		Long: `Say who may do one thing: the declared principals, and anybody by role, with the
exact condition over their attributes and the arguments. ITEM may be a glob.
Roles that only a rule for everyone lets in are marked. Up to a hundred principals are
named, and all of them with --all.`,
		Example: `  mcpolicy who-can call delete_customer
  mcpolicy who-can call 'delete_*' --server crm
  mcpolicy who-can call --destructive
  mcpolicy who-can call '*' --summary    how many, and which roles`,
		Args:              usageArgs(cobra.MinimumNArgs(1)),
		ValidArgsFunction: complete((*completing).asked),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			write, err := writerOf(&out, report.WhoCanFormats())
			if err != nil {
				return err
			}
			op, ok := authz.ParseOperation(args[0])
			if !ok {
				return usageError{fmt.Errorf("no operation is called %q; there are list, call, get and read", args[0])}
			}
			if len(args) == 1 && !destructive {
				return usageError{errors.New("say which tool, prompt or resource, or --destructive")}
			}
			w, err := in.load(ctx, false)
			if err != nil {
				return err
			}
			defer w.close()
			out.here = w.here(in.given())
			answers, notes, err := w.WhoCan(ctx, &workspace.Access{Operation: op, Items: args[1:], Server: server, Destructive: destructive})
			if err != nil {
				return err
			}
			for _, n := range notes {
				fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: warning: %s\n", n.Message)
			}
			defer begin(ctx, "writing the answers")()
			return write(cmd.OutOrStdout(), answers)
		},
	}
	in.localFlags(cmd)
	out.flags(cmd)
	cmd.Flags().StringVar(&server, "server", "", "only the server of this `NAME`")
	cmd.Flags().BoolVar(&destructive, "destructive", false, "only destructive tools")
	cmd.Flags().BoolVar(&out.summary, "summary", false, "show how many may instead of who, a line for each tool, prompt or resource")
	completeFlags(cmd, map[string]cobra.CompletionFunc{"server": complete((*completing).servers)})
	return cmd
}
