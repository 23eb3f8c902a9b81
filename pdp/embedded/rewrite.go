package embedded

import (
	"context"
	"maps"
	"path"
	"runtime"
	"slices"
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
	before, after := apartBy(tables.IdentityOf, e.tables.Rows, table.Rules)
	return e.changed(before, after, tables.DefinedEffectOf)
}

// origins returns the policies that rows are of.
func origins(rows []*runtimev1.RuleTable_RuleRow) map[string]bool {
	of := map[string]bool{}
	for _, row := range rows {
		of[row.OriginFqn] = true
	}
	return of
}

// apartBy returns the rows of two lists that are in one of them only, by a key.
func apartBy(key func(*runtimev1.RuleTable_RuleRow) string, a, b []*runtimev1.RuleTable_RuleRow) (onlyA, onlyB []*runtimev1.RuleTable_RuleRow) {
	only := func(list, other []*runtimev1.RuleTable_RuleRow) []*runtimev1.RuleTable_RuleRow {
		count := map[string]int{}
		for _, row := range other {
			count[key(row)]++
		}
		return slices.DeleteFunc(slices.Clone(list), func(row *runtimev1.RuleTable_RuleRow) bool {
			k := key(row)
			count[k]--
			return count[k] >= 0
		})
	}
	return only(a, b), only(b, a)
}
