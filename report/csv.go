package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// The columns of the tables. What they mean stays, and new ones come behind.
var (
	csvCells = []string{"kind", "principal", "server", "type", "name", "operation", "access", "condition", "reason", "rules", "message"}

	csvSummary = []string{"kind", "server", "roles", "principals", "type", "operation", "items", "access", "least", "most", "message"}

	csvChanges = []string{
		"kind", "principal", "role", "server", "type", "name", "operation", "from", "to", "change", "relation",
		"condition from", "condition to", "gained", "lost", "rules", "message",
	}

	csvResults = []string{
		"kind", "outcome", "rule", "principal", "server", "type", "name", "operation", "expected", "answered",
		"message", "file", "line", "column", "waived", "reason", "waived at", "known",
	}
)

// A csvTable writes rows of cells, which are safe.
type csvTable struct {
	w       *csv.Writer
	columns []string
	err     error
}

func newCSV(w io.Writer, columns []string) *csvTable {
	t := &csvTable{w: csv.NewWriter(w), columns: columns}
	t.w.UseCRLF = true
	t.err = t.w.Write(columns)
	return t
}

// row writes cells by the names of their columns.
func (t *csvTable) row(cells map[string]string) {
	list := make([]string, len(t.columns))
	for i, name := range t.columns {
		list[i] = cells[name]
	}
	t.write(list)
}

func (t *csvTable) write(cells []string) bool {
	if t.err == nil {
		t.err = t.w.Write(cells)
	}
	return t.err == nil
}

// notes writes the notes, and what is in doubt, which every table has at its end.
func (t *csvTable) notes(d *Document) error {
	for _, n := range d.notes() {
		text := n.Message
		if !n.Pos.IsZero() {
			text = n.Pos.String() + ": " + text
		}
		t.row(map[string]string{"kind": "note", "rule": csvCell(n.Rule), "server": csvCell(n.Server), "message": csvCell(text)})
	}
	if d.Doubt != nil {
		for _, m := range source.Mistakes(d.Doubt) {
			t.row(map[string]string{"kind": "doubt", "message": csvCell(m.Error())})
		}
	}
	t.w.Flush()
	if t.err == nil {
		t.err = t.w.Error()
	}
	return t.err
}

// writeCSV writes one table as RFC 4180 has it: what was found where something was
// judged; what changed where a base alone was compared with; otherwise the cells of the
// matrix, or its summary. The first column says what a row is, so that notes find their
// place among them.
func writeCSV(w io.Writer, d *Document, o Options) error {
	var t *csvTable
	switch {
	case d.Diff != nil && !d.Linted && d.Tests == nil && d.Drift == nil && d.Probe == nil:
		t = newCSV(w, csvChanges)
		t.changes(d.Diff)
	case d.checked() || d.Matrix == nil:
		t = newCSV(w, csvResults)
		t.results(d)
	case o.Summary:
		t = newCSV(w, csvSummary)
		t.summary(d.Matrix, o)
	default:
		t = newCSV(w, csvCells)
		t.cells(d.Matrix, o)
	}
	return t.notes(d)
}

// cells writes the cells of a matrix that the filter chooses, a principal's after another.
func (t *csvTable) cells(m *matrix.Matrix, o Options) {
	f := o.filter()
	said := map[*matrix.Cell][4]string{}
	columns := make([][4]string, len(m.Columns))
	for i, c := range m.Columns {
		columns[i] = csvColumn(c)
	}
	for _, p := range sortedPrincipals(m, f) {
		who, class := csvCell(p.Key), m.ClassOf(p.Key)
		for i, col := range m.Columns {
			if !f.column(col) {
				continue
			}
			cell := m.Cell(class, col)
			if !f.Only.has(cell.Access) {
				continue
			}
			is, known := said[cell]
			if !known {
				is = [4]string{cell.Access.String(), csvCell(cell.Condition.String()), csvCell(cell.Reason()), csvRules(cell.Decisive())}
				said[cell] = is
			}
			c := &columns[i]
			if !t.write([]string{"cell", who, c[0], c[1], c[2], c[3], is[0], is[1], is[2], is[3], ""}) {
				return
			}
		}
	}
}

