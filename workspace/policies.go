package workspace

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

func (w *Workspace) loadPolicies(ctx context.Context, bounds func(*policy.Set, fs.FS) (pdp.Bounds, error)) error {
	defer close(w.compiled)
	_, end := w.o.Progress.begin("compiling the policies")
	defer end()
	prefix, fsys, err := w.in.openPolicies()
	if err != nil {
		return err
	}
	w.policyFS = fsys
	// The syntax is read first: it refuses what would only keep the compiler
	// busy, like files without end and aliases that explode.
	if w.Policies, err = policy.Load(w.policyFS, prefix); err != nil {
		return err
	}
	e := w.Config.Engine
	w.engine = pdp.Options{
		Schemas:          pdp.Enforcement(e.SchemaEnforcement), // none, warn, reject in both
		StrictEvaluation: e.StrictEvaluation, DefaultPolicyVersion: e.DefaultPolicyVersion,
		DefaultScope: e.DefaultScope, LenientScopeSearch: e.LenientScopeSearch,
		Globals: e.Globals, Now: w.Now, Prefix: prefix,
	}
	if bounds != nil {
		if w.engine.Bounds, err = bounds(w.Policies, w.policyFS); err != nil {
			return err
		}
	}
	w.Engine, err = embedded.Open(ctx, w.policyFS, w.engine)
	return w.nearSchemas(err)
}

// openPolicies opens the folder of the policies that is given or that the config names.
func (in *Inputs) openPolicies() (prefix string, fsys fs.FS, err error) {
	if in.Policies != nil {
		folder, err := in.Policies.Open()
		if err != nil {
			return "", nil, source.FileError(in.Policies.Name, err)
		}
		return path.Clean(in.Policies.Name), policyFS{source.OrdinaryFS{FS: folder}}, nil
	}
	if in.config().Policies.Path == "" {
		return "", nil, wrong(source.Errorf(source.Pos{File: in.config().File}, "no policies: name a folder of them under policies, or give --policies"))
	}
	named := in.Config.Policies
	info, err := fs.Stat(in.Folder, named.Path)
	switch {
	case err != nil:
		return "", nil, in.named(named, aFolder, err)
	case !info.IsDir():
		return "", nil, source.Errorf(named.Pos, "%s: this is a file; want a folder of policies", named.Path)
	}
	below, err := fs.Sub(in.Folder, named.Path)
	if err != nil {
		return "", nil, source.FileError(named.Path, err)
	}
	return path.Clean(named.Path), policyFS{below}, nil
}

// Reopen returns an engine over the same policies with another clock or other
// globals, as a suite may ask for.
func (w *Workspace) Reopen(ctx context.Context, now time.Time, globals map[string]any) (*embedded.Engine, error) {
	if w.remote != nil {
		return nil, errors.New("the clock and the globals of a running PDP are its own: skip suites with options, or leave --pdp out")
	}
	return w.reopened(ctx, now, globals)
}

// reopened returns the embedded engine with another clock or other globals.
func (w *Workspace) reopened(ctx context.Context, now time.Time, globals map[string]any) (*embedded.Engine, error) {
	return embedded.Open(ctx, w.policyFS, w.engineWith(now, globals))
}

// engineWith returns the options of the engine with another clock or other globals.
func (w *Workspace) engineWith(now time.Time, globals map[string]any) pdp.Options {
	options := w.engine
	if !now.IsZero() {
		options.Now = now
	}
	if globals != nil {
		options.Globals = globals
	}
	return options
}

// A policyFS is a folder of policies. The engine reads what policies name as
// their schemas to its end, so that has to be of a size to be read at once.
type policyFS struct{ fs.FS }

// Open opens a file that is not too large, or a folder.
func (p policyFS) Open(name string) (fs.File, error) {
	if info, err := fs.Stat(p.FS, name); err == nil && !info.IsDir() {
		if err := source.CheckSize(name, info.Size()); err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: errors.Unwrap(err)}
		}
	}
	return p.FS.Open(name)
}

// Stat describes what a name leads to, without opening it.
func (p policyFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(p.FS, name) }

// Lstat describes a name without following it, as far as the folder can.
func (p policyFS) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(p.FS, name) }

// ReadLink says where a symbolic link leads.
func (p policyFS) ReadLink(name string) (string, error) { return fs.ReadLink(p.FS, name) }

// ReadDir lists a folder.
func (p policyFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(p.FS, name) }
