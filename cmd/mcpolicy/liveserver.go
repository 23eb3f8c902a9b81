package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/internal/clients"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A liveServer is a running server, or one that can be started.
type liveServer struct {
	name   string
	target live.Target
	file   source.Pos // that says where it is; zero if the command line does
}

// liveServers is what the command line says about which servers are meant.
type liveServers struct {
	in        input // of which only the config counts
	url       string
	transport string
	headers   []string // NAME=VARIABLE
	run       bool
	from      string
	name      string
	all       bool
	origins   tokenOrigins
}

func (l *liveServers) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.url, "url", "", "the server's `URL`")
	f.StringVar(&l.transport, "transport", "auto", "how to talk to the URL: auto, http (streamable HTTP) or sse")
	f.StringArrayVar(&l.headers, "header-env", nil, "send a header with the value of an environment variable, as `NAME=VARIABLE`; may be repeated")
	f.BoolVar(&l.run, "run", false, "start the server: the command after --, or that of --server or --from")
	f.StringVar(&l.from, "from", "", "a client's configuration `FILE`: .mcp.json, .vscode/mcp.json, claude_desktop_config.json")
	f.StringVar(&l.name, "server", "", "the server `NAME` of --from, or of the config (servers.NAME.live)")
	f.BoolVar(&l.all, "all", false, "all servers of --from, or of the config; they are written to one file")
	f.StringVar(&l.in.config, "config", "", "the config `FILE` (default: mcpolicy.yaml here or in a folder above)")
	f.StringVarP(&l.in.dir, "dir", "C", "", "look for the config from `DIR` on")
	l.origins.flags(cmd)
	_ = cmd.MarkFlagFilename("from", "json")
	_ = cmd.MarkFlagFilename("config", "yaml")
	_ = cmd.MarkFlagDirname("dir")
	_ = cmd.RegisterFlagCompletionFunc("url", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("header-env", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("transport", cobra.FixedCompletions(live.Transports(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("server", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return l.names(), cobra.ShellCompDirectiveNoFileComp
	})
}

// names lists the servers that --server may name.
func (l *liveServers) names() []string {
	if l.from != "" {
		servers, err := l.clientServers()
		if err != nil {
			return nil
		}
		return servers.Names()
	}
	cfg, dir, err := l.in.readConfig()
	if err != nil {
		return nil
	}
	_ = dir.close() // only the config was wanted
	return liveNames(cfg)
}

func liveNames(cfg *config.Config) []string {
	return workspace.Names{Inputs: &workspace.Inputs{Config: cfg}}.Live()
}

// find returns the servers that the command line means.
func (l *liveServers) find(cmd *cobra.Command, args []string) ([]*liveServer, error) {
	if err := l.check(args); err != nil {
		return nil, usageError{err}
	}
	if err := l.origins.check(); err != nil {
		return nil, err
	}
	var servers []*liveServer
	var err error
	switch {
	case l.url != "":
		servers = []*liveServer{{name: hostOf(l.url), target: live.Target{URL: l.url}}}
	case len(args) > 0:
		servers = []*liveServer{{name: filepath.Base(args[0]), target: live.Target{Command: args}}}
	case l.from != "":
		servers, err = l.ofClient(cmd)
	default:
		servers, err = l.ofConfig()
	}
	if err != nil {
		return nil, err
	}
	if err := l.addHeaders(servers); err != nil {
		return nil, usageError{err}
	}
	for _, s := range servers {
		if len(s.target.Command) > 0 && !l.run {
			return nil, usageError{fmt.Errorf("%s is reached by starting %s; add --run to have that done", s.name, s.target)}
		}
		if err := s.target.Check(); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", s.name, err)}
		}
		if cmd.Flags().Changed("transport") && s.target.URL != "" {
			s.target.Transport, _ = live.ParseTransport(l.transport)
		}
	}
	return servers, nil
}

// check finds what does not go together.
func (l *liveServers) check(args []string) error {
	ways := 0
	for _, given := range []bool{l.url != "", len(args) > 0, l.from != "" || l.name != "" || l.all} {
		if given {
			ways++
		}
	}
	_, known := live.ParseTransport(l.transport)
	switch {
	case !known:
		return fmt.Errorf("--transport: want %s, have %q", strings.Join(live.Transports(), ", "), l.transport)
	case ways > 1:
		return errors.New("name one way to reach the server: --url, or --run with a command after --, or --server and --from")
	case len(args) > 0 && !l.run:
		return errors.New("a server is started only with --run, as in mcpolicy discover --run -- COMMAND and its arguments")
	case ways == 0 && l.run:
		return errors.New("--run: want a command after --, or --server or --from")
	case ways == 0:
		return errors.New("which server? give --url URL, --run -- COMMAND, --server NAME of the config, or --from FILE of a client")
	case l.all && l.name != "":
		return errors.New("give --all or --server, not both")
	case l.run && l.url != "":
		return errors.New("--run starts a server, and --url names one that runs: give one of them")
	}
	return nil
}

func (l *liveServers) addHeaders(servers []*liveServer) error {
	var errs []error
	for _, h := range l.headers {
		name, variable, ok := strings.Cut(h, "=")
		if !ok || name == "" {
			errs = append(errs, errors.New("--header-env: want NAME=VARIABLE, such as X-Api-Key=CRM_KEY"))
			continue
		}
		value, err := fromEnv(variable)
		if err != nil {
			errs = append(errs, fmt.Errorf("--header-env %s: %w", name, err))
		}
		for _, s := range servers {
			if len(s.target.Command) > 0 {
				errs = append(errs, fmt.Errorf("--header-env: %s is started, and a server that is started takes no headers", s.name))
				continue
			}
			if !s.file.IsZero() {
				errs = append(errs, l.origins.allow(variable, s, s.file))
			}
			if s.target.Headers == nil {
				s.target.Headers = map[string]live.Secret{}
			}
			s.target.Headers[name] = live.Secret(value)
		}
	}
	return errors.Join(errs...)
}

// ofConfig returns servers that mcpolicy.yaml describes.
func (l *liveServers) ofConfig() ([]*liveServer, error) {
	cfg, dir, err := l.in.readConfig()
	if err != nil {
		return nil, err
	}
	_ = dir.close() // only the config was wanted
	names := liveNames(cfg)
	switch {
	case len(names) == 0:
		return nil, usageError{source.Errorf(source.Pos{File: cfg.File}, "no server says under live how to reach it: live: {url: ...} or live: {command: [...]}")}
	case l.all:
	case cfg.Servers.Get(l.name) != nil && !slices.Contains(names, l.name):
		return nil, usageError{source.Errorf(cfg.Servers.Get(l.name).Pos, "server %q does not say under live how to reach it: live: {url: ...} or live: {command: [...]}", l.name)}
	case !slices.Contains(names, l.name):
		return nil, usageError{fmt.Errorf("--server: %s has no server %q%s; there are %s", cfg.File, l.name, source.DidYouMean(l.name, names), strings.Join(names, ", "))}
	default:
		names = []string{l.name}
	}
	var list []*liveServer
	var errs []error
	for _, name := range names {
		s, err := l.origins.ofLive(name, cfg.Servers.Get(name).Live)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.target.Dir = l.in.folder()
		list = append(list, s)
	}
	return list, errors.Join(errs...)
}

// folder is that of the config.
func (in *input) folder() string {
	if in.config != "" {
		return filepath.Dir(in.config)
	}
	start, err := filepath.Abs(in.dir)
	if err != nil {
		return in.dir
	}
	file, err := config.Find(start, os.Stat)
	if err != nil {
		return start
	}
	return filepath.Dir(file)
}

// ofLive returns the server that the config says how to reach.
func (o *tokenOrigins) ofLive(name string, l *config.Live) (*liveServer, error) {
	s := &liveServer{name: name, target: live.Target{URL: l.URL, Command: l.Command}, file: l.Pos}
	var errs []error
	for header, env := range l.Headers {
		errs = append(errs, o.allow(env.Name, s, env.Pos))
		value, err := fromEnv(env.Name)
		if err != nil {
			errs = append(errs, usageError{source.Errorf(env.Pos, "headers: %s: %w", header, err)})
		}
		if s.target.Headers == nil {
			s.target.Headers = map[string]live.Secret{}
		}
		s.target.Headers[header] = live.Secret(value)
	}
	return s, errors.Join(errs...)
}

func (l *liveServers) clientServers() (clients.Servers, error) {
	data, err := readOS(l.from)
	if err != nil {
		return nil, err
	}
	return clients.Parse(filepath.ToSlash(l.from), data)
}

// ofClient returns servers of a client's configuration. Those that are
// switched off there are left out of --all.
func (l *liveServers) ofClient(cmd *cobra.Command) ([]*liveServer, error) {
	servers, err := l.clientServers()
	if err != nil {
		return nil, err
	}
	names := strings.Join(servers.Names(), ", ")
	switch {
	case l.all:
		servers = slices.DeleteFunc(servers, func(s *clients.Server) bool {
			if s.Disabled {
				fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: note: %s is switched off in %s and left out\n", s.Name, l.from)
			}
			return s.Disabled
		})
		if len(servers) == 0 {
			return nil, fmt.Errorf("%s: every server is switched off", l.from)
		}
	case l.name == "" && len(servers) > 1:
		return nil, usageError{fmt.Errorf("%s has %d servers: choose one with --server NAME, of %s, or take --all", l.from, len(servers), names)}
	case l.name != "":
		one := servers.Get(l.name)
		if one == nil {
			return nil, usageError{fmt.Errorf("--server: %s has no server %q%s; it has %s", l.from, l.name, source.DidYouMean(l.name, servers.Names()), names)}
		}
		servers = clients.Servers{one}
	}
	variables := clients.Variables{Env: os.LookupEnv, Folder: workspaceOf(l.from)}
	variables.Home, _ = os.UserHomeDir() // "" where there is none
	var list []*liveServer
	var errs []error
	for _, s := range servers {
		e, err := s.Expand(variables)
		if err != nil {
			for _, m := range source.Mistakes(err) {
				errs = append(errs, usageError{m})
			}
			continue
		}
		one := &liveServer{name: s.Name, target: targetOf(e), file: s.Pos}
		if e.URL != "" { // a process that is started has the whole environment
			for _, variable := range slices.Sorted(maps.Keys(e.Secrets)) {
				errs = append(errs, l.origins.allow(variable, one, s.Pos))
			}
		}
		list = append(list, one)
	}
	return list, errors.Join(errs...)
}

// workspaceOf returns the folder that a client's configuration is about.
func workspaceOf(file string) string {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return filepath.Dir(file)
	}
	if filepath.Base(dir) == ".vscode" {
		return filepath.Dir(dir)
	}
	return dir
}

func targetOf(e *clients.Endpoint) live.Target {
	t := live.Target{URL: e.URL, Command: e.Command, Dir: e.Dir, Secrets: secrets(e.Secrets)}
	if kind, ok := live.ParseTransport(e.Transport); ok {
		t.Transport = kind
	}
	if t.URL != "" {
		t.Headers = secrets(e.Headers)
	} else {
		t.Env = secrets(e.Env)
	}
	return t
}

func secrets(m map[string]string) map[string]live.Secret {
	list := make(map[string]live.Secret, len(m))
	for name, value := range m {
		list[name] = live.Secret(value)
	}
	return list
}

// hostOf names a server by its URL.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return "the server"
}

// isLoopback reports whether a URL is one of this machine.
func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