// csvColumn returns the server, type, name and operation of a column.
func csvColumn(c *matrix.Column) [4]string {
	return [4]string{csvCell(c.Server.Name), c.Item.Type.String(), csvCell(c.Item.Name), c.Operation.String()}
}

func csvRules(rules []matrix.Rule) string {
	var list []string
	for _, r := range rules {
		list = append(list, ruleText(r.Pos, r.Effect.String(), r.ID))
	}
	return csvList(list)
}

// ruleText says which rule it is: policies/crm.yaml:12 allow resource.crm.vdefault#sales.
func ruleText(pos source.Pos, effect, id string) string {
	pos.Col = 0
	text := id
	if effect != "" {
		text = effect + " " + text
	}
	if !pos.IsZero() {
		text = pos.String() + " " + text
	}
	return text
}

// summary writes a matrix in numbers, a row for each kind of access that there is.
func (t *csvTable) summary(m *matrix.Matrix, o Options) {
	for _, v := range overviews(m, o.filter()) {
		for _, g := range jsonOverview(v).Groups {
			for _, a := range g.Access {
				for _, access := range matrix.Accesses() {
					n, has := a.Counts[access]
					if !has {
						continue
					}
					t.row(map[string]string{
						"kind": "summary", "server": csvCell(v.server.Name), "roles": csvList(g.Roles), "principals": strconv.Itoa(g.Principals),
						"type": a.Type, "operation": a.Operation, "items": strconv.Itoa(a.Items),
						"access": access, "least": strconv.Itoa(n[0]), "most": strconv.Itoa(n[1]),
					})
				}
			}
		}
	}
}

// results writes what was found: changes, findings, differences and cases, as the JSON
// format orders them.
func (t *csvTable) results(d *Document) {
	for _, f := range d.changeFindings() {
		t.finding("change", f)
	}
	open, known, waived := d.bySeverity()
	for _, f := range slices.Concat(open, known, waived) {
		t.finding("finding", f)
	}
	if left := d.LeftOut.words(); left != "" {
		t.row(map[string]string{"kind": "left out", "message": left})
	}
	for _, f := range d.driftFindings() {
		t.finding("drift", f)
	}
	for _, f := range d.probeFindings() {
		t.finding("probe", f)
	}
	if d.Tests == nil {
		return
	}
	for _, s := range d.Tests.Suites {
		for _, c := range s.Cases {
			for _, p := range c.About() {
				t.caseRow(s.Name, jsonCase(c, p))
			}
		}
	}
}

func (t *csvTable) finding(kind string, f *lint.Finding) {
	names, types, servers := []string{}, []string{}, []string{}
	for _, i := range f.Items {
		names, types, servers = append(names, i.Name), append(types, i.Type.String()), append(servers, i.Server)
	}
	if f.Name != "" {
		names, types = []string{f.Name}, []string{f.Type.String()}
	}
	if f.Server != "" {
		servers = []string{f.Server}
	}
	who := f.Principals
	if f.Principal != "" && len(who) == 0 {
		who = []string{f.Principal}
	}
	cells := map[string]string{
		"kind": kind, "outcome": f.Severity.String(), "rule": csvCell(f.Rule), "principal": csvList(who),
		"server": csvList(slices.Compact(servers)), "type": csvList(slices.Compact(types)), "name": csvList(names),
		"message": csvCell(f.Message), "waived": strconv.FormatBool(f.Waived), "reason": csvCell(f.Reason), "known": strconv.FormatBool(f.Known),
	}
	if f.WaivedAt.File != "" {
		cells["waived at"] = csvCell(f.WaivedAt.String())
	}
	t.place(cells, f.Pos)
}

