package pep

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/source"
)

// coazProfile is a point that follows the first draft of COAZ-MCP, with Cerbos as its PDP.
// Its lists are gates, and a tool can declare what is asked about its calls.
func coazProfile(server string, with With) *Profile {
	p := &Profile{
		Name: authz.COAZ, server: server, refused: coazRefused, admitted: validation,
		operations: map[string]operation{}, facts: coazFacts(),
		coaz: &coazPoint{point: coaz.Point{Server: with.Aud, Subject: with.Subject}, claims: claimsOf(with.Claims), noMappings: with.NoMappings},
	}
	_, other := with.Claims["sub"]
	p.coaz.subjectIsID = !other && (with.Subject == "" || with.Subject == "sub")
	for _, endpoint := range endpointNames {
		if strings.HasSuffix(endpoint, "/list") {
			p.operations[endpoint] = operation{filter: authz.FilterGate}
		}
	}
	return p
}

func coazFacts() Facts {
	return Facts{
		NoPolicy:          Fact{authz.Refuse, Observed, "It does what Cerbos says, which is a denial."},
		PDPError:          Fact{authz.Refuse, Read, "It answers -32603."},
		PDPDown:           Fact{authz.Refuse, Read, "It answers -32603."},
		UnknownOperations: Fact{authz.Refuse, Read, "What the binding has no mapping for is refused with -32001, without asking: resources/templates/list and server/discover, too. Only ping and notifications pass."},
		Requests:          Observed,
		Sources: []string{
			"OpenID AuthZEN, authzen-coaz-mcp-binding-1_0, draft 1",
			"a point that follows it, with Cerbos 0.55.0",
		},
		NotSent: "On default mappings a policy sees the principal's id and the one role identity, and of the call nothing but its method and the item's name: " +
			"no roles, no attributes, no arguments and no token. On a mapping that a tool declares it sees what that picks.",
		NotKnown:  "What identifies the server, where neither aud in the configuration nor a claim says it.",
		Otherwise: "A gateway knows the mapping of a tool only once tools/list has passed it: until then its calls go by the default mapping.",
	}
}

// A coazPoint is what the servers' points have in common, and what they make of
// principals.
type coazPoint struct {
	point      coaz.Point
	claims     *authz.Request // the claims are its attributes
	noMappings bool           // it goes by the default mappings alone
	// SubjectIsID says that whoever asks on a default mapping is the claim sub of a token, the id.
	subjectIsID bool

	tokens     sync.Map // by principal
	principals sync.Map // by what policies see of them
}

// claimsOf returns what makes the claims of a principal's token.
func claimsOf(declared map[string]any) *authz.Request {
	t := template{attr: compileMap(declared)}
	r := t.render(&values{item: &Item{}}, false)
	return &r
}

// token returns the claims of a principal's token: sub, roles and what attributes it has,
// and what is declared.
func (c *coazPoint) token(who *authz.Principal) map[string]any {
	if known, ok := c.tokens.Load(who); ok {
		return known.(map[string]any)
	}
	roles, _ := authz.Origin{"principal", "roles"}.Value(who, nil)
	token := map[string]any{"sub": who.ID, "roles": roles}
	for name, v := range who.Attr {
		token[name] = v
	}
	of := *c.claims
	of.Principal = who
	if sent, refusal := of.Sent(); refusal == nil {
		for name, v := range sent.Resource.Attr {
			token[name] = v
			if v == nil {
				delete(token, name)
			}
		}
	}
	for name, v := range who.Claims {
		token[name] = v
		if v == nil {
			delete(token, name)
		}
	}
	c.tokens.Store(who, token)
	return token
}

// principal returns what policies see of whoever asks, the same one each time.
func (c *coazPoint) principal(declared, seen *authz.Principal) *authz.Principal {
	of := *seen
	of.Key = declared.Key
	key := source.JSONText([]any{of.Key, of.ID, of.Roles, of.Attr, of.Scope, of.PolicyVersion})
	known, _ := c.principals.LoadOrStore(key, &of)
	return known.(*authz.Principal)
}

