package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
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
	completeFlag(cmd, "pdp", cobra.FixedCompletions([]string{"dns:///", "unix:"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
	completeFlag(cmd, "pdp-timeout", cobra.FixedCompletions([]string{"5s", "10s", "30s"}, cobra.ShellCompDirectiveNoFileComp))
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
