package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
)

// list connects and reads all lists. A client without a good token may be
// turned away at any point.
func (p *prober) list(ctx context.Context, c *connectedClient) error {
	s, err := p.in.Dial(ctx, c.Client)
	switch {
	case err != nil && c.Principal == nil && rejected(err):
		p.answered(c, matrix.Denied, false, false)
		return nil
	case err != nil:
		return err
	}
	c.session = s
	for _, t := range authz.ItemTypes() {
		l, err := s.List(ctx, t)
		if err != nil && !p.refuses(c, t, err) {
			return err
		}
		c.lists[t] = l
	}
	return nil
}

// refuses reports whether an error refuses a list. What was shown before it was
// shown all the same.
func (p *prober) refuses(c *connectedClient, t authz.ItemType, err error) bool {
	if c.Principal == nil {
		return rejected(err)
	}
	v, err := p.verdict(pep.Endpoint(t, authz.List), c, nil, err)
	return err == nil && v.Verdict == pep.Refused
}

func (c *connectedClient) listed() bool { return c.lists[authz.TemplateItem] != nil }

func (c *connectedClient) sees(t authz.ItemType, name string) bool {
	return slices.ContainsFunc(c.lists[t].Items, func(i live.Item) bool { return i.Name == name })
}

// compareLists holds what everybody was shown against the matrix.
func (p *prober) compareLists() {
	unknown := map[itemKey][]string{}
	for _, c := range p.clients {
		if !c.listed() {
			continue
		}
		for _, t := range authz.ItemTypes() {
			if c.Principal == nil {
				p.compareOutsider(c, t)
				continue
			}
			names := c.lists[t].Names()
			slices.Sort(names)
			for _, name := range slices.Compact(names) {
				if key := (itemKey{t, name}); p.items[key] == nil && p.chosen(name) {
					unknown[key] = append(unknown[key], c.Principal.Key)
				}
			}
		}
	}
	for key, who := range unknown {
		p.report(Drift{
			Kind: UnknownItem, Server: p.in.Server.Name, Type: key.of, Name: key.name, Operation: authz.List, Pos: p.in.Server.Inventory.Pos,
			Message:  fmt.Sprintf("the server lists %s %s, which the inventory does not have", typeName(key.of), key.name),
			Expected: "not in the inventory", Answered: "shown to " + some(who),
		})
	}
	for col := range p.in.Matrix.ColumnsOf(p.in.Server) {
		if col.Operation == authz.List && p.chosen(col.Item.Name) {
			p.compareItem(col)
		}
	}
}

// compareOutsider holds a list against the rule that a client without a good
// token gets nothing.
func (p *prober) compareOutsider(c *connectedClient, t authz.ItemType) {
	names := c.lists[t].Names()
	p.answered(c, matrix.Denied, false, false)
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	names = slices.Compact(names)
	p.report(Drift{
		Kind: c.outsider(), Server: p.in.Server.Name, Operation: authz.List, Pos: p.in.Server.Inventory.Pos,
		Message:  fmt.Sprintf("%s is shown %s %s", c, plural(len(names), typeName(t)), some(names)),
		Expected: "nothing", Answered: some(names),
	})
}

func (c *connectedClient) outsider() Kind {
	if c.WrongToken {
		return WrongToken
	}
	return Unauthenticated
}

// compareItem holds who is shown an item against who should be.
func (p *prober) compareItem(col *matrix.Column) {
	var missing []*connectedClient
	var who []string
	seen := false
	for _, c := range p.clients {
		if c.Principal == nil || !c.listed() {
			continue
		}
		cell := p.in.Matrix.Cell(p.in.Matrix.ClassOf(c.Principal.Key), col)
		shown := c.sees(col.Item.Type, col.Item.Name)
		seen = seen || shown
		p.answered(c, cell.Access, shown, false)
		switch {
		case shown && !cell.Access.Possible():
			d := p.drift(ShownButDenied, c, col, cell)
			d.Message = fmt.Sprintf("the server shows %s %s, which the matrix denies", c, col.Item.Name)
			d.Expected, d.Answered = "denied", "shown"
			p.report(d)
		case !shown && (cell.Access == matrix.Allowed || cell.Access == matrix.Unguarded):
			missing, who = append(missing, c), append(who, c.Principal.Key)
		}
	}
	if !seen && (len(missing) > 1 || len(missing) == 1 && p.profile.Filter(col.Item.Type) == authz.FilterNone) {
		d := p.drift(ItemGone, nil, col, nil)
		d.Message = fmt.Sprintf("nobody is shown %s, which the inventory has: the server has it no more, or hides it", col.Item.Name)
		d.Expected, d.Answered = "shown to "+some(who), "shown to nobody"
		p.report(d)
		return
	}
	for _, c := range missing {
		cell := p.in.Matrix.Cell(p.in.Matrix.ClassOf(c.Principal.Key), col)
		d := p.drift(HiddenButAllowed, c, col, cell)
		d.Message = fmt.Sprintf("the server does not show %s %s, which the matrix says is %s", c, col.Item.Name, cell.Access)
		d.Expected, d.Answered = cell.Access.String(), "not shown"
		if !seen {
			d.Answered = "shown to nobody"
		}
		p.report(d)
	}
}

// maxNamed is how many names a message has.
const maxNamed = 10

func some(names []string) string {
	slices.Sort(names)
	if len(names) > maxNamed {
		return strings.Join(names[:maxNamed], ", ") + fmt.Sprintf(" and %d more", len(names)-maxNamed)
	}
	return strings.Join(names, ", ")
}

func typeName(t authz.ItemType) string {
	return [...]string{"tool", "prompt", "resource", "template"}[t]
}

func plural(n int, noun string) string {
	if n == 1 {
		return "the " + noun
	}
	return fmt.Sprintf("%d %ss:", n, noun)
}
