package embedded

import (
	"context"
	"maps"
	"path"
	"runtime"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// A file that says something else may change any of the rows: of its own policy, or of those
// that import what it defines. So the policies are compiled with it, and the rows that are
// not the same are the change.

// rewrite puts what becomes of the changes that are of whole files into a list.
func (e *Engine) rewrite(ctx context.Context, changes []pdp.Change, changed []*pdp.Changed) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range changes {
		if changes[i].File != "" {
			g.Go(func() error {
				changed[i] = e.rewritten(ctx, &changes[i])
				return ctx.Err()
			})
		}
	}
	return g.Wait()
}

// rewritten returns what becomes of the engine if a file says something else; nil if the
// policies do not compile then, or if more than rows would be another.
func (e *Engine) rewritten(ctx context.Context, change *pdp.Change) *pdp.Changed {
	name := strings.TrimPrefix(change.File, path.Clean(e.options.Prefix)+"/")
	table, err := tables.CompileWith(ctx, e.source, name, change.Content)
	if err != nil || !maps.EqualFunc(table.ScopeParentRoles, e.tables.Base.ScopeParentRoles, func(a, b *runtimev1.RuleTable_RoleParentRoles) bool { return proto.Equal(a, b) }) {
		return nil
	}
	tables.SetOutputs(table.Rules)
	if !maps.Equal(origins(table.Rules), origins(e.tables.Rows)) {
		return nil // that a policy is there has a say in itself
	}
	before, after := apartBy(e.tables.Rows, table.Rules, e.changing.identities, tables.Identities(table.Rules))
	return e.changed(before, after, tables.DefinedEffects)
}

// origins returns the policies that rows are of.
func origins(rows []*runtimev1.RuleTable_RuleRow) map[string]bool {
	of := map[string]bool{}
	for _, row := range rows {
		of[row.OriginFqn] = true
	}
	return of
}

// apartBy returns the rows of two lists that are in one of them only, by the keys of each.
func apartBy(a, b []*runtimev1.RuleTable_RuleRow, keysA, keysB []string) (onlyA, onlyB []*runtimev1.RuleTable_RuleRow) {
	only := func(list []*runtimev1.RuleTable_RuleRow, keys, other []string) []*runtimev1.RuleTable_RuleRow {
		count := make(map[string]int, len(other))
		for _, k := range other {
			count[k]++
		}
		var rows []*runtimev1.RuleTable_RuleRow
		for i, k := range keys {
			if count[k]--; count[k] < 0 {
				rows = append(rows, list[i])
			}
		}
		return rows
	}
	return only(a, keysA, keysB), only(b, keysB, keysA)
}
