package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// separationOfDuties flags principals that may call tools of two sets which the
// config keeps apart. A call that is possible with some arguments counts, and
// so does one that no policy is asked about. A tool of both sets does not
// conflict with itself.
var separationOfDuties = &Rule{
	ID:       "separation-of-duties",
	Family:   overExposed,
	ofEach:   true,
	Severity: authz.SeverityError,
	Doc: Doc{
		Summary: "One principal may call tools from two sets that `lint.separationOfDuties` declares incompatible",
		Rationale: `Who writes an invoice does not approve it: then it takes two to cheat, and two to make a costly
mistake. Policies are written tool by tool, and nobody sees that a second role completes the set. Nothing is
reported unless the config declares such sets. Without a server they are of the tools of all servers together. A
name or pattern of a set that no tool has is a mistake in the config.`,
		Bad: dutyConfig + `
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::create_invoice"], effect: EFFECT_ALLOW, roles: [SALES, ADMIN]}
    - {actions: ["tools/call::approve_invoice"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Good: dutyConfig + `
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::create_invoice"], effect: EFFECT_ALLOW, roles: [SALES]}
    - {actions: ["tools/call::approve_invoice"], effect: EFFECT_ALLOW, roles: [ADMIN]}
`,
		Fix:       "Take one side from the principal, or deny it to whoever has the other.",
		Standards: []string{"CWE-266", "ASI03", "NHI5:2025", "NIST CSF 2.0 PR.AA-05", "NIST SP 800-53r5 AC-5"},
	},
	Check: func(p *Pass) {
		for _, duty := range p.options.Duties {
			sets := columnsOfDuty(p, &duty)
			for _, c := range p.Matrix.Classes {
				reportConflict(p, &duty, sets, c)
			}
		}
	},
}

// columnsOfDuty returns the calls of the tools of each set.
func columnsOfDuty(p *Pass, duty *Duty) [][]*matrix.Column {
	sets := make([][]*matrix.Column, len(duty.Sets))
	for col := range p.calls() {
		for i, names := range duty.Sets {
			if duty.covers(col) && matchesAny(names, col.Item.Name) {
				sets[i] = append(sets[i], col)
			}
		}
	}
	return sets
}

func (d *Duty) covers(col *matrix.Column) bool {
	return col.Item.Type == authz.ToolItem && (d.Server == "" || d.Server == col.Server.Name)
}

// check reports what the sets name and no tool has: a misspelt name would keep
// nothing apart.
func (d *Duty) check(m *matrix.Matrix) []error {
	if d.Server != "" && m.Server(d.Server) == nil {
		return nil // the run is about others
	}
	var tools []string
	for _, col := range m.Columns {
		if d.covers(col) {
			tools = append(tools, col.Item.Name)
		}
	}
	var errs []error
	for _, name := range slices.Concat(d.Sets...) {
		if !slices.ContainsFunc(tools, func(tool string) bool { return matches(name, tool, glob.Compile) }) {
			errs = append(errs, source.Errorf(d.Pos, "separation of duties %q: no tool is called %q%s", d.Name, name, source.DidYouMean(name, tools)))
		}
	}
	return errs
}

// reportConflict reports the tools of two sets that a class may call. Classes
// with the same tools are reported together.
func reportConflict(p *Pass, duty *Duty, sets [][]*matrix.Column, c *matrix.Class) {
	may := func(col *matrix.Column) bool { return possible(p.Matrix.Cell(c, col)) }
	for i, first := range sets {
		for j, second := range sets[i+1:] {
			a, b := filter(first, may), filter(second, may)
			if !distinct(a, b) {
				continue
			}
			f := Finding{Server: duty.Server, Pos: duty.Pos, Cause: causeOf(duty.Name, strconv.Itoa(i), strconv.Itoa(i+1+j))}
			for _, col := range slices.Concat(a[:1], b[:1]) {
				f.Evidence = addSome(f.Evidence, citeAll(p.decisive([]*matrix.Class{c}, col)))
				f.Evidence = addSome(f.Evidence, conditionsOf(p, []*matrix.Class{c}, col))
				f.Related = append(f.Related, Related{col.Item.Pos, "tool " + col.Item.Name, true})
			}
			for _, col := range slices.Concat(a, b) {
				f.Items = append(f.Items, Item{col.Server.Name, col.Item.Type, col.Item.Name})
			}
			p.report(draft{
				Finding: f, who: wholly([]*matrix.Class{c}), subject: listing(toolNames(a), named) + "\x00" + listing(toolNames(b), named),
				say: func(e *effects) string {
					var both []string
					for _, subject := range e.subjects {
						left, right, _ := strings.Cut(subject, "\x00")
						both = append(both, left+" and also "+right)
					}
					return fmt.Sprintf("%s may call %s, which %q keeps apart", p.namesIn(e.who), strings.Join(both, "; or "), duty.Name)
				},
			})
		}
	}
}

// distinct reports whether there is a column in the one list and another in
// the other.
func distinct(a, b []*matrix.Column) bool {
	return len(a) > 0 && len(b) > 0 && (len(a) > 1 || len(b) > 1 || a[0] != b[0])
}

func filter[T any](list []T, keep func(T) bool) []T {
	var kept []T
	for _, x := range list {
		if keep(x) {
			kept = append(kept, x)
		}
	}
	return kept
}

// toolNames names the items of columns, each once.
func toolNames(columns []*matrix.Column) []string {
	var list []string
	for _, col := range columns {
		if !slices.Contains(list, col.Item.Name) {
			list = append(list, col.Item.Name)
		}
	}
	return list
}

const dutyConfig = `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json}
policies: policies
principals: principals.yaml
lint:
  separationOfDuties:
    - {name: invoices, server: crm, sets: [[create_invoice], ["approve_*"]]}
-- manifest.json --
{"tools": [{"name": "create_invoice"}, {"name": "approve_invoice"}]}`
