package reach

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/source"
)

// LeaveVariable is the variable that gives leave as --token-origin does, where a CI system
// keeps its settings.
const LeaveVariable = "MCPOLICY_TOKEN_ORIGINS"

// ciSettings are set where CI systems run a job.
var ciSettings = []string{
	"CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "BUILDKITE", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID", "BITBUCKET_BUILD_NUMBER",
}

// CIVariables lists the variables by which a run in CI is known.
func CIVariables() []string { return slices.Clone(ciSettings) }

// inCI reports whether a CI system runs this, where the files at hand may be
// those of a pull request.
func inCI(env Env) bool {
	return slices.ContainsFunc(ciSettings, func(name string) bool {
		value, set := env(name)
		value = strings.ToLower(value)
		return set && value != "" && value != "false" && value != "0"
	})
}

// A Leave says which values of the environment may be sent where. What the
// caller alone decides needs no leave; what a file has a say in does, in CI
// and wherever leave is given at all: whoever changes the file could have a
// secret sent to a server of their own. The zero value, and nil, allow nothing.
type Leave struct {
	everything bool
	pairs      map[[2]string]bool // variable and origin
}

// NewLeave reads what is allowed: each of given is VARIABLE=ORIGIN, and so is each word of
// [LeaveVariable]. Its mistakes are all those of whoever asks.
func NewLeave(given []string, env Env) (*Leave, error) {
	setting, set := env(LeaveVariable)
	if !set {
		setting = ""
	}
	if !set && len(given) == 0 && !inCI(env) {
		return &Leave{everything: true}, nil
	}
	l := &Leave{pairs: map[[2]string]bool{}}
	var errs []error
	add := func(what, text string) {
		variable, address, ok := strings.Cut(text, "=")
		origin := live.Origin(address)
		rest := strings.TrimSuffix(address, "/")
		if !ok || variable == "" || origin == "" || live.Origin(rest) != origin || strings.Count(rest, "/") != 2 || strings.ContainsAny(rest, "?#@") {
			errs = append(errs, fmt.Errorf("%s: want VARIABLE=ORIGIN, such as CRM_TOKEN=https://crm.example.com, without a path", what))
			return
		}
		l.pairs[[2]string{variable, origin}] = true
	}
	for _, text := range given {
		add("--token-origin", text)
	}
	for text := range strings.FieldsSeq(strings.ReplaceAll(setting, ",", " ")) {
		add(LeaveVariable, text)
	}
	return l, errors.Join(errs...)
}

// Allow returns an error unless what a variable holds may be sent to the URL of a
// server. Either or both are named by the file of pos.
func (l *Leave) Allow(variable string, s *Server, pos source.Pos) error {
	if l != nil && (l.everything || l.pairs[[2]string{variable, live.Origin(s.Target.URL)}]) {
		return nil
	}
	hint := live.Origin(s.Target.String()) // without secrets that are a part of the address
	if hint == "" {
		hint = "ORIGIN"
	}
	return source.Errorf(pos, "%s: what %s holds is not sent to %s on the word of a file, which a pull request could have changed; "+
		"if the base says the same, allow it with --token-origin %s=%s or in %s", s.Name, variable, s.Target, variable, hint, LeaveVariable)
}
