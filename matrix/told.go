package matrix

import (
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pep"
)

// Told returns a matrix of which all cells are known already, as a report tells them: of
// returns the cell of a principal in a column. Principals with the same cells are a class.
// Nothing can be asked of it.
func Told(servers []*Server, principals []*authz.Principal, of func(*authz.Principal, *Column) *Cell) *Matrix {
	m := &Matrix{Servers: servers, input: &Input{Servers: servers}}
	for _, s := range servers {
		for _, item := range s.Inventory.Items {
			list := &Column{Index: len(m.Columns), Server: s, Item: item, Operation: authz.List, Question: pep.Question{}}
			use := &Column{Index: len(m.Columns) + 1, Server: s, Item: item, Operation: item.Type.Use(), Twin: list}
			list.Twin = use
			m.Columns = append(m.Columns, list, use)
		}
	}
	rows := map[string][]uint32{}
	keys := map[*authz.Principal]string{}
	for _, p := range principals {
		row := make([]uint32, len(m.Columns))
		var key strings.Builder
		for i, col := range m.Columns {
			row[i] = m.interned.add(of(p, col)) + 1
			key.WriteString(strconv.FormatUint(uint64(row[i]), 36) + " ")
		}
		rows[key.String()], keys[p] = row, key.String()
	}
	m.classes = NewClasses(func(p *authz.Principal) string { return keys[p] })
	for _, p := range principals {
		m.classes.add(p)
	}
	m.Classes = m.classes.sort()
	for _, c := range m.Classes {
		m.cells = append(m.cells, rows[keys[c.First()]])
	}
	return m
}
