package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// enforcementPointFailsOpen flags enforcement points that let pass what they have no decision
// on, where a policy that is in force refuses somebody. What an enforcement point never asks
// about anyway is for operation-not-enforced.
var enforcementPointFailsOpen = &Rule{
	ID:       "enforcement-point-fails-open",
	Family:   unguarded,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "The enforcement point lets pass what the PDP does not answer, or methods that it does not know",
		Rationale: `A policy holds as long as somebody is asked. An enforcement point that goes on without an
answer opens everything to everybody while its PDP is down or answers with an error, and whoever can bring that
about chooses when. One that lets methods pass which it does not know tells of what it guards in other ways:
completion/complete has the values of a prompt's or a template's arguments, resources/subscribe says when a
resource changes. mcpolicy explain --enforcement-point says what is known of an enforcement point; onPDPDown,
onPDPError and unknownOperations say it of one of your own.`,
		Bad: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, enforcement: our-gateway}
enforcement:
  our-gateway:
    onPDPDown: pass
` + openGateway,
		Good: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, enforcement: our-gateway}
enforcement:
  our-gateway:
    onPDPDown: refuse
` + openGateway,
		Fix:       "Have the enforcement point refuse what it has no decision on, or accept it in mcpolicy.yaml with a waiver.",
		Standards: []string{"CWE-636"},
	},
	Check: func(p *Pass) {
		for _, col := range p.Matrix.Columns {
			if col.Operation == authz.List || !col.Question.Guarded() || len(p.where(col, func(c *matrix.Cell) bool { return !allowed(c) && c.Access != matrix.Unguarded })) == 0 {
				continue
			}
			facts := col.Server.Profile.Facts()
			if when, fact := undecided(&facts); when != "" {
				p.failsOpen(col, fact, when, verb(col.Operation)+" "+col.Item.Name, func(e *effects) string {
					return "while the PDP " + when + ", " + anyoneCan(e)
				})
			}
			if methods := besides(col.Item.Type); facts.UnknownOperations.Outcome == authz.Pass && methods != "" {
				p.failsOpen(col, facts.UnknownOperations, methods, col.Item.Name, func(e *effects) string {
					return fmt.Sprintf("anyone who connects can send %s about %s", methods, e.listed())
				})
			}
		}
	},
}

// undecided says when an enforcement point lets pass what it asks the PDP about, or nothing.
func undecided(f *pep.Facts) (when string, fact pep.Fact) {
	down, failing := f.PDPDown.Outcome == authz.Pass, f.PDPError.Outcome == authz.Pass
	switch {
	case down && failing:
		return "does not answer, or answers with an error", f.PDPDown
	case down:
		return "does not answer", f.PDPDown
	case failing:
		return "answers with an error", f.PDPError
	}
	return "", pep.Fact{}
}

// failsOpen reports what an enforcement point lets pass of what it guards in a column.
func (p *Pass) failsOpen(col *matrix.Column, fact pep.Fact, cause, subject string, say func(*effects) string) {
	f := about(col)
	f.standAt(p.declared(col.Server), "")
	f.Cause = col.Server.Name + ": " + cause
	evidence := fmt.Sprintf("%s lets it pass (%s).", col.Server.Profile.Name, fact.Ground)
	if fact.Text != "" {
		evidence += " " + fact.Text
	}
	f.Evidence = []string{evidence}
	p.report(draft{Finding: f, subject: subject, say: say})
}

// besides names the methods that tell of items of a type and of which no profile says
// anything, or none.
func besides(t authz.ItemType) string {
	switch t {
	case authz.PromptItem, authz.TemplateItem:
		return "completion/complete"
	case authz.ResourceItem:
		return "resources/subscribe"
	case authz.ToolItem:
	}
	return ""
}

const openGateway = `    tools/list: {filter: call}
    tools/call: [{kind: "mcp:{server}", id: "{name}", action: call, attr: {args: "{arguments}"}}]
policies: policies
principals: principals.yaml
-- manifest.json --
{"tools": [{"name": "greet"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp:crm
  version: default
  rules:
    - {actions: [call], effect: EFFECT_ALLOW, roles: [SALES]}
`
