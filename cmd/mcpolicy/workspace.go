package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
)

// A workspace is everything that the config and the command line name, read
// and loaded.
type workspace struct {
	config     *config.Config
	folder     *folder // nil without a config
	now        time.Time
	servers    []*matrix.Server
	accepted   []acceptedGap
	principals *principals.Set
	classes    *matrix.Classes // of the principals
	compiled   chan struct{}   // closed when the engine is there, or will not be
	policies   *policy.Set
	policyFS   fs.FS
	options    pdp.Options
	engine     *pdp.Engine
	remote     *pdp.Remote // nil without --pdp
	decider    pdp.Decider
}

// An acceptedGap is a reason why an inventory may be incomplete that the
// config accepts.
type acceptedGap struct {
	server string
	manifest.Gap
}

// load reads everything, and what more reads. Independent parts are read at the
// same time, and all their mistakes are reported together.
func (in *input) load(ctx context.Context, more ...func(*workspace) error) (*workspace, error) {
	if err := in.checkRemote(); err != nil {
		return nil, err
	}
	now, err := in.clock()
	if err != nil {
		return nil, err
	}
	cfg, dir, err := in.readConfig()
	if err != nil {
		return nil, err
	}
	if err := in.spare(cfg, dir); err != nil {
		return nil, err
	}
	w := &workspace{config: cfg, folder: dir, now: now, compiled: make(chan struct{})}
	if w.now.IsZero() {
		w.now = time.Now()
	}
	parts := append([]func(*workspace) error{
		func(w *workspace) error { // what takes longest first
			defer begin(ctx, "compiling the policies")()
			return w.loadPolicies(ctx, in)
		},
		func(w *workspace) error {
			defer begin(ctx, "reading the inventories")()
			return w.loadServers(in)
		},
		func(w *workspace) error {
			defer begin(ctx, "reading the principals")()
			return w.loadPrincipals(in)
		},
	}, more...)
	var g errgroup.Group
	errs := make([]error, len(parts))
	for i, f := range parts {
		g.Go(func() error {
			defer guard(&errs[i])
			errs[i] = f(w)
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	w.decider = w.engine
	if len(in.pdp) > 0 {
		if w.remote, err = in.dial(ctx); err != nil {
			return nil, err
		}
		w.decider = w.remote
	}
	return w, nil
}

func (w *workspace) loadServers(in *input) error {
	if len(in.manifests) > 0 {
		return w.serversOfFlags(in)
	}
	if len(w.config.Servers) == 0 {
		return usageError{source.Errorf(source.Pos{File: w.config.File}, "no servers: declare one under servers, or give --manifest")}
	}
	var errs []error
	for _, s := range w.config.Servers {
		server, err := w.server(in, s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		w.servers = append(w.servers, server)
	}
	return errors.Join(errs...)
}

func (w *workspace) server(in *input, s *config.Server) (*matrix.Server, error) {
	if len(s.Manifest) == 0 {
		return nil, usageError{source.Errorf(s.Pos, "server %q has no manifest", s.Name)}
	}
	var parts []*manifest.Inventory
	for _, m := range s.Manifest {
		data, err := w.read(config.Path{Path: m.File, Pos: m.Pos})
		if err != nil {
			return nil, err
		}
		inventories, err := manifest.Parse(m.File, data)
		if err != nil {
			return nil, err
		}
		picked, err := pick(m, inventories)
		if err != nil {
			return nil, err
		}
		parts = append(parts, picked)
	}
	inventory := manifest.Merge(parts...)
	if err := w.acceptGaps(s.Name, inventory, in.acceptIncomplete || s.Incomplete == config.Accept); err != nil {
		return nil, err
	}
	profile, err := w.profile(in, s, inventory.FastMCP)
	if err != nil {
		return nil, err
	}
	return &matrix.Server{Name: s.Name, Inventory: inventory, Profile: profile}, nil
}

// pick chooses the server of a file that FILE#SERVER names.
func pick(m config.Manifest, of []*manifest.Inventory) (*manifest.Inventory, error) {
	var names []string
	for _, i := range of {
		if i.Server == m.Pick {
			return i, nil
		}
		names = append(names, i.Server)
	}
	switch {
	case m.Pick == "" && len(of) == 1:
		return of[0], nil
	case m.Pick == "":
		return nil, source.Errorf(source.Pos{File: m.File}, "this file has the inventories of %d servers: choose one with %s#NAME, of %s", len(of), m.File, strings.Join(names, ", "))
	}
	return nil, source.Errorf(m.Pos, "%s has no server %q%s; it has %s", m.File, m.Pick, source.DidYouMean(m.Pick, names), strings.Join(names, ", "))
}

// acceptGaps refuses an inventory that may be incomplete, unless that is
// accepted: a green run over half of a server would be the worst outcome.
func (w *workspace) acceptGaps(server string, i *manifest.Inventory, accept bool) error {
	var errs []error
	for _, g := range i.Gaps {
		if accept {
			w.accepted = append(w.accepted, acceptedGap{server, g})
			continue
		}
		errs = append(errs, source.Errorf(g.Pos, "inventory-incomplete: %s (to go on with what there is, say incomplete: accept in the config, or --accept-incomplete)", g.Message))
	}
	return errors.Join(errs...)
}

// serversOfFlags makes a server of each --manifest, or several of a file that
// holds several.
func (w *workspace) serversOfFlags(in *input) error {
	for _, flag := range in.manifests {
		m, err := config.ParseManifest(flag)
		if err != nil {
			return usageError{fmt.Errorf("--manifest: %w", err)}
		}
		data, err := readOS(m.File)
		if err != nil {
			return err
		}
		inventories, err := manifest.Parse(filepath.ToSlash(m.File), data)
		if err != nil {
			return err
		}
		if m.Pick != "" {
			one, err := pick(m, inventories)
			if err != nil {
				return usageError{err}
			}
			inventories = []*manifest.Inventory{one}
		}
		for _, i := range inventories {
			name := i.Server
			if name == "" || len(inventories) == 1 && m.Pick == "" {
				name = serverName(m.File)
			}
			if err := w.acceptGaps(name, i, in.acceptIncomplete); err != nil {
				return err
			}
			p, err := w.profile(in, &config.Server{Name: name}, i.FastMCP)
			if err != nil {
				return err
			}
			w.servers = append(w.servers, &matrix.Server{Name: name, Inventory: i, Profile: p})
		}
	}
	return nil
}

// serverName is a file's name up to its first dot.
func serverName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	return name
}

func (w *workspace) loadPolicies(ctx context.Context, in *input) error {
	defer close(w.compiled)
	prefix := in.policies
	switch {
	case prefix != "":
		root, err := os.OpenRoot(prefix)
		if err != nil {
			return plain(prefix, err)
		}
		w.policyFS = policyFS{ordinaryFS{root.FS()}}
	case w.config.Policies.Path != "":
		prefix = w.config.Policies.Path
		info, err := fs.Stat(w.folder, prefix)
		switch {
		case err != nil:
			return w.named(w.config.Policies, aFolder, err)
		case !info.IsDir():
			return source.Errorf(w.config.Policies.Pos, "%s: this is a file; want a folder of policies", prefix)
		}
		below, err := fs.Sub(w.folder, prefix)
		if err != nil {
			return plain(prefix, err)
		}
		w.policyFS = policyFS{below}
	default:
		return usageError{source.Errorf(source.Pos{File: w.config.File}, "no policies: name a folder of them under policies, or give --policies")}
	}
	prefix = path.Clean(filepath.ToSlash(prefix))
	// The syntax is read first: it refuses what would only keep the compiler
	// busy, like files without end and aliases that explode.
	var err error
	if w.policies, err = policy.Load(w.policyFS, prefix); err != nil {
		return err
	}
	bounds, err := courseOf(ctx).read(w.policies, w.policyFS)
	if err != nil {
		return err
	}
	e := w.config.Engine
	w.options = pdp.Options{
		Schemas:          pdp.Enforcement(e.SchemaEnforcement), // none, warn, reject in both
		StrictEvaluation: e.StrictEvaluation, DefaultPolicyVersion: e.DefaultPolicyVersion,
		DefaultScope: e.DefaultScope, LenientScopeSearch: e.LenientScopeSearch,
		Globals: e.Globals, Now: w.now, Prefix: prefix,
		Bounds: bounds,
	}
	w.engine, err = pdp.Open(ctx, w.policyFS, w.options)
	return w.nearSchemas(err)
}

// build builds the matrix of everything.
func (w *workspace) build(ctx context.Context, progress func(done, total int)) (*matrix.Matrix, error) {
	defer begin(ctx, "deciding")()
	m, err := w.outline(w.decider, progress)
	if err != nil {
		return nil, err
	}
	return m, m.Decide(ctx, m.Columns)
}

// outline returns the matrix of everything, of which nothing is decided yet.
func (w *workspace) outline(decider pdp.Decider, progress func(done, total int)) (*matrix.Matrix, error) {
	items := 0
	for _, s := range w.servers {
		items += len(s.Inventory.Items)
	}
	if items == 0 {
		return nil, errors.New("nothing to check: no server has a tool, a prompt or a resource")
	}
	return matrix.New(&matrix.Input{
		Servers: w.servers, Classes: w.classes, Decider: decider,
		Policies: w.policies, Progress: progress,
	}), nil
}

// reopen returns an engine over the same policies with another clock or other
// globals, as a suite may ask for.
func (w *workspace) reopen(ctx context.Context, now time.Time, globals map[string]any) (*pdp.Engine, error) {
	if w.decider != pdp.Decider(w.engine) {
		return nil, errors.New("the clock and the globals of a running PDP are its own: skip suites with options, or leave --pdp out")
	}
	options := w.options
	if !now.IsZero() {
		options.Now = now
	}
	if globals != nil {
		options.Globals = globals
	}
	return pdp.Open(ctx, w.policyFS, options)
}
