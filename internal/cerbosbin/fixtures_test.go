package cerbosbin_test

import (
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/principals"
)

// A fixture is one of the folders below fixtures, loaded.
type fixture struct {
	policies   string // the directory
	engine     *pdp.Engine
	conf       map[string]any // for a PDP set as the engine is
	servers    []*matrix.Server
	principals []*authz.Principal
}

func loadFixture(t *testing.T, name string) *fixture {
	t.Helper()
	root := filepath.Join("..", "..", "fixtures", name)
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	cfg, err := config.Parse("mcpolicy.yaml", read("mcpolicy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{policies: filepath.Join(root, cfg.Policies.Path)}
	e := cfg.Engine
	f.conf = map[string]any{
		"schema": map[string]any{"enforcement": e.SchemaEnforcement.String()},
		"engine": map[string]any{"strictEvaluation": e.StrictEvaluation, "lenientScopeSearch": e.LenientScopeSearch},
	}
	f.engine, err = pdp.Open(t.Context(), os.DirFS(f.policies), pdp.Options{
		Schemas:          pdp.Enforcement(e.SchemaEnforcement), // none, warn, reject in both
		StrictEvaluation: e.StrictEvaluation, LenientScopeSearch: e.LenientScopeSearch,
	})
	if err != nil {
		t.Fatal(err)
	}
	set, err := principals.Parse(cfg.Principals.Path, read(cfg.Principals.Path))
	if err != nil {
		t.Fatal(err)
	}
	f.principals = set.Principals
	for _, s := range cfg.Servers {
		var parts []*manifest.Inventory
		for _, m := range s.Manifest {
			list, err := manifest.Parse(path.Base(m.File), read(m.File))
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, list...)
		}
		server := &matrix.Server{Name: s.Name, Inventory: manifest.Merge(parts...)}
		if declared := cfg.Enforcement.Get(s.Enforcement); declared != nil {
			server.Profile, err = pep.Custom(declared.Name, s.Name, specs(declared))
		} else {
			with := pep.With{ResourceKind: s.With.ResourceKind, Action: s.With.Action, FastMCP: string(s.With.FastMCP)}
			server.Profile, err = pep.New(s.Enforcement, s.Name, with, server.Inventory.FastMCP)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.servers = append(f.servers, server)
	}
	return f
}

func specs(p *config.Profile) []pep.Spec {
	var list []pep.Spec
	for _, m := range config.Methods() {
		rule, ok := p.Methods[m]
		if !ok {
			continue
		}
		s := pep.Spec{Endpoint: string(m), Filter: map[config.Filter]pep.Filter{
			config.FilterNone: pep.NoFilter, config.FilterGate: pep.GateOnly,
			config.FilterOwn: pep.ByOwn, config.FilterCall: pep.ByCall,
		}[rule.Filter]}
		for _, r := range rule.Requests {
			s.Requests = append(s.Requests, pep.RequestSpec{
				Kind: r.Kind, ID: r.ID, Action: r.Action, Attr: r.Attr, PolicyVersion: r.PolicyVersion, Scope: r.Scope,
			})
		}
		list = append(list, s)
	}
	return list
}

// matrix builds the fixture's matrix, each principal a class of its own.
func (f *fixture) matrix(t *testing.T, d pdp.Decider) *matrix.Matrix {
	t.Helper()
	m, err := matrix.Build(t.Context(), &matrix.Input{Servers: f.servers, Principals: f.principals, Decider: d})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
