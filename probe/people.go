package probe

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/reach"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Token says which variable of the environment holds the bearer token of a principal.
type Token struct {
	Principal, Variable string
	Pos                 source.Pos // for messages
	ByFile              bool       // the file of Pos names the variable, and not the caller

	value live.Secret
}

// People are those as whom servers are probed.
type People struct {
	// Chosen have a token.
	Chosen []*authz.Principal

	tokens  map[string]Token // by principal
	missing []string         // principals that are not probed for want of a token, the first of them
	without int              // how many there are
	started *authz.Principal // as whom a server is probed that is started
}

// NewPeople finds out who is probed of the principals that match, and reads their
// tokens. The last token of a principal counts. Chosen says that match names the
// principals: if it names one, servers that are started are probed as that one. Its
// mistakes are all those of whoever asks.
func NewPeople(m *matrix.Matrix, tokens []Token, match func(principal string) bool, chosen bool, env reach.Env) (*People, error) {
	who := &People{tokens: map[string]Token{}}
	var errs []error
	for _, t := range tokens {
		switch {
		case m.ClassOf(t.Principal) == nil:
			errs = append(errs, source.Errorf(t.Pos, "probe: no principal %q%s", t.Principal, nearest(t.Principal, m)))
		case match(t.Principal):
			value, err := env.Value(t.Variable)
			if err != nil {
				errs = append(errs, source.Errorf(t.Pos, "probe: the token of %s: %w", t.Principal, err))
			}
			t.value = live.Secret(value)
			who.tokens[t.Principal] = t
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	selected := 0
	for one := range m.Principals() {
		if !match(one.Key) {
			continue
		}
		selected++
		who.started = one
		if _, ok := who.tokens[one.Key]; ok {
			who.Chosen = append(who.Chosen, one)
			continue
		}
		if who.without++; who.without <= reach.MaxNamed {
			who.missing = append(who.missing, one.Key)
		}
	}
	if selected != 1 || !chosen {
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

// ErrNobody says that a server that is started has nobody to be probed as.
var ErrNobody = errors.New("a server that is started has one client without a token: say with --principal whom it takes that for")

// Suit reports a server that none of the people can be probed at. If it is one that is
// started, the error wraps [ErrNobody].
func (who *People) Suit(servers ...*reach.Server) error {
	for _, s := range servers {
		switch {
		case s.Starts() && who.started == nil:
			return fmt.Errorf("%s is started, and %w", s.Name, ErrNobody)
		case !s.Starts() && len(who.Chosen) == 0:
			return fmt.Errorf("nothing to probe: none of the principals has a token (%s); name the variable that holds it in the config, "+
				"probe: {tokens: {PRINCIPAL: {env: VARIABLE}}}, or with --token-env PRINCIPAL=VARIABLE", reach.Some(who.missing, who.without))
		}
	}
	return nil
}

// Allow returns an error unless everybody's token may be sent to the servers. Its
// mistakes are all those of whoever asks.
func (who *People) Allow(leave *reach.Leave, servers ...*reach.Server) error {
	var errs []error
	for _, s := range servers {
		if s.Starts() {
			continue // it takes no token
		}
		for _, principal := range slices.Sorted(maps.Keys(who.tokens)) {
			t := who.tokens[principal]
			var named source.Pos
			if t.ByFile {
				named = t.Pos
			}
			if pos := cmp.Or(named, s.File); !pos.IsZero() {
				errs = append(errs, leave.Allow(t.Variable, s, pos))
			}
		}
	}
	return errors.Join(errs...)
}

// Missing names those who are not probed though others are, or is "".
func (who *People) Missing() string {
	if who.without == 0 || len(who.Chosen) == 0 {
		return ""
	}
	return reach.Some(who.missing, who.without)
}

// Clients returns as whom a server is probed.
func (who *People) Clients(s *reach.Server) []Client {
	if s.Starts() {
		return []Client{{Principal: who.started}}
	}
	clients := []Client{{}, {WrongToken: true}}
	for _, p := range who.Chosen {
		clients = append(clients, Client{Principal: p})
	}
	return clients
}

// Dial connects a client. Whatever a server says goes without anybody's token.
func (who *People) Dial(ctx context.Context, s *reach.Server, c Client, o live.Options) (Session, error) {
	target := s.Target
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
		target.Token, variable = t.value, t.Variable
	case c.WrongToken:
		target.Token = live.Secret("mcpolicy-wrong-" + rand.Text())
	default:
		target.Headers = maps.Clone(target.Headers)
		maps.DeleteFunc(target.Headers, func(name string, _ live.Secret) bool { return strings.EqualFold(name, "Authorization") })
	}
	session, err := live.Dial(ctx, target, o)
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

// CheckDestructive refuses names that no destructive tool of the servers has.
func CheckDestructive(names []string, servers ...*matrix.Server) error {
	var errs []error
	for _, name := range names {
		var tools []string
		for _, s := range servers {
			for _, item := range s.Inventory.Items {
				if item.Type == authz.ToolItem && item.Destructive() != manifest.None {
					tools = append(tools, item.Name)
				}
			}
		}
		if !slices.Contains(tools, name) {
			errs = append(errs, fmt.Errorf("--allow-destructive: no destructive tool is called %q%s", name, source.DidYouMean(name, tools)))
		}
	}
	return errors.Join(errs...)
}
