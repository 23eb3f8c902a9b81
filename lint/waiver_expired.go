package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
)

// waiverExpired flags waivers past their date that would accept something.
var waiverExpired = &Rule{
	ID:       "waiver-expired",
	Family:   inHouse,
	Severity: authz.SeverityError,
	Doc: Doc{
		Summary: "A waiver is past its date, so its findings count again",
		Rationale: `A date on a waiver is a promise to look again. The last day still counts, in UTC. After it the findings
count as if the waiver were not there, and this one says why the run fails that passed yesterday. It cannot be
waived itself.`,
		Bad: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json}
waivers:
  - {rule: wildcard-role, tool: greet, reason: until the pilot ends, expires: 2026-10-31}
` + waivedWorld + `
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: ["*"]}
`,
		Good: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json}
waivers:
  - {rule: wildcard-role, tool: greet, reason: until the pilot ends, expires: 2027-01-31}
` + waivedWorld + `
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: ["*"]}
`,
		Fix: "Mend what it accepted and take it out, or give it a new date and a reason for that.",
	},
	aboutWaivers: true,
	Check: func(p *Pass) {
		for _, w := range p.waivers {
			if !w.expired || !w.used {
				continue
			}
			f := Finding{
				Pos: w.Pos, Server: serverNamed(p, w.Server), Evidence: w.evidence(),
				Message: fmt.Sprintf("the waiver of %s expired on %s: what it accepted counts again", w.Rule, w.day()),
			}
			if !w.missed {
				f.Message = fmt.Sprintf("the waiver of %s expired on %s; another one accepts the same", w.Rule, w.day())
				f.Fix = "Take it out."
			}
			p.report(draft{Finding: f})
		}
	},
}

// evidence says what a waiver is limited to, and why it was written.
func (w *Waiver) evidence() []string {
	lines := []string{"Its reason: " + w.Reason}
	if scope := w.scope(); scope != "" {
		lines = append(lines, "It accepts findings about "+scope+".")
	}
	return lines
}

// serverNamed returns the name if a server has it.
func serverNamed(p *Pass, name string) string {
	if p.Matrix.Server(name) == nil {
		return ""
	}
	return name
}

const waivedWorld = `policies: policies
principals: principals.yaml
-- manifest.json --
{"tools": [{"name": "greet"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:`
