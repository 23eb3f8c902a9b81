package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// annotationsMissing flags servers that state no behaviour hint for some of their
// tools. It weighs more where the name of one says that it destroys something.
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
		for _, s := range p.Matrix.Servers {
			reportSilent(p, s, optionsOf[destructiveOptions](p))
		}
	},
}

// reportSilent reports the tools of a server that have no hints.
func reportSilent(p *Pass, s *matrix.Server, o *destructiveOptions) {
	tools := s.Inventory.Of(authz.ToolItem)
	var destroying []string
	unknown := false // of others the format does not tell whether they have hints
	for _, i := range tools {
		if !i.Hints.Any() && o.ground(i) == manifest.Inferred {
			destroying = append(destroying, i.Name)
		} else if !i.Hints.Any() && i.Hints.Lossy {
			unknown = true
		}
	}
	say := func(e *effects) string {
		of := fmt.Sprintf("%d of %d tools", len(e.items), len(tools))
		if unknown {
			of = fmt.Sprintf("%d %s", len(e.items), plural(len(e.items), "tool", "tools"))
		}
		text := fmt.Sprintf("%s of %s %s without any behaviour hint", of, s.Name, plural(len(e.items), "is", "are"))
		if len(e.items) <= ItemsNamed {
			text += ": " + e.listed()
		}
		by := filter(destroying, func(name string) bool { return slices.Contains(e.subjects, name) })
		if len(by) > 0 {
			text += fmt.Sprintf("; the %s of %s %s that %s", plural(len(by), "name", "names"), listing(by, ItemsNamed),
				plural(len(by), "says", "say"), plural(len(by), "it destroys something", "they destroy something"))
		}
		return text
	}
	for _, i := range tools {
		inferred := slices.Contains(destroying, i.Name)
		if i.Hints.Any() || i.Hints.Lossy && !inferred { // perhaps it says false, which the format drops
			continue
		}
		d := draft{say: say, Finding: Finding{
			Cause: s.Name, Server: s.Name, Type: i.Type, Name: i.Name, Pos: i.Pos,
			Evidence: []string{"No readOnlyHint, destructiveHint, idempotentHint or openWorldHint is stated."},
		}}
		if f := s.Inventory.Format; !f.HasHints() {
			d.Evidence = []string{fmt.Sprintf("The format of the inventory (%v) has no place for hints.", f)}
			d.Fix = "Take the inventory from the server itself, with tools/list or fastmcp inspect."
		}
		if inferred {
			d.Severity, d.Confidence = authz.SeverityWarning, authz.ConfidenceMedium
		}
		p.report(d)
	}
}

const annotatedPolicy = `-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::get_customer", "tools/call::delete_customer"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`
