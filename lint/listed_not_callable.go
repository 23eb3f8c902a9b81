package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// listedNotCallable flags items that somebody sees who may never use them. A
// call that some arguments allow is not never. It reports once for the rule that shows
// them.
var listedNotCallable = &Rule{
	ID:       "listed-not-callable",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	ofEach:   true,
	Doc: Doc{
		Summary: "A principal sees a tool that it may never call",
		Rationale: `What a tool is called, what it does and which arguments it takes is information about the company.
An agent that sees a tool will also try it, fail, and try something else. Whoever may never call a tool should not
be shown it.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_payroll"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list", "tools/list::*"], effect: EFFECT_ALLOW, roles: ["*"]}
    - {actions: ["tools/call::get_payroll"], effect: EFFECT_ALLOW, roles: [HR]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_payroll"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list"], effect: EFFECT_ALLOW, roles: ["*"]}
    - {actions: ["tools/list::get_payroll", "tools/call::get_payroll"], effect: EFFECT_ALLOW, roles: [HR]}
`,
		Fix:       "Hide it from those who may not call it, or let them.",
		Standards: []string{"CWE-1230", "OWASP MCP10:2025"},
	},
	Check: func(p *Pass) {
		for use := range p.twins() {
			by := map[string][]*matrix.Class{}
			for _, c := range p.among(p.where(use.Twin, listed), use, denied) {
				key := keyOfMain(p.widest(p.decisive([]*matrix.Class{c}, use.Twin)))
				if g := p.Matrix.Cell(c, use.Twin).Grant; g != nil {
					key = causeOf("grant", use.Twin.Question.Grant.String(), whoseGrant(g, c), g.Name)
				}
				by[key] = append(by[key], c)
			}
			for key, who := range by { // in any order: findings are sorted
				p.report(showing(p, use, key, who))
			}
		}
	},
}

// whoseGrant names whose grant shows an item to a class.
func whoseGrant(g *pep.Granted, c *matrix.Class) string {
	if g.Whose == pep.Itself {
		return c.First().Key
	}
	return g.Whose
}

// listed reports whether somebody may see an item: of grants, whether one is known to name it.
func listed(c *matrix.Cell) bool {
	return possible(c) && (c.Grant == nil || c.Grant.Effect == authz.Allow && !c.Grant.None)
}

// showing is the draft about an item that a rule shows to classes that may never use it.
func showing(p *Pass, use *matrix.Column, key string, who []*matrix.Class) draft {
	f := about(use)
	f.Cause = causeOf(use.Server.Name, verb(use.Operation), key)
	rules := p.widest(p.decisive(who, use.Twin))
	f.blame(rules)
	if g := p.Matrix.Cell(who[0], use.Twin).Grant; g != nil && g.Whose != "" {
		whose := whoseGrant(g, who[0])
		f.standAt(g.Pos, "")
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s grants %s to %s: no policy is asked.", use.Twin.Question.Grant.Grant, g.Name, whose))
		f.Fix = fmt.Sprintf("Take it out of what is granted to %s, or let them %s it.", whose, verb(use.Operation))
	}
	if len(rules) > 0 && rules[0].Syntax != nil {
		f.Fix = fmt.Sprintf("Have %s show only what those it is for may %s (%s), or let them %s the rest.", called(rules[0].Syntax), verb(use.Operation), showingAction(p, rules[0].Syntax, use.Twin), verb(use.Operation))
	}
	return draft{
		because: func(who crowd) []string {
			lines, _ := barriers(p, who, use)
			return lines
		},
		why:     noneFor(p, use),
		Finding: f, who: wholly(who), endpoint: pep.Endpoint(use.Item.Type, authz.List),
		say: func(e *effects) string {
			return fmt.Sprintf("%s %s to %s, who may never %s %s", e.listed(), plural(len(e.items), "shows", "show"), p.namesIn(e.who),
				verb(use.Operation), e.them())
		},
	}
}

// showingAction returns the action of a rule by which it shows an item.
func showingAction(p *Pass, r *policy.Rule, list *matrix.Column) string {
	for _, a := range p.index.Asked(list) {
		for _, action := range r.Actions {
			if ok, err := r.MatchAction(action.Value, a.Action); !a.Gate && ok && err == nil {
				return action.Value
			}
		}
	}
	return pep.Endpoint(list.Item.Type, authz.List)
}
