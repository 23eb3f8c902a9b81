package reach

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/internal/clients"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Client is the configuration of an MCP client (.mcp.json, .vscode/mcp.json, Claude
// Desktop's and others of that shape), which says how to reach servers.
type Client struct {
	file    string
	servers clients.Servers
}

// ParseClient reads the configuration of a client.
func ParseClient(file string, data []byte) (*Client, error) {
	servers, err := clients.Parse(file, data)
	if err != nil {
		return nil, err
	}
	return &Client{file, servers}, nil
}

// Names lists the servers.
func (c *Client) Names() []string { return c.servers.Names() }

// Disabled lists the servers that are switched off.
func (c *Client) Disabled() []string {
	var names []string
	for _, s := range c.servers {
		if s.Disabled {
			names = append(names, s.Name)
		}
	}
	return names
}

// Choose leaves the server of that name, or the only one if the name is "".
func (c *Client) Choose(name string) (*Client, error) {
	names := strings.Join(c.Names(), ", ")
	if name == "" {
		if len(c.servers) > 1 {
			return nil, fmt.Errorf("%s has %d servers: choose one with --server NAME, of %s, or take --all", c.file, len(c.servers), names)
		}
		return c, nil
	}
	one := c.servers.Get(name)
	if one == nil {
		return nil, fmt.Errorf("--server: %s has no server %q%s; it has %s", c.file, name, source.DidYouMean(name, c.Names()), names)
	}
	return &Client{c.file, clients.Servers{one}}, nil
}

// Enabled leaves those that are not switched off.
func (c *Client) Enabled() *Client {
	return &Client{c.file, slices.DeleteFunc(slices.Clone(c.servers), func(s *clients.Server) bool { return s.Disabled })}
}

// Servers returns the servers, with what the environment has for placeholders. Folder is
// what the configuration is about, and home the user's. Its mistakes are all those of
// whoever asks.
func (c *Client) Servers(folder, home string, env Env, leave *Leave) ([]*Server, error) {
	var list []*Server
	var errs []error
	for _, s := range c.servers {
		e, err := s.Expand(clients.Variables{Env: env, Folder: folder, Home: home})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		one := &Server{Name: s.Name, Target: targetOf(e), File: s.Pos}
		if e.URL != "" { // a process that is started has the whole environment
			for _, variable := range slices.Sorted(maps.Keys(e.Secrets)) {
				errs = append(errs, leave.Allow(variable, one, s.Pos))
			}
		}
		list = append(list, one)
	}
	return list, errors.Join(errs...)
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
