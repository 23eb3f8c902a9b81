package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// The rules that changes are problems of, in the formats that know nothing but problems.
const (
	accessWidened   = "access-widened"
	accessChanged   = "access-changed"
	accessUnknown   = "access-unknown"
	accessNarrowed  = "access-narrowed"
	inventoryChange = "inventory-changed"
	accessLater     = "access-to-new-items"
	overBudget      = "reach-budget"
)

// A Diff is what changed in access since a base.
type Diff struct {
	*diff.Result
	Base, Head string // what the two are called: main, "the working tree"
	// Missing says why there was no base, so that everything is new.
	Missing string
	// FailOn says which changes fail, and Budget how far gains may go that do not.
	FailOn config.DiffFailOn
	Budget *config.Budget // nil for none

	groups []diff.Group
	// What was read from reports, which tell it in words: the items and what comes later,
	// what is over a budget, and whether that fails. Nil unless it was.
	itemTexts, laterTexts, over []string
	fails                       *bool
}

// NewDiff returns what changed from base to head, by their names.
func NewDiff(r *diff.Result, base, head string, failOn config.DiffFailOn, budget *config.Budget) *Diff {
	return &Diff{Result: r, Base: base, Head: head, FailOn: failOn, Budget: budget, groups: r.Groups()}
}

// Over lists what goes beyond the budget: "2 destructive items opened, over the budget of 0".
func (d *Diff) Over() []string {
	if d.fails != nil {
		return d.over
	}
	if d.Budget == nil {
		return nil
	}
	reach := d.Reach()
	var list []string
	for _, x := range []struct {
		limit *int
		have  int
		what  string
	}{
		{d.Budget.Destructive, reach.Destructive, "destructive item"},
		{d.Budget.Principals, reach.Principals, "principal"},
		{d.Budget.Roles, reach.Roles, "role"},
		{d.Budget.Everyone, reach.Everyone, "item"},
	} {
		if x.limit == nil || x.have <= *x.limit {
			continue
		}
		text := count(x.have, x.what)
		switch x.limit {
		case d.Budget.Destructive:
			text += " opened to somebody"
		case d.Budget.Everyone:
			text += " opened to everyone"
		default:
			text += " " + plural(x.have, "gains", "gain")
		}
		list = append(list, fmt.Sprintf("%s, over the budget of %d", text, *x.limit))
	}
	return list
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// Fails reports whether the changes fail the run. Where it is not known whether somebody
// gains, they do unless nothing is to fail.
func (d *Diff) Fails() bool {
	if d.fails != nil {
		return *d.fails
	}
	switch d.FailOn {
	case config.FailNever:
		return false
	case config.FailAny:
		return d.Differs()
	case config.FailWidened:
		return d.Budget == nil && d.Widens() || len(d.Over()) > 0 || d.Reach().Unknown > 0
	case config.FailBudget:
	}
	return len(d.Over()) > 0 || d.Budget != nil && d.Reach().Unknown > 0
}

// itemText says what changed of an item.
func (d *Diff) itemText(i int) string {
	if d.itemTexts != nil {
		return d.itemTexts[i]
	}
	return itemSentence(&d.Items[i])
}

// laterText says what may be done with items that do not exist yet.
func (d *Diff) laterText(i int) string {
	if d.laterTexts != nil {
		return d.laterTexts[i]
	}
	return laterSentence(&d.Future[i])
}

// budgetPos is where the budget stands, if that is known.
func (d *Diff) budgetPos() source.Pos {
	if d.Budget == nil {
		return source.Pos{}
	}
	return d.Budget.Pos
}

// words says in short what changed.
func (d *Diff) words() string {
	n := map[diff.Kind]int{}
	for i := range d.Cells {
		n[d.Cells[i].Kind] += len(d.Cells[i].Principals)
	}
	var parts []string
	for _, k := range []diff.Kind{diff.Widened, diff.Changed, diff.Unknown, diff.Narrowed} {
		if n[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[k], k))
		}
	}
	cells := "of " + count(d.Compared, "cell")
	if len(parts) == 0 {
		cells = "no access of " + count(d.Compared, "cell") + " changed"
	}
	text := strings.Join(parts, ", ") + " " + cells
	if roles := len(d.Roles); roles > 0 {
		text += fmt.Sprintf("; %s that no declared principal shows", count(roles, "change"))
	}
	if items := d.inventoryWords(); items != "" {
		text += "; " + items
	}
	return strings.TrimSpace(text)
}

