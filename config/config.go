package config

import (
	"errors"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Config is what an mcpolicy.yaml says.
type Config struct {
	File        string
	Servers     Servers // sorted by name
	Policies    Path    // a directory of Cerbos policies
	Principals  Path    // a file of principals
	Tests       Paths   // files and directories of suites
	CerbosTests CerbosTests
	Engine      Engine   // how the PDP in production is set
	Enforcement Profiles // the custom ones, sorted by name
	Lint        Lint
	Probe       Probe
	Diff        Diff
	Coverage    Coverage
	Waivers     []Waiver // in the order of the file

	root *source.Node
}

// At returns where a key stands, by the names of the keys that it is below, or else where
// the nearest of these does. It is zero in a config that was not parsed.
func (c *Config) At(keys ...string) source.Pos {
	pos := source.Pos{File: c.File}
	n := c.root
	for _, key := range keys {
		if n == nil {
			return pos
		}
		i := slices.IndexFunc(n.Fields, func(f source.Field) bool { return f.Name == key })
		if i < 0 {
			return pos
		}
		pos, n = n.Fields[i].Pos, n.Fields[i].Value
	}
	return pos
}

// Which MCP servers there are, what guards them, and where policies, principals and tests
// are.
type file struct {
	// For editors; mcpolicy does not read it.
	Schema string `yaml:"$schema"`
	// The MCP servers, by name.
	Servers Servers `yaml:"servers"`
	// The directory of the Cerbos policies.
	Policies Path `yaml:"policies"`
	// The principals: a Cerbos fixture file, CSV or JSON Lines.
	Principals Path `yaml:"principals"`
	// Suites: a file, a directory, or a list of them.
	Tests Paths `yaml:"tests"`
	// How the *_test.yaml suites of Cerbos's own below policies are run: as cerbos compile does.
	CerbosTests CerbosTests `yaml:"cerbosTests"`
	// How the PDP in production is set.
	Engine Engine `yaml:"engine"`
	// Custom enforcement points, by name.
	Enforcement Profiles `yaml:"enforcement"`
	// What the lint rules look for, and which findings make a run fail.
	Lint Lint `yaml:"lint"`
	// How running servers are tried.
	Probe Probe `yaml:"probe"`
	// Which changes of access fail mcpolicy diff, and mcpolicy check with --base.
	Diff Diff `yaml:"diff"`
	// How much of the policies the suites have to cover for mcpolicy test --coverage to pass.
	Coverage Coverage `yaml:"coverage"`
	// Findings that are accepted.
	Waivers []Waiver `yaml:"waivers"`
}

// Parse reads a config, strictly. All mistakes are reported, joined, each with
// its position. What is not said has its default: the enforcement point
// [DefaultEnforcement], and findings fail from [authz.SeverityWarning] on.
//
// Paths are slash-separated and relative to the config's folder, and come out
// clean. One that leads out of the folder is a mistake: a file that came with a
// repository must not say what else is read.
//
// The checks look for mistakes that only other packages know. They get the config as
// far as it could be read, and what they find is reported with the rest.
func Parse(name string, data []byte, checks ...func(*Config) error) (*Config, error) {
	docs, err := source.ParseYAML(name, data)
	switch {
	case err != nil:
		return nil, err
	case len(docs) == 0 || docs[0].Is(source.Null):
		return nil, source.Errorf(source.Pos{File: name}, "the config is empty")
	case len(docs) > 1:
		return nil, source.Errorf(docs[1].Pos, "a config is one YAML document, this is another")
	}
	root := docs[0]
	f := file{Lint: Lint{FailOn: authz.SeverityWarning}}
	err = source.Decode(root, &f)
	c := &Config{
		File: name, Servers: f.Servers, Policies: f.Policies, Principals: f.Principals, Tests: f.Tests, CerbosTests: f.CerbosTests, Engine: f.Engine,
		Enforcement: f.Enforcement, Lint: f.Lint, Probe: f.Probe, Diff: f.Diff, Coverage: f.Coverage, Waivers: f.Waivers,
		root: root,
	}
	c.setDefaults()
	errs := []error{err, c.cleanPaths(), c.checkNames(root)}
	for _, check := range checks {
		errs = append(errs, check(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) setDefaults() {
	for _, s := range c.Servers {
		if s.Enforcement == "" {
			s.Enforcement = DefaultEnforcement
		}
	}
}

// cleanPaths checks each path and brings it into its shortest form.
func (c *Config) cleanPaths() error {
	var errs []error
	clean := func(path *string, pos source.Pos) {
		cleaned, err := cleanPath(*path)
		if err != nil {
			errs = append(errs, source.Errorf(pos, "%w", err))
		}
		*path = cleaned
	}
	for _, s := range c.Servers {
		for i := range s.Manifest {
			clean(&s.Manifest[i].File, s.Manifest[i].Pos)
		}
	}
	for _, p := range []*Path{&c.Policies, &c.Principals, &c.Lint.Baseline} {
		if !p.Pos.IsZero() {
			clean(&p.Path, p.Pos)
		}
	}
	for i := range c.Tests {
		clean(&c.Tests[i].Path, c.Tests[i].Pos)
	}
	for g := range c.Grants() {
		if !g.File.Pos.IsZero() {
			clean(&g.File.Path, g.File.Pos)
		}
	}
	return errors.Join(errs...)
}

// checkNames reports names in one part of the config that another part does not
// declare.
func (c *Config) checkNames(root *source.Node) error {
	var errs []error
	for _, s := range c.Servers {
		errs = append(errs, c.checkEnforcement(s, root.Get("servers").Get(s.Name)))
	}
	server := func(name string, known bool, entry *source.Node) {
		if name != "" && !known {
			errs = append(errs, source.Errorf(entry.Get("server").Pos, "no server %q%s", name, source.DidYouMean(name, c.Servers.names())))
		}
	}
	for i, w := range c.Waivers {
		server(w.Server, c.Servers.match(w.Server), root.Get("waivers").Items[i])
	}
	for i, d := range c.Lint.SeparationOfDuties {
		server(d.Server, c.Servers.Get(d.Server) != nil, root.Get("lint").Get("separationOfDuties").Items[i])
	}
	return errors.Join(errs...)
}
