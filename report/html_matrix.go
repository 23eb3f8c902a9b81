package report

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report/page"
)

// mostSource is how many lines of a rule a page shows.
const mostSource = 60

// matrix writes servers, items, classes and what they may do. A filter chooses among
// items and principals; of those that are chosen all is there, for a page that left
// accesses out would look as if there were none.
func (b *pageBuilder) matrix() {
	m, f := b.d.Matrix, b.o.filter()
	var columns []*matrix.Column // of lists; their twins are the uses
	for i, s := range m.Servers {
		b.data.Servers = append(b.data.Servers, page.Server{Name: s.Name, Profile: s.Profile.Name})
		for col := range m.ColumnsOf(s) {
			if col.Operation == authz.List && (f.column(col) || f.column(col.Twin)) {
				columns = append(columns, col)
				b.item(i, col)
			}
		}
	}
	c := &cellTable{page: b, cells: map[Witnessed]knownCell{}, said: map[string]int{}, variants: map[[2]int]int{}, rows: map[string]int{}, open: map[Witnessed]bool{}}
	for _, t := range sortedClasses(m, f) {
		j := b.class(t)
		j.Row, j.Conditions = c.row(m, t.class, columns)
		b.data.Classes = append(b.data.Classes, j)
	}
	b.byRole()
}

func (b *pageBuilder) item(server int, col *matrix.Column) {
	it := col.Item
	risk, from := it.Risk()
	key := pageItem{col.Server.Name, it.Name, it.Type}
	if _, twice := b.items[key]; !twice {
		b.items[key] = len(b.data.Items)
	}
	b.data.Items = append(b.data.Items, page.Item{
		Server: server, Type: it.Type.String(), Name: it.Name, Title: it.Title, Description: shortened(it.Description),
		Use: it.Type.Use().String(), Risk: risk.String(), RiskSource: from.String(), Tags: it.Tags, At: b.at(it.Pos), Roles: -1,
	})
}

// mostDescription is how much of a description a page has, in runes.
const mostDescription = 400

func shortened(s string) string {
	runes := []rune(strings.TrimSpace(s))
	if len(runes) <= mostDescription {
		return string(runes)
	}
	return string(runes[:mostDescription]) + " ..."
}

