package coverage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// DefaultVersion is the policy version of requests where nothing says another.
const DefaultVersion = "default"

// Defaults are the policy version and the scope that the engine takes where a
// request has none. An empty version is Cerbos's own default.
type Defaults struct{ Version, Scope string }

// An Index knows, for the columns of a matrix, what is asked about them and
// which rules of a policy set are about that. It is not to be used from several
// goroutines.
type Index struct {
	// Targets are where the enforcement points ask, in the order of the columns.
	Targets []*Target

	matrix   *matrix.Matrix
	policies *policy.Set // nil if they are not at hand
	defaults Defaults
	asked    map[*matrix.Column][]Asked

	covered map[*policy.Rule][]Covering // nil until it is asked for

	rolePolicies map[string][]*policy.Policy // by role
}

// An Address is what Cerbos chooses the policies by.
type Address struct{ Kind, Version, Scope string }

// A Target is an address that the enforcement points ask at.
type Target struct {
	Address
	Actions []string         // that they ask about, sorted
	Servers []*matrix.Server // whose they are, in the order of the matrix

	// The rules that may apply: by an action that they name, and those with
	// an action that is a pattern.
	named    map[string][]*policy.Rule
	patterns []*policy.Rule
}

// An Asked is a request about an operation, without the principal, and the
// target that it goes to.
type Asked struct {
	*authz.Request
	Target *Target
	Number int // of the request in the question
	// ByCaller says that who asks decides where it goes.
	ByCaller bool
	Gate     bool // it is the same for every item of the type
	// General says that its action is the same for every item.
	General bool
	// AnyItem is the same about an item that is left open; see [witness.AnyName].
	// There is one for each server, type of item and operation. Nil if requests
	// about items differ otherwise.
	AnyItem *authz.Request
}

// A Covering is a request that a rule covers, and the column that sends it.
type Covering struct {
	Asked
	Column *matrix.Column
}

// New sorts what the enforcement points ask about the items of a matrix. Without
// policies there are no rules about any of it.
func New(m *matrix.Matrix, policies *policy.Set, defaults Defaults) *Index {
	x := &Index{matrix: m, policies: policies, defaults: defaults, asked: make(map[*matrix.Column][]Asked, len(m.Columns))}
	targets := map[Address]*Target{}
	type about struct {
		server    *matrix.Server
		of        authz.ItemType
		operation authz.Operation
	}
	templates := map[about][]authz.Request{}
	target := func(s *matrix.Server, r *authz.Request) *Target {
		at := x.Address(&r.Resource)
		t := targets[at]
		if t == nil {
			t = &Target{Address: at}
			targets[at] = t
			x.Targets = append(x.Targets, t)
		}
		t.Actions = append(t.Actions, r.Action)
		if !slices.Contains(t.Servers, s) {
			t.Servers = append(t.Servers, s)
		}
		return t
	}
	for _, col := range m.Columns {
		k := about{col.Server, col.Item.Type, col.Operation}
		template, known := templates[k]
		if !known {
			template = AskAbout(col.Server.Profile, col.Item.Type, col.Operation)
			templates[k] = template
		}
		for _, r := range x.routed(plainQuestion(col).Requests) {
			t := target(col.Server, &r.Request)
			a := Asked{Request: &r.Request, Target: t, Number: r.number, ByCaller: r.byCaller}
			if r.number < len(template) && (!r.byMapping || template[r.number].Resource.Kind == r.Resource.Kind) {
				a.AnyItem = &template[r.number]
				a.General = a.AnyItem.Action == r.Action
				a.Gate = a.General && a.AnyItem.Resource.ID == r.Resource.ID
			}
			x.asked[col] = append(x.asked[col], a)
		}
	}
	for _, s := range m.Servers {
		for _, r := range s.Profile.Besides() {
			target(s, &r)
		}
	}
	for _, t := range x.Targets {
		slices.Sort(t.Actions)
		t.Actions = slices.Compact(t.Actions)
		t.gather(policies)
	}
	x.sortRolePolicies()
	return x
}

// A routedRequest is one of a question, by its number, for those for whom it goes to one
// address.
type routedRequest struct {
	authz.Request
	number    int
	byCaller  bool // it goes elsewhere for others
	byMapping bool // it is the item's own, and another would be asked about in another way
}

// routed returns the requests of a question, each once for each address and action that it
// has for a declared principal.
func (x *Index) routed(list []authz.Request) []routedRequest {
	var routed []routedRequest
	for i := range list {
		if list[i].By != nil {
			routed = append(routed, told(&list[i], i)...)
			continue
		}
		if !slices.ContainsFunc(list[i].Made, func(m authz.Made) bool { return m.Routes() }) {
			routed = append(routed, routedRequest{Request: list[i], number: i})
			continue
		}
		seen := map[string]bool{}
		for _, class := range x.matrix.Classes {
			r := list[i]
			r.Principal = class.First()
			sent, refusal := r.Sent()
			of := &sent.Resource
			key := strings.Join([]string{of.Kind, of.PolicyVersion, of.Scope, sent.Action}, "\x00")
			if refusal != nil || seen[key] {
				continue
			}
			seen[key] = true
			r.Principal, r.Action = nil, sent.Action
			r.Resource.Kind, r.Resource.PolicyVersion, r.Resource.Scope = of.Kind, of.PolicyVersion, of.Scope
			r.Made = slices.DeleteFunc(slices.Clone(r.Made), func(m authz.Made) bool { return m.Routes() })
			routed = append(routed, routedRequest{Request: r, number: i, byCaller: true})
		}
	}
	return routed
}

