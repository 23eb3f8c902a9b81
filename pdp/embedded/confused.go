package embedded

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// Confused lists groups of rules, by their IDs, of which the engine keeps one
// condition for all, though they have different ones: which of them depends on
// the order in which policies happen to be loaded.
//
// Cerbos 0.55 stores what rules do by a hash, and the hash covers the
// expressions of a condition but not whether all, any or none of them have to
// be met. It is computed here as internal/ruletable/index does;
// TestConfused holds it to what the engine then decides.
func (e *Engine) Confused() [][]string {
	var groups [][]string
	for _, rows := range tables.Confused(e.tables.Rows) {
		var ids []string
		for _, r := range rows {
			ids = append(ids, tables.RuleID(r))
		}
		slices.Sort(ids)
		groups = append(groups, slices.Compact(ids))
	}
	slices.SortFunc(groups, slices.Compare)
	return slices.CompactFunc(groups, slices.Equal)
}