func (b *pageBuilder) class(t classTable) page.Class {
	first := t.class.First()
	j := page.Class{Names: t.keys, Size: len(t.keys), Kind: first.Kind.String(), Roles: first.Roles}
	for _, p := range t.class.Principals {
		if p.OnBehalfOf != "" && !slices.Contains(j.ActFor, p.OnBehalfOf) && slices.Contains(t.keys, p.Key) {
			j.ActFor = append(j.ActFor, p.OnBehalfOf)
		}
	}
	if b.o.Nameless {
		for i, key := range j.ActFor {
			j.ActFor[i] = b.text(key)
		}
		if first.Kind == authz.Human {
			j.Names = nil
		}
		return j
	}
	for _, key := range sortedKeys(first.Attr) {
		j.Attr = append(j.Attr, [2]string{key, jsonText(first.Attr[key])})
	}
	return j
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// A cellTable numbers cells, pairs of them and rows.
type cellTable struct {
	page     *pageBuilder
	cells    map[Witnessed]knownCell
	said     map[string]int // what cells say, but for their conditions
	variants map[[2]int]int
	rows     map[string]int
	open     map[Witnessed]bool // conditional uses whose witnesses are written
}

// A knownCell is a cell whose condition is among all; what it says is a key.
type knownCell struct {
	page.Cell
	says string
}

// row returns the number of a class's row, and its conditions.
func (c *cellTable) row(m *matrix.Matrix, class *matrix.Class, columns []*matrix.Column) (n int, conditions []int) {
	row := make([]int, len(columns))
	key := make([]byte, 0, 4*len(columns))
	local := map[int]int{}
	number := func(w Witnessed) int {
		known := c.cell(w)
		if by := through(m, class, w.Column); by != "" {
			known.Reason = c.page.text(strings.Join(slices.DeleteFunc([]string{known.Reason, by}, func(s string) bool { return s == "" }), "; "))
			known.says += by
		}
		if known.Condition >= 0 {
			at, ok := local[known.Condition]
			if !ok {
				at = len(conditions)
				local[known.Condition] = at
				conditions = append(conditions, known.Condition)
			}
			known.Condition = at
		}
		return c.number(known)
	}
	for i, col := range columns {
		use := Witnessed{col.Twin, m.Cell(class, col.Twin)}
		pair := [2]int{number(Witnessed{col, m.Cell(class, col)}), number(use)}
		c.witness(i, use)
		v, ok := c.variants[pair]
		if !ok {
			v = len(c.page.data.Variants)
			c.variants[pair] = v
			c.page.data.Variants = append(c.page.data.Variants, pair)
		}
		row[i] = v
		key = binary.LittleEndian.AppendUint32(key, uint32(v)) //nolint:gosec // an index
	}
	n, ok := c.rows[string(key)]
	if !ok {
		n = len(c.page.data.Rows)
		c.rows[string(key)] = n
		c.page.data.Rows = append(c.page.data.Rows, row)
	}
	return n, conditions
}

// cell returns what a cell says.
func (c *cellTable) cell(w Witnessed) knownCell {
	cell := w.Cell
	if cell.Access != matrix.Conditional {
		w.Column = nil // it reads the same everywhere
	}
	if known, ok := c.cells[w]; ok {
		return known
	}
	known := knownCell{Cell: page.Cell{Access: int(cell.Access), Condition: -1, Reason: c.page.text(cell.Reason())}}
	if cell.Access == matrix.Refused {
		known.Access, known.Refused = page.Denied, page.RefusedSomehow
		if cell.Refusal != nil { // which reports that tell no code do not have
			known.Refused = cell.Refusal.Code
		}
	}
	for _, r := range cell.Decisive() {
		known.Rules = append(known.Rules, c.page.rule(r))
	}
	known.says = jsonText(known.Cell)
	if cell.Access == matrix.Conditional {
		shorter, ok := c.page.details.Shorter[w]
		if !ok {
			shorter = cell.Condition
		}
		known.Condition = c.page.condition(shorter)
	}
	c.cells[w] = known
	return known
}

// number returns the number of a cell whose condition is among those of a class.
func (c *cellTable) number(k knownCell) int {
	key := strconv.Itoa(k.Condition) + k.says
	i, ok := c.said[key]
	if !ok {
		i = len(c.page.data.Cells)
		c.said[key] = i
		c.page.data.Cells = append(c.page.data.Cells, k.Cell)
	}
	return i
}

// witness writes the calls that are known of a use of an item.
func (c *cellTable) witness(item int, w Witnessed) {
	found, known := c.page.details.Witnesses[w]
	if !known || c.open[w] {
		return
	}
	c.open[w] = true
	cell := c.cell(w)
	c.page.data.Witnesses = append(c.page.data.Witnesses, page.Witness{
		Item: item, Condition: cell.Condition, Rules: cell.Rules, Allows: c.page.call(found.Allows), Refuses: c.page.call(found.Refuses),
	})
}

// call returns the number of a call's arguments, or -1 where there is no call.
func (b *pageBuilder) call(arguments map[string]any) int {
	if arguments == nil {
		return -1
	}
	return numbered(b.calls, &b.data.Calls, b.text(jsonText(arguments)))
}

// numbered returns the index of a text in a list of different ones.
func numbered(index map[string]int, list *[]string, text string) int {
	i, ok := index[text]
	if !ok {
		i = len(*list)
		index[text] = i
		*list = append(*list, text)
	}
	return i
}

func (b *pageBuilder) condition(c authz.Condition) int {
	text := b.text(c.String())
	if text == "" {
		return -1
	}
	return numbered(b.conditions, &b.data.Conditions, text)
}

func (b *pageBuilder) rule(r matrix.Rule) int {
	key := r.ID + "\x00" + b.at(r.Pos)
	i, ok := b.rules[key]
	if ok {
		return i
	}
	i = len(b.data.Rules)
	b.rules[key] = i
	j := page.Rule{ID: r.ID, Name: firstOf(r.Name, r.ID), Effect: r.Effect.String(), File: r.Pos.File, Line: r.Pos.Line}
	if r.Syntax != nil {
		j.Source = b.lines(r.Pos.File, r.Pos.Line, min(r.Syntax.End.Line, r.Pos.Line+mostSource-1))
	}
	b.data.Rules = append(b.data.Rules, j)
	return i
}

// byRole writes who may use what by role.
func (b *pageBuilder) byRole() {
	answers := map[string]int{}
	for i := range b.details.ByRole {
		a := &b.details.ByRole[i]
		at := b.itemOf(a.Column.Server.Name, a.Column.Item.Type, a.Column.Item.Name)
		if at < 0 {
			continue
		}
		j := page.RoleAnswer{Roles: []page.RoleAccess{}}
		for _, h := range a.ByRole {
			r := page.RoleAccess{Role: h.Role, Access: int(h.Access), Condition: -1, Held: h.Held}
			if h.Access == matrix.Conditional {
				r.Condition = b.condition(h.Condition)
			}
			j.Roles = append(j.Roles, r)
		}
		if n := len(a.ByRole); n > 0 && a.ByRole[n-1].Role == "*" && len(a.DeniedRoles) > 0 {
			j.Notes = append(j.Notes, someOf(a.DeniedRoles, true)+" may not")
		}
		if len(a.Exceptions) > 0 {
			j.Notes = append(j.Notes, b.text("principal policies decide first for "+someOf(a.Exceptions, false)))
		}
		if len(a.Unanswered) > 0 {
			j.Notes = append(j.Notes, "not known for "+someOf(a.Unanswered, false))
		}
		key := jsonText(j)
		n, ok := answers[key]
		if !ok {
			n = len(b.data.ByRole)
			answers[key] = n
			b.data.ByRole = append(b.data.ByRole, j)
		}
		b.data.Items[at].Roles = n
	}
}
