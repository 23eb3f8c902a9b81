package lint

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// annotationsContradict flags tools whose hints contradict each other, or claim
// to be harmless against their name.
var annotationsContradict = &Rule{
	ID:       "annotations-contradict",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Least:    authz.ConfidenceMedium,
	Doc: Doc{
		Summary: "A tool is read-only and destructive at once, or hints that it is harmless against its name",
		Rationale: `Hints are a server's claims. One that is wrong hides a tool from whoever goes by them: a client that
does not ask before read-only calls, and other rules here, which believe a tool that says it is harmless. On a
read-only tool MCP gives destructiveHint no meaning, so that whoever set both meant one of them.`,
		Bad: `
-- manifest.json --
{"tools": [
  {"name": "get_customer", "annotations": {"readOnlyHint": true}},
  {"name": "delete_customer", "annotations": {"readOnlyHint": true}}
]}
` + annotatedPolicy,
		Good: `
-- manifest.json --
{"tools": [
  {"name": "get_customer", "annotations": {"readOnlyHint": true}},
  {"name": "delete_customer", "annotations": {"destructiveHint": true}}
]}
` + annotatedPolicy,
		Fix: "Correct the hints in the server; if the name misleads, say so with a waiver.",
	},
	Options: func() any { return &destructiveOptions{} },
	Check: func(p *Pass) {
		o := optionsOf[destructiveOptions](p)
		for _, s := range p.Matrix.Servers {
			for _, i := range s.Inventory.Of(authz.ToolItem) {
				f := Finding{Server: s.Name, Type: i.Type, Name: i.Name, Pos: i.Pos}
				f.Evidence = []string{fmt.Sprintf("readOnlyHint is %v, destructiveHint is %v.", i.Hints.ReadOnly, i.Hints.Destructive)}
				switch {
				case i.Hints.ReadOnly == manifest.True && i.Hints.Destructive == manifest.True:
					f.Message = i.Name + " says that it is read-only, and that it is destructive"
				case !o.nameSays(i.Name):
					continue
				case i.Hints.ReadOnly == manifest.True:
					f.Confidence = authz.ConfidenceMedium
					f.Message = i.Name + " says that it is read-only, and its name says that it destroys something"
				case i.Hints.Destructive == manifest.False:
					f.Confidence = authz.ConfidenceMedium
					f.Message = i.Name + " says that it is not destructive, and its name says that it is"
				default:
					continue
				}
				p.report(draft{Finding: f})
			}
		}
	},
}
