package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/testcoverage"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// covering is what the command line says about coverage.
type covering struct {
	on    bool
	min   []string
	since string
}

func (c *covering) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&c.on, "coverage", false, "measure what the suites cover: rules, outcomes of conditions, their parts (MC/DC), derived roles and cells")
	f.StringArrayVar(&c.min, "min", nil, "with --coverage, exit with 1 below `KIND=PERCENT`, as in rule=90,mcdc=80; kinds are "+strings.Join(testcoverage.KindNames(), ", ")+"; may be repeated (default: coverage.min in the config)")
	f.StringVar(&c.since, "changed-since", "", "with --coverage, count only rules, conditions and derived roles on lines changed since `REV`, a git revision")
	completeFlags(cmd, map[string]cobra.CompletionFunc{"changed-since": completeRevisions, "min": completeThresholds})
}

// completeThresholds completes the kind that a threshold begins with.
func completeThresholds(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndex(typed, ",")+1]
	var list []string
	for _, kind := range testcoverage.KindNames() {
		if !strings.Contains(","+before, ","+kind+"=") {
			list = append(list, before+kind+"=")
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// covers returns how coverage is measured, nil if it is not.
func (t *suiteRun) covers(in *input) (*workspace.Coverage, error) {
	if t == nil || t.coverage == nil {
		return nil, nil
	}
	return t.coverage.check(in)
}

// check finds mistakes of the command line.
func (c *covering) check(in *input) (*workspace.Coverage, error) {
	thresholds, err := testcoverage.ParseThresholds(c.min)
	switch {
	case err != nil:
		return nil, usageError{fmt.Errorf("--min: %w", err)}
	case !c.on && len(c.min) > 0:
		return nil, usageError{errors.New("--min is about coverage: say --coverage, too")}
	case !c.on && c.since != "":
		return nil, usageError{errors.New("--changed-since is about coverage: say --coverage, too")}
	case !c.on:
		return nil, nil
	case len(in.pdp) > 0:
		return nil, usageError{errors.New("--coverage goes by policies that say something else, and --pdp by those of a running PDP; leave one out")}
	}
	return &workspace.Coverage{Thresholds: thresholds, Since: c.since}, nil
}

// before opens the folder of the config as it was at the revision that --changed-since names.
func (in *input) before(ctx context.Context, name string) (folder fs.FS, end func(), err error) {
	file, err := in.findConfig()
	if err != nil {
		return nil, nil, err
	}
	if file == "" || in.policies != "" {
		return nil, nil, usageError{errors.New("--changed-since goes by the policies that the config names: it takes an mcpolicy.yaml, and no --policies")}
	}
	r, err := openRepo(ctx, filepath.Dir(file))
	if err != nil {
		return nil, nil, err
	}
	commit, err := r.resolve(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	t, err := r.open(ctx, commit)
	if err != nil {
		return nil, nil, err
	}
	return t, func() { _ = t.close() }, nil
}
