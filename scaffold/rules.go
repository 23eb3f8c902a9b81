package scaffold

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A rule is one of a policy.
type rule struct {
	name     string
	kind     string // of the resources that it is about, "" for that of tools
	method   string // the action, where the rule is about ids; its actions say which ones then
	comment  []string
	actions  []action
	roles    []string
	agents   bool     // who acts for somebody, too
	requires []string // variables
}

// An action is one that a rule is about, with what a list of them is divided by.
type action struct {
	text    string
	why     string // it was inferred from
	subject string // what the tool is about, as far as its name says
}

// rules returns the rules about a server, in the order in which they are read best.
func (p *plan) rules(s *guarded) []rule {
	v := s.variables()
	var list []rule
	add := func(r rule) {
		if len(r.actions) > 0 {
			list = append(list, r)
		}
	}
	if s.own {
		add(p.openList(s))
	}
	for _, gate := range s.gates {
		what, _, _ := strings.Cut(gate, "/")
		if !s.each {
			add(rule{
				name: what, comment: []string{"The list of " + what + " as a whole. What is in it is never asked about."},
				actions: []action{{text: gate}}, roles: p.Roles.people(), agents: true,
			})
		}
	}
	for _, r := range s.otherRules() {
		r.roles, r.agents = p.Roles.people(), true
		add(r)
	}
	for _, of := range []struct {
		tier      Tier
		name      string
		comment   string
		roles     []string
		forAgents bool
	}{
		{Reads, "read", "Tools that only read.", p.Roles.people(), true},
		{Changes, "edit", "Changes that can be undone.", []string{p.Roles.Editor, p.Roles.Administrator}, false},
		{Destroys, "destroy", "What destroys something, or may: named one by one, never by a pattern.", []string{p.Roles.Administrator}, false},
	} {
		for _, withheld := range s.reasons(of.tier) {
			open := func(t *tool) bool { return t.Tier == of.tier && t.withheld == withheld && len(t.parts) == 0 }
			held := func(t *tool) bool { return t.Tier == of.tier && t.withheld == withheld && len(t.parts) > 0 }
			name, comment, agents := of.name, []string{of.comment}, of.forAgents && withheld == ""
			if withheld != "" {
				name, comment = of.name+"-people-only", append(comment, "No agents: "+withheld+".")
			}
			name = distinct(name, list)
			add(rule{name: name, comment: comment, method: s.call, actions: s.actions(open, true, true), roles: of.roles, agents: agents})
			add(rule{
				name:    distinct("see-"+name, list),
				comment: append(slices.Clone(comment), "Lists have no arguments: who sees these may call them only as the rules below say."),
				actions: s.actions(held, true, false), roles: of.roles, agents: agents,
			})
			limited := slices.DeleteFunc(slices.Clone(of.roles), func(role string) bool { return role == p.Roles.Administrator })
			for _, set := range s.conditions(held, v) {
				requires := strings.Split(set, " ")
				of := func(t *tool) bool { return held(t) && strings.Join(v.of(t), " ") == set }
				add(rule{
					name:   distinct(name+"-"+strings.ReplaceAll(strings.ReplaceAll(set, " ", "-"), "_", "-"), list),
					method: s.call, actions: s.actions(of, false, true), roles: limited, agents: agents, requires: requires,
				})
			}
		}
	}
	add(rule{
		name: "anywhere", comment: []string{"Administrators, whoever's it is."},
		method: s.call, actions: s.actions(func(t *tool) bool { return len(t.parts) > 0 }, false, true), roles: []string{p.Roles.Administrator},
	})
	if s.ids {
		list = append(p.connect(s, list), list...)
	}
	return list
}

// connect are the rules about lists that open as a whole, each for whoever may use something in it.
// Who may use anything may connect.
func (p *plan) connect(s *guarded, rules []rule) []rule {
	kinds := map[string]string{"prompts/list": "prompt", "resources/list": "resource", "tools/list": ""}
	var list []rule
	for _, gate := range append([]string{"tools/list"}, s.gates...) {
		r := rule{kind: serverKind, comment: []string{"What is in these lists shows to whoever gets them."}, actions: []action{{text: gate}}}
		of := slices.DeleteFunc(slices.Clone(rules), func(r rule) bool { return r.kind != kinds[gate] })
		r.agents = slices.ContainsFunc(of, func(r rule) bool { return r.agents })
		for _, role := range p.Roles.people() {
			if slices.ContainsFunc(of, func(r rule) bool { return slices.Contains(r.roles, role) }) {
				r.roles = append(r.roles, role)
			}
		}
		at := slices.IndexFunc(list, func(x rule) bool { return slices.Equal(x.roles, r.roles) && x.agents == r.agents })
		switch {
		case len(r.roles) == 0:
		case at < 0:
			list = append(list, r)
		default:
			list[at].actions = append(list[at].actions, r.actions...)
		}
	}
	slices.SortStableFunc(list, func(a, b rule) int {
		return cmp.Or(len(b.roles)-len(a.roles), truth(b.agents)-truth(a.agents))
	})
	for i := range list {
		list[i].name = "lists"
		if i == 0 {
			list[i].name = "connect"
			list[i].actions = append([]action{{text: "initialize"}}, list[i].actions...)
		}
		list[i].name = distinct(list[i].name, list[:i])
	}
	return list
}

