package clients

import (
	"cmp"
	"errors"
	"regexp"
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
)

// A Server is one server of a client's configuration, as it is written.
type Server struct {
	Name      string
	Pos       source.Pos // of the name
	Disabled  bool
	URL       Value
	Transport string  // "http", "sse", or "" where nothing is said
	Command   []Value // the program and its arguments
	Dir       Value
	Headers   []Pair // in the order of the file
	Env       []Pair
	envFile   *source.Node
}

// Starts reports whether the server is reached by starting it.
func (s *Server) Starts() bool { return len(s.Command) > 0 }

// A Value is a text that may have placeholders.
type Value struct {
	Text string
	Pos  source.Pos
}

// A Pair is a header or a variable of the environment.
type Pair struct {
	Name string
	Value
}

// Servers are sorted by name.
type Servers []*Server

// Names lists the names.
func (s Servers) Names() []string {
	names := make([]string, len(s))
	for i := range s {
		names[i] = s[i].Name
	}
	return names
}

// Get returns the server of that name, or nil.
func (s Servers) Get(name string) *Server {
	for _, server := range s {
		if server.Name == name {
			return server
		}
	}
	return nil
}

// toml recognises the notation of Codex.
var toml = regexp.MustCompile(`(?m)^\s*\[mcp_servers[.\]]`)

