package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// waiverStale flags waivers that accept nothing. One accepts something also
// where another finding explains it, or another waiver accepts it first.
var waiverStale = &Rule{
	ID:       "waiver-stale",
	Family:   inHouse,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "A waiver matches no finding",
		Rationale: `What it accepted is mended, or it never accepted what it was meant to: a name is misspelt, or the rule
below a comment is another one by now. Left where it is, it hides the next finding that happens to fit. Whether a
waiver is stale does not depend on which rules a run was asked for, nor on rules that are turned off.`,
		Bad: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json}
` + waivedWorld + `
    # mcpolicy:waive wildcard-role: everybody may greet
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: [SALES]}
`,
		Good: `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json}
` + waivedWorld + `
    # mcpolicy:waive wildcard-role: everybody may greet
    - {actions: ["tools/call::greet"], effect: EFFECT_ALLOW, roles: ["*"]}
`,
		Fix: "Take the waiver out, or correct what it is limited to.",
	},
	aboutWaivers: true,
	Check: func(p *Pass) {
		for _, w := range p.waivers {
			if w.used || !looksAt(p, w.Server) || w.unsure {
				continue
			}
			f := Finding{Pos: w.Pos, Server: serverNamed(p, w.Server), Message: fmt.Sprintf("the waiver of %s matches no finding", w.Rule)}
			if w.expired {
				f.Message += fmt.Sprintf(", and expired on %s", w.day())
			}
			f.Evidence = w.evidence()
			if others := findingsOf(p, w.Rule); len(others) > 0 {
				f.Evidence = append(f.Evidence, fmt.Sprintf("%s is about other things: %s.", w.Rule, listing(others, named)))
			}
			p.report(draft{Finding: f})
		}
	},
}

// looksAt reports whether the run is about a server that matches: the command
// line may have others than the config.
func looksAt(p *Pass, server string) bool {
	return server == "" || slices.ContainsFunc(p.Matrix.Servers, func(s *matrix.Server) bool { return matches(server, s.Name, glob.Compile) })
}

// findingsOf says what the findings of a rule are about, for whoever missed
// them: the items, or else the places.
func findingsOf(p *Pass, id string) []string {
	var list []string
	for _, d := range p.drafts {
		about := d.Name
		if about == "" {
			about = d.Pos.String()
		}
		if d.Rule == id && !slices.Contains(list, about) {
			list = append(list, about)
		}
	}
	slices.Sort(list)
	return list
}