// ask returns what is asked about an operation on an item.
func (c *coazPoint) ask(server string, item *Item, op authz.Operation) Question {
	method := Endpoint(item.Type, op)
	s := &coazSender{coazPoint: c, method: method, key: server}
	switch method {
	case "tools/call":
		s.params = map[string]any{"name": item.Name}
		if !c.noMappings {
			s.declared, _ = coaz.Parse(item.Inputs) // mistakes are those of its answers
		}
	case "prompts/get":
		s.params = map[string]any{"name": item.Name}
	case "resources/read":
		s.params = map[string]any{"uri": item.Name}
	}
	s.key = source.JSONText([]any{server, method, s.params, c.point.Server, c.point.Subject, c.claims.Resource.Attr, c.claims.MadeKey()})
	if s.declared != nil {
		s.key += item.Inputs.Get(coaz.Key).Canonical()
	}
	list := c.point.Told(s.declared, method, s.params)
	if list == nil {
		list = []authz.Request{{Action: method, Resource: authz.Resource{Kind: method, ID: item.Name}}} // which it refuses
	}
	for i := range list {
		of := *s
		of.entry, of.entries = i, len(list)
		of.key += strconv.Itoa(i)
		list[i].By = &of
		if s.declared != nil && s.declared.ReadsArguments() {
			list[i].Unknown, list[i].Arguments = []string{authz.HiddenArguments}, []string{authz.HiddenArguments}
		}
	}
	return Question{Requests: list}
}

// ByDefault returns what is asked about a call of a tool by a point that does not know the
// mapping which the tool declares, and whether that makes a difference.
func (p *Profile) ByDefault(item Item) (Question, bool) {
	if p.coaz == nil || p.coaz.noMappings || item.Inputs.Get(coaz.Key) == nil {
		return Question{}, false
	}
	item.Inputs = nil
	return p.Ask(item, authz.Call), true
}

// A coazSender makes the request of one entry of a mapping.
type coazSender struct {
	*coazPoint
	declared *coaz.Mapping
	method   string
	params   map[string]any
	entry    int // of so many entries, all of which are asked about
	entries  int
	key      string
}

// Key is the same for those that send the same.
func (s *coazSender) Key() string { return s.key }

// Refuses returns why no request goes out whoever asks, and nil if some may.
func (s *coazSender) Refuses() *authz.Refusal {
	refused, is := s.point.Refuses(s.declared, s.method)
	if !is {
		return nil
	}
	return &authz.Refusal{Code: refused.Code, Because: refused.Cause.Error()}
}

// Send returns the request that goes out for a principal.
func (s *coazSender) Send(r *authz.Request) (authz.Request, *authz.Refusal) {
	if refusal := s.Refuses(); refusal != nil {
		return *r, refusal
	}
	if r.AnyPrincipal && !s.byID() {
		return dependingOn(r, "who asks"), nil
	}
	token := s.token(r.Principal)
	if r.AnyPrincipal {
		token = map[string]any{"sub": r.Principal.ID}
	}
	point, openServer := s.point, false
	switch unknown := s.isGate() && point.Server == "" && token["aud"] == nil; {
	case unknown && r.AnyPrincipal:
		return dependingOn(r, "what identifies the server"), nil
	case unknown:
		point.Server, openServer = unknownServer, true
	}
	sent, outcome := s.resolve(r, point, token)
	switch outcome.Kind {
	case coaz.Asked:
	case coaz.Refused:
		return *r, &authz.Refusal{Code: outcome.Code, Because: outcome.Cause.Error()}
	case coaz.Passed, coaz.Unknown:
		return dependingOn(r, "what is made of the mapping: "+outcome.Cause.Error()), nil
	}
	sent.Principal = s.principal(r.Principal, sent.Principal)
	sent.AnyPrincipal, sent.AnyTime = r.AnyPrincipal, r.AnyTime
	if openServer {
		from := authz.Origin{arguments, authz.LookedUp, "aud"}
		sent.Made = []authz.Made{{At: []string{"id"}, Text: []authz.Piece{{From: from, Type: "string"}}}}
		sent.Arguments = []string{authz.HiddenArguments}
		sent.Unknown = []string{authz.HiddenArguments, authz.LookedUp}
	}
	return sent, nil
}

