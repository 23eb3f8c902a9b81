package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// An overview is one server's matrix in numbers: for each set of roles how many
// items its principals may list and use.
type overview struct {
	server     *matrix.Server
	principals int // that the filter chose
	classes    int // that these are in
	items      [4]int
	cells      [5]int // of all these principals, by matrix.Access
	groups     []*roleGroup
}

// A roleGroup is the principals with the same roles. They need not have the
// same access: a condition may tell them apart.
type roleGroup struct {
	roles      []string
	principals int
	kinds      [authz.Agent + 1]int // of the principals, how many are of each
	classes    int
	counts     [4][2]accessCount // by item type, and list or use
}

// An accessCount is how many items there is an access to, by matrix.Access:
// the least and the most of any principal of a group.
type accessCount [5]struct{ least, most int }

func newOverview(m *matrix.Matrix, s *matrix.Server, f *Filter) *overview {
	o := &overview{server: s}
	var columns []*matrix.Column
	for col := range m.ColumnsOf(s) {
		if f.column(col) {
			columns = append(columns, col)
		}
	}
	o.count(columns)
	byRoles := map[string]*roleGroup{}
	for _, c := range m.Classes {
		chosen := f.principals(c)
		n := len(chosen)
		if n == 0 || len(columns) == 0 {
			continue
		}
		roles := slices.Sorted(slices.Values(c.First().Roles))
		key := strings.Join(roles, "\x00")
		g := byRoles[key]
		if g == nil {
			g = &roleGroup{roles: roles}
			byRoles[key] = g
		}
		counts := o.row(m, c, columns, n, f)
		g.add(counts, n)
		for _, p := range chosen {
			g.kinds[p.Kind]++
		}
		o.principals += n
		o.classes++
	}
	o.groups = slices.SortedFunc(maps.Values(byRoles), func(a, b *roleGroup) int {
		return cmp.Or(cmp.Compare(b.principals, a.principals), slices.Compare(a.roles, b.roles))
	})
	return o
}

// count counts the items of columns.
func (o *overview) count(columns []*matrix.Column) {
	seen := map[*matrix.Column]bool{}
	for _, col := range columns {
		if !seen[col.Twin] {
			o.items[col.Item.Type]++
		}
		seen[col] = true
	}
}

// row counts the cells of a class of n principals.
func (o *overview) row(m *matrix.Matrix, c *matrix.Class, columns []*matrix.Column, n int, f *Filter) *[4][2][5]int {
	var counts [4][2][5]int
	for _, col := range columns {
		access := m.Cell(c, col).Access
		if !f.Only.has(access) {
			continue
		}
		op := 1
		if col.Operation == authz.List {
			op = 0
		}
		counts[col.Item.Type][op][access]++
		o.cells[access] += n
	}
	return &counts
}

// add adds a class of n principals to the group.
func (g *roleGroup) add(counts *[4][2][5]int, n int) {
	for t := range counts {
		for op := range counts[t] {
			for access, k := range counts[t][op] {
				of := &g.counts[t][op][access]
				if g.classes == 0 {
					of.least = k
				}
				of.least, of.most = min(of.least, k), max(of.most, k)
			}
		}
	}
	g.classes++
	g.principals += n
}

// who returns the heads of the columns about the principals of a group, and their
// values: how many there are, and of them agents and workloads where there are any.
func (o *overview) who() (heads []string, values func(*roleGroup) []string) {
	heads = []string{"principals"}
	var told []authz.Kind
	for _, k := range []authz.Kind{authz.Agent, authz.Workload} {
		if slices.ContainsFunc(o.groups, func(g *roleGroup) bool { return g.kinds[k] > 0 }) {
			told, heads = append(told, k), append(heads, kindName(k))
		}
	}
	return heads, func(g *roleGroup) []string {
		list := []string{fmt.Sprint(g.principals)}
		for _, k := range told {
			list = append(list, fmt.Sprint(g.kinds[k]))
		}
		return list
	}
}

// An overviewColumn is a column of numbers about items of one type.
type overviewColumn struct {
	typ    authz.ItemType
	op     int // 0 for list, 1 for use
	access matrix.Access
	head   string
}

// columns returns the columns that say anything: what is allowed, and what is
// conditional or unguarded where that occurs.
func (o *overview) columns(t authz.ItemType) []overviewColumn {
	var list []overviewColumn
	for op := range 2 {
		for _, a := range []matrix.Access{matrix.Allowed, matrix.Conditional, matrix.Unguarded} {
			some := slices.ContainsFunc(o.groups, func(g *roleGroup) bool { return g.counts[t][op][a].most > 0 })
			if !some && a != matrix.Allowed {
				continue
			}
			head := operation(t, op).String()
			switch a {
			case matrix.Conditional:
				head += " if"
			case matrix.Unguarded:
				head += " unguarded"
			case matrix.Allowed, matrix.Denied, matrix.Refused:
			}
			list = append(list, overviewColumn{t, op, a, head})
		}
	}
	return list
}

// legend explains the columns of some item types, or is "".
func (o *overview) legend() string {
	for _, g := range o.groups {
		for _, counts := range g.counts {
			if counts[0][matrix.Conditional].most+counts[1][matrix.Conditional].most > 0 {
				return "if: on a condition, for arguments that meet it"
			}
		}
	}
	return ""
}

// value returns the number of a group in a column: 5, or 3-5 where its
// principals differ.
func (c overviewColumn) value(g *roleGroup) string {
	n := g.counts[c.typ][c.op][c.access]
	if n.least != n.most {
		return fmt.Sprintf("%d-%d", n.least, n.most)
	}
	return fmt.Sprint(n.most)
}

// describe says in one line what an overview is of.
func (o *overview) describe() string {
	parts := []string{o.server.Profile.Name}
	for _, t := range authz.ItemTypes() {
		if o.items[t] > 0 {
			parts = append(parts, count(o.items[t], typeName(t)))
		}
	}
	return strings.Join(append(parts, count(o.principals, "principal")+" in "+count(o.classes, "class")), ", ")
}

// cellWords says how many cells there are of each access.
func (o *overview) cellWords() string {
	var parts []string
	total := 0
	for _, a := range []matrix.Access{matrix.Allowed, matrix.Conditional, matrix.Denied, matrix.Refused, matrix.Unguarded} {
		if n := o.cells[a]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, a))
			total += n
		}
	}
	return count(total, "cell") + ": " + strings.Join(parts, ", ")
}

// overviews returns those of all servers that the filter leaves anything of.
func overviews(m *matrix.Matrix, f *Filter) []*overview {
	var list []*overview
	for _, s := range m.Servers {
		if o := newOverview(m, s, f); o.principals > 0 {
			list = append(list, o)
		}
	}
	return list
}

// manyRoleGroups is how many sets of roles text and Markdown show.
const manyRoleGroups = 40

func (o *overview) shown(all bool) (groups []*roleGroup, left string) {
	if len(o.groups) <= manyRoleGroups || all {
		return o.groups, ""
	}
	people := 0
	for _, g := range o.groups[manyRoleGroups:] {
		people += g.principals
	}
	return o.groups[:manyRoleGroups], fmt.Sprintf("%s not shown, of %s: --all shows them, --role chooses some",
		count(len(o.groups)-manyRoleGroups, "more set")+" of roles", count(people, "principal"))
}
