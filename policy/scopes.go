package policy

import (
	"cmp"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
)

// OverrideParent is what a policy that says nothing about its scope's
// permissions means.
const OverrideParent = "SCOPE_PERMISSIONS_OVERRIDE_PARENT"

// A Disagreement is a scope whose resource and principal policies disagree on
// scopePermissions. Cerbos keeps one value for a scope, that of the policy
// which it happens to load last. What role policies say does not count to it.
type Disagreement struct {
	Scope string
	// Said are the policies by what they say, each list in the order of the
	// files.
	Said map[string][]*Policy
}

// Disagreements returns the scopes whose policies disagree, sorted.
func (s *Set) Disagreements() []*Disagreement {
	scopes := map[string]*Disagreement{}
	for p := range s.enabled() {
		if p.Kind != ResourcePolicy && p.Kind != PrincipalPolicy {
			continue
		}
		d := scopes[p.Scope]
		if d == nil {
			d = &Disagreement{Scope: p.Scope, Said: map[string][]*Policy{}}
			scopes[p.Scope] = d
		}
		said := cmp.Or(p.ScopePermissions, OverrideParent)
		d.Said[said] = append(d.Said[said], p)
	}
	var list []*Disagreement
	for _, scope := range slices.Sorted(maps.Keys(scopes)) {
		if len(scopes[scope].Said) > 1 {
			list = append(list, scopes[scope])
		}
	}
	return list
}

// Values lists what the policies say, what they do not mean by default first.
func (d *Disagreement) Values() []string {
	values := slices.Sorted(maps.Keys(d.Said))
	slices.Reverse(values)
	return values
}

// Pos is where the first of the policies says what is not the default.
func (d *Disagreement) Pos() source.Pos { return d.Said[d.Values()[0]][0].SaysPermissions() }

// SaysPermissions is where the policy says its scopePermissions, or where it
// stands if it does not.
func (p *Policy) SaysPermissions() source.Pos {
	if p.ScopePermissions != "" {
		return p.ScopePermissionsPos
	}
	return p.Pos
}

// String names the policies that disagree.
func (d *Disagreement) String() string {
	if d.Scope == "" {
		return "the policies without a scope"
	}
	return "the policies of the scope " + d.Scope
}