func (t *csvTable) caseRow(suite string, j caseJSON) {
	message := j.Message
	if j.Sentence != "" {
		message = firstOf(message, j.Sentence)
	}
	if x := j.Check; x != nil {
		j.Type, j.Name, j.Operation = csvCell(x.Kind), x.Resource, csvCell(x.Action)
		message = strings.Join(append(x.Outputs, message), "; ")
	}
	t.place(map[string]string{
		"kind": "case", "outcome": j.Outcome, "rule": csvCell(suite + ": " + j.Test), "principal": csvCell(j.Principal),
		"server": csvCell(j.Server), "type": j.Type, "name": csvCell(j.Name), "operation": j.Operation,
		"expected": csvCell(j.Want), "answered": csvCell(j.Got), "message": csvCell(message),
	}, source.Pos{File: j.File, Line: j.Line})
}

// place writes a row about a place.
func (t *csvTable) place(cells map[string]string, pos source.Pos) {
	cells["file"] = csvCell(pos.File)
	for name, n := range map[string]int{"line": pos.Line, "column": pos.Col} {
		if n > 0 {
			cells[name] = strconv.Itoa(n)
		}
	}
	t.row(cells)
}

// changes writes what changed, a row for each principal, role, item and person.
func (t *csvTable) changes(d *Diff) {
	d.elements(func(kind string, v any) {
		switch x := v.(type) {
		case changedCellJSON:
			t.change(kind, map[string]string{"principal": csvCell(x.Principal)}, x.columnOfJSON, &x.changeJSON)
		case changedRoleJSON:
			role := map[string]string{"role": csvCell(x.Role)}
			if x.ID != "" {
				role["principal"] = csvCell(x.ID)
			}
			t.change(kind, role, x.columnOfJSON, &x.changeJSON)
		case changedItemJSON:
			t.row(map[string]string{
				"kind": kind, "server": csvCell(x.Server), "type": x.Type, "name": csvCell(x.Name), "change": x.Change,
				"message": csvCell(x.Text),
			})
		case changedPrincipalJSON:
			t.row(map[string]string{"kind": kind, "principal": csvCell(x.Principal), "change": x.Change})
		case futureJSON:
			t.row(map[string]string{
				"kind": kind, "principal": csvList(x.Principals), "role": csvList(x.Roles), "server": csvCell(x.Server), "type": x.Type,
				"operation": csvList(x.Operations), "change": x.Change, "rules": csvCauses(x.Rules), "message": csvCell(x.Text),
			})
		}
	})
	for _, over := range d.Over() {
		t.row(map[string]string{"kind": "budget", "message": csvCell(over)})
	}
	if d.Missing != "" {
		t.row(map[string]string{"kind": "note", "message": csvCell(d.Missing)})
	}
	t.row(map[string]string{"kind": "total", "change": d.Verdict(), "message": csvCell(fmt.Sprintf("%s -> %s: %s", d.Base, d.Head, d.words()))})
}

func (t *csvTable) change(kind string, cells map[string]string, col columnOfJSON, c *changeJSON) {
	cells["kind"] = kind
	cells["server"], cells["type"], cells["name"], cells["operation"] = csvCell(col.Server), col.Type, csvCell(col.Name), col.Operation
	cells["from"], cells["to"], cells["change"], cells["relation"] = c.From, c.To, c.Change, c.Relation
	if c.Condition != nil {
		cells["condition from"], cells["condition to"] = csvCell(c.Condition.From), csvCell(c.Condition.To)
	}
	if w := c.Witness; w != nil {
		cells["gained"], cells["lost"] = csvWitness(w.Gained, w.GainedBy, w.GainedAt), csvWitness(w.Lost, w.LostBy, w.LostAt)
	}
	cells["rules"], cells["message"] = csvCauses(c.Rules), csvList(c.Open)
	t.row(cells)
}

// csvWitness says which call it takes, by whom and when.
func csvWitness(arguments any, by map[string]any, at string) string {
	if arguments == nil {
		return ""
	}
	text := jsonText(arguments)
	if by != nil {
		text += " by " + jsonText(by)
	}
	if at != "" {
		text += " at " + at
	}
	return csvCell(text)
}

func csvCauses(list []diffRuleJSON) string {
	var texts []string
	for _, r := range list {
		text := ruleText(source.Pos{File: r.File, Line: r.Line}, r.Effect, firstOf(r.ID, r.Name))
		if r.Side == "base" {
			text += " (at the base)"
		}
		texts = append(texts, text)
	}
	return csvList(texts)
}
