package clients

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// Variables are what placeholders stand for.
type Variables struct {
	Env    func(name string) (string, bool) // the environment
	Folder string                           // the folder that the configuration is about
	Home   string                           // the user's
}

// An Endpoint is a server without placeholders.
type Endpoint struct {
	URL       string
	Transport string // "http", "sse" or ""
	Headers   map[string]string
	Command   []string
	Dir       string
	Env       map[string]string
	// Secrets are what the environment had for placeholders, by its variables.
	// They must not show.
	Secrets map[string]string
}

// Expand replaces the placeholders: ${env:NAME} and ${NAME}, with
// ${NAME:-default}, by what the environment has, and ${workspaceFolder} and
// ${userHome}. What only a person could answer, ${input:id}, is a mistake, and
// so is a variable that is not set. All mistakes are reported, joined.
func (s *Server) Expand(v Variables) (*Endpoint, error) {
	x := &expander{Variables: v, secrets: map[string]string{}}
	e := &Endpoint{URL: x.text(s.URL), Transport: s.Transport, Dir: x.text(s.Dir), Headers: x.pairs(s.Headers), Env: x.pairs(s.Env)}
	for _, word := range s.Command {
		e.Command = append(e.Command, x.text(word))
	}
	if s.envFile != nil {
		x.errs = append(x.errs, source.Errorf(s.envFile.Pos, "envFile is not read: export its variables, and take this key away"))
	}
	e.Secrets = x.secrets
	return e, errors.Join(x.errs...)
}

type expander struct {
	Variables
	secrets map[string]string
	errs    []error
}

func (x *expander) pairs(list []Pair) map[string]string {
	m := map[string]string{}
	for _, p := range list {
		m[p.Name] = x.text(p.Value)
	}
	return m
}

var (
	placeholder = regexp.MustCompile(`\$\{[^{}]*\}`)
	variable    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func (x *expander) text(v Value) string {
	return placeholder.ReplaceAllStringFunc(v.Text, func(p string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(p, "${"), "}")
		text, err := x.lookup(name)
		if err != nil {
			x.errs = append(x.errs, source.Errorf(v.Pos, "%w", err))
		}
		return text
	})
}

func (x *expander) lookup(name string) (string, error) {
	switch name {
	case "workspaceFolder", "workspaceRoot":
		return x.Folder, nil
	case "userHome":
		return x.Home, nil
	case "pathSeparator", "/":
		return "/", nil
	}
	if strings.HasPrefix(name, "input:") {
		return "", fmt.Errorf("the client asks a person for ${%s}: export the value, and write ${env:NAME} in its place", name)
	}
	env, fallback, optional := strings.Cut(strings.TrimPrefix(name, "env:"), ":-")
	if !variable.MatchString(env) {
		return "", fmt.Errorf("the placeholder ${%s} is not known: there are ${env:NAME}, ${NAME}, ${NAME:-default}, ${workspaceFolder} and ${userHome}", name)
	}
	value, ok := x.Env(env)
	switch {
	case ok && (value != "" || !optional):
		x.secrets[env] = value
		return value, nil
	case optional:
		return fallback, nil
	}
	return "", fmt.Errorf("the environment variable %s is not set", env)
}
