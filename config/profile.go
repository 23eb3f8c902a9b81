package config

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// DefaultEnforcement is the enforcement point of a server that names none.
const DefaultEnforcement = authz.CerbosFastMCP

// A Profile describes a custom enforcement point: which requests it makes. It
// makes none about methods that it does not mention.
type Profile struct {
	Name    string
	Pos     source.Pos // of the name
	Methods map[Method]Rule
	// Refused are the answers of a running server that its enforcement point
	// gave, and Admitted those to what that let pass. Nil is the default.
	Refused, Admitted Answers
	// What it does where it has no decision.
	OnNoPolicy, OnPDPError, OnPDPDown, UnknownOperations authz.Fallback
}

// Which questions an enforcement point asks. Of methods that are not mentioned, none.
type writtenProfile struct {
	// How the list of tools is filtered.
	ToolsList *source.Node `yaml:"tools/list"`
	// What is asked before a tool is called.
	ToolsCall *source.Node `yaml:"tools/call"`
	// How the list of prompts is filtered.
	PromptsList *source.Node `yaml:"prompts/list"`
	// What is asked before a prompt is got.
	PromptsGet *source.Node `yaml:"prompts/get"`
	// How the list of resources is filtered.
	ResourcesList *source.Node `yaml:"resources/list"`
	// What is asked before a resource is read.
	ResourcesRead *source.Node `yaml:"resources/read"`
	// How the list of resource templates is filtered: like that of resources unless this says
	// otherwise.
	TemplatesList *source.Node `yaml:"resources/templates/list"`
	writtenAnswers
}

// writtenAnswers are the keys of an enforcement point beside the methods.
type writtenAnswers struct {
	// What a running server answers where the enforcement point refuses. probe takes nothing
	// else for a refusal.
	Refused Answers `yaml:"refused"`
	// What a running server answers to a call that the enforcement point let pass and whose
	// arguments were then refused, before the tool ran. Without it, what the SDKs answer.
	Admitted Answers `yaml:"admitted"`
	// What becomes of a request that no policy covers, which Cerbos denies. pass makes what it
	// is about open to everybody.
	OnNoPolicy authz.Fallback `yaml:"onNoPolicy"`
	// What becomes of a request to which the PDP answers with an error.
	OnPDPError authz.Fallback `yaml:"onPDPError"`
	// What becomes of a request to which the PDP does not answer.
	OnPDPDown authz.Fallback `yaml:"onPDPDown"`
	// What becomes of methods of MCP that are none of these.
	UnknownOperations authz.Fallback `yaml:"unknownOperations"`
}

// fallback returns the one that is written under a key, or nil.
func (p *Profile) fallback(key string) *authz.Fallback {
	return map[string]*authz.Fallback{
		"onNoPolicy": &p.OnNoPolicy, "onPDPError": &p.OnPDPError, "onPDPDown": &p.OnPDPDown, "unknownOperations": &p.UnknownOperations,
	}[key]
}

// Profiles are the custom enforcement points of a config, sorted by name.
type Profiles []*Profile

// Get returns the profile of that name, or nil.
func (p Profiles) Get(name string) *Profile {
	for _, profile := range p {
		if profile.Name == name {
			return profile
		}
	}
	return nil
}

func (p Profiles) names() []string {
	names := make([]string, len(p))
	for i := range p {
		names[i] = p[i].Name
	}
	return names
}

// DecodeNode reads a mapping from names.
func (p *Profiles) DecodeNode(n *source.Node) error {
	return entries(n, "enforcement", func(f source.Field) error {
		profile := &Profile{Name: f.Name, Pos: f.Pos, Methods: map[Method]Rule{}}
		*p = append(*p, profile)
		asks := false
		err := entries(f.Value, fmt.Sprintf("enforcement point %q", f.Name), func(f source.Field) error {
			switch f.Name {
			case "refused":
				return source.Decode(f.Value, &profile.Refused)
			case "admitted":
				return source.Decode(f.Value, &profile.Admitted)
			}
			if into := profile.fallback(f.Name); into != nil {
				return source.DecodeWord(f.Value, f.Name, authz.Fallbacks(), into)
			}
			asks = true
			method := Method(f.Name)
			if !slices.Contains(Methods(), method) {
				return unknownMethod(f)
			}
			r, err := decodeRule(method, f.Value)
			profile.Methods[method] = r
			return err
		})
		if slices.Contains(authz.BuiltIn(), f.Name) {
			err = errors.Join(err, source.Errorf(f.Pos, "enforcement point %q is built in; give yours another name", f.Name))
		}
		if f.Value.Is(source.Null) || f.Value.Is(source.Mapping) && !asks {
			err = errors.Join(err, source.Errorf(f.Pos, "enforcement point %q asks about nothing", f.Name))
		}
		return err
	})
}

