package scaffold

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/mcpolicy/mcpolicy/source"
)

// An identity is who has a role where policies see ids and no roles.
type identity struct {
	role, derived string // what it is called, and by the policies
	list, key     string // the list of ids, and the principal that stands in it
}

// roleName is what a derived role may be called.
var roleName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[-.0-9A-Z_a-z]+$`) })

// identityList lists them in the order of the tiers, the agent last.
func (p *plan) identityList() []identity {
	list := []identity{
		{role: p.Roles.Reader, list: "readers", key: readerKey},
		{role: p.Roles.Editor, list: "editors", key: editorKey},
		{role: p.Roles.Administrator, list: "administrators", key: administratorKey},
		{role: p.Roles.Agent, list: "agents", key: agentKey},
	}
	taken := map[string]bool{}
	for i, x := range list {
		name := x.role
		if !roleName().MatchString(name) {
			name = slug(name)
		}
		list[i].derived = unique(name, taken)
	}
	return list
}

// identitiesOf lists the derived roles of a rule.
func (p *plan) identitiesOf(r *rule) []string {
	var list []string
	for _, x := range p.identityList() {
		if slices.Contains(r.roles, x.role) || r.agents && x.role == p.Roles.Agent {
			list = append(list, x.derived)
		}
	}
	return list
}

// identities writes who has which role, by ids, as far as rules are for them.
func (p *plan) identities(s *guarded, rules []rule) string {
	used := slices.DeleteFunc(p.identityList(), func(x identity) bool {
		return !slices.ContainsFunc(rules, func(r rule) bool { return slices.Contains(p.identitiesOf(&r), x.derived) })
	})
	var w writer
	w.schema(ofPolicies)
	w.comment("", "Who is what, on "+s.Name+": by the id in the token (sub), since nothing else of whoever asks arrives. Put ids of yours in the place of ours, "+
		"or write this file from your directory. An id that is in no list may do nothing.")
	w.line("apiVersion: api.cerbos.dev/v1")
	w.line("derivedRoles:")
	w.line("  name: %s_roles", s.slug)
	w.line("  constants:")
	w.line("    local:")
	for _, x := range used {
		if x.key == agentKey {
			w.comment("      ", "Agents that act for readers. For whom one acts does not arrive: an agent that acts for nobody belongs in no list.")
		}
		w.line("      %s: %s", x.list, names([]string{x.key}))
	}
	w.line("  definitions:")
	for _, x := range used {
		w.line("    - name: %s", source.Quote(x.derived))
		w.line("      parentRoles: [identity]")
		w.line("      condition:")
		w.line("        match:")
		w.line("          expr: P.id in C.%s", x.list)
	}
	return w.String()
}

// outside writes of sentences that they are about whoever has none of some roles.
func (p *plan) outside(roles ...string) string {
	if !p.manner().ids {
		return "not: {roles: " + names(roles) + "}"
	}
	var ids []string
	for _, x := range p.identityList() {
		if slices.Contains(roles, x.role) {
			ids = append(ids, cel(x.key))
		}
	}
	return "where: " + source.Quote("!(P.id in ["+strings.Join(ids, ", ")+"])")
}
