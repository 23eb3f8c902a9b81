package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/matrix"
)

// manyPeople is how many principals the text of a review lists.
const manyPeople = 40

// ReviewText writes a review in short: what it holds for, how much each principal is
// granted, and what changed since the last review. The grants themselves are in the other
// formats.
func ReviewText(w io.Writer, r *Review, o Options) error {
	p := newPrinter(w, o)
	p.paragraph(strong, r.total())
	p.blank()
	for _, f := range r.facts() {
		for i, text := range wrap(p.text(f[1]), max(p.prose-13, 72)) {
			l := p.line()
			if i == 0 {
				l.add(faint, f[0])
			}
			l.to(13).sign(plain, text).end()
		}
	}
	p.blank()
	p.reviewPeople(r, o.All)
	if r.Changes != nil {
		p.blank()
		p.paragraph(strong, "since "+r.Changes.Base+": "+r.Changes.words())
		p.blank()
		p.writeDiff(&Document{Diff: r.Changes})
	}
	for _, n := range (&Document{Notes: r.Notes}).notes() {
		p.writeNote(n)
	}
	return p.w.Flush()
}

// total says how much is granted.
func (r *Review) total() string {
	principals, conditional, destructive, reviewed := map[string]bool{}, 0, 0, 0
	for i := range r.Grants {
		g := &r.Grants[i]
		principals[g.Principal.Key] = true
		if g.Cell.Access == matrix.Conditional {
			conditional++
		}
		if g.destructive() {
			destructive++
		}
		if len(g.Reviewed) > 0 {
			reviewed++
		}
	}
	return fmt.Sprintf("%s to %s: %d conditional, %d to use a destructive tool, %d accepted by a waiver or the lock",
		count(len(r.Grants), "grant"), count(len(principals), "principal"), conditional, destructive, reviewed)
}

// reviewPeople writes a line for each principal.
func (p *printer) reviewPeople(r *Review, all bool) {
	people := 0
	for i := 0; i < len(r.Grants); {
		end := i
		for end < len(r.Grants) && r.Grants[end].Principal == r.Grants[i].Principal {
			end++
		}
		if people++; all || people <= manyPeople {
			p.reviewed(r.Grants[i:end])
		}
		i = end
	}
	if more := people - manyPeople; more > 0 && !all {
		p.line().add(faint, fmt.Sprintf("and %s (--all)", count(more, "other principal"))).end()
	}
}

// reviewed writes what one principal is granted.
func (p *printer) reviewed(grants []Grant) {
	who := grants[0].Principal
	p.line().add(strong, who.Key).add(faint, "  "+strings.Join(who.Roles, ", ")).end()
	conditional, destroys := 0, []string{}
	since := map[string]int{}
	var order []string
	for i := range grants {
		g := &grants[i]
		if g.Cell.Access == matrix.Conditional {
			conditional++
		}
		if name := g.Column.Item.Name; g.destructive() && !slices.Contains(destroys, name) {
			destroys = append(destroys, name)
		}
		if text := g.sinceWords(); text != "" {
			if since[text]++; since[text] == 1 {
				order = append(order, text)
			}
		}
	}
	say := func(text string) {
		for _, part := range wrap(p.text(text), p.prose-2) {
			p.line().to(2).sign(plain, part).end()
		}
	}
	say(fmt.Sprintf("%s, %d conditional", count(len(grants), "grant"), conditional))
	if len(destroys) > 0 {
		say("may use what destroys: " + list3(destroys))
	}
	for _, text := range order {
		say(fmt.Sprintf("%d since %s", since[text], text))
	}
}

// sinceWords says since when, with the day and whose commit it was.
func (g *Grant) sinceWords() string {
	s := g.Since
	if s == nil {
		return ""
	}
	text := s.String()
	if s.Commit == "" {
		return "the working tree: " + text
	}
	if !s.Time.IsZero() {
		text += " of " + s.Time.UTC().Format("2006-01-02")
	}
	if s.Author != "" {
		text += " by " + s.Author
	}
	return text
}
