package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
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
}

// NewDiff returns what changed from base to head, by their names.
func NewDiff(r *diff.Result, base, head string, failOn config.DiffFailOn, budget *config.Budget) *Diff {
	return &Diff{Result: r, Base: base, Head: head, FailOn: failOn, Budget: budget, groups: r.Groups()}
}

// Over lists what goes beyond the budget: "2 destructive items opened, over the budget of 0".
func (d *Diff) Over() []string {
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

// who names those who gain or lose.
func whoGains(w *diff.Who) string {
	if len(w.Principals) == 0 {
		return everybodyWith(w)
	}
	switch {
	case w.All:
		return "everybody"
	case w.Role != "" && len(w.Principals) == 1:
		return w.Role + strings.TrimPrefix(person(w.Principals[0]), w.Principals[0].Key)
	case w.Role != "":
		return w.Role
	case len(w.Principals) == 1:
		return person(w.Principals[0])
	}
	return names(w.Principals, namedAtMost)
}

// namedAtMost is how many principals a sentence names.
const namedAtMost = 4

func names(list []*authz.Principal, most int) string {
	var parts []string
	for _, p := range list[:min(len(list), most)] {
		parts = append(parts, p.Key)
	}
	if more := len(list) - len(parts); more > 0 {
		return strings.Join(parts, ", ") + " and " + count(more, "other")
	}
	return conjoin(parts)
}

func conjoin(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// person names a principal, and what it is unless a person.
func person(p *authz.Principal) string {
	switch {
	case p.Kind == authz.Agent && p.OnBehalfOf != "":
		return p.Key + ", an agent for " + p.OnBehalfOf + ","
	case p.Kind == authz.Agent:
		return p.Key + ", an agent,"
	case p.Kind == authz.Workload:
		return p.Key + ", a workload,"
	}
	return p.Key
}

func everybodyWith(w *diff.Who) string {
	text := "anybody with "
	if len(w.Roles) == 1 && w.Roles[0] == "*" {
		text = "anybody, with any other role"
	} else {
		var named []string
		for _, r := range w.Roles {
			if r == "*" {
				r = "any other role"
			}
			named = append(named, r)
		}
		text += conjoin(named)
	}
	if w.ID != "" {
		text += " whose id is " + w.ID
	}
	return text
}

// sentenceOf says what happens: "SALES may now list and call delete_customer".
func sentenceOf(g *diff.Group) string {
	who, what := whoGains(&g.Who), usesOf(g)
	more := g.From == matrix.Conditional.String() || g.From == matrix.Allowed.String()
	less := g.To == matrix.Conditional.String() || g.To == matrix.Allowed.String()
	switch {
	case g.Kind == diff.Unknown:
		return "it is not known whether " + who + " may " + what + " in more cases"
	case g.To == matrix.Unguarded.String():
		return "no policy is asked any more when " + who + " " + strings.Replace(what, "call", "calls", 1)
	case g.Kind == diff.Changed:
		return who + " may now " + what + " in other cases"
	case g.Kind == diff.Widened && more:
		return who + " may now " + what + " in more cases"
	case g.Kind == diff.Widened:
		return who + " may now " + what
	case less:
		return who + " may " + what + " in fewer cases"
	}
	return who + " may no longer " + what
}

// usesOf says what may be done: "list and call delete_customer and merge_customer".
func usesOf(g *diff.Group) string {
	var parts []string
	for i := 0; i < len(g.Uses); {
		ops := operationWords(g.Uses[i].Operations)
		var items []string
		for ; i < len(g.Uses) && operationWords(g.Uses[i].Operations) == ops; i++ {
			items = append(items, itemWords(&g.Uses[i]))
		}
		parts = append(parts, ops+" "+conjoin(items))
	}
	return strings.Join(parts, ", ")
}

func operationWords(list []authz.Operation) string {
	var parts []string
	for _, o := range list {
		parts = append(parts, o.String())
	}
	return conjoin(parts)
}

func itemWords(u *diff.Use) string {
	if u.New {
		return u.Column.Item.Name + " (new)"
	}
	if u.Gone {
		return u.Column.Item.Name + " (gone)"
	}
	return u.Column.Item.Name
}

// details says how: from what to what, on which condition, with which call, by which lines.
func (d *Diff) details(g *diff.Group) []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	switch {
	case !g.Was.IsZero() && !g.Is.IsZero():
		add("- %s", g.Was)
		add("+ %s", g.Is)
	case !g.Was.IsZero():
		add("- %s", g.Was)
		add("+ %s", accessWords(g.To))
	case !g.Is.IsZero():
		add("%s -> %s", g.From, g.Is.When())
	default:
		add("%s -> %s", g.From, accessWords(g.To))
	}
	if g.Gained != nil {
		add("only now: %s", witnessWords(g.Gained))
	}
	if g.Lost != nil {
		add("no longer: %s", witnessWords(g.Lost))
	}
	if len(g.Open) > 0 {
		add("open: %s", strings.Join(g.Open, "; "))
	}
	if w := &g.Who; len(w.Principals) > 0 && (w.Role != "" || w.All || len(w.Principals) > namedAtMost) {
		text := names(w.Principals, namedAtMost*3)
		if len(list) == 1 && g.Was.IsZero() && g.Is.IsZero() {
			list[0] += "  (" + text + ")"
		} else {
			add("for %s", text)
		}
	}
	return list
}

func accessWords(access string) string {
	if access == matrix.Allowed.String() {
		return "always"
	}
	return access
}

func witnessWords(w *diff.Witness) string {
	var parts []string
	if w.Principal != nil {
		parts = append(parts, "principal "+principalJSON(w.Principal))
	}
	if w.Arguments != nil {
		parts = append(parts, jsonText(w.Arguments))
	}
	if !w.Now.IsZero() {
		parts = append(parts, "at "+w.Now.UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, ", ")
}

// principalJSON writes what a witness says of a principal.
func principalJSON(p *authz.Principal) string { return jsonText(witnessPrincipal(p)) }

func witnessPrincipal(p *authz.Principal) map[string]any {
	m := map[string]any{"roles": p.Roles}
	if p.ID != "" && p.ID != "anybody" {
		m["id"] = p.ID
	}
	if len(p.Attr) > 0 {
		m["attr"] = p.Attr
	}
	if len(p.AuxData) > 0 {
		m["auxData"] = map[string]any{"jwt": p.AuxData}
	}
	if len(p.JWTs) > 0 {
		m["auxData"] = map[string]any{"jwts": p.JWTs}
	}
	return m
}

// causeWords names a line that changed something.
func causeWords(c *diff.Cause) string {
	text := c.What
	if c.Rule != nil {
		effect := "allows it"
		if c.Rule.Effect == authz.Deny {
			effect = "denies it"
		}
		if c.Base {
			effect = map[string]string{"allows it": "allowed it", "denies it": "denied it"}[effect]
		}
		text = fmt.Sprintf("rule %q %s", c.Rule.Name, effect)
	}
	if c.Base {
		text += " at the base"
	}
	return text
}

// itemSentence says what changed of an item.
func itemSentence(x *diff.Item) string {
	name := x.Item.Type.String() + " " + x.Item.Name
	switch x.Change {
	case "added":
		text := name + " is new"
		if destructiveItem(x) {
			text += ", and destructive"
		}
		return text
	case "removed":
		if x.Like != nil {
			return name + " is gone; it looks like a rename to " + x.Like.Name
		}
		return name + " is gone"
	case "hints":
		return name + " has other hints: " + hintWords(x)
	case "schema":
		return name + " has another inputSchema"
	}
	return name + " has " + map[string]string{"description": "another description", "title": "another title", "tags": "other tags"}[x.Change]
}

func destructiveItem(x *diff.Item) bool {
	return x.Item.Type == authz.ToolItem && x.Item.Destructive() != 0
}

func hintWords(x *diff.Item) string {
	var parts []string
	was, is := &x.Before.Hints, &x.Item.Hints
	for _, h := range []struct {
		name    string
		was, is fmt.Stringer
	}{
		{"readOnlyHint", was.ReadOnly, is.ReadOnly},
		{"destructiveHint", was.Destructive, is.Destructive},
		{"idempotentHint", was.Idempotent, is.Idempotent},
		{"openWorldHint", was.OpenWorld, is.OpenWorld},
	} {
		if h.was.String() != h.is.String() {
			parts = append(parts, fmt.Sprintf("%s %s -> %s", h.name, h.was, h.is))
		}
	}
	return strings.Join(parts, ", ")
}

// laterSentence says what may be done with items that do not exist yet.
func laterSentence(x *diff.Future) string {
	var who []string
	if len(x.Principals) > 0 {
		who = append(who, names(x.Principals, namedAtMost))
	}
	if len(x.Roles) > 0 {
		who = append(who, everybodyWith(&diff.Who{Roles: x.Roles}))
	}
	what := operationWords(x.Operations) + " a " + x.Column.Item.Type.String() + " that does not exist yet, such as " + x.Column.Item.Name
	switch x.Kind {
	case diff.Widened:
		return conjoin(who) + " may " + what + ", once it does"
	case diff.Narrowed:
		return conjoin(who) + " may no longer " + what + ", once it does"
	case diff.Changed, diff.Unknown:
	}
	return "it is not the same for " + conjoin(who) + " to " + what
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
		list = append(list, &lint.Finding{Rule: overBudget, Family: "diff", Severity: authz.SeverityError, Message: text, Pos: d.Diff.Budget.Pos})
	}
	for i := range d.Diff.Items {
		x := &d.Diff.Items[i]
		f := &lint.Finding{
			Rule: inventoryChange, Family: "diff", Severity: authz.SeverityNote, Message: itemSentence(x), Server: x.Server.Name,
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
		f := &lint.Finding{Rule: accessLater, Family: "diff", Severity: authz.SeverityNote, Message: laterSentence(x), Server: x.Column.Server.Name}
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
