package lint_test

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// now is the time of all tests.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A world is a folder as the command would load it.
type world struct {
	config     *config.Config
	servers    []*matrix.Server
	principals []*authz.Principal
	groups     map[string][]string
	policies   *policy.Set
	engine     *pdp.Engine
	suites     []*testrunner.Suite // nil if the config names none
}

// load reads a folder: mcpolicy.yaml and what it names, or without one the
// inventory manifest.json of a server crm behind cerbos-fastmcp, policies, and
// principals.yaml, which may be missing too.
func load(ctx context.Context, fsys fs.FS) (*world, error) {
	w := &world{config: &config.Config{
		Servers:  config.Servers{{Name: "crm", Enforcement: "cerbos-fastmcp", Manifest: config.Manifests{{File: "manifest.json"}}}},
		Policies: config.Path{Path: "policies"}, Principals: config.Path{Path: "principals.yaml"},
	}}
	data, err := fs.ReadFile(fsys, "mcpolicy.yaml")
	if err == nil {
		if w.config, err = config.Parse("mcpolicy.yaml", data); err != nil {
			return nil, err
		}
	}
	if err := w.loadPolicies(ctx, fsys); err != nil {
		return nil, err
	}
	people := []byte(lint.Principals)
	if data, err := fs.ReadFile(fsys, w.config.Principals.Path); err == nil {
		people = data
	}
	set, err := principals.Parse(w.config.Principals.Path, people)
	if err != nil {
		return nil, err
	}
	w.principals, w.groups = set.Principals, set.Groups
	for _, s := range w.config.Servers {
		if err := w.loadServer(fsys, s); err != nil {
			return nil, err
		}
	}
	return w, w.loadSuites(fsys)
}

