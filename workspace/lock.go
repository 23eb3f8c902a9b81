package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/mcpolicy/mcpolicy/accesslock"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// LockName returns the name of the lock of a config, beside it: mcpolicy.lock.yaml.
func LockName(config string) string {
	return strings.TrimSuffix(config, path.Ext(config)) + ".lock.yaml"
}

// Locked reads the lock beside the config; nil if there is none.
func (w *Workspace) Locked() (*accesslock.Lock, error) {
	if w.in.Folder == nil {
		return nil, nil // there is none
	}
	name := LockName(path.Base(w.configName()))
	if _, err := fs.Stat(w.in.Folder, name); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // there is none
	}
	data, err := source.ReadFile(w.in.Folder, name)
	if err != nil {
		return nil, wrong(err)
	}
	l, err := accesslock.Parse(name, data)
	if err != nil {
		return nil, wrong(err)
	}
	return l, nil
}

func (w *Workspace) configName() string {
	if w.Config.File == "" {
		return config.Name
	}
	return w.Config.File
}

// Lock returns the lock of what there is, by the embedded engine over the policies, in the
// words of a lock before where these mean the same; nil for none.
func (w *Workspace) Lock(ctx context.Context, before *accesslock.Lock) (*accesslock.Lock, error) {
	in, err := w.lockInput()
	if err != nil {
		return nil, err
	}
	_, end := w.o.Progress.begin("locking")
	defer end()
	return accesslock.Build(ctx, in, before)
}

// VerifyLock holds a lock to what there is, by the embedded engine over the policies.
func (w *Workspace) VerifyLock(ctx context.Context, l *accesslock.Lock) (*accesslock.Result, error) {
	in, err := w.lockInput()
	if err != nil {
		return nil, err
	}
	_, end := w.o.Progress.begin("verifying the lock")
	defer end()
	return accesslock.Verify(ctx, in, l)
}

func (w *Workspace) lockInput() (*accesslock.Input, error) {
	m, err := w.outline(w.Servers, w.Engine, nil)
	if err != nil {
		return nil, err
	}
	if err := w.stableForAnybody(m.Columns); err != nil {
		return nil, err
	}
	parsed := map[*policy.Schema]*source.Node{}
	return &accesslock.Input{
		Matrix: m, Policies: w.Policies, Engine: w.Config.Engine, Solver: solver.New(w.Engine.Leaves()),
		Attributes: func(col *matrix.Column) *source.Node { return w.principalSchema(col, parsed) },
		Tree:       w.policyTree,
	}, nil
}

// stableForAnybody returns an error if a column is unstable for anybody, declared or not.
func (w *Workspace) stableForAnybody(columns []*matrix.Column) error {
	if len(w.Policies.Disagreements()) == 0 {
		return nil
	}
	e := w.Config.Engine
	for _, col := range columns {
		for i := range col.Question.Requests {
			if d := matrix.MayHangOn(w.Policies, &col.Question.Requests[i], e.DefaultPolicyVersion, e.DefaultScope); d != nil {
				return unstable(d, fmt.Sprintf("who may %v %s on %s", col.Operation, col.Item.Name, col.Server.Name))
			}
		}
	}
	return nil
}

// policyTree returns the content of a file of the policies.
func (w *Workspace) policyTree(file string) (*source.Node, error) {
	if n := w.policyFile(file); n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("%s: this cannot be read any more", file) // the policies were loaded from it
}
