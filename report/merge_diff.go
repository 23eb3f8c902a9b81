package report

import (
	"errors"
	"slices"

	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/source"
)

func joined(errs []error) error { return errors.Join(errs...) }

// verdicts are what a diff can come to.
var verdictWords = []string{"none", "narrowed", "widened", "both", "changed", "unknown"}

// readDiff reads what changed.
func (r *reading) readDiff(x *mergedFile, at *source.Node) {
	if x.Diff == nil {
		return
	}
	d := x.Diff
	if err := oneOf("verdict", d.Verdict, verdictWords); err != nil {
		r.errs = append(r.errs, source.Errorf(at.Pos, "%w", err))
	}
	add[changedCellJSON](r, "changed", d.Cells, at.Get("cells"), nil)
	add[changedRoleJSON](r, "role", d.Roles, at.Get("roles"), nil)
	add[changedRoleJSON](r, "roleNarrowed", d.RolesNarrowed, at.Get("rolesNarrowed"), nil)
	add[changedItemJSON](r, "item", d.Items, at.Get("items"), nil)
	add[changedPrincipalJSON](r, "principal", d.Principals, at.Get("principals"), nil)
	add[futureJSON](r, "future", d.Future, at.Get("future"), nil)
	t := d.Totals
	labelCauses(r.label, t.Settings)
	r.verdicts = append(r.verdicts, d.Verdict)
	if r.diff == nil {
		r.diff = &t
		return
	}
	r.diff = r.joinedDiff(r.diff, &t)
}

// joinedDiff joins the totals of two comparisons. Principals and roles are counted once;
// what is not told of single changes, each comparison's numbers are added.
func (r *reading) joinedDiff(a, b *diffTotals) *diffTotals {
	var principals, roles []string
	for _, e := range r.lists["changed"] {
		if x, ok := e.told.(*changedCellJSON); ok && x.Change != "narrowed" {
			principals = append(principals, x.Principal)
		}
	}
	for _, e := range r.lists["role"] {
		if x, ok := e.told.(*changedRoleJSON); ok && (!slices.Equal(x.Roles, []string{"*"}) || x.ID != "") {
			roles = append(roles, x.Roles...)
		}
	}
	return &diffTotals{
		Base: withWord(a.Base, b.Base), Head: withWord(a.Head, b.Head), Missing: withWord(a.Missing, b.Missing),
		Verdict: joinedVerdict(r.verdicts), FailOn: withWord(a.FailOn, b.FailOn), Fails: a.Fails || b.Fails,
		Over: append(slices.Clone(a.Over), b.Over...), Compared: a.Compared + b.Compared,
		Reach: reachJSON{
			Destructive: a.Reach.Destructive + b.Reach.Destructive, Everyone: a.Reach.Everyone + b.Reach.Everyone,
			Unknown: a.Reach.Unknown + b.Reach.Unknown, Principals: len(ordered.Distinct(principals)), Roles: len(ordered.Distinct(roles)),
		},
		Settings: append(slices.Clone(a.Settings), b.Settings...),
	}
}

// joinedVerdict says in one word what several comparisons came to together.
func joinedVerdict(list []string) string {
	has := func(word string) bool { return slices.Contains(list, word) }
	switch {
	case has("both"), has("widened") && (has("narrowed") || has("changed")), has("changed") && has("narrowed"):
		return "both"
	case has("widened"):
		return "widened"
	case has("changed"):
		return "changed"
	case has("unknown"):
		return "unknown"
	case has("narrowed"):
		return "narrowed"
	}
	return "none"
}

// diffLists are the lists of a diff in JSON, and what JSON Lines call an element of each.
func diffLists() [][2]string {
	return [][2]string{
		{"cells", "changed"}, {"roles", "role"}, {"rolesNarrowed", "roleNarrowed"}, {"items", "item"}, {"principals", "principal"}, {"future", "future"},
	}
}
