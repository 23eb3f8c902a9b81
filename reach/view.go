package reach

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcpolicy/mcpolicy/live"
)

// A View is one principal's look at one server.
type View struct {
	Server    *Server
	Token     string // the name of its variable, or ""
	Inventory *live.Inventory

	target live.Target
}

// String says who looks at what.
func (v *View) String() string {
	if v.Token == "" {
		return v.Server.Name
	}
	return v.Server.Name + " with " + v.Token
}

// Views lists each token's look at each server, or a look without a token if there are
// none. Tokens are names of variables. Its mistakes are all those of whoever asks.
func Views(servers []*Server, tokens []string, env Env, leave *Leave) ([]*View, error) {
	var list []*View
	var errs []error
	for _, s := range servers {
		if len(tokens) == 0 {
			list = append(list, &View{Server: s, target: s.Target})
		}
		if len(tokens) > 0 && s.Starts() {
			errs = append(errs, fmt.Errorf("--token-env: %s is started, and a server that is started takes no token", s.Name))
			continue
		}
		for _, name := range tokens {
			v := &View{Server: s, Token: name, target: s.Target}
			token, err := env.Value(name)
			if err != nil {
				errs = append(errs, fmt.Errorf("--token-env: %w", err))
			}
			if !s.File.IsZero() {
				errs = append(errs, leave.Allow(name, s, s.File))
			}
			v.target.Token = live.Secret(token)
			list = append(list, v)
		}
	}
	return list, errors.Join(errs...)
}

// Read reads the inventory, within a time. Progress, which may be nil, is called after
// each of its lists.
func (v *View) Read(ctx context.Context, timeout time.Duration, o live.Options, progress func()) error {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	if err := v.read(ctx, o, progress); err != nil {
		return fmt.Errorf("%s: %w", v, v.advise(ctx, timeout, err))
	}
	return nil
}

func (v *View) read(ctx context.Context, o live.Options, progress func()) error {
	s, err := live.Dial(ctx, v.target, o)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // everything was read
	v.Inventory, err = s.Inventory(ctx, progress)
	return err
}

// advise says what may be done about an error.
func (v *View) advise(ctx context.Context, timeout time.Duration, err error) error {
	var status *live.HTTPError
	var rpc *live.RPCError
	switch {
	case errors.As(err, &rpc) && rpc.Method == "initialize" && len(v.target.Command) > 0:
		return fmt.Errorf("%w; middleware that wants a token answers like that, and over stdio there is none: start the server without it", err)
	case errors.As(err, &rpc) && rpc.Method == "initialize":
		return fmt.Errorf("%w; a server that cannot reach its policy decision point answers like that", err)
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%w (it took longer than %v; see --timeout)", err, timeout)
	case !errors.As(err, &status) || status.Status != 401 && status.Status != 403:
		return err
	case v.Token == "" && len(v.target.Headers) == 0:
		return fmt.Errorf("%w: no token was sent; name the variable that holds one with --token-env", err)
	case v.Token == "":
		return fmt.Errorf("%w: the headers do not suffice; name the variable that holds a token with --token-env", err)
	}
	return fmt.Errorf("%w: the token in %s is not accepted", err, v.Token)
}
