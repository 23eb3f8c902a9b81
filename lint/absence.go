package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// An absence is a policy and what of its place no request names.
type absence struct {
	policy         *policy.Policy
	version, scope bool
	at             []coverage.Address // where its kinds are asked about
	scopes         []string           // that are asked in, or those of the principal
	by             []*matrix.Server   // who asks
}

// An addressSent is an address that a server's requests go to, today or about an item
// that is added.
type addressSent struct {
	coverage.Address
	server *matrix.Server
	today  bool
}

// addressesSent lists the addresses that requests go to.
func addressesSent(p *Pass) []addressSent {
	var list []addressSent
	for _, t := range p.index.Targets {
		for _, s := range t.Servers {
			list = append(list, addressSent{t.Address, s, true})
		}
	}
	for _, s := range p.Matrix.Servers {
		for _, t := range authz.ItemTypes() {
			for _, op := range []authz.Operation{authz.List, t.Use()} {
				for _, q := range coverage.AskAbout(s.Profile, t, op) {
					list = append(list, addressSent{p.index.Address(&q.Resource), s, false})
				}
			}
		}
	}
	return list
}

// absenceOf says what of a policy's place no request names: nil if one does, or if the
// policy is about nothing that is sent. A principal that is not declared may have any scope.
// A role policy denies what it does not list, of any kind.
func absenceOf(p *Pass, x *policy.Policy, sent []addressSent, people []*authz.Principal) *absence {
	a := &absence{policy: x}
	var at []addressSent
	for _, s := range sent {
		covered := slices.ContainsFunc(x.Rules, func(r *policy.Rule) bool { return r.CoversKind(s.Kind) })
		if covered || x.Kind == policy.RolePolicy {
			at = append(at, s)
		}
		if !covered {
			continue
		}
		if s.today && !slices.Contains(a.at, s.Address) {
			a.at = append(a.at, s.Address)
		}
		if s.today && !slices.Contains(a.by, s.server) {
			a.by = append(a.by, s.server)
		}
	}
	if len(a.at) == 0 {
		return nil
	}
	inVersion := slices.DeleteFunc(slices.Clone(at), func(s addressSent) bool { return !mayBe(x.Version, s.Version) })
	a.version = len(inVersion) == 0
	if !a.version {
		at = inVersion
	}
	if x.Kind == policy.PrincipalPolicy {
		for _, who := range people {
			a.scopes = append(a.scopes, rootless(cmp.Or(who.Scope, p.input.DefaultScope)))
		}
	} else {
		for _, s := range at {
			a.scopes = append(a.scopes, rootless(s.Scope))
		}
	}
	a.scope = len(a.scopes) > 0 && !slices.ContainsFunc(a.scopes, func(s string) bool { return isAbove(rootless(x.Scope), s) })
	if !a.version && !a.scope {
		return nil
	}
	a.scopes = ordered.Distinct(slices.DeleteFunc(a.scopes, func(s string) bool { return strings.Contains(s, witness.AnyName) }))
	return a
}

// mayBe reports whether a text is what stands in a request, which may be made of an
// item's name.
func mayBe(text, sent string) bool {
	before, _, open := strings.Cut(sent, witness.AnyName)
	return text == sent || open && strings.HasPrefix(text, before)
}

// isAbove reports whether a scope is another, or above it, which may be made of an
// item's name.
func isAbove(scope, sent string) bool {
	return scope == sent || isBelow(sent, scope) || strings.Contains(sent, witness.AnyName) && mayBe(scope, sent)
}

// rootless returns a scope without the dot that stands for none.
func rootless(scope string) string {
	if scope == "." {
		return ""
	}
	return scope
}

// principalsByID lists the declared principals by the id that policies see.
func principalsByID(p *Pass) map[string][]*authz.Principal {
	list := map[string][]*authz.Principal{}
	for _, c := range p.Matrix.Classes {
		for _, who := range c.Principals {
			list[who.ID] = append(list[who.ID], who)
		}
	}
	return list
}

// place names what no request names.
func (a *absence) place() string {
	var words []string
	if a.version {
		words = append(words, "policy version "+a.policy.Version)
	}
	if a.scope {
		words = append(words, "scope "+a.policy.Scope)
	}
	return strings.Join(words, " and ")
}

// ofPrincipal reports whether it is the principal's scope that the policy is not in.
func (a *absence) ofPrincipal() bool { return a.scope && a.policy.Kind == policy.PrincipalPolicy }

// whose tells apart places of requests from places of a principal.
func (a *absence) whose() string {
	if a.ofPrincipal() {
		return a.policy.Name
	}
	return ""
}

// nothing begins the message.
func (a *absence) nothing() string {
	if a.ofPrincipal() && !a.version {
		return a.policy.Name + " never asks in"
	}
	return "nothing is asked in"
}

// versions lists the policy versions that are asked in.
func (a *absence) versions() []string {
	var list []string
	for _, at := range a.at {
		list = append(list, at.Version)
	}
	return ordered.Distinct(list)
}

// near suggests what was meant, or "".
func (a *absence) near() string {
	if meant := onlySlip(a.policy.Scope, a.scopes); a.scope && meant != "" {
		return meant
	}
	if a.version {
		return onlySlip(a.policy.Version, a.versions())
	}
	return ""
}

// evidence says what is asked instead, and what is easily taken for a request in the place.
func (a *absence) evidence(p *Pass) []string {
	var asked, profiles []string
	for _, at := range a.at {
		asked = append(asked, at.String())
	}
	for _, s := range a.by {
		profiles = append(profiles, s.Profile.Name)
	}
	profiles = ordered.Distinct(profiles)
	lines := []string{fmt.Sprintf("What %s %s about: %s.", listing(profiles, named), plural(len(profiles), "asks", "ask"), listing(asked, named))}
	x := a.policy
	if a.ofPrincipal() {
		lines = append(lines, fmt.Sprintf("The scope of %s: %s.", x.Name, scopeNames(a.scopes)))
	}
	has := func(such func(*authz.Principal) bool) bool {
		return slices.ContainsFunc(p.Matrix.Classes, func(c *matrix.Class) bool { return such(c.First()) })
	}
	if a.scope && !a.ofPrincipal() && has(func(who *authz.Principal) bool { return isAbove(x.Scope, who.Scope) }) {
		lines = append(lines, "Principals have that scope, but it chooses principal policies only.")
	}
	if a.version && has(func(who *authz.Principal) bool { return who.PolicyVersion == x.Version }) {
		lines = append(lines, "Principals have that policy version, but Cerbos goes by the one that is sent for the resource.")
	}
	return lines
}

// scopeNames lists scopes in a sentence.
func scopeNames(scopes []string) string {
	words := slices.Clone(scopes)
	for i, s := range words {
		words[i] = cmp.Or(s, "none")
	}
	return listing(words, named)
}

// fix says what to write.
func (a *absence) fix() string {
	x := a.policy
	var move, send []string
	if a.version {
		move, send = append(move, "version: "+a.versions()[0]), append(send, "policyVersion: "+x.Version)
	}
	if a.scope && len(a.scopes) > 0 {
		to := "no scope"
		if a.scopes[0] != "" {
			to = "scope: " + a.scopes[0]
		}
		move = append(move, to)
	}
	who := "have the enforcement point send "
	if a.ofPrincipal() && !a.version {
		who = "give " + x.Name + " "
	}
	if a.scope && (!a.ofPrincipal() || !a.version) {
		send = append(send, "scope: "+x.Scope)
	}
	return fmt.Sprintf("Give the policy %s, or %s%s.", strings.Join(move, " and "), who, strings.Join(send, " and "))
}