// Parse reads a configuration, JSON with or without comments. Clients keep
// much beside what is needed to reach a server, so unknown keys are passed
// over; what is known must be right. All mistakes are reported, joined.
func Parse(file string, data []byte) (Servers, error) {
	if toml.Match(data) {
		return nil, source.Errorf(source.Pos{File: file}, "this is TOML, as Codex has it; write the server's url or command on the command line instead")
	}
	root, err := source.ParseJSONC(file, data)
	if err != nil {
		return nil, err
	}
	places := find(root)
	if len(places) == 0 {
		return nil, source.Errorf(root.Pos, "this is no client configuration: want an object with mcpServers (.mcp.json, Claude Desktop) or servers (.vscode/mcp.json)")
	}
	var list Servers
	var errs []error
	for _, servers := range places {
		if !servers.Is(source.Mapping) {
			return nil, source.Errorf(servers.Pos, "want servers under their names, have %v", servers.Kind)
		}
		for _, f := range servers.Duplicates {
			errs = append(errs, source.Errorf(f.Pos, "server %q stands here twice", f.Name))
		}
		for _, f := range servers.Fields {
			if list.Get(f.Name) != nil {
				errs = append(errs, source.Errorf(f.Pos, "server %q stands here twice", f.Name))
				continue
			}
			r := &reader{}
			list = append(list, r.server(f))
			errs = append(errs, r.errs...)
		}
	}
	if len(list) == 0 && len(errs) == 0 {
		return nil, source.Errorf(places[0].Pos, "this configuration has no servers")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b *Server) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// find returns all that holds servers.
func find(root *source.Node) []*source.Node {
	var places []*source.Node
	for _, n := range []*source.Node{root.Get("mcpServers"), root.Get("servers"), root.Get("mcp").Get("servers"), root.Get("context_servers")} {
		if n != nil {
			places = append(places, n)
		}
	}
	return places
}

// A reader collects the mistakes of one server.
type reader struct{ errs []error }

func (r *reader) errorf(pos source.Pos, format string, args ...any) {
	r.errs = append(r.errs, source.Errorf(pos, format, args...))
}

// transports are the words that clients have for them.
var transports = map[string]string{
	"": "", "stdio": "", "local": "", "remote": "", "sse": "sse",
	"http": "http", "streamable-http": "http", "streamableHttp": "http", "streamable_http": "http",
}

func (r *reader) server(f source.Field) *Server {
	s := &Server{Name: f.Name, Pos: f.Pos}
	n := f.Value
	if !n.Is(source.Mapping) {
		r.errorf(n.Pos, "server %q: want an object, have %v", f.Name, n.Kind)
		return s
	}
	for _, d := range n.Duplicates {
		r.errorf(d.Pos, "key %q stands here twice", d.Name)
	}
	if f.Name == "" {
		r.errorf(f.Pos, "a server without a name")
	}
	kind := r.str(n, "type")
	transport, known := transports[kind.Text]
	if !known {
		r.errorf(kind.Pos, "type: want stdio, http or sse, have %q", kind.Text)
	}
	s.Transport = transport
	for _, key := range []string{"url", "serverUrl", "httpUrl"} { // the last is Gemini's
		if v := r.str(n, key); v.Text != "" {
			s.URL = v
			if key == "httpUrl" {
				s.Transport = "http"
			}
		}
	}
	s.command(r, n)
	s.Dir = r.str(n, "cwd")
	s.Headers, s.Env = r.pairs(n, "headers"), r.pairs(n, "env")
	if v := n.Get("envFile"); v != nil && !v.Is(source.Null) {
		s.envFile = v
	}
	if v := n.Get("disabled"); v.Is(source.Bool) {
		s.Disabled = v.Text == "true"
	}
	switch {
	case s.URL.Text == "" && len(s.Command) == 0 && len(r.errs) == 0:
		r.errorf(f.Pos, "server %q has neither a command nor a url", f.Name)
	case s.URL.Text != "" && len(s.Command) > 0:
		r.errorf(f.Pos, "server %q has a command and a url: only one can be meant", f.Name)
	}
	return s
}

// command reads the program, alone or with its arguments, and args.
func (s *Server) command(r *reader, n *source.Node) {
	switch v := n.Get("command"); {
	case v == nil || v.Is(source.Null):
		return
	case v.Is(source.Sequence):
		s.Command = r.strings(v, "command")
	default:
		if program := r.str(n, "command"); program.Text != "" {
			s.Command = []Value{program}
		} else if v.Is(source.String) {
			r.errorf(v.Pos, "command: no program is named")
		}
	}
	if args := n.Get("args"); args != nil && !args.Is(source.Null) && len(s.Command) > 0 {
		s.Command = append(s.Command, r.strings(args, "args")...)
	}
}

func (r *reader) str(n *source.Node, key string) Value {
	v := n.Get(key)
	switch {
	case v == nil || v.Is(source.Null):
		return Value{}
	case !v.Is(source.String):
		r.errorf(v.Pos, "%s: want a string, have %v", key, v.Kind)
	}
	return Value{v.Str(), v.Pos}
}

func (r *reader) strings(n *source.Node, key string) []Value {
	if !n.Is(source.Sequence) {
		r.errorf(n.Pos, "%s: want a list of strings, have %v", key, n.Kind)
		return nil
	}
	var list []Value
	for _, item := range n.Items {
		if !item.Is(source.String) {
			r.errorf(item.Pos, "%s: want a string, have %v", key, item.Kind)
		}
		list = append(list, Value{item.Str(), item.Pos})
	}
	return list
}

// pairs reads headers or variables. Numbers and booleans are common among the
// latter.
func (r *reader) pairs(n *source.Node, key string) []Pair {
	v := n.Get(key)
	switch {
	case v == nil || v.Is(source.Null):
		return nil
	case !v.Is(source.Mapping):
		r.errorf(v.Pos, "%s: want an object, have %v", key, v.Kind)
		return nil
	}
	var list []Pair
	for _, f := range v.Fields {
		switch {
		case f.Name == "":
			r.errorf(f.Pos, "%s: a name is empty", key)
		case f.Value.Is(source.Null) && key == "env": // VS Code: not set
		case f.Value.Is(source.Sequence), f.Value.Is(source.Mapping), f.Value.Is(source.Null):
			r.errorf(f.Value.Pos, "%s: %q: want a string, have %v", key, f.Name, f.Value.Kind)
		default:
			list = append(list, Pair{f.Name, Value{f.Value.Text, f.Value.Pos}})
		}
	}
	return list
}
