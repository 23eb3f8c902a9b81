package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// claimNeverSupplied flags conditions that read a claim of a token which no declared
// principal has. It reports once a claim, with all rules that read it, and is silent where
// the condition asks first whether the claim is there.
var claimNeverSupplied = &Rule{
	ID:       "claim-never-supplied",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	needs:    []need{needReads},
	Doc: Doc{
		Summary: "A condition reads an auxData claim that no declared principal has",
		Rationale: `A claim that is not there cannot be compared: the expression errors, and the condition is not met, for anybody.
The claim is misspelt; or the tokens do not carry it; or the declared principals lack their tokens, and the matrix shows
less than there is. Claims of a principal stand under auxData, not under attr.`,
		Bad: `
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES], auxData: {jwt: {department: Sales}}}
` + claimWorld + `"request.auxData.jwt.departement == 'Sales'"}}
`,
		Good: `
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES], auxData: {jwt: {department: Sales}}}
` + claimWorld + `"request.auxData.jwt.department == 'Sales' && !has(request.auxData.jwt.suspended)"}}
`,
		Fix:       "Correct the claim, declare it of the principals whose tokens have it, or ask has() first.",
		Standards: []string{"CWE-863"},
	},
	Check: func(p *Pass) {
		if len(p.Matrix.Classes) == 0 {
			return
		}
		var holding []any
		attributes := map[string]bool{}
		for _, c := range p.Matrix.Classes {
			holding = append(holding, auxDataOf(c.First()))
			for name := range c.First().Attr {
				attributes[name] = true
			}
		}
		for _, x := range p.readings.list {
			others := x.shown(p)
			for i := range x.claims {
				read := &x.claims[i]
				s := supplied(holding, read.Path)
				if others != nil { // who are shown without a token
					s = supply{}
				}
				if s.step == len(read.Path) || read.Guarded[s.step] {
					continue
				}
				reportClaim(p, x, read, s, attributes)
			}
		}
	},
}

// auxDataOf is what conditions see of a principal's tokens.
func auxDataOf(who *authz.Principal) map[string]any {
	aux := map[string]any{}
	if who.AuxData != nil {
		aux["jwt"] = who.AuxData
	}
	if who.JWTs != nil {
		tokens := map[string]any{}
		for name, claims := range who.JWTs {
			tokens[name] = map[string]any{"claims": claims}
		}
		aux["jwts"] = tokens
	}
	return aux
}

// reportClaim reports a claim that a condition reads and nobody has. Attributes are the names
// of those that principals have.
func reportClaim(p *Pass, x *reader, read *pdp.Read, s supply, attributes map[string]bool) {
	claim, token, at := read.Path[1:], "", 1 // the step that is a claim
	if read.Path[0] == "jwts" {
		claim, token, at = read.Path[3:], " of the token "+read.Path[1], 3
	}
	name := pathName(claim)
	f := Finding{
		Pos: posOf(p, x.rule, read.Place), Policy: x.rule.ID, Server: p.index.OnlyServer(x.rule),
		Cause: causeOf(name, token), Evidence: []string{cite(x.rule)},
		Fix: fmt.Sprintf("Correct the claim, write %s for those whose tokens have it, or ask has() first.", declaredAs(read.Path)),
	}
	hint := ""
	switch {
	case s.step >= at && len(s.names) > 0:
		hint = source.DidYouMean(read.Path[s.step], s.names)
		f.Evidence = append(f.Evidence, fmt.Sprintf("What there is: %s.", listing(s.names, people)))
	case s.step == 1 && len(s.names) > 0:
		f.Evidence = append(f.Evidence, fmt.Sprintf("The tokens that there are%s: %s.", source.DidYouMean(read.Path[1], s.names), listing(s.names, people)))
	case s.step == 0:
		f.Evidence = append(f.Evidence, fmt.Sprintf("No declared principal has auxData.%s.", read.Path[0]))
	}
	if attributes[claim[0]] {
		f.Evidence = append(f.Evidence, fmt.Sprintf("There is an attribute of that name: P.attr.%s.", claim[0]))
	}
	p.report(draft{
		Finding: f, servers: p.index.ServerNames(x.rule), subject: fmt.Sprintf("%q", x.rule.Label()),
		say: func(e *effects) string {
			n := len(e.subjects)
			return fmt.Sprintf("no declared principal has the claim %s%s%s, which %s%s %s", name, token, hint,
				plural(n, "the condition of rule ", "conditions of the rules "), listing(e.subjects, named), plural(n, "reads", "read"))
		},
	})
}

// declaredAs says how a claim is written down for a principal.
func declaredAs(path []string) string {
	if i := slices.Index(path, pdp.Element); i > 0 {
		path = path[:i]
	}
	return "auxData: {" + strings.Join(path, ": {") + ": ..." + strings.Repeat("}", len(path))
}

const claimWorld = `-- manifest.json --
{"tools": [{"name": "get_report"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::get_report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: `
