package pep

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Item is what a profile needs to know of an inventory's item.
type Item struct {
	Type        authz.ItemType
	Name        string // wire name, URI or URI template
	OwnName     string // FastMCP 2: a mounted item's name without its prefix, if it differs
	Tags        []string
	TaskSupport string // "", forbidden, optional or required

	Annotations, Meta map[string]any // JSON values
	Schema            any            // of the arguments, decoded; nil if nothing is said
	Inputs            *source.Node   // the inputSchema of a tool, or nil
	// Any is set for some item of which nothing is known but that its name is Name: what a
	// profile says of items by their names or their annotations is looked up then.
	Any bool
}

// argumentType returns the type that the schema gives an argument, "" if it does not say one.
func (i *Item) argumentType(o authz.Origin) string {
	schema := i.Schema
	for _, name := range o[1:] {
		schema, _ = within(schema, []string{"properties", name})
	}
	of, _ := within(schema, []string{"type"})
	name, _ := of.(string)
	return name
}

// Endpoints lists the MCP methods that a profile says something about.
func Endpoints() []string { return append([]string(nil), endpointNames...) }

var endpointNames = []string{
	"tools/list", "tools/call", "prompts/list", "prompts/get",
	"resources/list", "resources/templates/list", "resources/read",
}

// Endpoint returns the MCP method that an operation on an item of a type is.
func Endpoint(t authz.ItemType, op authz.Operation) string {
	switch {
	case op != authz.List:
		return [...]string{"tools/call", "prompts/get", "resources/read", "resources/read"}[t]
	default:
		return [...]string{"tools/list", "prompts/list", "resources/list", "resources/templates/list"}[t]
	}
}

// A Profile is one enforcement point in front of one server.
type Profile struct {
	Name string
	// FastMCP is the version of FastMCP that the profile goes by, for profiles
	// that depend on it, and FastMCPKnown whether anything said so.
	FastMCP      string
	FastMCPKnown bool
	// Unsupported says why the enforcement point does not work in front of
	// this server, if it does not.
	Unsupported string

	server     string
	operations map[string]operation
	grants     map[string]*Grant // of lists that are filtered by one, by method
	ownNames   bool              // lists ask by a mounted item's own name
	tasksSkip  bool              // a call made as a task is never asked about

	coaz *coazPoint // of coaz alone

	refused, admitted []Answer
	facts             Facts
}

// An operation is what a profile does about one MCP method.
type operation struct {
	filter   authz.Filter
	requests []template
}

// A Question is what an enforcement point asks about one operation on one
// item: all of the requests must be allowed. Without requests and without a grant the
// operation is unguarded.
type Question struct {
	Requests []authz.Request // without principals
	// Possible is set of a list that shows what some call is allowed of: the requests are
	// those of the use, and leave its arguments open.
	Possible bool
	// Grant decides in place of requests, of a list that is filtered by one; or nil.
	Grant *Granting
	// TaskOnly is set if the operation is unguarded only because a client can
	// go around the enforcement point by making the call as a task.
	TaskOnly bool
}

// Guarded reports whether any request is sent, or a grant is looked at.
func (q Question) Guarded() bool { return len(q.Requests) > 0 || q.Grant != nil }

// Direct reports whether the decisions on the requests, taken together, are the outcome. Of
// other questions a matrix knows what they come to, and decisions alone say nothing.
func (q Question) Direct() bool { return len(q.Requests) > 0 && !q.Possible }

// LooksUp reports the first of some attributes that no request has looked up.
func (q Question) LooksUp(attributes map[string]any) error {
	if q.Possible {
		return errors.New("a list of what is possible leaves open what is looked up")
	}
	known := map[string]any{}
	for i := range q.Requests {
		q.Requests[i].LookedUp(known)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if _, ok := known[name]; !ok {
			return fmt.Errorf("no attribute %s is looked up%s: only those are that the profile has {unknown} for", name, source.DidYouMean(name, slices.Collect(maps.Keys(known))))
		}
	}
	return nil
}

// Filter returns how the list that an item of a type appears in is narrowed.
func (p *Profile) Filter(t authz.ItemType) authz.Filter {
	return p.operation(t, authz.List).filter
}

// Grant returns what the list that an item of a type appears in is filtered by, or nil.
func (p *Profile) Grant(t authz.ItemType) *Grant { return p.grants[p.method(t, authz.List)] }

// Ask returns what the enforcement point asks about an operation on an item.
// The arguments of a call are left unknown, and those of a list that shows what is possible;
// in others they are empty.
func (p *Profile) Ask(item Item, op authz.Operation) Question {
	if p.coaz != nil {
		return p.coaz.ask(p.server, &item, op)
	}
	o := p.operation(item.Type, op)
	name := item.Name
	if op == authz.List {
		switch o.filter {
		case authz.FilterNone:
			return Question{}
		case authz.FilterGrant:
			return Question{Grant: &Granting{Grant: p.Grant(item.Type), Item: name}}
		case authz.FilterPossible:
			q := p.Ask(item, item.Type.Use())
			q.Possible = q.Guarded()
			return q
		case authz.FilterCall:
			o = p.operation(item.Type, item.Type.Use())
		case authz.FilterGate, authz.FilterOwn:
		}
		if p.ownNames && item.OwnName != "" {
			name = item.OwnName
		}
	}
	q := Question{Requests: make([]authz.Request, 0, len(o.requests))}
	filled := &values{server: p.server, item: &item, name: name}
	for _, t := range o.requests {
		r := t.render(filled, op == authz.List)
		r.OpenUncovered = p.PassesUncovered()
		q.Requests = append(q.Requests, r)
	}
	if op == authz.Call && p.tasksSkip && (item.TaskSupport == "optional" || item.TaskSupport == "required") && q.Guarded() {
		return Question{TaskOnly: true}
	}
	return q
}