// unknownServer stands for what identifies a server, where that is not known.
const unknownServer = "{token.aud}"

// byID reports whether policies see of whoever asks nothing but the id, as it is.
func (s *coazSender) byID() bool { return s.declared == nil && s.subjectIsID }

func (s *coazSender) isGate() bool { return strings.HasSuffix(s.method, "/list") }

// resolve returns the request of the entry, as Cerbos understands it.
func (s *coazSender) resolve(r *authz.Request, point coaz.Point, token map[string]any) (authz.Request, coaz.Outcome) {
	var list []authz.Request
	var outcome coaz.Outcome
	if r.Unknown != nil {
		list, outcome = point.Open(s.declared, s.method, s.params, token)
	} else {
		params := map[string]any{}
		maps.Copy(params, s.params)
		if r.Arguments != nil {
			params["arguments"] = r.Resource.Mapping(r.Arguments)
		}
		list, outcome = point.Requests(s.declared, s.method, params, token)
	}
	switch {
	case outcome.Kind != coaz.Asked:
		return authz.Request{}, outcome
	case len(list) != s.entries:
		return authz.Request{}, coaz.Outcome{Kind: coaz.Unknown, Cause: errors.New("it is not known how many evaluations there are")}
	}
	return list[s.entry], outcome
}

// dependingOn returns a request of which nobody can tell where it goes.
func dependingOn(r *authz.Request, on string) authz.Request {
	of := *r
	of.By = nil
	of.Made = []authz.Made{{At: []string{"kind"}, Unclear: on}}
	return of
}

// Besides lists what an enforcement point asks about methods that are none of [Endpoints].
func (p *Profile) Besides() []authz.Request {
	if p.coaz == nil {
		return nil
	}
	var list []authz.Request
	for _, method := range coaz.Methods() {
		if slices.Contains(endpointNames, method) {
			continue
		}
		for _, r := range p.coaz.point.Told(nil, method, nil) {
			if r.MakesRoute("kind") { // of completion/complete
				r.Resource.Kind = "prompt"
				list = append(list, r)
				r.Resource.Kind = "resource"
			}
			list = append(list, r)
		}
	}
	return list
}

// ReadsTokens reports whether the enforcement point makes its requests of a token.
func (p *Profile) ReadsTokens() bool { return p.coaz != nil }

// Claim returns a claim of a principal's token, by its path, and whether it has one: of the
// tokens that points of COAZ-MCP read, and no others.
func (p *Profile) Claim(who *authz.Principal, path []string) (any, bool) {
	if p.coaz == nil {
		return nil, false
	}
	return append(authz.Origin{arguments}, path...).Value(nil, p.coaz.token(who))
}

// ReadsOfPrincipal lists what of the principal makes a difference to what is sent about some
// items.
func (p *Profile) ReadsOfPrincipal(items []Item) []authz.Origin {
	if p.coaz == nil {
		return nil
	}
	attr := func(path ...string) authz.Origin { return append(authz.Origin{"principal", "attr"}, path...) }
	list := []authz.Origin{attr("sub"), attr("aud"), attr(cmp.Or(p.coaz.point.Subject, "sub"))}
	for i := range p.coaz.claims.Made {
		list = append(list, p.coaz.claims.Made[i].Origins()...)
	}
	for i := range items {
		m, _ := coaz.Parse(items[i].Inputs)
		if m == nil {
			continue
		}
		for _, path := range m.Claims() {
			id, roles := authz.Origin{"principal", "id"}, authz.Origin{"principal", "roles"} // as they are, in their order
			switch {
			case len(path) == 0:
				list = append(list, attr(), id, roles)
			case path[0] == "sub":
				list = append(list, id)
			case path[0] == "roles":
				list = append(list, attr("roles"), roles)
			default:
				list = append(list, attr(path[0]))
			}
		}
	}
	return list
}
