package workspace

import (
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Names are the names in what inputs name, for whoever helps to write them, like a shell
// or an editor. No policy is compiled, nothing is decided, and what cannot be read is left
// out, so they say nothing about what is right.
type Names struct {
	Inputs *Inputs
}

// What is read of principals: somebody waits for it.
const (
	maxNaming      = time.Second // of a long file
	maxNamingBytes = 4 << 20     // of a file that is read whole
)

// Inventories returns the inventories, by the names of their servers.
func (n Names) Inventories() map[string]*manifest.Inventory {
	found := map[string]*manifest.Inventory{}
	for _, given := range n.Inputs.Inventories {
		data, err := given.read()
		if err != nil {
			continue
		}
		list, _ := manifest.Parse(given.Name, data) // none if it cannot be read
		for _, i := range list {
			switch {
			case len(list) == 1:
				found[ServerName(given.Name)] = i
			case given.Server == "" || given.Server == i.Server:
				found[i.Server] = i
			}
		}
	}
	if len(n.Inputs.Inventories) > 0 {
		return found
	}
	for _, s := range n.Inputs.config().Servers {
		var parts []*manifest.Inventory
		for _, m := range s.Manifest {
			data, err := n.Inputs.read(config.Path{Path: m.File, Pos: m.Pos})
			if err != nil {
				continue
			}
			list, _ := manifest.Parse(m.File, data) // none if it cannot be read
			for _, i := range list {
				if m.Pick == "" || m.Pick == i.Server {
					parts = append(parts, i)
				}
			}
		}
		found[s.Name] = manifest.Merge(parts...)
	}
	return found
}

// Items returns the items of a server, or of all if that is "", each with the name of its
// server.
func (n Names) Items(server string) iter.Seq2[string, *manifest.Item] {
	return func(yield func(string, *manifest.Item) bool) {
		for name, inventory := range n.Inventories() {
			if server != "" && server != name {
				continue
			}
			for _, item := range inventory.Items {
				if !yield(name, item) {
					return
				}
			}
		}
	}
}

// Principals returns the principals, of a long file those that are read within a second.
func (n Names) Principals() iter.Seq[*authz.Principal] {
	return func(yield func(*authz.Principal) bool) {
		name, file, err := n.Inputs.openPrincipals()
		if err != nil {
			return
		}
		defer func() { _ = file.Close() }() // it was only read
		info, err := file.Stat()
		if err != nil || !info.Mode().IsRegular() || readWhole(name) && info.Size() > maxNamingBytes {
			return
		}
		start := time.Now()
		for p, err := range principals.Stream(name, file) {
			if err == nil && !yield(p) || time.Since(start) > maxNaming {
				return
			}
		}
	}
}

// readWhole reports whether a file of principals is no table or stream.
func readWhole(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name)))
}

// Roles returns the roles that principals have, each once.
func (n Names) Roles() iter.Seq[string] {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for p := range n.Principals() {
			for _, name := range p.Roles {
				if !seen[name] {
					seen[name] = true
					if !yield(name) {
						return
					}
				}
			}
		}
	}
}

// PolicyRoles returns the roles that rules of the policies name, any number of times.
func (n Names) PolicyRoles() iter.Seq[string] {
	return func(yield func(string) bool) {
		prefix, fsys, err := n.Inputs.openPolicies()
		if err != nil {
			return
		}
		set, err := policy.Load(fsys, prefix)
		if err != nil {
			return
		}
		for r := range set.Rules() {
			for _, role := range r.Roles {
				if role.Value != "*" && !yield(role.Value) {
					return
				}
			}
		}
	}
}

// Suites returns the suites, those of Cerbos's own after the others, with the names of
// their tests.
func (n Names) Suites() []*testrunner.Suite {
	list, _ := ReadSuites(n.Inputs) // what can be read is there
	prefix, fsys, err := n.Inputs.openPolicies()
	if err != nil || len(n.Inputs.Suites) > 0 || n.Inputs.config().CerbosTests.Skip {
		return list
	}
	files, _, _ := embedded.SuiteFiles(fsys) // what can be read is there
	for _, name := range files {
		file := path.Join(prefix, name)
		data, err := source.ReadFile(fsys, name)
		if err != nil || slices.ContainsFunc(list, func(s *testrunner.Suite) bool { return s.Pos.File == file }) {
			continue
		}
		docs, err := source.ParseYAML(file, data)
		if err != nil || len(docs) != 1 {
			continue
		}
		s := &testrunner.Suite{Name: docs[0].Get("name").Str(), Pos: source.Pos{File: file}}
		if tests := docs[0].Get("tests"); tests != nil {
			for _, t := range tests.Items {
				s.Tests = append(s.Tests, testrunner.Test{Name: t.Get("name").Str()})
			}
		}
		list = append(list, s)
	}
	return list
}

// TokenHolders returns the principals that the config has tokens of.
func (n Names) TokenHolders() []string {
	var list []string
	for _, t := range n.Inputs.config().Probe.Tokens {
		list = append(list, t.Principal)
	}
	return list
}