// told returns what a request is about, whoever asks: one for each action that its arguments
// choose from.
func told(of *authz.Request, number int) []routedRequest {
	if of.By.Refuses() != nil {
		return nil
	}
	r := *of
	r.By = nil
	at := slices.IndexFunc(r.Made, func(m authz.Made) bool { return m.At[0] == "action" })
	if at < 0 || len(r.Made[at].Text) != 1 {
		return []routedRequest{{Request: r, number: number, byMapping: true}}
	}
	actions, _, ok := (&expr.Making{Arguments: r.Arguments}).Choices(r.Made[at].Text[0])
	if !ok {
		return []routedRequest{{Request: r, number: number, byMapping: true}}
	}
	r.Made = slices.Delete(slices.Clone(r.Made), at, at+1)
	var routed []routedRequest
	for _, action := range actions {
		r.Action = action
		routed = append(routed, routedRequest{Request: r, number: number, byMapping: true})
	}
	return routed
}

// Asked returns what is asked about a column: about a plain call where one can
// be made as a task.
func (x *Index) Asked(col *matrix.Column) []Asked { return x.asked[col] }

// IsRuled reports whether some rule is about a request, wherever it goes for whoever asks.
func (x *Index) IsRuled(col *matrix.Column, a *Asked) bool {
	if len(a.Target.Rules(a.Action)) > 0 {
		return true
	}
	return a.ByCaller && slices.ContainsFunc(x.asked[col], func(b Asked) bool {
		return b.Number == a.Number && len(b.Target.Rules(b.Action)) > 0
	})
}

// AskAbout returns what would be asked about an operation on some item, whose
// name and tag are [witness.AnyName].
func AskAbout(profile *pep.Profile, t authz.ItemType, op authz.Operation) []authz.Request {
	list := profile.Ask(pep.Item{Type: t, Name: witness.AnyName, OwnName: witness.AnyName, Tags: []string{witness.AnyName}, Any: true}, op).Requests
	for i := range list {
		list[i].By = nil
	}
	return list
}

// Address returns where a request about a resource is asked.
func (x *Index) Address(r *authz.Resource) Address {
	return Address{
		r.Kind,
		cmp.Or(r.PolicyVersion, x.defaults.Version, DefaultVersion),
		cmp.Or(r.Scope, x.defaults.Scope),
	}
}

// gather keeps the rules that may apply at the target.
func (t *Target) gather(set *policy.Set) {
	t.named = map[string][]*policy.Rule{}
	if set == nil {
		return
	}
	for r := range set.Rules() {
		if !t.Reaches(r) {
			continue
		}
		isPattern := false
		for _, a := range r.Actions {
			if r.IsGlob(a.Value) {
				isPattern = true
			} else if !slices.Contains(t.named[a.Value], r) {
				t.named[a.Value] = append(t.named[a.Value], r)
			}
		}
		if isPattern {
			t.patterns = append(t.patterns, r)
		}
	}
}

// Reaches reports whether a rule may apply at the address. Principal and role
// policies are chosen by the principal's version and scope, so for them only the
// kind is compared.
func (at Address) Reaches(r *policy.Rule) bool {
	if !r.CoversKind(at.Kind) {
		return false
	}
	scope := r.Policy.Scope
	return r.Policy.Kind != policy.ResourcePolicy || r.Policy.Version == at.Version &&
		(scope == "" || scope == at.Scope || strings.HasPrefix(at.Scope, scope+"."))
}

// Named returns the rules with an action that is spelt out and is this one.
func (t *Target) Named(action string) []*policy.Rule { return t.named[action] }

// Patterns returns the rules with an action that is a pattern.
func (t *Target) Patterns() []*policy.Rule { return t.patterns }

// Rules returns the rules with an action that matches, each once.
func (t *Target) Rules(action string) []*policy.Rule {
	list := slices.Clone(t.named[action])
	for _, r := range t.patterns {
		if r.CoversAction(action) && !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// Specific returns the requests about a column's item alone, or all of its requests
// if there are none but those about all items at once.
func (x *Index) Specific(col *matrix.Column) []Asked {
	all := x.asked[col]
	if own := slices.DeleteFunc(slices.Clone(all), func(a Asked) bool { return a.Gate }); len(own) > 0 {
		return own
	}
	return all
}

// String names the address in a message.
func (at Address) String() string {
	s := at.Kind
	if at.Version != DefaultVersion {
		s += ", version " + at.Version
	}
	if at.Scope != "" {
		s += ", scope " + at.Scope
	}
	return s
}
