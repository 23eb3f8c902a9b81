package report_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/principals"
)

// load builds the matrix of a folder with an mcpolicy.yaml, as the command
// does, with the real engine.
func load(tb testing.TB, dir ...string) *matrix.Matrix {
	tb.Helper()
	m, err := build(tb.Context(), os.DirFS(filepath.Join(dir...)), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// fixture is load of one of the project's fixtures.
func fixture(tb testing.TB, name string) *matrix.Matrix {
	tb.Helper()
	return load(tb, "..", "fixtures", name)
}

// reversed is the office with its principals in the opposite order.
func reversed(tb testing.TB) *matrix.Matrix {
	tb.Helper()
	m, err := build(tb.Context(), os.DirFS(filepath.Join("testdata", "office")), slices.Reverse)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// build builds the matrix of a folder. Arrange, if set, orders the principals.
func build(ctx context.Context, fsys fs.FS, arrange func([]*authz.Principal)) (*matrix.Matrix, error) {
	data, err := fs.ReadFile(fsys, "mcpolicy.yaml")
	if err != nil {
		return nil, err
	}
	c, err := config.Parse("mcpolicy.yaml", data)
	if err != nil {
		return nil, err
	}
	policies, err := fs.Sub(fsys, c.Policies.Path)
	if err != nil {
		return nil, err
	}
	syntax, err := policy.Load(policies, c.Policies.Path)
	if err != nil {
		return nil, err
	}
	engine, err := pdp.Open(ctx, policies, pdp.Options{
		Schemas: pdp.Enforcement(c.Engine.SchemaEnforcement), Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		return nil, err
	}
	if data, err = fs.ReadFile(fsys, c.Principals.Path); err != nil {
		return nil, err
	}
	people, err := principals.Parse(c.Principals.Path, data)
	if err != nil {
		return nil, err
	}
	if arrange != nil {
		arrange(people.Principals)
	}
	servers, err := buildServers(fsys, c)
	if err != nil {
		return nil, err
	}
	return matrix.Build(ctx, &matrix.Input{
		Servers: servers, Principals: people.Principals, Decider: engine, Class: engine.Class, Policies: syntax,
	})
}

func buildServers(fsys fs.FS, c *config.Config) ([]*matrix.Server, error) {
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
		profile, err := profileOf(c, s, inventory)
		if err != nil {
			return nil, err
		}
		servers = append(servers, &matrix.Server{Name: s.Name, Inventory: inventory, Profile: profile})
	}
	return servers, nil
}

func profileOf(c *config.Config, s *config.Server, inventory *manifest.Inventory) (*pep.Profile, error) {
	custom := c.Enforcement.Get(s.Enforcement)
	if custom == nil {
		with := pep.With{ResourceKind: s.With.ResourceKind, Action: s.With.Action, FastMCP: string(s.With.FastMCP)}
		return pep.New(s.Enforcement, s.Name, with, inventory.FastMCP)
	}
	var specs []pep.Spec
	for method, rule := range custom.Methods {
		spec := pep.Spec{Endpoint: string(method), Pos: rule.Pos, Filter: map[config.Filter]pep.Filter{
			config.FilterNone: pep.NoFilter, config.FilterOwn: pep.ByOwn, config.FilterCall: pep.ByCall, config.FilterGate: pep.GateOnly,
		}[rule.Filter]}
		for _, r := range rule.Requests {
			spec.Requests = append(spec.Requests, pep.RequestSpec{
				Kind: r.Kind, ID: r.ID, Action: r.Action, PolicyVersion: r.PolicyVersion, Scope: r.Scope, Attr: r.Attr, Pos: r.Pos,
			})
		}
		specs = append(specs, spec)
	}
	return pep.Custom(custom.Name, s.Name, specs)
}
