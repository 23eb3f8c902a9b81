package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/source"
)

// originsVariable is the variable that says the same as --token-origin, where a
// CI system keeps its settings.
const originsVariable = "MCPOLICY_TOKEN_ORIGINS"

// ciVariables are set where CI systems run a job.
var ciVariables = []string{
	"CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "BUILDKITE", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID", "BITBUCKET_BUILD_NUMBER",
}

// inCI reports whether a CI system runs this, where the files at hand may be
// those of a pull request.
func inCI() bool {
	return slices.ContainsFunc(ciVariables, func(name string) bool {
		value := strings.ToLower(os.Getenv(name))
		return value != "" && value != "false" && value != "0"
	})
}

// tokenOrigins say which values of the environment may be sent where. What the
// command line alone decides needs no leave; what a file has a say in does, in CI
// and wherever leave is given at all: whoever changes the file could have a
// secret sent to a server of their own.
type tokenOrigins struct {
	given []string // of --token-origin

	checked bool
	pairs   map[[2]string]bool // variable and origin; nil if everything is sent
}

func (o *tokenOrigins) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.given, "token-origin", nil, "send what the variable holds to that origin, though a file says so too, as `VARIABLE=ORIGIN`; may be repeated; needed in CI (also "+originsVariable+", separated by spaces)")
	_ = cmd.RegisterFlagCompletionFunc("token-origin", cobra.NoFileCompletions)
}

// check reads what is allowed, and finds mistakes in it.
func (o *tokenOrigins) check() error {
	setting, set := os.LookupEnv(originsVariable)
	o.checked = true
	if !set && len(o.given) == 0 && !inCI() {
		return nil
	}
	o.pairs = map[[2]string]bool{}
	var errs []error
	add := func(what, text string) {
		variable, address, ok := strings.Cut(text, "=")
		origin := live.Origin(address)
		rest := strings.TrimSuffix(address, "/")
		if !ok || variable == "" || origin == "" || live.Origin(rest) != origin || strings.Count(rest, "/") != 2 || strings.ContainsAny(rest, "?#@") {
			errs = append(errs, usageError{fmt.Errorf("%s: want VARIABLE=ORIGIN, such as CRM_TOKEN=https://crm.example.com, without a path", what)})
			return
		}
		o.pairs[[2]string{variable, origin}] = true
	}
	for _, text := range o.given {
		add("--token-origin", text)
	}
	for text := range strings.FieldsSeq(strings.ReplaceAll(setting, ",", " ")) {
		add(originsVariable, text)
	}
	return errors.Join(errs...)
}

// allow returns an error unless what a variable holds may be sent to the URL of a
// server. Either or both are named by the file of pos.
func (o *tokenOrigins) allow(variable string, s *liveServer, pos source.Pos) error {
	origin := live.Origin(s.target.URL)
	if o.pairs == nil && o.checked || o.pairs[[2]string{variable, origin}] {
		return nil
	}
	hint := live.Origin(s.target.String()) // without secrets that are a part of the address
	if hint == "" {
		hint = "ORIGIN"
	}
	return usageError{source.Errorf(pos, "%s: what %s holds is not sent to %s on the word of a file, which a pull request could have changed; "+
		"if the base says the same, allow it with --token-origin %s=%s or in %s", s.name, variable, s.target, variable, hint, originsVariable)}
}

// allowAll is allow for the tokens of those who are probed.
func (o *tokenOrigins) allowAll(servers []*probedServer, who *people) error {
	var errs []error
	for _, s := range servers {
		if len(s.live.target.Command) > 0 {
			continue // it takes no token
		}
		for _, principal := range slices.Sorted(maps.Keys(who.tokens)) {
			t := who.tokens[principal]
			if pos := cmp.Or(t.file, s.live.file); !pos.IsZero() {
				errs = append(errs, o.allow(t.variable, s.live, pos))
			}
		}
	}
	return errors.Join(errs...)
}
