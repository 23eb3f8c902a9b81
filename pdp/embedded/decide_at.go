package embedded

import (
	"context"
	"fmt"
	"time"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// DecideAt is Decide at another time. Calls wait for each other.
func (e *Engine) DecideAt(ctx context.Context, now time.Time, requests []authz.Request) ([]authz.Decision, error) {
	e.elsewhen.Lock()
	defer e.elsewhen.Unlock()
	if e.later == nil {
		later, err := e.again()
		if err != nil {
			return nil, fmt.Errorf("load policies for another time: %w", err)
		}
		e.later = later
	}
	e.later.options.Now = now
	for _, s := range e.later.solvers {
		clear(s.known.known) // what expressions came to at the time before
	}
	return e.later.Decide(ctx, requests)
}

// again returns an engine of the same policies and options, with a clock of
// its own.
func (e *Engine) again() (*Engine, error) {
	return e.withRows(func(*runtimev1.RuleTable_RuleRow) bool { return true })
}

// withRows returns an engine of some of the rows of this one, and of the same options.
func (e *Engine) withRows(keep func(*runtimev1.RuleTable_RuleRow) bool) (*Engine, error) {
	if e.reach.narrow {
		of := newEngine(e.options, e.tables.Some(keep), e.tables.Whole(e.schemas.table), e)
		return of, of.loadNarrow(e.reach.again())
	}
	table := e.tables.Copied(keep, e.schemas.table)
	of := newEngine(e.options, tables.New(table), table, e)
	return of, of.load(table)
}
