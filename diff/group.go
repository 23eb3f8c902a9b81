package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// A Group is changes that people read as one: the same happens to the same principals in
// several cells of a server.
type Group struct {
	Comparison // of the first cell
	Who        Who
	Server     string
	Uses       []Use
	From, To   string          // as [Access] has it
	Was, Is    authz.Condition // of conditional ones
	Causes     []Cause
}

// Who is who gains or loses.
type Who struct {
	Principals []*authz.Principal // declared ones, sorted; none for everybody by role
	Role       string             // that exactly these principals have, or ""
	All        bool               // these are all that are declared
	Roles      []string           // of changes for everybody by role; "*" for any other role
	ID         string             // of whom alone it is said, or ""
}

// A Use is operations on one item.
type Use struct {
	Column     *matrix.Column // of the first operation
	Operations []authz.Operation
	New, Gone  bool // the item is
}

// Access names what a cell is: denied, allowed, conditional, unguarded, or absent.
func Access(cell *matrix.Cell) string {
	if cell == nil {
		return "absent"
	}
	return cell.Access.String()
}

// Groups returns the changes in groups: gains first, and of those what is destroyed first,
// then those of agents.
func (r *Result) Groups() []Group {
	g := grouping{roles: map[string]int{}, index: map[string]int{}, fresh: map[columnKey]string{}}
	for _, x := range r.Items {
		if x.Change == "added" || x.Change == "removed" {
			g.fresh[columnKey{x.Server.Name, x.Item.Type, x.Item.Name, authz.List}] = x.Change
		}
	}
	if r.Head != nil {
		for p := range r.Head.Principals() {
			g.all++
			for _, role := range p.Roles {
				g.roles[role]++
			}
		}
	}
	for i := range r.Cells {
		x := &r.Cells[i]
		who := Who{Principals: x.Principals, All: len(x.Principals) == g.all && g.all > 1}
		if !slices.ContainsFunc(x.Causes, func(c Cause) bool { return strings.HasPrefix(c.What, "principal ") }) {
			who.Role = g.roleOf(x.Principals)
		}
		g.add(&x.Comparison, who, x.Column, x.Base, x.Head, x.Causes)
	}
	for _, x := range byRoles(r.Roles) {
		g.add(&x.Comparison, Who{Roles: x.Roles, ID: x.ID}, x.Column, x.Base, x.Head, x.Causes)
	}
	slices.SortStableFunc(g.list, func(a, b Group) int { return cmp.Compare(a.rank(), b.rank()) })
	return g.list
}

// rank sorts groups: small ones first.
func (g *Group) rank() int {
	n := slices.Index([]Kind{Widened, Changed, Unknown, Narrowed}, g.Kind) * 8
	if g.To != matrix.Unguarded.String() {
		n += 4
	}
	if !g.Destructive() {
		n += 2
	}
	if !slices.ContainsFunc(g.Who.Principals, func(p *authz.Principal) bool { return p.Kind == authz.Agent }) {
		n++
	}
	return n
}

// Destructive reports whether the group is about the use of an item that may destroy something.
func (g *Group) Destructive() bool {
	return slices.ContainsFunc(g.Uses, func(u Use) bool {
		return destructive(u.Column.Item) && slices.ContainsFunc(u.Operations, func(o authz.Operation) bool { return o != authz.List })
	})
}

// byRoles joins entries that say the same of different roles of one column.
func byRoles(list []Role) []Role {
	var joined []Role
	index := map[string]int{}
	for _, x := range list {
		key := fmt.Sprintf("%p %s %d %s %s %s", x.Column, x.ID, x.Kind, Access(x.Base), Access(x.Head), conditions(x.Base, x.Head))
		name := strings.Join(x.Roles, " with ")
		if i, known := index[key]; known {
			if !slices.Contains(joined[i].Roles, name) {
				joined[i].Roles = append(joined[i].Roles, name)
			}
			joined[i].Causes = distinct(append(joined[i].Causes, x.Causes...))
			continue
		}
		index[key] = len(joined)
		x.Roles = []string{name}
		joined = append(joined, x)
	}
	return joined
}

func conditions(base, head *matrix.Cell) string {
	text := ""
	for _, cell := range []*matrix.Cell{base, head} {
		if cell != nil {
			text += cell.Condition.Key()
		}
		text += "\x00"
	}
	return text
}

type grouping struct {
	list  []Group
	index map[string]int
	roles map[string]int       // how many declared principals have each
	fresh map[columnKey]string // items that came or went
	all   int
}

// roleOf returns the role that exactly some declared principals have, or "".
func (g *grouping) roleOf(list []*authz.Principal) string {
	var found []string
	for _, role := range list[0].Roles {
		if g.roles[role] == len(list) && !slices.ContainsFunc(list, func(p *authz.Principal) bool { return !slices.Contains(p.Roles, role) }) {
			found = append(found, role)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}

func (g *grouping) add(x *Comparison, who Who, col *matrix.Column, base, head *matrix.Cell, causes []Cause) {
	var key strings.Builder
	fmt.Fprintf(&key, "%s %d %s %s %s", col.Server.Name, x.Kind, Access(base), Access(head), conditions(base, head))
	for _, p := range who.Principals {
		key.WriteString("\x00" + p.Key)
	}
	fmt.Fprintf(&key, "\x01%q %q", who.Roles, who.ID)
	i, known := g.index[key.String()]
	if !known {
		i = len(g.list)
		g.index[key.String()] = i
		one := Group{Comparison: *x, Who: who, Server: col.Server.Name, From: Access(base), To: Access(head)}
		if base != nil {
			one.Was = base.Condition
		}
		if head != nil {
			one.Is = head.Condition
		}
		g.list = append(g.list, one)
	}
	of := &g.list[i]
	of.Causes = distinct(append(of.Causes, causes...))
	if n := len(of.Uses); n > 0 && of.Uses[n-1].Column.Item == col.Item {
		of.Uses[n-1].Operations = append(of.Uses[n-1].Operations, col.Operation)
		return
	}
	item := columnKey{col.Server.Name, col.Item.Type, col.Item.Name, authz.List}
	of.Uses = append(of.Uses, Use{Column: col, Operations: []authz.Operation{col.Operation}, New: g.fresh[item] == "added", Gone: g.fresh[item] == "removed"})
}
