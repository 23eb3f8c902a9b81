package report

import (
	"io"
	"strings"
	"time"
)

var csvReview = []string{
	"kind", "principal", "principal kind", "roles", "server", "type", "name", "operation", "access", "condition", "reason", "rules",
	"since", "since time", "since author", "unchanged since", "reviewed", "change", "access before", "message",
}

// ReviewCSV writes a review as one table: what it holds for, then each grant, then what
// was taken away and what else changed since the last review.
func ReviewCSV(w io.Writer, r *Review, _ Options) error {
	t := newCSV(w, csvReview)
	for _, f := range r.facts() {
		t.row(map[string]string{"kind": "holds for", "name": csvCell(f[0]), "message": csvCell(f[1])})
	}
	changed := r.changed()
	for i := range r.Grants {
		g := &r.Grants[i]
		p, c, cell := g.Principal, csvColumn(g.Column), g.Cell
		row := map[string]string{
			"kind": "grant", "principal": csvCell(p.Key), "principal kind": p.Kind.String(), "roles": csvList(p.Roles),
			"server": c[0], "type": c[1], "name": c[2], "operation": c[3],
			"access": cell.Access.String(), "condition": csvCell(cell.Condition.String()), "reason": csvCell(cell.Reason()), "rules": csvRules(cell.Decisive()),
			"since": g.Since.String(), "unchanged since": g.Unchanged.String(), "reviewed": csvList(g.reviews()),
		}
		if s := g.Since; s != nil {
			row["since time"], row["since author"] = csvTime(s.Time), csvCell(s.Author)
		}
		if x := changed[cellOf{p.Key, jsonColumnOf(g.Column)}]; x != nil {
			row["change"], row["access before"] = x.Change, x.From
		}
		t.row(row)
	}
	r.taken(func(x *changedCellJSON) {
		t.row(map[string]string{
			"kind": "taken", "principal": csvCell(x.Principal), "server": csvCell(x.Server), "type": x.Type, "name": csvCell(x.Name),
			"operation": x.Operation, "access": x.To, "rules": csvCauses(x.Rules), "change": x.Change, "access before": x.From,
		})
	})
	if r.Changes != nil {
		t.row(map[string]string{"kind": "change", "change": r.Changes.Verdict(), "message": csvCell("since " + r.Changes.Base + ": " + r.Changes.words())})
		for i := range r.Changes.groups {
			g := &r.Changes.groups[i]
			t.row(map[string]string{"kind": "change", "server": csvCell(g.Server), "change": g.Kind.String(), "message": csvCell(sentenceOf(g))})
		}
	}
	return t.notes(&Document{Notes: r.Notes})
}

// reviews says who accepted a grant, and why.
func (g *Grant) reviews() []string {
	var list []string
	for _, x := range g.Reviewed {
		text := strings.TrimSpace(x.Pos.String() + " " + x.By + " " + x.Rule)
		if x.Reason != "" {
			text += ": " + x.Reason
		}
		list = append(list, text)
	}
	return list
}

// csvTime returns a time as a cell, or nothing.
func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
