package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// powerfulToolOpen flags tools that run code or queries or grant privileges, and that an
// agent, or everybody, may call with any arguments. It reports once for the same
// principals, rules and powers.
var powerfulToolOpen = &Rule{
	ID:         "powerful-tool-open",
	Family:     overExposed,
	Severity:   authz.SeverityWarning,
	Confidence: authz.ConfidenceMedium,
	Least:      authz.ConfidenceLow,
	ofEach:     true,
	Doc: Doc{
		Summary: "An agent, or everyone, may unconditionally call a tool that runs code or queries, or grants privileges",
		Rationale: `A tool that runs what it is given does everything that its server can, and one that grants
privileges gives what no policy gave: who may call it needs no other tool. An agent calls it with what somebody wrote
into a web page. Tools are taken for such by name and parameters: one called ` + "`command`, `sql` or `script`" + ` that takes
any text, ` + "`code`" + ` or ` + "`query`" + ` where the name says that it is run, names such as grant_access, set_role, add_user_to_group. A
search is none, nor is what only checks, formats or keeps code. Confidence is medium, and low for queries of what says
that it only reads. Agents and workloads count by their ` + "`kind`" + `; everyone is two declared principals or more, not
all of them declared administrators.`,
		Bad: powerfulWorld + `
-- policies/dwh.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [ANALYST, ASSISTANT]}
`,
		Good: powerfulWorld + `
-- policies/dwh.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::search_reports"], effect: EFFECT_ALLOW, roles: [ANALYST, ASSISTANT]}
    - {actions: ["tools/call::execute_sql"], effect: EFFECT_ALLOW, roles: [ANALYST]}
`,
		Fix:       "Leave it to the people who need it, grant it on a condition on what it is given, or offer a tool for each thing that is to be done.",
		Standards: []string{"CWE-250", "OWASP MCP02:2025", "ASI02", "NHI5:2025", "NIST SP 800-53r5 AC-6"},
	},
	Check: func(p *Pass) {
		for col := range p.calls() {
			power := powerOf(col.Item)
			if power.does == "" {
				continue
			}
			reportPowerful(p, col, power)
		}
	},
}

// openTo returns the principals who may call a tool with any arguments: everybody, or else
// the agents and workloads.
func openTo(p *Pass, col *matrix.Column) (who crowd, everybody bool) {
	who = wholly(p.where(col, allowed))
	if len(who) == len(p.Matrix.Classes) && who.size() > 1 && !p.onlyAdministrators(p.Matrix.Classes) {
		return who, true
	}
	return who.where(isMachine), false
}

// reportPowerful reports a tool once for each rule that opens it.
func reportPowerful(p *Pass, col *matrix.Column, power power) {
	who, everybody := openTo(p, col)
	by := map[string]crowd{}
	rules := map[string][]matrix.Rule{}
	if everybody {
		by["everybody"], rules["everybody"] = who, p.widest(p.decisive(who.classes(), col))
	} else {
		for _, s := range who {
			deciding := p.widest(p.decisive([]*matrix.Class{s.class}, col))
			key := keyOfMain(deciding)
			by[key], rules[key] = append(by[key], s), deciding
		}
	}
	for key, who := range by { // in any order: findings are sorted
		f := about(col)
		f.Confidence, f.Cause = power.confidence, causeOf(col.Server.Name, key)
		if everybody {
			f.Cause = causeOf(f.Cause, keyOfMain(rules[key]))
		}
		f.blame(rules[key])
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s %s: %s.", col.Item.Name, power.does, power.because))
		p.report(draft{Finding: f, who: who, subject: power.does, say: holdsPower(p)})
	}
}

// holdsPower says who may call what, and what that does.
func holdsPower(p *Pass) func(*effects) string {
	return func(e *effects) string {
		who, does := p.namesIn(e.who), e.subjects
		if !slices.ContainsFunc(e.who.principals(), func(who *authz.Principal) bool { return !isMachine(who) }) {
			who += ", " + kindsOf(e.who.principals()) + ","
		}
		if len(e.items) > 1 {
			does = nil
			for _, one := range e.subjects {
				does = append(does, severally(one))
			}
		}
		return fmt.Sprintf("%s may call %s with any arguments, which %s", who, e.either("tools"), listing(does, named))
	}
}

const powerfulWorld = `
-- manifest.json --
{"tools": [
  {"name": "search_reports", "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}}},
  {"name": "execute_sql", "inputSchema": {"type": "object", "properties": {"sql": {"type": "string"}}}}
]}
-- principals.yaml --
principals:
  ana: {id: ana, roles: [ANALYST]}
  scout: {id: scout, kind: agent, roles: [ASSISTANT]}`
