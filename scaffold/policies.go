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
	agents := slices.ContainsFunc(rules, func(r rule) bool { return r.agents })
	files := []File{{"policies/" + s.slug + ".yaml", []byte(p.resourcePolicy(s, rules, v, agents))}}
	if agents {
		files = append(files, File{"policies/" + s.slug + "_roles.yaml", []byte(p.derivedRoles(s))})
	}
	if len(v.list) > 0 {
		files = append(files, File{"policies/" + s.slug + "_conditions.yaml", []byte(p.exportVariables(s, v))})
	}
	return files
}

func (p *plan) resourcePolicy(s *guarded, rules []rule, v *variables, agents bool) string {
	var w writer
	w.schema(ofPolicies)
	w.comment("", "Who may list and call what on "+s.Name+", by least privilege. Written by mcpolicy init; it is yours now.", "",
		p.Roles.Reader+": what only reads. "+p.Roles.Editor+": changes that can be undone, too. "+p.Roles.Administrator+
			": everything, what destroys named one by one. "+p.Roles.Agent+": no more than a reader, for the person that it acts for, and only where that person may.", "",
		"What stands under \"review\" was inferred from names, because the server's hints do not say it. Read it, move what is wrong, and take the word away.",
		"A tool that is in no rule is denied to everybody: add it to the rule that it belongs to.")
	w.line("apiVersion: api.cerbos.dev/v1")
	w.line("resourcePolicy:")
	w.line("  resource: %s", source.Quote(s.kind()))
	w.line("  version: default")
	if agents {
		w.line("  importDerivedRoles: [%s_roles]", s.slug)
	}
	if len(v.list) > 0 {
		w.line("  variables:")
		w.line("    import: [%s_conditions]", s.slug)
	}
	w.line("  rules:")
	for i, r := range rules {
		if i > 0 {
			w.line("")
		}
		w.rule(r)
	}
	return w.String()
}

func (w *writer) rule(r rule) {
	w.comment("    ", r.comment...)
	w.line("    - name: %s", r.name)
	if len(r.actions) == 1 && r.actions[0].why == "" {
		w.line("      actions: [%s]", quoteAction(r.actions[0].text))
	} else {
		w.line("      actions:")
		for _, b := range blocks(r.actions) {
			if b.comment != "" {
				w.comment("        ", strings.Split(b.comment, "\n")...)
			}
			for _, a := range b.actions {
				w.line("        - %s", quoteAction(a.text))
			}
		}
	}
	w.line("      effect: EFFECT_ALLOW")
	if len(r.roles) > 0 {
		w.line("      roles: %s", names(r.roles))
	}
	if r.agents {
		w.line("      derivedRoles: [%s]", delegated)
	}
	switch len(r.requires) {
	case 0:
	case 1:
		w.line("      condition:")
		w.line("        match:")
		w.line("          expr: V.%s", r.requires[0])
	default:
		w.line("      condition:")
		w.line("        match:")
		w.line("          all:")
		w.line("            of:")
		for _, name := range r.requires {
			w.line("              - expr: V.%s", name)
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
		w.line("    %s: %s", x.name, source.Quote(x.part.holds("R.attr.arguments", "P.attr")))
	}
	return w.String()
}
