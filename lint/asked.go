package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/witness"
)

// An address is what Cerbos chooses the policies by.
type address struct{ kind, version, scope string }

// A target is an address that the enforcement points ask at.
type target struct {
	address
	actions []string         // that they ask about, sorted
	servers []*matrix.Server // whose they are, in the order of the matrix

	// The rules that may apply: by an action that they name, and those with
	// an action that is a pattern.
	named    map[string][]*policy.Rule
	patterns []*policy.Rule
}

// An asked is a request about an operation, without the principal, and the
// target that it goes to.
type asked struct {
	*authz.Request
	target *target
	gate   bool // it is the same for every item of the type
	// general says that its action is the same for every item.
	general bool
	// anyItem is the same about an item that is left open; see [witness.AnyName].
	// There is one for each server, type of item and operation. Nil if requests
	// about items differ otherwise.
	anyItem *authz.Request
}

// defaultVersion is the policy version of requests where nothing says another.
const defaultVersion = "default"

// findTargets sorts what the enforcement points ask about the items.
func (p *Pass) findTargets() {
	p.asked = make(map[*matrix.Column][]asked, len(p.Matrix.Columns))
	index := map[address]*target{}
	type about struct {
		server    *matrix.Server
		of        authz.ItemType
		operation authz.Operation
	}
	templates := map[about][]authz.Request{}
	for _, col := range p.Matrix.Columns {
		k := about{col.Server, col.Item.Type, col.Operation}
		template, known := templates[k]
		if !known {
			template = askAbout(col.Server.Profile, col.Item.Type, col.Operation)
			templates[k] = template
		}
		for i, r := range plainQuestion(col).Requests {
			at := p.address(&r.Resource)
			t := index[at]
			if t == nil {
				t = &target{address: at}
				index[at] = t
				p.targets = append(p.targets, t)
			}
			t.actions = append(t.actions, r.Action)
			if !slices.Contains(t.servers, col.Server) {
				t.servers = append(t.servers, col.Server)
			}
			a := asked{Request: &r, target: t}
			if i < len(template) {
				a.anyItem = &template[i]
				a.general = a.anyItem.Action == r.Action
				a.gate = a.general && a.anyItem.Resource.ID == r.Resource.ID
			}
			p.asked[col] = append(p.asked[col], a)
		}
	}
	for _, t := range p.targets {
		slices.Sort(t.actions)
		t.actions = slices.Compact(t.actions)
		t.gather(p.Policies)
	}
}

// placeholder stands for the name, and the tag, of an item that there is not.
const placeholder = witness.AnyName

// askAbout returns what would be asked about an operation on some item.
func askAbout(profile *pep.Profile, t authz.ItemType, op authz.Operation) []authz.Request {
	return profile.Ask(pep.Item{Type: t, Name: placeholder, OwnName: placeholder, Tags: []string{placeholder}}, op).Requests
}

func (p *Pass) address(r *authz.Resource) address {
	return address{
		r.Kind,
		cmp.Or(r.PolicyVersion, p.input.DefaultPolicyVersion, defaultVersion),
		cmp.Or(r.Scope, p.input.DefaultScope),
	}
}

// plainQuestion returns what is asked about the operation, where a call can be
// made as a task what is asked about one that is not.
func plainQuestion(col *matrix.Column) pep.Question {
	if !col.Question.TaskOnly {
		return col.Question
	}
	plain := pep.Item{Type: col.Item.Type, Name: col.Item.Name, OwnName: col.Item.OwnName, Tags: col.Item.Tags}
	return col.Server.Profile.Ask(plain, col.Operation)
}

// gather keeps the rules that may apply at the target.
func (t *target) gather(set *policy.Set) {
	t.named = map[string][]*policy.Rule{}
	if set == nil {
		return
	}
	for r := range set.Rules() {
		if !t.reaches(r) {
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

// reaches reports whether a rule may apply at the address. Principal and role
// policies go by versions and scopes of principals, which are not looked at.
func (at address) reaches(r *policy.Rule) bool {
	if !r.CoversKind(at.kind) {
		return false
	}
	scope := r.Policy.Scope
	return r.Policy.Kind != policy.ResourcePolicy || r.Policy.Version == at.version &&
		(scope == "" || scope == at.scope || strings.HasPrefix(at.scope, scope+"."))
}

// rules returns the rules with an action that matches, each once.
func (t *target) rules(action string) []*policy.Rule {
	list := slices.Clone(t.named[action])
	for _, r := range t.patterns {
		if r.CoversAction(action) && !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// specific returns what is asked about the item itself, unless there is
// nothing but questions about all items at once.
func (p *Pass) specific(col *matrix.Column) []asked {
	all := p.asked[col]
	if own := slices.DeleteFunc(slices.Clone(all), func(a asked) bool { return a.gate }); len(own) > 0 {
		return own
	}
	return all
}

// String names the address in a message.
func (at address) String() string {
	s := at.kind
	if at.version != defaultVersion {
		s += ", version " + at.version
	}
	if at.scope != "" {
		s += ", scope " + at.scope
	}
	return s
}

// covers reports whether a rule matches a request.
func covers(r *policy.Rule, req *authz.Request) bool {
	return r.CoversKind(req.Resource.Kind) && r.CoversAction(req.Action)
}

// rulesFor returns the rules whose actions match what is asked about the
// operation, by position; whether there are some for each request; and whether
// an ALLOW among them names the item.
func (p *Pass) rulesFor(col *matrix.Column) (list []*policy.Rule, all, named bool) {
	all = len(p.asked[col]) > 0
	for _, a := range p.asked[col] {
		rules := a.target.rules(a.Action)
		all = all && len(rules) > 0
		for _, r := range rules {
			if !slices.Contains(list, r) {
				list = append(list, r)
			}
		}
		named = named || slices.ContainsFunc(p.namedBy(a, col), func(r *policy.Rule) bool { return r.Effect == authz.Allow })
	}
	slices.SortFunc(list, func(a, b *policy.Rule) int { return a.Pos.Compare(b.Pos) })
	return list, all, named
}
