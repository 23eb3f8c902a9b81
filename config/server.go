package config

import (
	"errors"
	"net/url"
	"regexp"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Server is an MCP server.
type Server struct {
	Name string
	Pos  source.Pos // of the name
	// The inventory. The files of a list are merged.
	Manifest Manifests `yaml:"manifest"`
	// What asks the policies: a built-in enforcement point, or one described under enforcement.
	Enforcement string `yaml:"enforcement"`
	// Settings of a built-in enforcement point.
	With With `yaml:"with"`
	// Whether an inventory that is empty or cut short ends the run, or is accepted with a note.
	Incomplete Incomplete `yaml:"incomplete"`
	// How discover and probe reach the running server.
	Live *Live `yaml:"live"`
	// Tools that call others by name, by name or pattern, and whether the enforcement point is
	// asked about those again. Without it, what their arguments look like.
	MetaTools MetaTools `yaml:"metaTools"`
}

// With sets up a built-in enforcement point.
type With struct {
	Pos source.Pos
	// The kind of the resources that policies are written for.
	ResourceKind string `yaml:"resourceKind"`
	// The action that tool-as-resource asks for.
	Action string `yaml:"action"`
	// The version of FastMCP, for cerbos-fastmcp.
	FastMCP Version `yaml:"fastmcp"`
	// Whether a tool is asked about before it is shown, for voltagent.
	FilterOnDiscovery bool `yaml:"filterOnDiscovery"`
	// What identifies the server, which is the id of the resource that lists are about, for
	// coaz. Without it the claim aud of the principals says it.
	Aud string `yaml:"aud"`
	// The claim that is the id of whoever asks, for coaz.
	Subject string `yaml:"subject"`
	// Claims of a principal's token by name, with placeholders such as {principal.roles}, for
	// coaz. They are added to those that it has anyway: sub is the id, roles are the roles, and
	// each attribute is a claim. Null takes one away.
	Claims map[string]any `yaml:"claims"`
	// Whether the mappings count that tools declare, for coaz; they do unless this is false. A
	// gateway that no tools/list has passed does not know them.
	DeclaredMappings *bool `yaml:"declaredMappings"`

	Node *source.Node // what it was read from, for positions
}

// DecodeNode reads a mapping.
func (w *With) DecodeNode(n *source.Node) error {
	type plain With
	w.Node = n
	errs := []error{source.Decode(n, (*plain)(w))}
	for _, key := range []string{"aud", "subject"} {
		if f := n.Get(key); f.Is(source.String) && f.Text == "" {
			errs = append(errs, source.Errorf(f.Pos, "with: %s is empty", key))
		}
	}
	return errors.Join(errs...)
}

// Servers are the servers of a config, sorted by name.
type Servers []*Server

// Get returns the server of that name, or nil.
func (s Servers) Get(name string) *Server {
	for _, server := range s {
		if server.Name == name {
			return server
		}
	}
	return nil
}

// match reports whether a server has that name, or one that matches it as a
// glob.
func (s Servers) match(pattern string) bool {
	re, err := glob.Compile(pattern)
	return s.Get(pattern) != nil || err == nil && slices.ContainsFunc(s.names(), re.MatchString)
}

func (s Servers) names() []string {
	names := make([]string, len(s))
	for i := range s {
		names[i] = s[i].Name
	}
	return names
}

// DecodeNode reads a mapping from names.
func (s *Servers) DecodeNode(n *source.Node) error {
	return entries(n, "servers", func(f source.Field) error {
		server := &Server{}
		err := source.Decode(f.Value, server)
		if f.Value.Is(source.Null) || f.Value.Is(source.Mapping) && f.Value.Get("manifest") == nil && f.Value.Get("live") == nil {
			err = errors.Join(err, source.Errorf(f.Pos, "server %q has neither a manifest nor live", f.Name))
		}
		server.Name, server.Pos = f.Name, f.Pos
		*s = append(*s, server)
		return err
	})
}

// A Version is that of a FastMCP release, or the beginning of one: 3, 2.14.7.
type Version string

var versionPattern = regexp.MustCompile(`^\d+(\.\d+)*([a-z+.-][0-9A-Za-z+.-]*)?$`)

// DecodeNode reads a string or, since 2.14 is one in YAML, a number.
func (v *Version) DecodeNode(n *source.Node) error {
	switch {
	case n.Is(source.Null):
		return nil
	case !n.Is(source.String) && !n.Is(source.Number) || !versionPattern.MatchString(n.Text):
		return source.Errorf(n.Pos, "want a version like 3 or 2.14.7, have %s", n.Describe())
	}
	*v = Version(n.Text)
	return nil
}

// Incomplete says what becomes of an inventory that is empty or known to be
// cut short.
type Incomplete uint8

// What becomes of it.
const (
	Refuse Incomplete = iota // the run ends
	Accept                   // the run goes on, and every report says so
)

var incompletes = []string{"refuse", "accept"}

// String returns refuse or accept.
func (i Incomplete) String() string { return incompletes[i] }

// DecodeNode reads refuse or accept.
func (i *Incomplete) DecodeNode(n *source.Node) error {
	return source.DecodeWord(n, "incomplete", incompletes, i)
}

// Live says how to reach a running server: at a URL, or by starting it.
type Live struct {
	Pos source.Pos
	// The server's address, without credentials.
	URL string `yaml:"url"`
	// The program to start, and its arguments.
	Command []string `yaml:"command"`
	// Headers of each request to the address, by name.
	Headers map[string]Env `yaml:"headers"`
}

var headerPattern = regexp.MustCompile("^[0-9A-Za-z!#$%&'*+.^_`|~-]+$")

// DecodeNode reads a mapping with url or command.
func (l *Live) DecodeNode(n *source.Node) error {
	type plain Live
	err := source.Decode(n, (*plain)(l))
	if !n.Is(source.Mapping) {
		return err
	}
	errs := []error{err}
	address, command, headers := n.Get("url"), n.Get("command"), n.Get("headers")
	switch {
	case address == nil && command == nil:
		errs = append(errs, source.Errorf(n.Pos, "live: want a url or a command"))
	case address != nil && command != nil:
		errs = append(errs, source.Errorf(n.Pos, "live: want a url or a command, not both"))
	case command != nil && headers != nil:
		errs = append(errs, source.Errorf(headers.Pos, "live: a command has no headers"))
	}
	if address.Is(source.String) {
		if problem := checkURL(l.URL); problem != "" {
			errs = append(errs, source.Errorf(address.Pos, "url: %s", problem))
		}
	}
	if command.Is(source.Sequence) && (len(l.Command) == 0 || l.Command[0] == "") {
		errs = append(errs, source.Errorf(command.Pos, "command: no program is named"))
	}
	if headers.Is(source.Mapping) {
		for _, f := range headers.Fields {
			if !headerPattern.MatchString(f.Name) {
				errs = append(errs, source.Errorf(f.Pos, "headers: %q is no name of a header", f.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// checkURL says what is wrong with a URL. It does not repeat it, for it may
// hold a password.
func checkURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "want a URL that begins with https:// or http://"
	case u.Hostname() == "":
		return "the URL has no host"
	case u.User != nil:
		return "credentials do not belong into a URL; name an environment variable under headers"
	case u.Fragment != "":
		return "a server's URL has no fragment"
	}
	return ""
}

// An Env is a value that the environment has, because it is no business of a
// file.
type Env struct {
	Name string // of the variable
	Pos  source.Pos
}

var envPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// A value that comes from the environment.
type writtenEnv struct {
	// The name of the environment variable.
	Env *source.Node `yaml:"env"`
}

// DecodeNode reads {env: NAME}. Its mistakes do not repeat the value, which may
// be the secret itself.
func (e *Env) DecodeNode(n *source.Node) error {
	if !n.Is(source.Mapping) {
		return source.Errorf(n.Pos, "want {env: NAME}: the value comes from the environment, not from this file")
	}
	var plain writtenEnv
	err := source.Decode(n, &plain)
	*e = Env{Name: plain.Env.Str(), Pos: n.Pos}
	switch {
	case plain.Env == nil && err == nil:
		err = source.Errorf(n.Pos, "want {env: NAME}, the name of an environment variable")
	case plain.Env != nil && !envPattern.MatchString(e.Name):
		err = errors.Join(err, source.Errorf(plain.Env.Pos, "env: want the name of an environment variable: letters, digits and _"))
	}
	return err
}

// checkEnforcement reports an enforcement point that does not exist, and
// settings that the one of the server does not have.
func (c *Config) checkEnforcement(s *Server, n *source.Node) error {
	var errs []error
	with := n.Get("with")
	unused := func(setting, only string) {
		if f := with.Get(setting); f != nil {
			errs = append(errs, source.Errorf(f.Pos, "with: %s is a setting of %s, not of %s", setting, only, s.Enforcement))
		}
	}
	switch {
	case c.Enforcement.Get(s.Enforcement) != nil:
		if with.Is(source.Mapping) {
			errs = append(errs, source.Errorf(with.Pos, "with: %s is described here under enforcement and has no settings", s.Enforcement))
		}
	case !slices.Contains(authz.BuiltIn(), s.Enforcement):
		known := append(authz.BuiltIn(), c.Enforcement.names()...)
		hint := source.DidYouMean(s.Enforcement, known)
		if hint == "" {
			hint = "; want " + source.OneOf(known) + ", or describe it under enforcement"
		}
		errs = append(errs, source.Errorf(n.Get("enforcement").Pos, "unknown enforcement point %q%s", s.Enforcement, hint))
	default:
		if s.Enforcement != authz.ToolAsResource {
			unused("action", authz.ToolAsResource)
		}
		if s.Enforcement != authz.CerbosFastMCP {
			unused("fastmcp", authz.CerbosFastMCP)
		}
		if s.Enforcement != authz.VoltAgent {
			unused("filterOnDiscovery", authz.VoltAgent)
		}
		for _, setting := range []string{"aud", "subject", "claims", "declaredMappings"} {
			if s.Enforcement != authz.COAZ {
				unused(setting, authz.COAZ)
			}
		}
		if s.Enforcement == authz.COAZ && with.Get("resourceKind") != nil {
			errs = append(errs, source.Errorf(with.Get("resourceKind").Pos, "with: the binding says what the resources of %s are", authz.COAZ))
		}
	}
	return errors.Join(errs...)
}
