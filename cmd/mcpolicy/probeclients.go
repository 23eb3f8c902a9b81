package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/probe"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// people are those as whom a server is probed.
type people struct {
	chosen  []*authz.Principal // with a token, or named for a server that is started
	tokens  map[string]token   // by principal
	missing []string           // principals that are not probed for want of a token, the first of them
	without int                // how many there are
	started *authz.Principal   // as whom a server is probed that is started
}

// A token is a bearer token and where it is from.
type token struct {
	variable string
	value    live.Secret
	file     source.Pos // that names the variable; zero if the command line does
}

// people finds out who is probed, and reads their tokens.
func (p *probing) people(w *session, m *matrix.Matrix, filter *report.Filter) (*people, error) {
	who := &people{tokens: map[string]token{}}
	var errs []error
	given := map[string]bool{}
	add := func(principal, variable string, at source.Pos) {
		switch {
		case m.ClassOf(principal) == nil:
			errs = append(errs, usageError{source.Errorf(at, "probe: no principal %q%s", principal, nearest(principal, m))})
		case filter.Principals.Match(principal):
			value, err := fromEnv(variable)
			if err != nil {
				errs = append(errs, usageError{source.Errorf(at, "probe: the token of %s: %w", principal, err)})
			}
			one := token{variable: variable, value: live.Secret(value)}
			if !given[principal] {
				one.file = at
			}
			who.tokens[principal] = one
		}
	}
	for _, flag := range p.tokens {
		principal, variable, err := splitToken(flag)
		if err != nil {
			return nil, err
		}
		given[principal] = true
		add(principal, variable, source.Pos{File: "--token-env"})
	}
	for _, t := range w.Config.Probe.Tokens {
		if !given[t.Principal] {
			add(t.Principal, t.Env.Name, t.Pos)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	selected := 0
	for one := range m.Principals() {
		if !filter.Principals.Match(one.Key) {
			continue
		}
		selected++
		who.started = one
		if _, ok := who.tokens[one.Key]; ok {
			who.chosen = append(who.chosen, one)
			continue
		}
		if who.without++; who.without <= maxNamed {
			who.missing = append(who.missing, one.Key)
		}
	}
	if selected != 1 || len(p.out.principals) == 0 {
		who.started = nil
	}
	return who, nil
}

// maxNearest bounds the search for a name that may have been meant.
const maxNearest = 10_000

func nearest(name string, m *matrix.Matrix) string {
	var keys []string
	for p := range m.Principals() {
		if keys = append(keys, p.Key); len(keys) > maxNearest {
			return ""
		}
	}
	return source.DidYouMean(name, keys)
}

// suit reports a server that none of the people can be probed at.
func (who *people) suit(servers []*probedServer) error {
	for _, s := range servers {
		switch started := len(s.live.target.Command) > 0; {
		case started && who.started == nil:
			return usageError{fmt.Errorf("%s is started, and a server that is started has one client without a token: say with --principal whom it takes that for", s.matrix.Name)}
		case !started && len(who.chosen) == 0:
			return fmt.Errorf("nothing to probe: none of the principals has a token (%s); name the variable that holds it in the config, "+
				"probe: {tokens: {PRINCIPAL: {env: VARIABLE}}}, or with --token-env PRINCIPAL=VARIABLE", someOf(who.missing, who.without))
		}
	}
	return nil
}

func someOf(names []string, total int) string {
	text := some(names)
	if more := total - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// notes names those who are not probed.
func (who *people) notes(w *session) []report.Note {
	if who.without == 0 || len(who.chosen) == 0 {
		return nil
	}
	return []report.Note{{
		Message: fmt.Sprintf("not probed, for there is no token: %s", someOf(who.missing, who.without)), Pos: w.Config.Probe.Pos,
	}}
}

// clients returns as whom a server is probed.
func (who *people) clients(s *probedServer) []probe.Client {
	if len(s.live.target.Command) > 0 {
		return []probe.Client{{Principal: who.started}}
	}
	clients := []probe.Client{{}, {WrongToken: true}}
	for _, p := range who.chosen {
		clients = append(clients, probe.Client{Principal: p})
	}
	return clients
}

// dial connects a client. Whatever a server says goes without anybody's token.
func (who *people) dial(ctx context.Context, s *probedServer, c probe.Client) (probe.Session, error) {
	target := s.live.target
	target.Secrets = maps.Clone(target.Secrets)
	if target.Secrets == nil {
		target.Secrets = map[string]live.Secret{}
	}
	for principal, t := range who.tokens {
		target.Secrets["token of "+principal] = t.value
	}
	variable := ""
	switch {
	case len(target.Command) > 0:
	case c.Principal != nil:
		t := who.tokens[c.Principal.Key]
		target.Token, variable = t.value, t.variable
	case c.WrongToken:
		target.Token = live.Secret("mcpolicy-wrong-" + rand.Text())
	default:
		target.Headers = maps.Clone(target.Headers)
		maps.DeleteFunc(target.Headers, func(name string, _ live.Secret) bool { return strings.EqualFold(name, "Authorization") })
	}
	session, err := live.Dial(ctx, target, live.Options{Version: version()})
	var status *live.HTTPError
	var rpc *live.RPCError
	switch {
	case err == nil:
		return session, nil
	case variable != "" && errors.As(err, &status) && (status.Status == 401 || status.Status == 403):
		return nil, fmt.Errorf("%w: the token in %s is not accepted", err, variable)
	case c.Principal != nil && errors.As(err, &rpc):
		return nil, fmt.Errorf("%w; a server that cannot reach its policy decision point answers like that", err)
	}
	return nil, err
}
