package diff

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
)

// Verdict says in one word what became of access: none, narrowed, widened, both, changed
// (each condition is met by some calls that the other is not) or unknown.
func (r *Result) Verdict() string {
	has := map[Kind]bool{}
	for i := range r.Cells {
		has[r.Cells[i].Kind] = true
	}
	for i := range r.Roles {
		has[r.Roles[i].Kind] = true
	}
	switch {
	case has[Widened] && (has[Narrowed] || has[Changed]), has[Changed] && has[Narrowed]:
		return "both"
	case has[Widened]:
		return "widened"
	case has[Changed]:
		return "changed"
	case has[Unknown]:
		return "unknown"
	case has[Narrowed]:
		return "narrowed"
	}
	return "none"
}

// Widens reports whether somebody may do more than before, or might.
func (r *Result) Widens() bool {
	return slices.ContainsFunc(r.Cells, func(x Cell) bool { return x.Kind.Gains() }) ||
		slices.ContainsFunc(r.Roles, func(x Role) bool { return x.Kind.Gains() })
}

// Differs reports whether anything is different, in access or in what there is.
func (r *Result) Differs() bool {
	return len(r.Cells)+len(r.Roles)+len(r.Items)+len(r.Principals)+len(r.Future) > 0
}

// A Reach says how far gains go.
type Reach struct {
	Destructive int // destructive items that somebody gains the use of
	Principals  int // declared principals that gain
	Roles       int // roles that no declared principal shows and that gain, but "*"
	Everyone    int // items that open to any role, or to which no policy has a say any more
	Unknown     int // cells of which it is not known whether somebody gains
}

// Reach returns how far the gains go.
func (r *Result) Reach() Reach {
	var x Reach
	var principals, roles []string
	destroys, everyone := map[columnKey]bool{}, map[columnKey]bool{}
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.Kind == Unknown {
			x.Unknown += len(c.Principals)
		}
		if !c.Kind.Gains() {
			continue
		}
		for _, p := range c.Principals {
			principals = append(principals, p.Key)
		}
		key := keyOf(c.Column)
		key.operation = authz.List // one an item
		if destructive(c.Column.Item) && c.Column.Operation != authz.List {
			destroys[key] = true
		}
		if unguarded(c.Head) {
			everyone[key] = true
		}
	}
	for i := range r.Roles {
		c := &r.Roles[i]
		if c.Kind == Unknown {
			x.Unknown++
		}
		if !c.Kind.Gains() {
			continue
		}
		key := keyOf(c.Column)
		key.operation = authz.List // one an item
		if destructive(c.Column.Item) && c.Column.Operation != authz.List {
			destroys[key] = true
		}
		if slices.Equal(c.Roles, []string{"*"}) && c.ID == "" {
			everyone[key] = true
			continue
		}
		roles = append(roles, c.Roles...)
	}
	x.Destructive, x.Everyone = len(destroys), len(everyone)
	x.Principals, x.Roles = len(ordered.Distinct(principals)), len(ordered.Distinct(roles))
	return x
}