// serverKind is the kind of resource that COAZ-MCP asks about connections and lists.
const serverKind = "mcp_server"

// otherRules are about prompts and resources that are asked about by their names.
func (s *guarded) otherRules() []rule {
	if s.ids {
		ids := func(t authz.ItemType) []action {
			var list []action
			for _, i := range s.others {
				if a := (action{text: i.Name}); i.Type == t && !slices.Contains(list, a) {
					list = append(list, a)
				}
			}
			return list
		}
		return []rule{
			{name: "prompts", kind: "prompt", method: "prompts/get", comment: []string{"Prompts by their names."}, actions: ids(authz.PromptItem)},
			{
				name: "resources", kind: "resource", method: "resources/read", actions: ids(authz.ResourceItem),
				comment: []string{"Resources by their URIs. What is read of a template has a URI of its own each time: those are denied until a rule says which, such as R.id.startsWith(\"docs://public/\")."},
			},
		}
	}
	return []rule{
		{name: "prompts", comment: []string{"Who gets a prompt sees it, too."}, actions: s.otherActions([]authz.ItemType{authz.PromptItem})},
		{
			name: "resources", comment: []string{"Who reads a resource sees it, too. What is filled into a template is not looked at here."},
			actions: s.otherActions([]authz.ItemType{authz.ResourceItem, authz.TemplateItem}),
		},
	}
}

// otherActions lists the actions on prompts and resources that are asked about by their names.
func (s *guarded) otherActions(types []authz.ItemType) []action {
	var list []action
	for _, i := range s.others {
		if !slices.Contains(types, i.Type) {
			continue
		}
		text := "resources/read::" + i.Name
		if i.Type == authz.PromptItem {
			text = "prompts/get::" + i.Name
		}
		if a := (action{text: literal(text)}); !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// openList is the rule for the list of tools as a whole, for whoever sees one of them.
func (p *plan) openList(s *guarded) rule {
	r := rule{name: "open-list", comment: []string{"Whoever is refused here sees no tool at all."}}
	worst := func(tier Tier) bool {
		return slices.ContainsFunc(s.tools, func(t *tool) bool { return t.Tier <= tier })
	}
	for _, of := range []struct {
		tier Tier
		role string
	}{{Reads, p.Roles.Reader}, {Changes, p.Roles.Editor}, {Destroys, p.Roles.Administrator}} {
		if worst(of.tier) {
			r.roles = append(r.roles, of.role)
		}
	}
	r.agents = slices.ContainsFunc(s.tools, func(t *tool) bool { return t.Tier == Reads && t.withheld == "" })
	if len(r.roles) > 0 {
		r.actions = []action{{text: "tools/list"}}
	}
	return r
}

// reasons lists why tools of a tier are withheld from agents, those that are not first.
func (s *guarded) reasons(tier Tier) []string {
	var list []string
	for _, t := range s.tools {
		if t.Tier == tier && !slices.Contains(list, t.withheld) {
			list = append(list, t.withheld)
		}
	}
	slices.Sort(list)
	return list
}

// conditions lists the sets of variables that some calls have to meet.
func (s *guarded) conditions(of func(*tool) bool, v *variables) []string {
	sets := map[string]bool{}
	for _, t := range s.tools {
		if of(t) {
			sets[strings.Join(v.of(t), " ")] = true
		}
	}
	return slices.Sorted(maps.Keys(sets))
}

// actions lists the actions on tools: those that the server's hints tell about first.
func (s *guarded) actions(of func(*tool) bool, list, call bool) []action {
	var actions []action
	for _, t := range s.tools {
		if !of(t) {
			continue
		}
		shown := t.item.Name
		if t.item.OwnName != "" {
			shown = t.item.OwnName
		}
		about := subject(t.item.Name)
		if list && s.own {
			actions = append(actions, action{literal("tools/list::" + shown), t.review(), about})
		}
		if call {
			actions = append(actions, action{s.callOf(t.item.Name), t.review(), about})
		}
	}
	return actions
}

// review says what a person has to look at, "" for nothing.
func (t *tool) review() string {
	if len(t.unseen) == 0 {
		return t.Why
	}
	text := "no policy sees the " + strings.Join(t.unseen, ", ") + " that a call is about, so whoever may call these may for any"
	if t.Why != "" {
		text = t.Why + "; " + text
	}
	return text
}

// literal returns an action that stands for one name. One with an asterisk would be a pattern.
func literal(name string) string {
	if strings.Contains(name, "*") {
		return glob.QuoteMeta(name)
	}
	return name
}

// distinct returns a name that no rule has.
func distinct(name string, rules []rule) string {
	taken := map[string]bool{}
	for _, r := range rules {
		taken[r.name] = true
	}
	return strings.ReplaceAll(unique(name, taken), "_", "-")
}
