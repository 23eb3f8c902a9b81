package main

import (
	"context"
	"errors"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// checkBase finds mistakes of the command line about a base.
func (in *input) checkBase() error {
	c := comparing{failOn: in.failOnAccess, beside: true}
	switch err := c.valid(); {
	case err != nil:
		return err
	case in.base == "" && in.failOnAccess != "":
		return usageError{errors.New("--fail-on-access is about what changed since a base: say --base, too")}
	case in.base == "":
		return nil
	case len(in.manifests) > 0 || in.policies != "" || in.principals != "" || in.enforcement != "" || in.resourceKind != "":
		return usageError{errors.New("--base goes by what the config of each revision names, so that nothing can be given in its place")}
	case len(in.pdp) > 0:
		return usageError{errors.New("--base goes by the policies of each revision, and --pdp by those of a running PDP; leave one out")}
	}
	return nil
}

// checked runs the checks, and compares with a base if one is named.
func (in *input) checked(ctx context.Context, w *session, checks workspace.Checks) (*report.Document, error) {
	if in.base == "" {
		return w.Check(ctx, checks)
	}
	head := &side{name: workingTree, session: w}
	base, err := in.revision(ctx, in.base)
	if err != nil {
		return nil, err
	}
	defer base.close()
	if err := in.loadBoth(ctx, base, head); err != nil {
		return nil, err
	}
	if base.saved != nil {
		return nil, usageError{errors.New(base.name + " is a matrix, of which no findings are known; a base of check is a revision, a folder or what mcpolicy diff --save writes")}
	}
	var before *workspace.Workspace // nil if there was none
	if base.session != nil {
		before, in.was = base.session.Workspace, base.session.here(nil)
	}
	d, r, err := w.CheckSince(ctx, before, checks)
	if err != nil {
		return nil, err
	}
	c := comparing{failOn: in.failOnAccess, beside: true}
	d.SetDiff(c.report(w.Config.Diff, base, head, r))
	return d, nil
}
