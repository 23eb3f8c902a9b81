package scaffold

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// invariants writes what is proved of everybody who could exist, and returns how many sentences
// that is.
func (p *plan) invariants() (File, int) {
	var w writer
	w.schema(schema.URL("suite.json", p.Version))
	n := 0
	w.comment("", "What holds for everybody who could exist, with any roles together, any attributes and any arguments: mcpolicy prove.",
		"A change of the policies that breaks one of these is shown with a principal and a call that do.")
	for i, s := range p.servers {
		if i > 0 {
			w.line("---")
		}
		title := "What always holds"
		if len(p.servers) > 1 {
			title = s.Name + ": what always holds"
		}
		w.line("name: %s", source.Quote(title))
		w.line("server: %s", source.Quote(s.Name))
		w.line("tests:")
		for j, x := range p.sentences(s) {
			if j > 0 {
				w.line("")
			}
			w.comment("  ", x.why)
			w.line("  - name: %s", source.Quote(x.name))
			w.line("    prove:")
			w.line("      %s: {%s}", x.kind, x.says)
			n++
		}
	}
	return File{"tests/invariants.yaml", []byte(w.String())}, n
}

// namesNobody holds of a principal that does not say for whom it acts. An empty text, or what is no
// text, names nobody.
const namesNobody = "!(has(principal." + actsFor + ") && type(principal." + actsFor + ") == string && principal." + actsFor + ` != "")`

// A sentence is one that is proved.
type sentence struct{ name, why, kind, says string }

func (p *plan) sentences(s *guarded) []sentence {
	r := p.Roles
	asked := p.asked(s)
	none := sentence{
		"who has none of the roles may do nothing", "The roles that policies name are all that open anything.",
		"never", fmt.Sprintf("principals: {%s}, %s", p.outside(r.all()...), asked),
	}
	if s.ids {
		none.name, none.why = "whoever is in none of the lists may do nothing", "The ids that policies list are all that open anything."
	}
	list := []sentence{none}
	within := sentence{
		"an agent may do no more than a reader", "Whatever it is talked into.",
		"within", fmt.Sprintf("roles: %s, of: %s, %s", names([]string{r.Agent}), names([]string{r.Reader}), asked),
	}
	ofNobody := sentence{
		"an agent that acts for nobody may do nothing", "A token that does not say for whom it is used opens nothing.",
		"never", fmt.Sprintf("principals: {roles: %s, not: {roles: %s}, where: %s}, %s", names([]string{r.Agent}), names(r.people()), source.Quote(namesNobody), asked),
	}
	switch {
	case s.arguments:
		list = append(list, within, ofNobody)
	case !s.ids:
		list = append(list, within)
	}
	list = append(list, p.seen(s)...)
	if of := p.reached(s, Destroys); of != "" {
		list = append(list, sentence{
			"only administrators reach what destroys", "By name, so that a rule with a pattern would be noticed.",
			"never", fmt.Sprintf("principals: {%s}, %s", p.outside(r.Administrator), of),
		})
	}
	if of := p.reached(s, Changes); of != "" {
		list = append(list, sentence{
			"only editors and administrators change anything", "No reader, and so no agent.",
			"never", fmt.Sprintf("principals: {%s}, %s", p.outside(r.Editor, r.Administrator), of),
		})
	}
	return append(list, p.held(s)...)
}

// seen says what follows from what else somebody may.
func (p *plan) seen(s *guarded) []sentence {
	const (
		person = "the agent may do no more than whom it acts for"
		same   = "the agent may use no other %ss than whom it acts for"
		whose  = "Declared agents, with the attributes that they have."
		hidden = "What is hidden from those who may use it is what nobody looks for."
	)
	var list []sentence
	if calls := p.calls(s); calls != "" {
		list = append(list, sentence{person, whose, "delegated", "call: {tools: " + calls + "}"})
		if s.listed {
			list = append(list, sentence{"whoever may call a tool sees it", hidden, "implies", "call: {tools: " + calls + "}, then: list"})
		}
	}
	if !s.ids {
		return list
	}
	for _, of := range []struct {
		t         authz.ItemType
		what, use string
	}{{authz.PromptItem, "prompt", "get: {prompts: {}}"}, {authz.ResourceItem, "resource", "read: {resources: {names: " + s.resourceNames() + "}}"}} {
		if slices.ContainsFunc(s.others, func(i *manifest.Item) bool { return i.Type == of.t }) {
			list = append(list, sentence{fmt.Sprintf(same, of.what), whose, "delegated", of.use},
				sentence{"whoever may use a " + of.what + " sees it", hidden, "implies", of.use + ", then: list"})
		}
	}
	return list
}

