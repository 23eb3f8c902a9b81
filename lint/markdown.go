package lint

import (
	"fmt"
	"strings"
)

// Markdown returns the rule's page.
func (r *Rule) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n\n", r.ID, r.Doc.Summary)
	fmt.Fprintf(&b, "Severity: %s. Confidence: %s. Family: %s.\n\n", r.Severity, r.Confidences(), r.Family)
	fmt.Fprintf(&b, "## Why\n\n%s\n\n", strings.TrimSpace(r.Doc.Rationale))
	fmt.Fprintf(&b, "## Bad\n\n```\n%s\n```\n\n", strings.TrimSpace(r.Doc.Bad))
	fmt.Fprintf(&b, "## Good\n\n```\n%s\n```\n\n", strings.TrimSpace(r.Doc.Good))
	fmt.Fprintf(&b, "## How to fix it\n\n%s\n", r.Doc.Fix)
	if options := r.OptionList(); len(options) > 0 {
		fmt.Fprintf(&b, "\n## Options\n\nIn the config, under `lint.rules.%s.options`:\n\n", r.ID)
		for _, o := range options {
			fmt.Fprintf(&b, "- `%s`, %s, %s by default: %s\n", o.Name, o.Type, o.Default, o.Doc)
		}
	}
	if len(r.Doc.Standards) > 0 {
		b.WriteString("\n## Standards\n\n")
		for _, s := range r.Doc.Standards {
			fmt.Fprintf(&b, "- %s: %s\n", s, StandardTitle(s))
		}
	}
	return b.String()
}

// Confidences says how sure the findings of the rule are: "high", or "low to
// high".
func (r *Rule) Confidences() string {
	if r.Least > r.Confidence {
		return r.Least.String() + " to " + r.Confidence.String()
	}
	return r.Confidence.String()
}

// Index returns the page that lists the rules.
func Index() string {
	var b strings.Builder
	b.WriteString(`# Lint rules

Generated from the rules; ` + "`mcpolicy rules ID`" + ` prints a page. The examples on the pages are archives: after each
` + "`-- name --`" + ` comes a file. Where one has no ` + "`mcpolicy.yaml`" + `, the inventory in ` + "`manifest.json`" + ` is that of a server
called crm behind cerbos-fastmcp. Where it has no principals, these are meant:

` + "```yaml\n" + Principals + "```\n")
	for _, family := range Families() {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | severity | confidence | fires when |\n|---|---|---|---|\n", family)
		for _, r := range Rules() {
			if r.Family == family {
				fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s |\n", r.ID, r.ID, r.Severity, r.Confidences(), r.Doc.Summary)
			}
		}
	}
	return b.String()
}

// Principals is the principals.yaml of examples that have none.
const Principals = `principals:
  ian: {id: ian, kind: human, roles: [ADMIN], attr: {department: IT, region: EMEA}}
  sally: {id: sally, roles: [SALES], attr: {department: Sales, region: EMEA}}
  harry: {id: harry, roles: [HR], attr: {department: People, region: APAC}}
`