// inventoryWords says what changed in the inventories: 1 item added, 2 hints changed.
func (d *Diff) inventoryWords() string {
	n := map[string]int{}
	for _, x := range d.Items {
		n[x.Change]++
	}
	var parts []string
	for _, change := range []string{"added", "removed", "hints", "schema", "description", "title", "tags"} {
		if n[change] == 0 {
			continue
		}
		switch change {
		case "added", "removed":
			parts = append(parts, count(n[change], "item")+" "+change)
		default:
			parts = append(parts, fmt.Sprintf("%s of %s changed", change, count(n[change], "item")))
		}
	}
	return strings.Join(parts, ", ")
}

// changeFindings returns the changes in the form of findings, the most severe first.
func (d *Document) changeFindings() []*lint.Finding {
	if d.Diff == nil {
		return nil
	}
	var list []*lint.Finding
	for i := range d.Diff.groups {
		f := d.Diff.finding(&d.Diff.groups[i])
		list = append(list, f)
	}
	for _, text := range d.Diff.Over() {
		list = append(list, &lint.Finding{Rule: overBudget, Family: "diff", Severity: authz.SeverityError, Message: text, Pos: d.Diff.budgetPos()})
	}
	for i := range d.Diff.Items {
		x := &d.Diff.Items[i]
		f := &lint.Finding{
			Rule: inventoryChange, Family: "diff", Severity: authz.SeverityNote, Message: d.Diff.itemText(i), Server: x.Server.Name,
			Type: x.Item.Type, Name: x.Item.Name,
		}
		if x.Change != "removed" {
			f.Pos = x.Item.Pos
		}
		if x.Change == "hints" || x.Change == "schema" {
			f.Severity = authz.SeverityWarning
		}
		list = append(list, f)
	}
	for i := range d.Diff.Future {
		x := &d.Diff.Future[i]
		f := &lint.Finding{Rule: accessLater, Family: "diff", Severity: authz.SeverityNote, Message: d.Diff.laterText(i), Server: x.Column.Server.Name}
		d.Diff.cite(f, x.Causes)
		list = append(list, f)
	}
	slices.SortStableFunc(list, func(a, b *lint.Finding) int { return int(b.Severity) - int(a.Severity) })
	return list
}

func (d *Diff) finding(g *diff.Group) *lint.Finding {
	item := g.Uses[0].Column.Item
	f := &lint.Finding{
		Rule:   map[diff.Kind]string{diff.Widened: accessWidened, diff.Changed: accessChanged, diff.Unknown: accessUnknown, diff.Narrowed: accessNarrowed}[g.Kind],
		Family: "diff", Severity: authz.SeverityWarning, Message: sentenceOf(g), Server: g.Server, Type: item.Type, Name: item.Name,
	}
	if len(g.Who.Principals) > 0 {
		f.Principal = g.Who.Principals[0].Key
	}
	switch {
	case g.Kind == diff.Narrowed:
		f.Severity = authz.SeverityNote
	case d.FailOn != config.FailNever && d.Budget == nil && d.FailOn != config.FailBudget, g.Kind == diff.Unknown && d.Fails():
		f.Severity = authz.SeverityError
	}
	f.Evidence = d.details(g)
	d.cite(f, g.Causes)
	if f.Pos.IsZero() && !g.Uses[0].Gone {
		f.Pos = item.Pos
	}
	return f
}

// cite names the lines that changed something, those of head as places.
func (d *Diff) cite(f *lint.Finding, causes []diff.Cause) {
	for i := range causes {
		c := &causes[i]
		switch {
		case c.Pos.IsZero():
		case c.Base:
			f.Evidence = append(f.Evidence, c.Pos.String()+"  "+causeWords(c))
		case f.Pos.IsZero():
			f.Pos = c.Pos
			f.Evidence = append(f.Evidence, c.Pos.String()+"  "+causeWords(c))
		default:
			f.Related = append(f.Related, lint.Related{Pos: c.Pos, Text: causeWords(c)})
		}
	}
}
