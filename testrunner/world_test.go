package testrunner_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// load reads a world as the command does: a folder with mcpolicy.yaml or, if
// it has none, with manifest.json of a server crm behind cerbos-fastmcp,
// policies, principals.yaml and tests. The real engine decides.
func load(ctx context.Context, fsys fs.FS) (*testrunner.Input, error) {
	c := &config.Config{
		Servers:  config.Servers{{Name: "crm", Enforcement: "cerbos-fastmcp", Manifest: config.Manifests{{File: "manifest.json"}}}},
		Policies: config.Path{Path: "policies"}, Principals: config.Path{Path: "principals.yaml"},
	}
	if data, err := fs.ReadFile(fsys, "mcpolicy.yaml"); err == nil {
		if c, err = config.Parse("mcpolicy.yaml", data); err != nil {
			return nil, err
		}
	}
	policies, err := fs.Sub(fsys, c.Policies.Path)
	if err != nil {
		return nil, err
	}
	syntax, err := policy.Load(policies, c.Policies.Path)
	if err != nil {
		return nil, err
	}
	options := pdp.Options{
		Schemas: pdp.Enforcement(c.Engine.SchemaEnforcement), Globals: c.Engine.Globals,
		Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
	}
	engine, err := pdp.Open(ctx, policies, options)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(fsys, c.Principals.Path)
	if err != nil {
		return nil, err
	}
	people, err := principals.Parse(c.Principals.Path, data)
	if err != nil {
		return nil, err
	}
	servers, err := loadServers(fsys, c)
	if err != nil {
		return nil, err
	}
	m, err := matrix.Build(ctx, &matrix.Input{
		Servers: servers, Principals: people.Principals, Decider: engine, Class: engine.Class, Policies: syntax,
	})
	if err != nil {
		return nil, err
	}
	suites, err := loadSuites(fsys)
	if err != nil {
		return nil, err
	}
	return &testrunner.Input{
		Suites: suites, Matrix: m, Groups: people.Groups,
		Reopen: func(now time.Time, globals map[string]any) (pdp.Decider, error) {
			other := options
			if !now.IsZero() {
				other.Now = now
			}
			if globals != nil {
				other.Globals = globals
			}
			return pdp.Open(ctx, policies, other)
		},
	}, nil
}

func loadServers(fsys fs.FS, c *config.Config) ([]*matrix.Server, error) {
	var servers []*matrix.Server
	for _, s := range c.Servers {
		var parts []*manifest.Inventory
		for _, m := range s.Manifest {
			data, err := fs.ReadFile(fsys, m.File)
			if err != nil {
				return nil, err
			}
			list, err := manifest.Parse(m.File, data)
			if err != nil {
				return nil, err
			}
			parts = append(parts, list...)
		}
		inventory := manifest.Merge(parts...)
		profile, err := profileOf(c, s, inventory.FastMCP)
		if err != nil {
			return nil, err
		}
		servers = append(servers, &matrix.Server{Name: s.Name, Inventory: inventory, Profile: profile})
	}
	return servers, nil
}

func profileOf(c *config.Config, s *config.Server, fastMCP string) (*pep.Profile, error) {
	declared := c.Enforcement.Get(s.Enforcement)
	if declared == nil {
		with := pep.With{ResourceKind: s.With.ResourceKind, Action: s.With.Action, FastMCP: string(s.With.FastMCP)}
		return pep.New(s.Enforcement, s.Name, with, fastMCP)
	}
	var specs []pep.Spec
	for method, rule := range declared.Methods {
		i := slices.Index(pep.Filters, rule.Filter.String())
		spec := pep.Spec{Endpoint: string(method), Filter: pep.Filter(i)}
		for _, r := range rule.Requests {
			spec.Requests = append(spec.Requests, pep.RequestSpec{Kind: r.Kind, ID: r.ID, Action: r.Action, Attr: r.Attr, Scope: r.Scope})
		}
		specs = append(specs, spec)
	}
	return pep.Custom(declared.Name, s.Name, specs)
}

func loadSuites(fsys fs.FS) ([]*testrunner.Suite, error) {
	files, err := fs.Glob(fsys, "tests/*.yaml")
	if err != nil {
		return nil, err
	}
	var suites []*testrunner.Suite
	var errs []error
	for _, file := range files {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		some, err := testrunner.Parse(path.Clean(file), data)
		suites, errs = append(suites, some...), append(errs, err)
	}
	return suites, errors.Join(errs...)
}

// describe writes a result as the archives in testdata want it.
func describe(r *testrunner.Result) string {
	var b strings.Builder
	for _, s := range r.Suites {
		fmt.Fprintf(&b, "suite %q %v\n", s.Name, s.Pos)
		for _, c := range s.Cases {
			if c.Empty {
				fmt.Fprintf(&b, "%v: %v: %q: %v: want %q: %s\n", c.Pos, c.Outcome, c.Test, c.Operation, c.Want, c.Message)
				continue
			}
			var who []string
			for _, p := range c.Principals {
				who = append(who, p.Key)
			}
			fmt.Fprintf(&b, "%v: %v: %s %v %s", c.Pos, c.Outcome, strings.Join(who, ","), c.Operation, c.Item.Name)
			if c.Arguments != nil {
				fmt.Fprintf(&b, " %v", c.Arguments)
			}
			fmt.Fprintf(&b, ": want %s", c.Want)
			if c.Outcome != testrunner.Skipped {
				fmt.Fprintf(&b, ", got %s", c.Got)
			}
			if c.Message != "" {
				fmt.Fprintf(&b, ": %s", c.Message)
			}
			b.WriteByte('\n')
			if c.Outcome != testrunner.Failed {
				continue
			}
			for _, rule := range c.Deciding() {
				fmt.Fprintf(&b, "\t%v rule %q\n", rule.Pos, rule.Name)
			}
			for _, v := range c.Values {
				fmt.Fprintf(&b, "\t%s = %s\n", v.Expr, v.Value)
			}
		}
	}
	n := r.Counts()
	fmt.Fprintf(&b, "%d passed, %d failed, %d errored, %d skipped\n", n.Passed, n.Failed, n.Errored, n.Skipped)
	return b.String()
}
