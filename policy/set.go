package policy

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

// A Set is what a policy directory holds.
type Set struct {
	Policies []*Policy          // sorted by file; the disabled ones too
	Schemas  map[string]*Schema // by path below _schemas

	byKey  map[string]*Policy
	byName map[string][]*Rule
}

// index sorts the policies and prepares the look-ups.
func (s *Set) index() error {
	slices.SortFunc(s.Policies, func(a, b *Policy) int { return cmp.Compare(a.File, b.File) })
	s.byKey = map[string]*Policy{}
	s.byName = map[string][]*Rule{}
	for p := range s.enabled() {
		if s.byKey[p.key] == nil { // twice the same is an error of the engine's
			s.byKey[p.key] = p
		}
		for _, r := range p.Rules {
			s.byName[r.ID] = append(s.byName[r.ID], r)
			if name := r.outputName(); name != r.ID {
				s.byName[name] = append(s.byName[name], r)
			}
		}
	}
	switch {
	case len(s.byKey) > 0:
		return nil
	case len(s.Policies) > 0:
		return fmt.Errorf("%w: every one is disabled", ErrNoPolicies)
	}
	return ErrNoPolicies
}

func (s *Set) enabled() iter.Seq[*Policy] {
	return func(yield func(*Policy) bool) {
		for _, p := range s.Policies {
			if !p.Disabled && !yield(p) {
				return
			}
		}
	}
}

// Rules returns the rules of all policies that take part in decisions, sorted
// by position.
func (s *Set) Rules() iter.Seq[*Rule] {
	return func(yield func(*Rule) bool) {
		for p := range s.enabled() {
			for _, r := range p.Rules {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// CoversKind reports whether a policy that takes part in decisions is about
// resources of a kind: a resource policy, or a rule of another one.
func (s *Set) CoversKind(kind string) bool {
	for p := range s.enabled() {
		if p.Kind == ResourcePolicy {
			if ok, err := MatchResource(p.Name, kind); ok && err == nil {
				return true
			}
		}
		if slices.ContainsFunc(p.Rules, func(r *Rule) bool { return r.CoversKind(kind) }) {
			return true
		}
	}
	return false
}

// Waivers returns those of all policies that take part in decisions.
func (s *Set) Waivers() iter.Seq[*Waiver] {
	return func(yield func(*Waiver) bool) {
		for p := range s.enabled() {
			for i := range p.Waivers {
				if !yield(&p.Waivers[i]) {
					return
				}
			}
		}
	}
}

// Rule returns the rule of that ID, or nil. It also takes the name that Cerbos
// gives in outputs. The first is returned of several that share it, see
// [Set.Named].
func (s *Set) Rule(id string) *Rule {
	if rules := s.byName[id]; len(rules) > 0 {
		return rules[0]
	}
	return nil
}

// Named returns every rule that Cerbos gives one name in outputs. There may be
// several: the rules without a name of a role policy; rules about different
// resources of a principal policy that were given the same name; a rule named
// rule-002 and the second of that policy, if it has no name.
func (s *Set) Named(id string) []*Rule { return slices.Clone(s.byName[id]) }

// RuleFor returns the rule of that ID, or output name, which covers a resource
// kind and an action: the one that is meant where a name is shared.
func (s *Set) RuleFor(id, kind, action string) *Rule {
	rules := s.byName[id]
	for _, r := range rules {
		if len(rules) == 1 || r.CoversKind(kind) && r.CoversAction(action) {
			return r
		}
	}
	return nil
}

// Policy returns the policy with a key, the name that Cerbos gives it in
// decisions, or nil. Disabled policies are not found.
func (s *Set) Policy(key string) *Policy { return s.byKey[key] }

// Import returns the derived roles, exported variables or exported constants
// that a policy imports by name, or nil.
func (s *Set) Import(k Kind, name string) *Policy {
	if k.HasRules() {
		return nil
	}
	return s.byKey[policyKey(k, name, "", "")]
}

// DerivedRole returns the definition that a resource policy's rules mean by
// the name of a derived role, or nil if the policy imports none of that name.
func (s *Set) DerivedRole(p *Policy, name string) *DerivedRole {
	for _, imported := range p.ImportDerivedRoles {
		set := s.Import(DerivedRoles, imported.Value)
		if set == nil {
			continue
		}
		for _, d := range set.DerivedRoles {
			if d.Name == name {
				return d
			}
		}
	}
	return nil
}

// Files returns the names of all files that were read, sorted.
func (s *Set) Files() []string {
	var files []string
	for _, p := range s.Policies {
		files = append(files, p.File)
	}
	for _, schema := range s.Schemas {
		files = append(files, schema.File)
	}
	slices.Sort(files)
	return files
}
