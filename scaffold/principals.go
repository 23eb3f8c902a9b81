package scaffold

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/source"
)

// The keys of the principals that a project begins with.
const (
	readerKey, editorKey, administratorKey = "reader", "editor", "administrator"
	agentKey, strayKey                     = "agent", "agent-of-nobody"
)

// intents say who should do what, by the keys of principals: above what suites say of them.
func (p *plan) intents() map[string]string {
	return map[string]string{
		readerKey:        "Should see and use what only reads" + p.within() + ".",
		editorKey:        "Should use what reads, and make changes that can be undone" + p.within() + ".",
		administratorKey: "Should use everything, what destroys named one by one.",
		agentKey:         "Should use no more than the reader that it acts for may" + p.within() + ".",
		strayKey:         "Acts for nobody, so it should be able to do nothing.",
	}
}

// within says where, if the policies look at that.
func (p *plan) within() string {
	if len(p.values) == 0 {
		return ""
	}
	return ", within what is theirs"
}

// principals writes the file of principals.
func (p *plan) principals() File {
	var w writer
	w.schema(schema.URL("principals.json", p.Version))
	w.comment("", "One principal for each role, to be tested with: put people of yours in their place, or beside them.",
		"What stands under attr is what the PDP gets with a request: who issues tokens has to supply it.")
	if p.manner().ids {
		w.comment("", "Policies know them by their ids, which the derived roles list. Roles are for reports.")
	}
	for _, c := range classes {
		if p.values[c] != nil {
			w.comment("", c.attribute+": "+c.says)
		}
	}
	w.line("principals:")
	one := func(key, kind, role string, acts bool) {
		w.line("  %s:", key)
		w.line("    id: %s", key)
		w.line("    kind: %s", kind)
		if acts {
			w.line("    onBehalfOf: %s", readerKey)
		}
		w.line("    roles: %s", names([]string{role}))
		attributes := map[string]any{}
		if acts && p.manner().arguments {
			attributes[actsFor] = readerKey
		}
		for c, v := range p.values {
			attributes[c.attribute] = v
		}
		if len(attributes) > 0 {
			w.line("    attr: %s", source.Flow(attributes))
		}
	}
	one(readerKey, "human", p.Roles.Reader, false)
	one(editorKey, "human", p.Roles.Editor, false)
	one(administratorKey, "human", p.Roles.Administrator, false)
	w.comment("  ", "Acts for the reader, and so should never be able to do what the reader may not.")
	one(agentKey, "agent", p.Roles.Agent, true)
	w.comment("  ", "Its token does not say for whom it acts.")
	one(strayKey, "agent", p.Roles.Agent, false)
	return File{"principals.yaml", []byte(w.String())}
}

// describe returns what the tests about principals are meant to say.
func (p *plan) describe(of []*authz.Principal) []string {
	intents := p.intents()
	var list []string
	for _, one := range of {
		if text := intents[one.Key]; text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}
