package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// annotationsMissing flags tools without any behaviour hint: all of a server
// together, and each by itself whose name says that it destroys something.
var annotationsMissing = &Rule{
	ID:       "annotations-missing",
	Family:   inInventory,
	Severity: authz.SeverityNote,
	Least:    authz.ConfidenceMedium,
	Doc: Doc{
		Summary: "A tool has no behaviour hint; a warning where its name says that it destroys something",
		Rationale: `Clients ask their user before a call that may destroy something, and mcpolicy weighs findings by it.
Without hints both have to guess from the name. By MCP's defaults a tool without hints may destroy something, and
few clients treat it so. Of a format that drops an explicit ` + "`false`" + `, only the tools are reported whose name
says that they destroy something.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_customer"}, {"name": "delete_customer"}]}
` + annotatedPolicy,
		Good: `
-- manifest.json --
{"tools": [
  {"name": "get_customer", "annotations": {"readOnlyHint": true}},
  {"name": "delete_customer", "annotations": {"destructiveHint": true}}
]}
` + annotatedPolicy,
		Fix: "Have the server state readOnlyHint or destructiveHint.",
	},
	Options: func() any { return &destructiveOptions{} },
	Check: func(p *Pass) {
		o := optionsOf[destructiveOptions](p)
		for _, s := range p.Matrix.Servers {
			for _, i := range s.Inventory.Of(authz.ToolItem) {
				if !i.Hints.Any() {
					reportSilent(p, s, i, o)
				}
			}
		}
	},
}

// reportSilent reports a tool without hints.
func reportSilent(p *Pass, s *matrix.Server, i *manifest.Item, o *destructiveOptions) {
	d := draft{Finding: Finding{
		Server: s.Name, Type: i.Type, Name: i.Name, Pos: i.Pos,
		Evidence: []string{"No readOnlyHint, destructiveHint, idempotentHint or openWorldHint is stated."},
	}}
	if f := s.Inventory.Format; !f.HasHints() {
		d.Evidence = []string{fmt.Sprintf("The format of the inventory (%v) has no place for hints.", f)}
		d.Fix = "Take the inventory from the server itself, with tools/list or fastmcp inspect."
	}
	switch {
	case o.ground(i) == manifest.Inferred:
		d.Severity, d.Confidence = authz.SeverityWarning, authz.ConfidenceMedium
		d.Message = fmt.Sprintf("%s does not say whether it destroys something, and its name says so", i.Name)
	case i.Hints.Lossy:
		return // perhaps it says false, which the format drops
	default:
		d.group, d.subject = s.Name, i.Name
		tools := len(s.Inventory.Of(authz.ToolItem))
		d.say = func(names []string) string {
			return fmt.Sprintf("%d of %d tools of %s %s without any behaviour hint: %s", len(names), tools, s.Name,
				plural(len(names), "is", "are"), listing(names, named))
		}
	}
	p.report(d)
}

const annotatedPolicy = `-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::get_customer", "tools/call::delete_customer"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`
