package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/reach"
)

// tokenOrigins is what the command line says about which values of the environment
// may be sent where.
type tokenOrigins struct{ given []string }

func (o *tokenOrigins) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.given, "token-origin", nil, "send what the variable holds to that origin, though a file says so too, as `VARIABLE=ORIGIN`; may be repeated; needed in CI (also "+reach.LeaveVariable+", separated by spaces)")
	completeFlag(cmd, "token-origin", cobra.NoFileCompletions)
}

// leave reads what is allowed.
func (o *tokenOrigins) leave() (*reach.Leave, error) {
	l, err := reach.NewLeave(o.given, os.LookupEnv)
	if err != nil {
		return nil, usageError{err}
	}
	return l, nil
}
