package reach

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/source"
)

// Names lists the servers of which a config says how to reach them.
func Names(cfg *config.Config) []string {
	var names []string
	for _, s := range cfg.Servers {
		if s.Live != nil {
			names = append(names, s.Name)
		}
	}
	return names
}

// OfConfig returns the server of that name of a config, or all if the name is "". What is
// started starts in dir. Its mistakes are all those of whoever asks.
func OfConfig(cfg *config.Config, name, dir string, env Env, leave *Leave) ([]*Server, error) {
	names := Names(cfg)
	switch {
	case len(names) == 0:
		return nil, source.Errorf(source.Pos{File: cfg.File}, "no server says under live how to reach it: live: {url: ...} or live: {command: [...]}")
	case name == "":
	case cfg.Servers.Get(name) != nil && !slices.Contains(names, name):
		return nil, source.Errorf(cfg.Servers.Get(name).Pos, "server %q does not say under live how to reach it: live: {url: ...} or live: {command: [...]}", name)
	case !slices.Contains(names, name):
		return nil, fmt.Errorf("--server: %s has no server %q%s; there are %s", cfg.File, name, source.DidYouMean(name, names), strings.Join(names, ", "))
	default:
		names = []string{name}
	}
	var list []*Server
	var errs []error
	for _, name := range names {
		s, err := OfLive(name, dir, cfg.Servers.Get(name).Live, env, leave)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, s)
	}
	return list, errors.Join(errs...)
}

// OfLive returns a server of which a config says how to reach it. What is started starts
// in dir. Its mistakes are all those of whoever asks.
func OfLive(name, dir string, l *config.Live, env Env, leave *Leave) (*Server, error) {
	s := &Server{Name: name, Target: live.Target{URL: l.URL, Command: l.Command, Dir: dir}, File: l.Pos}
	var errs []error
	for header, from := range l.Headers {
		errs = append(errs, leave.Allow(from.Name, s, from.Pos))
		value, err := env.Value(from.Name)
		if err != nil {
			errs = append(errs, source.Errorf(from.Pos, "headers: %s: %w", header, err))
		}
		s.setHeader(header, value)
	}
	return s, errors.Join(errs...)
}
