package lint

import (
	"errors"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
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
	ofEach:  true,
	Options: func() any { return &broadOptions{Share: 0.9, Tools: 10, Changing: 5} },
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
			by := map[string]crowd{} // by what of it they may not call
			for _, who := range wholly(p.Matrix.Classes).where(func(who *authz.Principal) bool { return !p.options.Administrators.has(who) }) {
				if evidence := breadth(p, who.class, calls, o); evidence != "" {
					by[evidence] = append(by[evidence], who)
				}
			}
			for evidence, who := range by { // in any order: findings are sorted
				reportBroad(p, s, who, evidence)
			}
		}
	},
}

type broadOptions struct {
	Share float64 `yaml:"share" doc:"the share of a server's tools that is too much, above 0 and up to 1"`
	Tools int     `yaml:"tools" doc:"how many tools a server has to have, 1 or more"`
	// Changing keeps those out who may do little but read.
	Changing int `yaml:"changing" doc:"how many of the tools that it may call have to be able to change something, 0 or more"`
}

// DecodeNode reads a mapping.
func (o *broadOptions) DecodeNode(n *source.Node) error {
	type plain broadOptions
	errs := []error{source.Decode(n, (*plain)(o))}
	if !(o.Share > 0 && o.Share <= 1) {
		errs = append(errs, outside(n, "share", "a number above 0 and up to 1"))
	}
	if o.Changing < 0 {
		errs = append(errs, outside(n, "changing", "0 or more"))
	}
	if o.Tools < 1 {
		errs = append(errs, outside(n, "tools", "1 or more"))
	}
	return errors.Join(errs...)
}

// breadth says how many of a server's tools a class may call, or "" where that is not too many.
func breadth(p *Pass, c *matrix.Class, calls []*matrix.Column, o *broadOptions) string {
	may, changing, unable := 0, 0, []string(nil)
	for _, col := range calls {
		if !granted(p.Matrix.Cell(c, col)) {
			unable = append(unable, col.Item.Name)
			continue
		}
		may++
		if risk, _ := col.Item.Risk(); risk != manifest.Reads {
			changing++
		}
	}
	if float64(may) < o.Share*float64(len(calls)) || changing < o.Changing {
		return ""
	}
	text := fmt.Sprintf("may call %d of %d tools, %d of which may change something", may, len(calls), changing)
	if len(unable) > 0 {
		text += "; all but " + listing(unable, named)
	}
	return text + "."
}

// reportBroad reports principals that may call so many of a server's tools. All of one
// server are reported together.
func reportBroad(p *Pass, s *matrix.Server, who crowd, evidence string) {
	p.report(draft{
		Finding: Finding{
			Cause: s.Name, Server: s.Name, Pos: who[0].list[0].Pos, Evidence: []string{p.namesIn(who) + " " + evidence},
			Related: []Related{{p.declared(s), "server " + s.Name, false}},
		},
		who: who, subject: who[0].list[0].Key,
		say: func(e *effects) string {
			return fmt.Sprintf("%s may %scall nearly every tool of %s, and %s", p.namesIn(e.who), plural(e.who.size(), "", "each "), s.Name,
				plural(e.who.size(), "is no declared administrator", "are no declared administrators"))
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
