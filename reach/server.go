package reach

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Server is a running server, or one that can be started.
type Server struct {
	Name   string
	Target live.Target
	File   source.Pos // that says where it is; zero if the caller does
}

// At returns the server at a URL, named by its host.
func At(address string) *Server {
	name := "the server"
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		name = u.Host
	}
	return &Server{Name: name, Target: live.Target{URL: address}}
}

// Starts reports whether the server is reached by starting it.
func (s *Server) Starts() bool { return len(s.Target.Command) > 0 }

// InTheClear reports whether what is sent to the server crosses a network unencrypted.
func (s *Server) InTheClear() bool {
	if s.Starts() || !strings.HasPrefix(s.Target.URL, "http:") {
		return false
	}
	u, err := url.Parse(s.Target.URL)
	if err != nil {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() != "localhost" && (err != nil || ip.Zone() != "" || !ip.Unmap().IsLoopback())
}

// setHeader has a header sent with each request.
func (s *Server) setHeader(name, value string) {
	if s.Target.Headers == nil {
		s.Target.Headers = map[string]live.Secret{}
	}
	s.Target.Headers[name] = live.Secret(value)
}

// An Env looks up a variable of the environment, as os.LookupEnv does.
type Env func(name string) (string, bool)

// Value returns the value of a variable that must be set.
func (env Env) Value(name string) (string, error) {
	if strings.ContainsAny(name, " .:/=-") {
		return "", errors.New("want the name of an environment variable, not a value") // which it does not repeat
	}
	value, set := env(name)
	if !set || value == "" {
		return "", fmt.Errorf("the environment variable %s is not set", name)
	}
	return value, nil
}

// AddHeaders adds headers, each as NAME=VARIABLE, to servers. Its mistakes are all
// those of whoever asks.
func AddHeaders(servers []*Server, headers []string, env Env, leave *Leave) error {
	var errs []error
	for _, h := range headers {
		name, variable, ok := strings.Cut(h, "=")
		if !ok || name == "" {
			errs = append(errs, errors.New("--header-env: want NAME=VARIABLE, such as X-Api-Key=CRM_KEY"))
			continue
		}
		value, err := env.Value(variable)
		if err != nil {
			errs = append(errs, fmt.Errorf("--header-env %s: %w", name, err))
		}
		for _, s := range servers {
			if s.Starts() {
				errs = append(errs, fmt.Errorf("--header-env: %s is started, and a server that is started takes no headers", s.Name))
				continue
			}
			if !s.File.IsZero() {
				errs = append(errs, leave.Allow(variable, s, s.File))
			}
			s.setHeader(name, value)
		}
	}
	return errors.Join(errs...)
}