func (w *world) loadSuites(fsys fs.FS) error {
	for _, path := range w.config.Tests {
		err := fs.WalkDir(fsys, path.Path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(fsys, name)
			if err != nil {
				return err
			}
			suites, err := testrunner.Parse(name, data)
			w.suites = append(w.suites, suites...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// assertions runs the suites, as the command does.
func (w *world) assertions(ctx context.Context, m *matrix.Matrix) ([]lint.Assertion, error) {
	if w.suites == nil {
		return nil, nil
	}
	result, err := testrunner.Run(ctx, &testrunner.Input{Suites: w.suites, Matrix: m, Groups: w.groups})
	if err != nil {
		return nil, err
	}
	list := []lint.Assertion{}
	for _, s := range result.Suites {
		for _, c := range s.Cases {
			if c.Outcome != testrunner.Skipped {
				allowed, denied := c.Expects()
				list = append(list, lint.Assertion{Item: c.Item, Operation: c.Operation, Allowed: allowed, Denied: denied, Cell: c.Cell})
			}
		}
	}
	return list, nil
}

func (w *world) loadPolicies(ctx context.Context, fsys fs.FS) error {
	folder := w.config.Policies.Path
	below, err := fs.Sub(fsys, folder)
	if err != nil {
		return err
	}
	if w.policies, err = policy.Load(below, folder); err != nil {
		return err
	}
	e := w.config.Engine
	w.engine, err = pdp.Open(ctx, below, pdp.Options{
		Schemas: pdp.Enforcement(e.SchemaEnforcement), StrictEvaluation: e.StrictEvaluation,
		DefaultPolicyVersion: e.DefaultPolicyVersion, DefaultScope: e.DefaultScope,
		LenientScopeSearch: e.LenientScopeSearch, Globals: e.Globals, Now: now, Prefix: folder,
	})
	return err
}

func (w *world) loadServer(fsys fs.FS, s *config.Server) error {
	var parts []*manifest.Inventory
	for _, m := range s.Manifest {
		data, err := fs.ReadFile(fsys, m.File)
		if err != nil {
			return err
		}
		list, err := manifest.Parse(m.File, data)
		if err != nil {
			return err
		}
		parts = append(parts, list...)
	}
	inventory := manifest.Merge(parts...)
	profile, err := w.profile(s, inventory)
	if err != nil {
		return err
	}
	w.servers = append(w.servers, &matrix.Server{Name: s.Name, Inventory: inventory, Profile: profile})
	return nil
}

func (w *world) profile(s *config.Server, inventory *manifest.Inventory) (*pep.Profile, error) {
	custom := w.config.Enforcement.Get(s.Enforcement)
	if custom == nil {
		with := pep.With{ResourceKind: s.With.ResourceKind, Action: s.With.Action, FastMCP: string(s.With.FastMCP)}
		return pep.New(s.Enforcement, s.Name, with, inventory.FastMCP)
	}
	var specs []pep.Spec
	for method, rule := range custom.Methods {
		i := slices.Index(pep.Filters, rule.Filter.String())
		if i < 0 {
			return nil, fmt.Errorf("unknown filter %v", rule.Filter)
		}
		spec := pep.Spec{Endpoint: string(method), Filter: pep.Filter(i), Pos: rule.Pos}
		for _, r := range rule.Requests {
			spec.Requests = append(spec.Requests, pep.RequestSpec{
				Kind: r.Kind, ID: r.ID, Action: r.Action, PolicyVersion: r.PolicyVersion, Scope: r.Scope, Attr: r.Attr, Pos: r.Pos,
			})
		}
		specs = append(specs, spec)
	}
	return pep.Custom(custom.Name, s.Name, specs)
}

// build decides the world's matrix.
func (w *world) build(ctx context.Context) (*matrix.Matrix, error) {
	return matrix.Build(ctx, &matrix.Input{
		Servers: w.servers, Principals: w.principals, Decider: w.engine, Class: w.engine.Class, Policies: w.policies,
	})
}

// input is what the world gives to lint.
func (w *world) input(ctx context.Context) (*lint.Input, error) {
	m, err := w.build(ctx)
	if err != nil {
		return nil, err
	}
	e := w.config.Engine
	in := &lint.Input{
		Matrix: m, Policies: w.policies, Validate: w.engine.Validate, Confused: w.engine.Confused,
		RuleReads: w.engine.RuleReads, Idle: w.engine.Idle, DecideAt: w.engine.DecideAt,
		Conditions: w.engine.Conditions, Try: w.engine.Try, Without: w.engine.Without, StrictEvaluation: e.StrictEvaluation,
		SchemasRejected:      e.SchemaEnforcement == config.SchemaReject,
		DefaultPolicyVersion: e.DefaultPolicyVersion, DefaultScope: e.DefaultScope,
		Declared: map[string]source.Pos{},
	}
	for _, s := range w.config.Servers {
		if !s.Pos.IsZero() {
			in.Declared[s.Name] = s.Pos
		}
	}
	in.Suites, err = w.assertions(ctx, m)
	return in, err
}

// options are those of the world's config, and these rules only.
func (w *world) options(only ...string) lint.Options {
	o := lint.Options{
		Only: only, Now: now,
		Severity: map[string]lint.Severity{}, Confidence: map[string]lint.Confidence{}, Settings: map[string]*source.Node{},
		Administrators: lint.Administrators{Roles: w.config.Lint.Administrators.Roles, Principals: w.config.Lint.Administrators.Principals},
	}
	for _, d := range w.config.Lint.SeparationOfDuties {
		o.Duties = append(o.Duties, lint.Duty{Name: d.Name, Server: d.Server, Sets: d.Sets, Pos: d.Pos})
	}
	for _, r := range w.config.Lint.Rules {
		o.Settings[r.ID] = r.Options
		if i := slices.Index(lint.Confidences, r.Confidence.String()); i >= 0 {
			o.Confidence[r.ID] = lint.Confidence(i)
		}
		if i := slices.Index(lint.Severities, r.Severity.String()); i >= 0 {
			o.Severity[r.ID] = lint.Severity(i)
		}
	}
	for _, x := range w.config.Waivers {
		o.Waivers = append(o.Waivers, lint.Waiver{
			Rule: x.Rule, Server: x.Server, Item: x.Item, Types: x.Types, Principal: x.Principal,
			File: x.File, Reason: x.Reason, Expires: x.Expires.Time, Pos: x.Pos,
		})
	}
	return o
}

// findings lints a folder.
func findings(ctx context.Context, fsys fs.FS, only ...string) ([]lint.Finding, error) {
	w, err := load(ctx, fsys)
	if err != nil {
		return nil, err
	}
	in, err := w.input(ctx)
	if err != nil {
		return nil, err
	}
	return lint.Run(ctx, in, w.options(only...))
}
