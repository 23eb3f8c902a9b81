package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// toolUntested flags tools that are not read-only and of which the suites do
// not say who may call them, or who may not. It asks only for what there is: a
// tool that every declared principal may call needs no denied caller. It
// reports once a server and gap.
var toolUntested = &Rule{
	ID:       "tool-untested",
	Family:   unguarded,
	Severity: authz.SeverityNote,
	Doc: Doc{
		Summary: "No suite asserts both an allowed and a denied caller for a tool that is not read-only",
		Rationale: `A suite that only says who may call a tool stays green when everybody may. One that only says who may
not stays green when nobody can. Together they hold the rule from both sides. An expectation of conditional, or of
exactly the tools listed, says both. Skipped tests say nothing. Without any suite there is nothing to complete, and
the rule is silent; mcpolicy lint runs the suites that the config names to know what they assert.`,
		Bad: testedWorld + `
tests:
  - name: administrators merge
    principals: [ian]
    call: {allow: [merge_customers]}
`,
		Good: testedWorld + `
tests:
  - name: administrators merge
    principals: [ian]
    call: {allow: [merge_customers]}
  - name: and nobody else
    never: {principals: {not: {roles: [ADMIN]}}, call: {tools: {names: [merge_customers]}}}
`,
		Fix: "Add a test that says who may call it, and one that says who may not.",
	},
	Check: func(p *Pass) {
		if p.input.Suites == nil {
			return
		}
		type said struct{ allowed, denied bool }
		asserted := map[*manifest.Item]said{}
		for _, a := range p.input.Suites {
			if a.Operation == authz.Call {
				s := asserted[a.Item]
				asserted[a.Item] = said{s.allowed || a.Allowed, s.denied || a.Denied}
			}
		}
		for col := range p.calls() {
			if col.Item.ReadOnly() || !col.Question.Guarded() {
				continue
			}
			s := asserted[col.Item]
			may := s.allowed || len(p.where(col, possible)) == 0
			mayNot := s.denied || len(p.where(col, refuses)) == 0
			missing := ""
			switch {
			case !may && !mayNot:
				missing = neither
			case !may:
				missing = noneMay
			case !mayNot:
				missing = allMay
			default:
				continue
			}
			f := about(col)
			f.Evidence = []string{callersOf(p, col)}
			f.Cause = col.Server.Name
			p.report(draft{Finding: f, subject: missing + "\x00" + col.Item.Name, say: untested})
		}
	},
}

// untested says what no suite asserts.
func untested(e *effects) string {
	var parts []string
	for _, missing := range []string{neither, noneMay, allMay} {
		var lacking effects
		for _, i := range e.items {
			if slices.Contains(e.subjects, missing+"\x00"+i.Name) {
				lacking.items = append(lacking.items, i)
			}
		}
		if len(lacking.items) > 0 {
			parts = append(parts, fmt.Sprintf(missing, lacking.listed()))
		}
	}
	return "no suite asserts " + strings.Join(parts, "; nor ")
}

// What may be missing.
const (
	neither = "who may call %s and who may not"
	noneMay = "that anybody may call %s"
	allMay  = "that anybody may not call %s"
)

// refuses reports whether some request is denied.
func refuses(c *matrix.Cell) bool { return !c.Access.Possible() || c.Access == matrix.Conditional }

// callersOf says who may call a tool, as the matrix has it.
func callersOf(p *Pass, col *matrix.Column) string {
	var parts []string
	for _, of := range []struct {
		text string
		such func(*matrix.Cell) bool
	}{
		{"allowed to ", allowed},
		{"conditional for ", func(c *matrix.Cell) bool { return c.Access == matrix.Conditional }},
		{"denied to ", denied},
	} {
		if who := p.where(col, of.such); len(who) > 0 {
			parts = append(parts, of.text+p.names(who))
		}
	}
	return col.Item.Name + ": " + strings.Join(parts, "; ")
}

const testedWorld = `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json}
policies: policies
principals: principals.yaml
tests: tests
-- manifest.json --
{"tools": [{"name": "merge_customers"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::merge_customers"], effect: EFFECT_ALLOW, roles: [ADMIN]}
-- tests/crm.yaml --
name: CRM
server: crm`
