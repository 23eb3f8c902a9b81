package embedded

import (
	"slices"
	"sync"

	"github.com/mcpolicy/mcpolicy/authz"
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
	for _, rows := range e.hashes().Confused() {
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

// ByChance reports whether a request may be decided by one of the rules that are confused.
func (e *Engine) ByChance(r *authz.Request) bool { return e.mayReachAny(e.confusedRows(), r) }

// A confusion is what an engine knows of the rules that it confuses.
type confusion struct {
	once   sync.Once
	hashes *tables.Hashing
	rows   []target
}

func (c *confusion) of(e *Engine) *confusion {
	c.once.Do(func() {
		c.hashes = tables.HashesOf(e.tables.Rows)
		c.rows = targetsOf(slices.Concat(c.hashes.Confused()...))
	})
	return c
}

func (e *Engine) hashes() *tables.Hashing { return e.confusion.of(e).hashes }

// confusedRows returns the rows of rules that are confused, in any order.
func (e *Engine) confusedRows() []target { return e.confusion.of(e).rows }
