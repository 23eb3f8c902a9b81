package scaffold

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// A writer writes YAML with comments.
type writer struct{ strings.Builder }

// line writes a line.
func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// comment writes lines of comments. A text never leaves its comment, whatever is in it.
func (w *writer) comment(indent string, list ...string) {
	const width = 98
	for _, text := range list {
		line := indent + "#"
		for _, word := range strings.Fields(source.Inert(text)) {
			if len(line)+1+len(word) > width && line != indent+"#" {
				w.line("%s", line)
				line = indent + "#"
			}
			line += " " + word
		}
		w.line("%s", line)
	}
}

// schema writes where an editor finds what may stand in the file.
func (w *writer) schema(url string) { w.line("# yaml-language-server: $schema=%s", url) }

// ofPolicies is where Cerbos has the schema of its policies.
const ofPolicies = "https://api.cerbos.dev/latest/cerbos/policy/v1/Policy.schema.json"

// names writes a list of names on one line.
func names(list []string) string { return source.Flow(list) }

// delegated is the derived role of an agent that acts for somebody.
const delegated = "agent_for_somebody"

// actsFor is the attribute that says for whom an agent acts.
const actsFor = "on_behalf_of"

// policies writes the policies about a server.
func (p *plan) policies(s *guarded) []File {
	rules := p.rules(s)
	v := s.variables()
	var files []File
	for _, kind := range []string{serverKind, "", "prompt", "resource"} {
		of := slices.DeleteFunc(slices.Clone(rules), func(r rule) bool { return r.kind != kind })
		if len(of) > 0 {
			name := s.slug
			if kind != "" {
				name = kind
			}
			files = append(files, File{"policies/" + name + ".yaml", []byte(p.resourcePolicy(s, kind, of))})
		}
	}
	switch {
	case s.ids:
		files = append(files, File{"policies/" + s.slug + "_roles.yaml", []byte(p.identities(s, rules))})
	case s.arguments && slices.ContainsFunc(rules, func(r rule) bool { return r.agents }):
		files = append(files, File{"policies/" + s.slug + "_roles.yaml", []byte(p.derivedRoles(s))})
	}
	if len(v.list) > 0 {
		files = append(files, File{"policies/" + s.slug + "_conditions.yaml", []byte(p.exportVariables(s, v))})
	}
	return files
}

// resourcePolicy writes the policy about a kind of resource, "" for that of tools.
func (p *plan) resourcePolicy(s *guarded, kind string, rules []rule) string {
	var w writer
	w.schema(ofPolicies)
	if kind == "" {
		kind = s.kind()
		w.comment("", p.about(s)...)
	} else {
		w.comment("", "Who may use what of "+s.Name+" that is no tool. Written by mcpolicy init; it is yours now.")
	}
	w.line("apiVersion: api.cerbos.dev/v1")
	w.line("resourcePolicy:")
	w.line("  resource: %s", source.Quote(kind))
	w.line("  version: default")
	if s.ids || s.arguments && slices.ContainsFunc(rules, func(r rule) bool { return r.agents }) {
		w.line("  importDerivedRoles: [%s_roles]", s.slug)
	}
	if slices.ContainsFunc(rules, func(r rule) bool { return len(r.requires) > 0 }) {
		w.line("  variables:")
		w.line("    import: [%s_conditions]", s.slug)
	}
	w.names(rules)
	w.line("  rules:")
	for i, r := range rules {
		if i > 0 {
			w.line("")
		}
		w.rule(r, p.who(s, &r))
	}
	return w.String()
}

// about says what a policy is, and what it cannot be.
func (p *plan) about(s *guarded) []string {
	agent := ": no more than a reader, for the person that it acts for, and only where that person may."
	if !s.arguments {
		agent = ": no more than a reader. For whom it acts no policy sees here."
	}
	list := []string{
		"Who may list and call what on " + s.Name + ", by least privilege. Written by mcpolicy init; it is yours now.", "",
		p.Roles.Reader + ": what only reads. " + p.Roles.Editor + ": changes that can be undone, too. " + p.Roles.Administrator +
			": everything, what destroys named one by one. " + p.Roles.Agent + agent, "",
		"What stands under \"review\" was inferred from names, because the server's hints do not say it. Read it, move what is wrong, and take the word away.",
		"A tool that is in no rule is denied to everybody: add it to the rule that it belongs to.",
	}
	if !s.arguments {
		list = append(list, "", p.blind(s))
	}
	if example := p.example(s); example != "" {
		list = append(list, "", "To hold calls to whose they are, have the server declare in the inputSchema of such a tool what is asked about its calls, as here for the first of them, "+
			"and write the inventory and this anew:", "x-authzen-mapping: "+example)
	}
	if len(s.closed) > 0 {
		list = append(list, "", "Denied to everybody until you write a policy about what their mappings ask: "+strings.Join(namesOf(s.closed), ", ")+".")
	}
	return list
}

// blind says what no policy sees behind an enforcement point.
func (p *plan) blind(s *guarded) string {
	switch {
	case s.ids:
		return "COAZ-MCP, draft 1, on its default mappings: policies see the id of whoever asks and the name of the tool, and nothing else. " +
			"Roles, attributes and arguments never arrive. Who is what stands in " + s.slug + "_roles.yaml, by ids."
	case s.listed:
		return p.Enforcement + " sends the id and the roles of whoever asks and the name of the tool. Attributes and arguments never arrive, so no policy can tell calls of one tool apart."
	}
	return p.Enforcement + " sends the id and the roles of whoever asks and the name of the tool, before calls. Attributes and arguments never arrive, and lists are not asked about " +
		"unless tools are filtered when they are discovered: with: {filterOnDiscovery: true} says that they are."
}

