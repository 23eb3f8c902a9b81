package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// wildcardAction flags patterns that grant calls on tools which no rule names.
// It reports once a rule.
var wildcardAction = &Rule{
	ID:       "wildcard-action",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	needs:    []need{needReads},
	Doc: Doc{
		Summary: "A glob grants calls on a tool that no rule names: tomorrow's tool would be open at once",
		Rationale: `Who wrote the pattern had the tools of that day in mind. A tool that is added later, or renamed,
is granted without anybody looking at it. A tool is named by a rule with its exact call action, allowing or denying;
a list action does not count.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_customer"}, {"name": "export_customers"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_customer"}, {"name": "export_customers"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::get_customer", "tools/call::export_customers"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Fix:       "Name the tools.",
		Standards: tooManyMay,
	},
	Check: func(p *Pass) {
		found := map[source.Pos][]*opened{} // by the place of the pattern
		for col := range p.calls() {
			asked := p.index.Specific(col)
			if slices.ContainsFunc(asked, func(a coverage.Asked) bool { return len(p.namedBy(a, col)) > 0 }) {
				continue
			}
			for _, a := range asked {
				for _, r := range a.Target.Patterns() {
					for _, glob := range r.Actions {
						if ok, err := r.MatchAction(glob.Value, a.Action); r.Effect != authz.Allow || !ok || err != nil {
							continue
						}
						if who := passBy(p, r, col, a.Request, false); len(who) > 0 && !p.onlyAdministrators(who) {
							found[glob.Pos] = append(found[glob.Pos], &opened{r, glob, col, who})
						}
					}
				}
			}
		}
		for _, list := range found { // in any order: findings are sorted
			reportOpened(p, list)
		}
	},
}

// An opened is a tool that a pattern opens, and to whom.
type opened struct {
	rule   *policy.Rule
	glob   policy.Text
	column *matrix.Column
	who    []*matrix.Class
}

// onlyReading reports whether all that a pattern opens today only reads.
func onlyReading(list []*opened) bool {
	return !slices.ContainsFunc(list, func(o *opened) bool {
		risk, _ := o.column.Item.Risk()
		return risk != manifest.Reads
	})
}

// reportOpened reports the tools that a pattern opens, together with those of the other
// patterns of its rule: of those that open nothing but what reads, as a note.
func reportOpened(p *Pass, list []*opened) {
	severity := authz.SeverityWarning
	if onlyReading(list) {
		severity = authz.SeverityNote
	}
	fix := "Name the tools."
	if a := p.options.Administrators; len(a.Roles)+len(a.Principals) == 0 {
		fix = "Name the tools, or declare who is an administrator under lint.administrators."
	}
	for _, o := range list {
		f := about(o.column)
		f.standAt(o.glob.Pos, o.rule.ID)
		f.Severity, f.Fix = severity, fix
		f.Cause = causeOf(keyOf(o.rule), severity.String())
		p.report(draft{
			Finding: f, who: wholly(o.who), subject: o.glob.Value,
			say: func(e *effects) string {
				globs := listing(e.subjects, len(e.subjects))
				if len(e.subjects) > ItemsNamed {
					globs = fmt.Sprintf("%d patterns of %s", len(e.subjects), called(o.rule))
				}
				return fmt.Sprintf("%s %s %s, which no rule names", globs, plural(len(e.subjects), "opens", "open"), e.listed())
			},
			why: func(e *effects) []string {
				return []string{cite(o.rule), fmt.Sprintf("It lets %s through.", p.namesIn(e.who))}
			},
		})
	}
}
