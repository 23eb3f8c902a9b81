package matrix

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// Through returns the tools through which a class reaches a call that it may not make, or not
// always: those that it may call and that call the tool by name, without the enforcement
// point being asked again.
func (m *Matrix) Through(c *Class, col *Column) []*manifest.Item {
	if col.Operation != authz.Call || len(col.Server.MetaTools) == 0 {
		return nil
	}
	if a := m.Cell(c, col).Access; a == Allowed || a == Unguarded {
		return nil
	}
	var list []*manifest.Item
	for i := range col.Server.MetaTools {
		meta := &col.Server.MetaTools[i]
		if of := m.use(col.Server, meta.Item); of != nil && meta.Calls(col.Item.Name) && m.Cell(c, of).Access.Possible() {
			list = append(list, meta.Item)
		}
	}
	return list
}

// use returns the column of the use of an item.
func (m *Matrix) use(s *Server, item *manifest.Item) *Column {
	for col := range m.ColumnsOf(s) {
		if col.Item == item && col.Operation == item.Type.Use() {
			return col
		}
	}
	return nil
}