// held says what calls are held to, but for those of administrators.
func (p *plan) held(s *guarded) []sentence {
	var list []sentence
	if s.ids {
		return nil // nobody knows the tokens of those who are not declared
	}
	r, v := p.Roles, s.variables()
	for _, x := range v.list {
		of := s.named(func(t *tool) bool { return !p.unasked(s, t) && slices.Contains(v.of(t), x.name) })
		if of == "" {
			continue
		}
		list = append(list, sentence{
			"calls are held to " + strings.ReplaceAll(x.name, "_", " "), "Whoever is no administrator.",
			"needs", fmt.Sprintf("principals: {not: {roles: %s}}, call: {tools: {names: %s}}, condition: %s", names([]string{r.Administrator}), of, source.Quote(x.part.holds("arguments", "principal"))),
		})
	}
	return list
}

// asked writes the operations on which policies are asked.
func (p *plan) asked(s *guarded) string {
	var list, other []string
	if len(s.tools) > 0 && s.listed {
		list = append(list, "tools: {}")
	}
	if calls := p.calls(s); calls != "" {
		other = append(other, "call: {tools: "+calls+"}")
	}
	for _, gate := range s.gates {
		what, _, _ := strings.Cut(gate, "/")
		if what == "resources" && len(s.inventory.Of(authz.TemplateItem)) > 0 {
			what += ": {names: " + s.resourceNames() + "}"
		} else {
			what += ": {}"
		}
		list = append(list, what)
	}
	if s.ids {
		for _, i := range []struct {
			t   authz.ItemType
			use string
		}{{authz.PromptItem, "get: {prompts: {}}"}, {authz.ResourceItem, "read: {resources: {}}"}} {
			if len(s.inventory.Of(i.t)) > 0 {
				other = append(other, i.use)
			}
		}
	}
	for _, of := range []struct{ action, what, use string }{{"prompts/get::", "prompts: {}", "get: {prompts: {}}"}, {"resources/read::", "resources: {}", "read: {resources: {}}"}} {
		if !s.ids && slices.ContainsFunc(s.otherActions(authz.ItemTypes()), func(a action) bool { return strings.HasPrefix(a.text, of.action) }) {
			list, other = append(list, of.what), append(other, of.use)
		}
	}
	if len(list) > 0 {
		other = append([]string{"list: {" + strings.Join(list, ", ") + "}"}, other...)
	}
	return strings.Join(other, ", ")
}

// unasked reports whether calls of a tool may go past the enforcement point, so that nothing holds
// of them, or are asked about in a way of which nobody knows what it says of everybody.
func (p *plan) unasked(s *guarded, t *tool) bool {
	return t.mapped || slices.ContainsFunc(p.waivers, func(x waiver) bool {
		return x.rule == "task-call-unguarded" && x.server == s.Name && x.item == t.item.Name
	})
}

// calls selects the tools of which policies are asked about all calls, "" if there is none.
func (p *plan) calls(s *guarded) string {
	none := s.named(func(t *tool) bool { return p.unasked(s, t) })
	if len(s.closed) > 0 {
		return only(s.named(func(t *tool) bool { return !p.unasked(s, t) }))
	}
	switch {
	case none == "" && len(s.tools) > 0:
		return "{}"
	case s.named(func(t *tool) bool { return !p.unasked(s, t) }) == "":
		return ""
	}
	return "{not: {names: " + none + "}}"
}

// only selects tools by names, "" for none.
func only(names string) string {
	if names == "" {
		return ""
	}
	return "{names: " + names + "}"
}

// reached writes the operations on tools of a tier, "" if there is none.
func (p *plan) reached(s *guarded, tier Tier) string {
	of := s.named(func(t *tool) bool { return t.Tier == tier })
	calls := s.named(func(t *tool) bool { return t.Tier == tier && !p.unasked(s, t) })
	switch {
	case of == "" || calls == "" && !s.filtered:
		return ""
	case !s.filtered:
		return "call: {tools: {names: " + calls + "}}"
	case calls == "":
		return "list: {tools: {names: " + of + "}}"
	}
	return "list: {tools: {names: " + of + "}}, call: {tools: {names: " + calls + "}}"
}

// resourceNames lists the resources: of templates nothing is asked.
func (s *guarded) resourceNames() string {
	var list []string
	for _, i := range s.inventory.Of(authz.ResourceItem) {
		list = append(list, exact(i.Name))
	}
	return names(list)
}

// named lists tools as selectors name them, or is "".
func (s *guarded) named(of func(*tool) bool) string {
	var list []string
	for _, t := range s.tools {
		if of(t) {
			list = append(list, exact(t.item.Name))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return names(list)
}

// exact returns a pattern that stands for one name.
func exact(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`).Replace(name)
}
