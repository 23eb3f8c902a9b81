package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/reach"
)

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
	leave     *reach.Leave // once the command line is read
}

func (l *liveServers) flags(cmd *cobra.Command) {
	l.serverFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&l.in.config, "config", "", "the config `FILE` (default: mcpolicy.yaml here or in a folder above)")
	f.StringVarP(&l.in.dir, "dir", "C", "", "look for the config from `DIR` on")
	_ = cmd.MarkFlagFilename("config", "yaml")
	_ = cmd.MarkFlagDirname("dir")
}

// named reports whether flags say how to reach a server.
func (l *liveServers) named() bool {
	return l.url != "" || l.run || l.from != "" || l.name != "" || l.all
}

// serverFlags are those that say how to reach a server, without a config.
func (l *liveServers) serverFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.url, "url", "", "the server's `URL`")
	f.StringVar(&l.transport, "transport", "auto", "how to talk to the URL: auto, http (streamable HTTP) or sse")
	f.StringArrayVar(&l.headers, "header-env", nil, "send a header with the value of an environment variable, as `NAME=VARIABLE`; may be repeated")
	f.BoolVar(&l.run, "run", false, "start the server: the command after --, or that of --server or --from")
	f.StringVar(&l.from, "from", "", "a client's configuration `FILE`: .mcp.json, .vscode/mcp.json, claude_desktop_config.json")
	f.StringVar(&l.name, "server", "", "the server `NAME` of --from, or of the config (servers.NAME.live)")
	f.BoolVar(&l.all, "all", false, "all servers of --from, or of the config; they are written to one file")
	l.origins.flags(cmd)
	_ = cmd.MarkFlagFilename("from", "json")
	completeFlag(cmd, "url", cobra.NoFileCompletions)
	completeFlag(cmd, "header-env", cobra.NoFileCompletions)
	completeFlag(cmd, "transport", cobra.FixedCompletions(live.Transports(), cobra.ShellCompDirectiveNoFileComp))
	completeFlag(cmd, "server", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return l.names(), cobra.ShellCompDirectiveNoFileComp
	})
}

// names lists the servers that --server may name.
func (l *liveServers) names() []string {
	if l.from != "" {
		client, err := l.client()
		if err != nil {
			return nil
		}
		return client.Names()
	}
	cfg, dir, err := l.in.readConfig()
	if err != nil {
		return nil
	}
	_ = dir.close() // only the config was wanted
	return reach.Names(cfg)
}

// find returns the servers that the command line means.
func (l *liveServers) find(cmd *cobra.Command, args []string) ([]*reach.Server, error) {
	if err := l.check(args); err != nil {
		return nil, usageError{err}
	}
	var err error
	if l.leave, err = l.origins.leave(); err != nil {
		return nil, err
	}
	var servers []*reach.Server
	switch {
	case l.url != "":
		servers = []*reach.Server{reach.At(l.url)}
	case len(args) > 0:
		servers = []*reach.Server{{Name: filepath.Base(args[0]), Target: live.Target{Command: args}}}
	case l.from != "":
		servers, err = l.ofClient(cmd)
	default:
		servers, err = l.ofConfig()
	}
	if err != nil {
		return nil, err
	}
	if err := reach.AddHeaders(servers, l.headers, os.LookupEnv, l.leave); err != nil {
		return nil, usageError{err}
	}
	for _, s := range servers {
		if s.Starts() && !l.run {
			return nil, usageError{fmt.Errorf("%s is reached by starting %s; add --run to have that done", s.Name, s.Target)}
		}
		if err := s.Target.Check(); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", s.Name, err)}
		}
		if cmd.Flags().Changed("transport") && s.Target.URL != "" {
			s.Target.Transport, _ = live.ParseTransport(l.transport)
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

// ofConfig returns servers that mcpolicy.yaml describes.
func (l *liveServers) ofConfig() ([]*reach.Server, error) {
	cfg, dir, err := l.in.readConfig()
	if err != nil {
		return nil, err
	}
	_ = dir.close() // only the config was wanted
	list, err := reach.OfConfig(cfg, l.name, l.in.folder(), os.LookupEnv, l.leave)
	if err != nil {
		return nil, usageError{err}
	}
	return list, nil
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

func (l *liveServers) client() (*reach.Client, error) {
	data, err := readOS(l.from)
	if err != nil {
		return nil, err
	}
	return reach.ParseClient(filepath.ToSlash(l.from), data)
}

// ofClient returns servers of a client's configuration. Those that are
// switched off there are left out of --all.
func (l *liveServers) ofClient(cmd *cobra.Command) ([]*reach.Server, error) {
	client, err := l.client()
	if err != nil {
		return nil, err
	}
	if l.all {
		for _, name := range client.Disabled() {
			fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: note: %s is switched off in %s and left out\n", name, l.from)
		}
		if client = client.Enabled(); len(client.Names()) == 0 {
			return nil, fmt.Errorf("%s: every server is switched off", l.from)
		}
	} else if client, err = client.Choose(l.name); err != nil {
		return nil, usageError{err}
	}
	home, _ := os.UserHomeDir() // "" where there is none
	list, err := client.Servers(workspaceOf(l.from), home, os.LookupEnv, l.leave)
	if err != nil {
		return nil, usageError{err}
	}
	return list, nil
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
