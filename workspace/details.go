package workspace

import (
	"context"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
)

// mostWitnessed bounds the cells that calls are looked for, and with them the time
// that a page takes.
const mostWitnessed = 1000

// Details looks up what only a page shows of a decided matrix: the texts of the
// policies, calls on either side of conditions, and who may do what by role. By role
// it goes by the embedded engine, so of a running PDP that is left out.
func (w *Workspace) Details(ctx context.Context, m *matrix.Matrix) (*report.Details, error) {
	_, end := w.o.Progress.begin("looking up what the page shows")
	defer end()
	d := &report.Details{Sources: w.sources(), Engine: engineName(), Now: w.o.Now}
	var err error
	if d.Shorter, err = w.shorter(ctx, m); err != nil {
		return nil, err
	}
	if d.Witnesses, err = w.witnesses(ctx, m); err != nil {
		return nil, err
	}
	if w.remote != nil {
		d.Engine = "a running PDP"
		return d, nil
	}
	var uses []*matrix.Column
	for _, c := range m.Columns {
		if c.Operation != authz.List {
			uses = append(uses, c)
		}
	}
	if d.ByRole, err = explain.WhoCan(ctx, m, w.Engine, w.Policies, uses); err != nil {
		return nil, err
	}
	return d, w.simplifyAnswers(ctx, d.ByRole)
}

// sources reads the policies, and what else is small and named by positions.
func (w *Workspace) sources() map[string][]byte {
	list := map[string][]byte{}
	for _, p := range w.Policies.Policies {
		if data, err := fs.ReadFile(w.policyFS, w.below(p.File)); err == nil { // it was read before
			list[p.File] = data
		}
	}
	return list
}

// witnesses finds calls that meet and that miss the conditions of cells, one pair
// for each different cell of a column.
func (w *Workspace) witnesses(ctx context.Context, m *matrix.Matrix) (map[report.Witnessed]report.Witness, error) {
	list := map[report.Witnessed]report.Witness{}
	finder := witness.NewFinder(m, w.Engine.Conditions())
	for ref := range m.All() {
		key := report.Witnessed{Column: ref.Column, Cell: ref.Cell}
		if _, known := list[key]; known || ref.Access != matrix.Conditional || ref.Column.Operation == authz.List {
			continue
		}
		if len(list) == mostWitnessed {
			break
		}
		meets, misses, err := finder.Split(ctx, ref.Column, ref.Class.First(), ref.Cell)
		if err != nil {
			return nil, err
		}
		var found report.Witness
		if meets != nil && meets.Within {
			found.Allows = arguments(meets)
		}
		if misses != nil && misses.Within {
			found.Refuses = arguments(misses)
		}
		list[key] = found
	}
	return list, nil
}

func arguments(c *witness.Candidate) map[string]any {
	if c.Arguments == nil {
		return map[string]any{}
	}
	return c.Arguments
}

// shorter returns the conditions of cells with what cannot matter left out, as
// [Workspace.Simplify] does, and leaves the cells as they are.
func (w *Workspace) shorter(ctx context.Context, m *matrix.Matrix) (map[report.Witnessed]authz.Condition, error) {
	at := map[report.Witnessed]*authz.Condition{}
	var s simplified
	for ref := range m.All() {
		key := report.Witnessed{Column: ref.Column, Cell: ref.Cell}
		if ref.Access != matrix.Conditional || at[key] != nil {
			continue
		}
		c := ref.Condition
		at[key] = &c
		s.add(at[key], ref.Column, ref.Class.First(), ruleSyntax(ref.Decisive()))
	}
	if err := s.put(ctx, w); err != nil {
		return nil, err
	}
	list := make(map[report.Witnessed]authz.Condition, len(at))
	for key, c := range at {
		list[key] = *c
	}
	return list, nil
}

// engineName says which engine is linked, as far as the build says.
func engineName() string {
	const module = "github.com/cerbos/cerbos"
	if info, ok := debug.ReadBuildInfo(); ok {
		if i := slices.IndexFunc(info.Deps, func(d *debug.Module) bool { return d.Path == module }); i >= 0 {
			return "Cerbos " + strings.TrimPrefix(info.Deps[i].Version, "v")
		}
	}
	return "Cerbos"
}
