package report

import (
	"strings"

	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report/page"
)

// SetDiff has the document say what changed, on its page too.
func (d *Document) SetDiff(x *Diff) {
	d.Diff = x
	if d.Details == nil {
		d.Details = &Details{}
	}
	d.Details.Diff, d.Details.Base, d.Details.Revision = x.page(), x.Base, x.Head
}

// page returns what changed as a page has it.
func (d *Diff) page() *page.Diff {
	p := &page.Diff{Fails: d.Fails()}
	for i := range d.Cells {
		x := &d.Cells[i]
		c := pageChange(&x.Comparison, x.Column, x.Base, x.Head, x.Causes)
		for _, who := range x.Principals {
			c.Principals = append(c.Principals, who.Key)
		}
		p.Cells = append(p.Cells, c)
	}
	for i := range d.Roles {
		x := &d.Roles[i]
		c := pageChange(&x.Comparison, x.Column, x.Base, x.Head, x.Causes)
		c.Principals = []string{strings.Join(x.Roles, " and ")}
		p.Roles = append(p.Roles, c)
	}
	for i := range d.Items {
		x := &d.Items[i]
		p.Items = append(p.Items, page.ItemChange{Server: x.Server.Name, Type: x.Item.Type.String(), Name: x.Item.Name, Change: x.Change, Text: d.itemText(i)})
	}
	for _, x := range d.Principals {
		change := x.Change
		if change != "added" && change != "removed" {
			change = "changed"
		}
		p.Principals = append(p.Principals, page.PrincipalChange{Name: x.Principal.Key, Change: change, Text: principalText(x.Change)})
	}
	for _, text := range d.Over() {
		p.Budget = append(p.Budget, page.Line{At: d.budgetPos().String(), Text: text})
	}
	if d.Missing != "" {
		p.Notes = append(p.Notes, page.Line{Text: d.Missing})
	}
	for i := range d.Future {
		p.Notes = append(p.Notes, page.Line{Text: d.laterText(i)})
	}
	for _, col := range d.Beyond {
		p.Notes = append(p.Notes, page.Line{Text: beyondSentence(col.Item.Name)})
	}
	return p
}

// principalText says what is different of a principal who stayed.
func principalText(change string) string {
	if change == "added" || change == "removed" {
		return ""
	}
	return "other " + change
}

func pageChange(x *diff.Comparison, col *matrix.Column, base, head *matrix.Cell, causes []diff.Cause) page.Change {
	c := page.Change{
		Server: col.Server.Name, Type: col.Item.Type.String(), Name: col.Item.Name, Operation: col.Operation.String(),
		From: diff.Access(base), To: diff.Access(head), Change: x.Kind.String(), Relation: x.Relation.String(),
	}
	if pair := jsonConditions(base, head); pair != nil {
		c.Was, c.Now = pair.From, pair.To
	}
	if x.Gained != nil {
		c.Gained = witnessWords(x.Gained)
	}
	if x.Lost != nil {
		c.Lost = witnessWords(x.Lost)
	}
	for i := range causes {
		c.Rules = append(c.Rules, page.Line{At: causes[i].Pos.String(), Text: causeWords(&causes[i])})
	}
	return c
}
