package cerbossuite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/source"
)

// A table is a test of a Cerbos suite: every principal does every action on every
// resource, and something is expected of each.
type table struct {
	name       string
	principals []*authz.Principal
	resources  []authz.Resource
	actions    []string
	effects    map[string]bool // whether it is allowed, by principal, resource and action
	failing    int             // of these
}

// tables sorts checks into as few tables as there can be without a pair too many.
type tables struct {
	tests []*testChecks
	names map[string]bool
}

// testChecks are the checks of one test.
type testChecks struct {
	name  string
	list  []check
	known map[string]bool // and whether it is allowed
	again []check         // that contradict those, as cases of one test may
}

func newTables() *tables { return &tables{names: map[string]bool{}} }

func (b *tables) add(test string, checks []check) {
	if test == "" {
		test = "unnamed"
	}
	i := slices.IndexFunc(b.tests, func(t *testChecks) bool { return t.name == test })
	if i < 0 {
		i = len(b.tests)
		b.tests = append(b.tests, &testChecks{name: test, known: map[string]bool{}})
	}
	t := b.tests[i]
	for _, c := range checks {
		key := principalKey(c.principal) + resourceKey(&c.request.Resource) + c.request.Action
		allow, known := t.known[key]
		switch {
		case !known:
			t.known[key] = c.allow
			t.list = append(t.list, c)
		case allow != c.allow:
			t.again = append(t.again, c)
		}
	}
}

// principalKey is the same for principals that requests tell nothing apart of.
func principalKey(p *authz.Principal) string { return p.Key + "\x00" + claimsKey(p) + "\x00" }

func claimsKey(p *authz.Principal) string {
	if p.AuxData == nil && p.JWTs == nil {
		return ""
	}
	return source.JSONText(map[string]any{"jwt": p.AuxData, "jwts": anyOf(p.JWTs)})
}

func anyOf(tokens map[string]map[string]any) map[string]any {
	list := map[string]any{}
	for name, claims := range tokens {
		list[name] = claims
	}
	return list
}

// resourceKey is the same for resources that are the same.
func resourceKey(r *authz.Resource) string {
	return strings.Join([]string{r.Kind, r.ID, r.PolicyVersion, r.Scope, source.JSONText(map[string]any{"attr": r.Attr})}, "\x00") + "\x00"
}

// tables returns the tables of all tests, each with a name of its own.
func (b *tables) tables() []*table {
	var list []*table
	for _, t := range b.tests {
		of := joined(t.list)
		for _, c := range t.again {
			of = append(of, joined([]check{c})...)
		}
		for _, x := range of {
			x.name = t.name
			if len(of) > 1 && len(x.actions) == 1 {
				x.name = t.name + ": " + x.actions[0]
			}
			for n, first := 2, x.name; b.names[x.name]; n++ {
				x.name = fmt.Sprintf("%s (%d)", first, n)
			}
			b.names[x.name] = true
			list = append(list, x)
		}
	}
	return list
}

// joined makes tables of checks, none of which contradicts another.
func joined(list []check) []*table {
	// First a table for each action on a resource, with all principals of the same claims.
	var single []*table
	at := map[string]*table{}
	for _, c := range list {
		key := resourceKey(&c.request.Resource) + c.request.Action + "\x00" + claimsKey(c.principal)
		t := at[key]
		if t == nil {
			t = &table{resources: []authz.Resource{c.request.Resource}, actions: []string{c.request.Action}, effects: map[string]bool{}}
			at[key] = t
			single = append(single, t)
		}
		t.principals = append(t.principals, c.principal)
		if c.fails {
			t.failing++
		}
		t.effects[effectKey(c.principal, &c.request.Resource, c.request.Action)] = c.allow
	}
	// Then those that differ in their actions alone, and in their resources alone, are one.
	same := merge(single, func(t *table) string { return who(t.principals) + resourceKey(&t.resources[0]) })
	return merge(same, func(t *table) string { return who(t.principals) + strings.Join(t.actions, "\x00") })
}

func effectKey(p *authz.Principal, r *authz.Resource, action string) string {
	return p.Key + "\x00" + resourceKey(r) + action
}

func who(list []*authz.Principal) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(principalKey(p))
	}
	return b.String() + "\x01"
}

// merge joins tables of the same key, in the order of the first.
func merge(list []*table, key func(*table) string) []*table {
	var out []*table
	at := map[string]*table{}
	for _, t := range list {
		into := at[key(t)]
		if into == nil {
			at[key(t)] = t
			out = append(out, t)
			continue
		}
		for _, r := range t.resources {
			if !slices.ContainsFunc(into.resources, func(x authz.Resource) bool { return resourceKey(&x) == resourceKey(&r) }) {
				into.resources = append(into.resources, r)
			}
		}
		into.actions = ordered.Distinct(append(into.actions, t.actions...))
		into.failing += t.failing
		for k, allow := range t.effects {
			into.effects[k] = allow
		}
	}
	return out
}
