package lint

import (
	"errors"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// broadPrincipal flags principals that may call nearly every tool of a server
// without being declared administrators. Calls that are possible with some
// arguments count, those that no policy is asked about do not.
var broadPrincipal = &Rule{
	ID:       "broad-principal",
	Family:   overExposed,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "One principal that is not a declared administrator (`lint.administrators`) may call at least 90 % of a server of ten tools or more",
		Rationale: `Hardly any job needs every tool. Whoever has them all is an administrator, declared or not, and an
agent that works for them inherits it. Tools whose calls no policy is asked about count on neither side.`,
		Bad: broadManifest + `
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call::refund_order"], effect: EFFECT_DENY, roles: [SALES]}
`,
		Good: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json}
policies: policies
principals: principals.yaml
lint:
  administrators: {roles: [ADMIN]}` + broadManifest + `
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
    - {actions: ["tools/call::*_order"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Fix:       "Grant what the job needs, or declare the administrator under lint.administrators.",
		Standards: []string{"CWE-272", "OWASP MCP02:2025", "ASI03", "NHI5:2025", "NIST CSF 2.0 PR.AA-05", "NIST SP 800-53r5 AC-6"},
	},
	Options: func() any { return &broadOptions{Share: 0.9, Tools: 10} },
	Check: func(p *Pass) {
		o := optionsOf[broadOptions](p)
		for _, s := range p.Matrix.Servers {
			var calls []*matrix.Column
			for col := range p.Matrix.ColumnsOf(s) {
				if col.Operation == authz.Call && col.Question.Guarded() {
					calls = append(calls, col)
				}
			}
			if len(calls) < o.Tools {
				continue
			}
			for _, c := range p.Matrix.Classes {
				reportBroad(p, s, c, calls, o)
			}
		}
	},
}

type broadOptions struct {
	Share float64 `yaml:"share" doc:"the share of a server's tools that is too much, above 0 and up to 1"`
	Tools int     `yaml:"tools" doc:"how many tools a server has to have, 1 or more"`
}

// DecodeNode reads a mapping.
func (o *broadOptions) DecodeNode(n *source.Node) error {
	type plain broadOptions
	errs := []error{source.Decode(n, (*plain)(o))}
	if !(o.Share > 0 && o.Share <= 1) {
		errs = append(errs, outside(n, "share", "a number above 0 and up to 1"))
	}
	if o.Tools < 1 {
		errs = append(errs, outside(n, "tools", "1 or more"))
	}
	return errors.Join(errs...)
}

// reportBroad reports a class that may call so many of a server's tools; the
// classes of one server are reported together.
func reportBroad(p *Pass, s *matrix.Server, c *matrix.Class, calls []*matrix.Column, o *broadOptions) {
	may, unable := 0, []string(nil)
	for _, col := range calls {
		if granted(p.Matrix.Cell(c, col)) {
			may++
		} else {
			unable = append(unable, col.Item.Name)
		}
	}
	who := except(c, &p.options.Administrators)
	if float64(may) < o.Share*float64(len(calls)) || len(who) == 0 {
		return
	}
	names := namesOf(who)
	evidence := fmt.Sprintf("%s may call %d of %d tools", names, may, len(calls))
	if len(unable) > 0 {
		evidence += ", all but " + listing(unable, named)
	}
	p.report(draft{
		Finding: Finding{
			Server: s.Name, Pos: c.First().Pos, Evidence: []string{evidence + "."},
			Related: []Related{{p.declared(s), "server " + s.Name}},
		},
		whom: who, group: s.Name, subject: c.First().Key,
		say: func(keys []string) string {
			var whom []*authz.Principal
			for _, class := range classesOf(p, keys) {
				whom = append(whom, except(class, &p.options.Administrators)...)
			}
			if len(whom) == 1 {
				return fmt.Sprintf("%s may call nearly every tool of %s, and is no declared administrator", namesOf(whom), s.Name)
			}
			return fmt.Sprintf("%s may each call nearly every tool of %s, and are no declared administrators", namesOf(whom), s.Name)
		},
	})
}

const broadManifest = `
-- manifest.json --
{"tools": [
  {"name": "find_order"}, {"name": "get_order"}, {"name": "create_order"}, {"name": "cancel_order"},
  {"name": "refund_order"}, {"name": "find_customer"}, {"name": "get_customer"}, {"name": "merge_customers"},
  {"name": "send_mail"}, {"name": "set_price"}
]}`