func namesOf(tools []*tool) []string {
	var list []string
	for _, t := range tools {
		list = append(list, t.item.Name)
	}
	return list
}

// names writes the lists of ids that rules are about.
func (w *writer) names(rules []rule) {
	rules = slices.DeleteFunc(slices.Clone(rules), func(r rule) bool { return r.method == "" })
	if len(rules) == 0 {
		return
	}
	w.line("  constants:")
	w.line("    local:")
	for _, r := range rules {
		w.comment("      ", r.comment...)
		w.line("      %s:", r.constant())
		w.list(r.actions, source.Quote)
	}
}

// constant is what the list of ids is called that a rule is about.
func (r *rule) constant() string { return strings.ReplaceAll(r.name, "-", "_") }

// list writes actions, or ids, divided by what they are about.
func (w *writer) list(actions []action, quote func(string) string) {
	for _, b := range blocks(actions) {
		if b.comment != "" {
			w.comment("        ", strings.Split(b.comment, "\n")...)
		}
		for _, a := range b.actions {
			w.line("        - %s", quote(a.text))
		}
	}
}

// forWhom is whom a rule is for.
type forWhom struct{ roles, derived []string }

// who returns whom a rule is for, in the words of the policies about a server.
func (p *plan) who(s *guarded, r *rule) forWhom {
	switch {
	case s.ids:
		return forWhom{derived: p.identitiesOf(r)}
	case r.agents && s.arguments:
		return forWhom{r.roles, []string{delegated}}
	case r.agents:
		return forWhom{append(slices.Clone(r.roles), p.Roles.Agent), nil}
	}
	return forWhom{roles: r.roles}
}

func (w *writer) rule(r rule, who forWhom) {
	if r.method == "" { // else it stands above the ids
		w.comment("    ", r.comment...)
	}
	w.line("    - name: %s", r.name)
	switch {
	case r.method != "":
		w.line("      actions: [%s]", quoteAction(r.method))
	case len(r.actions) == 1 && r.actions[0].why == "":
		w.line("      actions: [%s]", quoteAction(r.actions[0].text))
	default:
		w.line("      actions:")
		w.list(r.actions, quoteAction)
	}
	w.line("      effect: EFFECT_ALLOW")
	if len(who.roles) > 0 {
		w.line("      roles: %s", names(who.roles))
	}
	if len(who.derived) > 0 {
		w.line("      derivedRoles: %s", names(who.derived))
	}
	var parts []string
	if r.method != "" {
		parts = append(parts, "R.id in C."+r.constant())
	}
	for _, name := range r.requires {
		parts = append(parts, "V."+name)
	}
	switch len(parts) {
	case 0:
	case 1:
		w.line("      condition:")
		w.line("        match:")
		w.line("          expr: %s", parts[0])
	default:
		w.line("      condition:")
		w.line("        match:")
		w.line("          all:")
		w.line("            of:")
		for _, x := range parts {
			w.line("              - expr: %s", x)
		}
	}
}

// quoteAction writes an action, without quotes where it needs none.
func quoteAction(text string) string {
	before, name, _ := strings.Cut(text, "::")
	if name == "" || source.Quote(name) == name {
		if source.Quote(strings.ReplaceAll(before, "/", "_")) == strings.ReplaceAll(before, "/", "_") {
			return text
		}
	}
	return source.Quote(text)
}

func (p *plan) derivedRoles(s *guarded) string {
	var w writer
	w.schema(ofPolicies)
	w.comment("", "Who is more than a role, on "+s.Name+".")
	w.line("apiVersion: api.cerbos.dev/v1")
	w.line("derivedRoles:")
	w.line("  name: %s_roles", s.slug)
	w.line("  definitions:")
	w.comment("    ", "An agent that acts for somebody. One that acts for nobody may do nothing: an attribute that is empty, or no text, names nobody. Who issues the tokens of agents has to give them the attributes of that person, and no others.")
	w.line("    - name: %s", delegated)
	w.line("      parentRoles: %s", names([]string{p.Roles.Agent}))
	w.line("      condition:")
	w.line("        match:")
	w.line(`          expr: P.attr.%s > ""`, actsFor)
	return w.String()
}

func (p *plan) exportVariables(s *guarded, v *variables) string {
	var w writer
	w.schema(ofPolicies)
	w.comment("", "What calls on "+s.Name+" are held to: what the caller has as an attribute, against what the call is about.",
		"Arguments are there at calls only, so these belong in rules for calls. A call that leaves an argument out does not meet what is asked of it.")
	if slices.ContainsFunc(v.list, func(x variable) bool { return x.part.class == root }) {
		w.comment("", "A policy sees the text of a path. Symbolic links, and what a path is relative to, are for the server to look at.")
	}
	w.line("apiVersion: api.cerbos.dev/v1")
	w.line("exportVariables:")
	w.line("  name: %s_conditions", s.slug)
	w.line("  definitions:")
	for _, x := range v.list {
		w.line("    %s: %s", x.name, source.Quote(s.holds(&x.part)))
	}
	return w.String()
}
