package lint

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// metaTool flags tools that call others by name, where somebody may call one and not all that
// it calls.
var metaTool = &Rule{
	ID:         "meta-tool",
	Family:     unguarded,
	Severity:   authz.SeverityWarning,
	Confidence: authz.ConfidenceMedium,
	Doc: Doc{
		Summary: "A tool calls others by name: whoever may call it reaches what the enforcement point does not ask about again",
		Rationale: `A tool that takes the name of another and calls it (call_tool, a router, code that calls tools) does so inside
the server. The enforcement point has asked about the one call that it saw; whether it sees the other is for the
server's framework to say. If it does not, every tool is as open as this one, whatever the policies say of it.
Servers are told in mcpolicy.yaml: metaTools: {call_tool: unasked} where the shape of the arguments does not tell,
asked where the enforcement point is asked about the other call too, none where the tool calls nothing.`,
		Bad:       metaWorld + `    - {actions: ["tools/call::call_tool"], effect: EFFECT_ALLOW, roles: [SALES]}` + "\n",
		Good:      metaWorld,
		Fix:       "Have the server ask about what the tool calls and say metaTools: asked, or allow the tool only to whoever may call all of it.",
		Standards: []string{"CWE-441", "CWE-863"},
	},
	Check: func(p *Pass) {
		for _, s := range p.Matrix.Servers {
			for i := range s.MetaTools {
				p.metaTool(s, &s.MetaTools[i])
			}
		}
	},
}

// metaTool reports a tool by which somebody reaches others that they may not call.
func (p *Pass) metaTool(s *matrix.Server, meta *manifest.MetaTool) {
	reached := map[string]bool{}
	var names []string
	var who []*matrix.Class
	var of *matrix.Column
	for _, c := range p.Matrix.Classes {
		any := false
		for col := range p.Matrix.ColumnsOf(s) {
			if col.Item == meta.Item && col.Operation == authz.Call {
				of = col
			}
			for _, by := range p.Matrix.Through(c, col) {
				if by != meta.Item {
					continue
				}
				any = true
				if !reached[col.Item.Name] {
					reached[col.Item.Name] = true
					names = append(names, col.Item.Name)
				}
			}
		}
		if any {
			who = append(who, c)
		}
	}
	if len(names) == 0 {
		return
	}
	f := about(of)
	f.Message = fmt.Sprintf("whoever may call %s reaches %s, about which no policy is asked again", meta.Item.Name, listing(names, named))
	f.Evidence = []string{
		strings.ToUpper(meta.Because[:1]) + meta.Because[1:] + ".",
		fmt.Sprintf("%s may call it, and not all that it calls.", p.names(who)),
	}
	p.report(draft{Finding: f, who: wholly(who)})
}

const metaWorld = `-- manifest.json --
{"tools": [
  {"name": "greet"},
  {"name": "refund"},
  {"name": "call_tool", "inputSchema": {"type": "object", "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}}}}
]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
`
