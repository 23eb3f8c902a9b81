package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/report"
)

// remoteFlags adds the flags that say which PDP to ask, and how.
func (in *input) remoteFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&in.pdp, "pdp", nil, "ask the PDP at `HOST:PORT` instead of the embedded engine, or those at dns:///NAME:PORT in turn; may be repeated for replicas")
	f.BoolVar(&in.remote.Plaintext, "pdp-plaintext", false, "reach the PDP without TLS")
	f.StringVar(&in.remote.CAFile, "pdp-ca", "", "a `FILE` with the certificates that the PDP's is signed by")
	f.StringVar(&in.remote.CertFile, "pdp-cert", "", "a `FILE` with a certificate to show to the PDP")
	f.StringVar(&in.remote.KeyFile, "pdp-key", "", "a `FILE` with that certificate's key")
	f.DurationVar(&in.remote.Timeout, "pdp-timeout", 0, "how long a call to the PDP may take, with its retries (default 10s)")
	for name, ext := range map[string][]string{"pdp-ca": {"pem", "crt"}, "pdp-cert": {"pem", "crt"}, "pdp-key": {"pem", "key"}} {
		_ = cmd.MarkFlagFilename(name, ext...)
	}
	_ = cmd.RegisterFlagCompletionFunc("pdp", cobra.FixedCompletions([]string{"dns:///", "unix:"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
	_ = cmd.RegisterFlagCompletionFunc("pdp-timeout", cobra.FixedCompletions([]string{"5s", "10s", "30s"}, cobra.ShellCompDirectiveNoFileComp))
}

// localOnly says why a command does not have a flag for a running PDP, or "".
func localOnly(cmd *cobra.Command, flag string) string {
	if flag != "pdp" && !strings.HasPrefix(flag, "pdp-") {
		return ""
	}
	switch cmd.Name() {
	case "who-can":
		return "who-can goes by the policies at hand, for a PDP cannot be asked about people who are not declared; mcpolicy matrix --pdp shows what it decides"
	case "waive":
		return "waive goes by the policies at hand; --force waives what only a running PDP shows"
	}
	return ""
}

// checkRemote finds mistakes on the command line before any work is done.
func (in *input) checkRemote() error {
	if len(in.pdp) == 0 {
		if in.compareEmbedded {
			return usageError{errors.New("--compare-embedded compares a running PDP with the policies at hand: name it with --pdp")}
		}
		if in.remote.Plaintext || in.remote.CAFile != "" || in.remote.CertFile != "" || in.remote.KeyFile != "" || in.remote.Timeout != 0 {
			return usageError{errors.New("--pdp-plaintext, --pdp-ca, --pdp-cert, --pdp-key and --pdp-timeout say how to reach a PDP: name it with --pdp")}
		}
		return nil
	}
	if err := in.remote.Check(in.pdp...); err != nil {
		return usageError{fmt.Errorf("--pdp: %w", err)}
	}
	return checkCredentials(in.remote.CAFile, in.remote.CertFile, in.remote.KeyFile)
}

// dial reaches the PDPs that --pdp names.
func (in *input) dial(ctx context.Context) (*pdp.Remote, error) {
	options := in.remote
	options.Replicas = slices.Clone(in.pdp[1:])
	return pdp.Dial(ctx, in.pdp[0], options)
}

// compare holds the matrix that a PDP decided against the one that the embedded
// engine decides over the policies at hand.
func (w *workspace) compare(ctx context.Context, in *input, production *matrix.Matrix, bar *progress) (*report.Drift, error) {
	checkout, err := w.outline(w.engine, bar.report)
	if err == nil {
		err = checkout.Decide(ctx, checkout.Columns)
	}
	if err == nil {
		err = stable(checkout, checkout.Columns)
	}
	if err != nil {
		return nil, err
	}
	result, err := drift.Compare(ctx, drift.Input{Checkout: checkout, Production: production})
	if err != nil {
		return nil, err
	}
	d := &report.Drift{Against: "PDP " + strings.Join(in.pdp, ", "), Cells: result.Cells}
	for _, f := range result.Found {
		d.List = append(d.List, report.Drifted{
			Principals: f.Principals, Server: f.Column.Server.Name, Item: f.Column.Item, Operation: f.Column.Operation,
			Production: report.Side{Access: f.Production.Access, Condition: f.Production.Condition},
			Checkout:   report.Side{Access: f.Checkout.Access, Condition: f.Checkout.Condition},
			More:       f.More, Arguments: f.Arguments, Rules: f.Rules, Unknown: f.Unknown,
		})
	}
	return d, nil
}