func (p *Profile) operation(t authz.ItemType, op authz.Operation) operation {
	return p.operations[p.method(t, op)]
}

// method returns the method by which an operation on an item goes.
func (p *Profile) method(t authz.ItemType, op authz.Operation) string {
	method := Endpoint(t, op)
	if _, ok := p.operations[method]; !ok && t == authz.TemplateItem && op == authz.List {
		return "resources/list"
	}
	return method
}

func tagList(tags []string) []any {
	list := make([]any, len(tags))
	for i, t := range tags {
		list[i] = t
	}
	return list
}

// Bind returns a request with its arguments known. Nil arguments are empty.
func Bind(r authz.Request, arguments map[string]any) authz.Request {
	if r.Unknown == nil {
		return r
	}
	if arguments == nil {
		arguments = map[string]any{}
	}
	r.Resource.Attr = authz.WithValue(r.Resource.Attr, r.Unknown, arguments)
	r.Unknown = nil
	return r
}

// With sets what can be set of a built-in profile. ResourceKind and Action may
// have placeholders, like those of a [RequestSpec].
type With struct {
	ResourceKind string
	Action       string // tool-as-resource
	FastMCP      string // cerbos-fastmcp: the version of FastMCP, if the configuration says so
	// FilterOnDiscovery says that VoltAgent asks before it shows a tool.
	FilterOnDiscovery bool

	// Of coaz: what identifies the server, the claim that the subject's id is, and claims
	// of tokens beside those that principals have anyway, with the placeholders of a
	// principal. NoMappings says that the point has seen no tools/list.
	Aud, Subject string
	Claims       map[string]any
	NoMappings   bool
	// Node is what it was read from, for the positions of mistakes, by the keys
	// resourceKind and action, or nil.
	Node *source.Node
}

// check reports mistakes in the placeholders. cerbos-fastmcp has gates, which
// are not about an item.
func (w *With) check(gate bool) error {
	var errs []error
	for _, setting := range []struct{ key, value string }{{"resourceKind", w.ResourceKind}, {"action", w.Action}} {
		c := &checker{gate: gate}
		c.text(setting.value, inRequest, posOf(w.Node.Get(setting.key), source.Pos{}))
		errs = append(errs, c.errs...)
	}
	return errors.Join(append(errs, w.checkClaims())...)
}

// checkClaims reports placeholders in claims that are not about the principal.
func (w *With) checkClaims() error {
	c := &checker{endpoint: "claims"}
	n := w.Node.Get("claims")
	c.attributes(w.Claims, n, posOf(n, source.Pos{}), inAttr)
	for _, part := range textsIn(w.Claims, n, posOf(n, source.Pos{})) {
		t, _ := parse(part.value)
		for _, p := range t {
			if p.placeholder && p.known() && !strings.HasPrefix(p.text, "principal.") {
				c.errorf(part.pos, "a token is there before anything is called, so there is no %s: a claim is made of {principal.id}, {principal.roles}, {principal.attr.NAME}", braced(p.text))
			}
		}
	}
	return errors.Join(c.errs...)
}

// kind is the kind of resource that is sent.
func (w *With) kind(otherwise string) text {
	if w.ResourceKind == "" {
		return literal(otherwise)
	}
	t, _ := parse(w.ResourceKind)
	return t
}

// New returns a built-in profile in front of a server. inventoryFastMCP is the
// version of FastMCP that the server's inventory says it runs on, or "". All
// mistakes in with are reported, joined, each a *source.Error.
func New(name, server string, with With, inventoryFastMCP string) (*Profile, error) {
	if err := with.check(name == authz.CerbosFastMCP); err != nil {
		return nil, err
	}
	switch name {
	case authz.CerbosFastMCP:
		return cerbosFastMCP(server, with, inventoryFastMCP), nil
	case authz.COAZ:
		return coazProfile(server, with), nil
	case authz.SynapseClaude:
		return synapseClaude(server, with), nil
	case authz.ToolAsAction:
		return toolAsAction(server, with), nil
	case authz.ToolAsResource:
		return toolAsResource(server, with), nil
	case authz.VoltAgent:
		return voltAgent(server, with), nil
	}
	return nil, fmt.Errorf("no enforcement point is called %q%s; there are %s", name, source.DidYouMean(name, authz.BuiltIn()), strings.Join(authz.BuiltIn(), ", "))
}

// majorMinor returns the leading number of a version, and the next, or "".
func majorMinor(version string) (major, minor string) {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ = strings.Cut(rest, ".")
	return major, minor
}
