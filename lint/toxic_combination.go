package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// toxicCombination flags agents that may call tools of all three kinds: those that take in
// untrusted content, read private data, and send data out. What is sent out on a condition
// does not count. Agents with the same tools are reported together.
var toxicCombination = &Rule{
	ID:       "toxic-combination",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	Least:    authz.ConfidenceLow,
	ofEach:   true,
	Doc: Doc{
		Summary: "One agent may call tools that take in untrusted content, read private data and send data out",
		Rationale: `Whoever writes what an agent reads can tell it what to do. An agent that reads a stranger's text, has data
that the stranger wants, and a way to send it, needs no mistake in any tool to hand it over. Two of the three are
safe. Which tools are of which kind is for ` + "`lint.flows`" + ` to say; a list that it leaves out is inferred from names and
parameters, with low confidence, and an empty list says that there are none. A way out that depends on a condition,
such as a list of recipients, does not count. Agents are principals of ` + "`kind: agent`" + `.`,
		Bad: flowConfig + `
-- policies/office.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [STAFF, ASSISTANT]}
`,
		Good: flowConfig + `
-- policies/office.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [STAFF]}
    - {actions: ["tools/call::open_page", "tools/call::look_up_client"], effect: EFFECT_ALLOW, roles: [ASSISTANT]}
    - actions: ["tools/call::write_letter"]
      effect: EFFECT_ALLOW
      roles: [ASSISTANT]
      condition: {match: {expr: 'R.attr.arguments.to.endsWith("@corp.example")'}}
`,
		Fix:       "Take one of the three from the agent, or put a condition on what sends data out: to whom, or what.",
		Standards: []string{"ASI02", "ASI03", "OWASP MCP10:2025"},
	},
	Check: func(p *Pass) {
		legs := legsOf(p)
		agents := wholly(p.Matrix.Classes).where(func(who *authz.Principal) bool { return who.Kind == authz.Agent })
		for _, of := range agents {
			reportCombination(p, legs, of)
		}
	},
}

// A leg is one of the three kinds of tools.
type leg struct {
	does     string
	inferred bool
	columns  []*matrix.Column
	open     func(*matrix.Cell) bool // which calls count
}

// legsOf sorts the calls of tools into the three kinds.
func legsOf(p *Pass) [3]leg {
	f := &p.options.Flows
	freely := func(c *matrix.Cell) bool { return c.Access == matrix.Allowed || c.Access == matrix.Unguarded }
	legs := [3]leg{
		{does: "takes in untrusted content", inferred: f.Untrusted == nil, open: possible},
		{does: "reads private data", inferred: f.Private == nil, open: possible},
		{does: "sends data out", inferred: f.Outbound == nil, open: freely},
	}
	labels := [3][]Label{f.Untrusted, f.Private, f.Outbound}
	guesses := [3]func([]string, []parameter) bool{takesIn, readsPrivate, sendsOut}
	for col := range p.calls() {
		words := toolWords(col.Item)
		params, _ := parametersOf(col.Item)
		for i := range legs {
			is := slices.ContainsFunc(labels[i], func(l Label) bool { return l.names(p.Matrix, col) })
			if is || legs[i].inferred && guesses[i](words, params) {
				legs[i].columns = append(legs[i].columns, col)
			}
		}
	}
	return legs
}

// names reports whether a label names the tool of a column.
func (l *Label) names(m *matrix.Matrix, col *matrix.Column) bool {
	if server, tools, ok := strings.Cut(l.Tools, ":"); ok && m.Server(server) != nil {
		return server == col.Server.Name && matches(tools, col.Item.Name, glob.Compile)
	}
	return matches(l.Tools, col.Item.Name, glob.Compile)
}

// check reports labels that no tool has: a misspelt name would leave a tool out.
func (f *Flows) check(m *matrix.Matrix) []error {
	var errs []error
	for _, of := range []struct {
		list   string
		labels []Label
	}{{"untrusted", f.Untrusted}, {"private", f.Private}, {"outbound", f.Outbound}} {
		for _, l := range of.labels {
			server, _, qualified := strings.Cut(l.Tools, ":")
			if qualified && m.Server(server) == nil && slices.Contains(f.Servers, server) {
				continue // the run is about others
			}
			if !slices.ContainsFunc(m.Columns, func(col *matrix.Column) bool { return col.Item.Type == authz.ToolItem && l.names(m, col) }) {
				errs = append(errs, source.Errorf(l.Pos, "flows: %s: no tool is called %q%s", of.list, l.Tools, source.DidYouMean(l.Tools, flowNames(m, qualified))))
			}
		}
	}
	return errs
}

// flowNames lists the tools as labels may name them.
func flowNames(m *matrix.Matrix, qualified bool) []string {
	var names []string
	for _, col := range m.Columns {
		switch {
		case col.Operation != authz.Call:
		case qualified:
			names = append(names, col.Server.Name+":"+col.Item.Name)
		default:
			names = append(names, col.Item.Name)
		}
	}
	return names
}

// reportCombination reports agents of a class that may call tools of all kinds. Those of the
// same roles are reported together.
func reportCombination(p *Pass, legs [3]leg, agents share) {
	roles := slices.Clone(agents.class.First().Roles)
	slices.Sort(roles)
	f := Finding{Pos: agents.list[0].Pos, Cause: causeOf(roles...)}
	var all []*matrix.Column
	var said []string
	for _, l := range legs {
		may := filter(l.columns, func(col *matrix.Column) bool { return l.open(p.Matrix.Cell(agents.class, col)) })
		if len(may) == 0 {
			return
		}
		names := toolNames(may)
		verb, because := plural(len(names), l.does, severally(l.does)), ""
		if l.inferred {
			f.Confidence, because = authz.ConfidenceLow, ", as far as names tell"
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s %s%s.", listing(qualifiedNames(may), named), verb, because))
		said = append(said, listing(names, named)+", which "+verb)
		all = append(all, may...)
	}
	if len(toolNames(all)) < 2 {
		return
	}
	f.Evidence = addSome(f.Evidence, citeAll(p.decisive([]*matrix.Class{agents.class}, all[len(all)-1])))
	for _, col := range all {
		if item := (Item{col.Server.Name, col.Item.Type, col.Item.Name}); !slices.Contains(f.Items, item) {
			f.Items = append(f.Items, item)
			f.Related = append(f.Related, Related{col.Item.Pos, "tool " + col.Item.Name, true})
		}
	}
	p.report(draft{
		Finding: f, who: crowd{agents}, subject: strings.Join(said, ", and "),
		say: func(e *effects) string {
			return fmt.Sprintf("%s may call %s", p.namesIn(e.who), strings.Join(e.subjects, "; or "))
		},
	})
}

// qualifiedNames names tools with their servers.
func qualifiedNames(columns []*matrix.Column) []string {
	var list []string
	for _, col := range columns {
		list = append(list, col.Server.Name+":"+col.Item.Name)
	}
	return list
}

const flowConfig = `
-- mcpolicy.yaml --
servers:
  office: {manifest: manifest.json}
policies: policies
principals: principals.yaml
lint:
  flows:
    untrusted: [open_page]
    private: ["office:look_up_*"]
    outbound: [write_letter]
-- manifest.json --
{"tools": [{"name": "open_page"}, {"name": "look_up_client"}, {"name": "write_letter"}]}
-- principals.yaml --
principals:
  sam: {id: sam, roles: [STAFF]}
  scout: {id: scout, kind: agent, roles: [ASSISTANT]}`