func unknownMethod(f source.Field) error {
	var known []string
	for _, m := range Methods() {
		known = append(known, string(m))
	}
	if hint := source.DidYouMean(f.Name, slices.Concat(known, source.Keys[writtenAnswers]())); hint != "" {
		return source.Errorf(f.Pos, "unknown method %q%s", f.Name, hint)
	}
	return source.Errorf(f.Pos, "unknown method %q; want %s", f.Name, source.OneOf(known))
}

// A Method is an operation of MCP that an enforcement point may ask about.
type Method string

// The methods. Resource templates follow those of resources where
// [TemplatesList] is not mentioned.
const (
	ToolsList     Method = "tools/list"
	ToolsCall     Method = "tools/call"
	PromptsList   Method = "prompts/list"
	PromptsGet    Method = "prompts/get"
	ResourcesList Method = "resources/list"
	ResourcesRead Method = "resources/read"
	TemplatesList Method = "resources/templates/list"
)

// Methods lists the methods.
func Methods() []Method {
	return []Method{ToolsList, ToolsCall, PromptsList, PromptsGet, ResourcesList, ResourcesRead, TemplatesList}
}

// IsList reports whether the method lists items.
func (m Method) IsList() bool {
	return m == ToolsList || m == PromptsList || m == ResourcesList || m == TemplatesList
}

// A Rule says which requests are made about a method.
type Rule struct {
	Pos      source.Pos
	Filter   authz.Filter // of a list
	Requests []Request
	Grant    *Grant // of a list that is filtered by one
}

// A Request is the template of a question to the policy engine. {server}, {name}, {type},
// {arguments.NAME}, {principal.id}, {principal.scope}, {principal.policyVersion},
// {principal.attr.NAME}, {annotations.NAME} and {_meta.NAME} are filled in anywhere;
// {arguments}, {tags}, {principal.roles} and {unknown}, which is looked up at the time of the
// call, as the whole of an attribute's value. A brace that is meant stands twice.
//
// Placeholders are left as they are here.
type Request struct {
	Pos source.Pos
	// The kind of the resource.
	Kind string `yaml:"kind"`
	// The ID of the resource.
	ID string `yaml:"id"`
	// What is to be done with the resource.
	Action string `yaml:"action"`
	// The attributes of the resource. "{arguments}" has each argument as an attribute, and so
	// has the entry "...": "{arguments}" beside others, of which the later one wins.
	Attr Attributes `yaml:"attr"`
	// The version of the policies that is asked for.
	PolicyVersion string `yaml:"policyVersion"`
	// The scope of the policies that is asked for.
	Scope string `yaml:"scope"`

	Node *source.Node // what it was read from, for positions
}

// DecodeNode reads a mapping.
func (r *Request) DecodeNode(n *source.Node) error {
	type plain Request
	if n.Is(source.Null) {
		return source.Errorf(n.Pos, "want a request, have null")
	}
	r.Node = n
	return errors.Join(source.Decode(n, (*plain)(r)), required(n, "request", "kind", "id", "action"))
}

// Attributes are JSON values by name.
type Attributes map[string]any

// DecodeNode reads a mapping, or what stands for all attributes.
func (a *Attributes) DecodeNode(n *source.Node) error {
	switch {
	case n.Is(source.Null):
		return nil
	case n.Is(source.String):
		*a = Attributes{authz.AllAttributes: n.Text}
		return nil
	case !n.Is(source.Mapping):
		return source.Errorf(n.Pos, `attr: want a mapping, such as {arguments: "{arguments}"}, have %s`, n.Describe())
	}
	return source.Decode(n, (*map[string]any)(a))
}

// A Grant says where the names are that a list shows to somebody.
type Grant struct {
	Pos     source.Pos
	File    Path           // of names by principal and by role, or
	Attr    string         // an attribute of the principal: principal.attr.tools
	Missing authz.Fallback // what becomes of a list for whom there is no grant: refuse or pass
}

// Where the names are that a list shows to somebody: in a file, by principal and by role, or
// in an attribute of the principal.
type writtenGrant struct {
	// A file of names by principal and by role.
	File Path `yaml:"file"`
	// An attribute of the principal that is a list of names, such as principal.attr.tools.
	Attr string `yaml:"attr"`
}

// writtenRule is a [Rule] that is written as a mapping.
type writtenRule struct {
	// How a list is filtered. own: by requests for each item; gate: by requests for the whole
	// list; call: by the decision on the item's call, get or read, without arguments; possible:
	// by whether that is allowed with some arguments; grant: by a list of names that was made
	// beforehand, no policy is asked; none: not at all.
	Filter *authz.Filter `yaml:"filter"`
	writtenUse
	// Where the names are, for the filter grant.
	Grant *source.Node `yaml:"grant"`
	// What becomes of a list for whom there is no grant. refuse: nothing shows; pass:
	// everything does.
	Missing *source.Node `yaml:"missing"`
}

