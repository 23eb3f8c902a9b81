package prove

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/solver"
)

// mentioned lists the roles that a sentence names of whom it is about.
func (w *Who) mentioned() []string {
	if w == nil {
		return nil
	}
	return append(slices.Clone(w.Roles), w.Not.mentioned()...)
}

// kinds lists the kinds of principals that a sentence can tell apart.
func (w *Who) kinds() []authz.Kind {
	switch {
	case w == nil:
		return []authz.Kind{authz.Human}
	case len(w.Kinds) > 0:
		return []authz.Kind{authz.Human, authz.Workload, authz.Agent}
	}
	return w.Not.kinds()
}

// has reports whether a principal of a cohort can be meant, and returns what has
// to be met for that besides.
func (w *Who) has(c cohort, request *authz.Request) (can bool, besides []solver.Formula) {
	if w == nil {
		return true, nil
	}
	if len(w.Roles) > 0 && !slices.ContainsFunc(w.Roles, func(r string) bool { return slices.Contains(c.roles, r) }) ||
		len(w.Kinds) > 0 && !slices.Contains(w.Kinds, c.kind) {
		return false, nil
	}
	if w.Where != "" {
		besides = append(besides, formula(w.Where, request))
	}
	if w.Not == nil {
		return true, besides
	}
	can, not := w.Not.has(c, request)
	switch {
	case !can:
		return true, besides
	case len(not) == 0:
		return false, nil
	}
	return true, append(besides, solver.None(solver.All(not...)))
}

// looksAtRoles reports whether expressions ask for roles.
func (w *Who) looksAtRoles() bool {
	return w != nil && (strings.Contains(w.Where, "roles") || w.Not.looksAtRoles())
}

// String returns "with clerk, where principal.suspended == true, not (with ADMIN)", or
// nothing for everybody.
func (w *Who) String() string {
	if w == nil {
		return ""
	}
	var parts []string
	if len(w.Roles) > 0 {
		parts = append(parts, "with "+strings.Join(w.Roles, " or "))
	}
	if len(w.Kinds) > 0 {
		kinds := make([]string, len(w.Kinds))
		for i, k := range w.Kinds {
			kinds[i] = k.String()
		}
		parts = append(parts, "of kind "+strings.Join(kinds, " or "))
	}
	if w.Where != "" {
		parts = append(parts, "where "+w.Where)
	}
	switch not := w.Not; {
	case not == nil:
	case len(not.Roles) > 0 && len(not.Kinds) == 0 && not.Where == "" && not.Not == nil:
		parts = append(parts, "without "+strings.Join(not.Roles, " and "))
	default:
		parts = append(parts, "not ("+not.String()+")")
	}
	return strings.Join(parts, ", ")
}

// formula makes a formula of an expression in the words of reports.
func formula(text string, request *authz.Request) solver.Formula {
	f, _ := solver.Of(authz.AnyOf(authz.Alternative{Allows: expr.Clause(text)}), request)
	return f
}