// writtenUse is what a rule says of a method that uses an item.
type writtenUse struct {
	// The requests that must all be allowed.
	Requests []Request `yaml:"requests"`
}

// Grants yields what lists of custom enforcement points are filtered by, in the order of these
// and of the methods.
func (c *Config) Grants() iter.Seq[*Grant] {
	return func(yield func(*Grant) bool) {
		for _, p := range c.Enforcement {
			for _, m := range Methods() {
				if g := p.Methods[m].Grant; g != nil && !yield(g) {
					return
				}
			}
		}
	}
}

// decodeGrant reads what a list that is filtered by a grant says beside that.
func decodeGrant(m Method, n, grant, missing *source.Node) (*Grant, error) {
	if grant == nil {
		return nil, source.Errorf(n.Pos, "%s: filter grant needs a grant: {file: grants.yaml}, or {attr: principal.attr.tools}", m)
	}
	g := &Grant{Pos: grant.Pos}
	var written writtenGrant
	errs := []error{source.Decode(grant, &written)}
	g.File, g.Attr = written.File, written.Attr
	if attr := grant.Get("attr"); attr != nil {
		g.Pos = attr.Pos
	}
	if errs[0] == nil && (g.File.Path == "") == (g.Attr == "") {
		errs = append(errs, source.Errorf(grant.Pos, "%s: grant: want either a file or attr, an attribute of the principal", m))
	}
	switch {
	case missing == nil:
		errs = append(errs, source.Errorf(n.Pos, "%s: filter grant says what becomes of a list for whom there is no grant: missing: refuse, and nothing shows, or missing: pass, and everything does", m))
	case missing.Is(source.String) && missing.Text == authz.Refuse.String():
		g.Missing = authz.Refuse
	case missing.Is(source.String) && missing.Text == authz.Pass.String():
		g.Missing = authz.Pass
	default:
		errs = append(errs, source.Errorf(missing.Pos, "%s: missing: want %s or %s, have %s", m, authz.Refuse, authz.Pass, missing.Describe()))
	}
	return g, errors.Join(errs...)
}

// decodeRule reads none, a list of requests, or a mapping with filter and
// requests.
func decodeRule(m Method, n *source.Node) (Rule, error) {
	r := Rule{Pos: n.Pos}
	switch {
	case n.Is(source.String) && n.Text == "none":
		return r, nil
	case n.Is(source.Sequence):
		err := source.Decode(n, &r.Requests)
		if len(n.Items) == 0 {
			err = source.Errorf(n.Pos, "%s: the list of requests is empty; write none", m)
		}
		if m.IsList() {
			r.Filter = authz.FilterOwn
		}
		return r, err
	case !n.Is(source.Mapping):
		return r, source.Errorf(n.Pos, "%s: want none, a list of requests, or a mapping with filter and requests, have %s", m, n.Describe())
	}
	var written writtenRule
	err := source.Decode(n, &written)
	r.Requests = written.Requests
	filter, requests := n.Get("filter"), n.Get("requests")
	none := requests == nil || requests.Is(source.Null) || requests.Is(source.Sequence) && len(requests.Items) == 0
	granted := written.Filter != nil && *written.Filter == authz.FilterGrant
	switch {
	case err != nil:
	case !granted && written.Grant != nil:
		err = source.Errorf(written.Grant.Pos, "%s: grant belongs to a list with filter: grant", m)
	case !granted && written.Missing != nil:
		err = source.Errorf(written.Missing.Pos, "%s: missing belongs to a list with filter: grant", m)
	case !m.IsList() && filter != nil:
		err = source.Errorf(filter.Pos, "%s: only a list has a filter", m)
	case !m.IsList() && none:
		err = source.Errorf(n.Pos, "%s: no requests; write none", m)
	case !m.IsList():
	case written.Filter == nil:
		err = source.Errorf(n.Pos, "%s: want a filter: %s", m, source.OneOf(authz.Filters()))
	default:
		r.Filter = *written.Filter
		asks := r.Filter.Asks()
		if asks && none {
			err = source.Errorf(n.Pos, "%s: filter %s needs requests", m, r.Filter)
		}
		if !asks && !none {
			err = source.Errorf(requests.Pos, "%s: filter %s asks no requests", m, r.Filter)
		}
		if granted {
			var mistakes error
			r.Grant, mistakes = decodeGrant(m, n, written.Grant, written.Missing)
			err = errors.Join(err, mistakes)
		}
	}
	return r, err
}
