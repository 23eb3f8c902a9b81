package workspace

import (
	"context"
	"slices"

	"github.com/mcpolicy/mcpolicy/accesslock"
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// A lockedBy is the lines of a lock that say what is so, by item.
type lockedBy struct {
	access map[accesslock.Ref][]*accesslock.Access
	untrue map[accesslock.Ref]bool // items of which the lock says something else than there is
	none   bool                    // nothing of it counts
}

// lockedBy returns what the lock beside the config accepts, nil if there is none.
func (w *Workspace) lockedBy(ctx context.Context) (*lockedBy, error) {
	lock, err := w.Locked()
	if err != nil || lock == nil {
		return nil, err
	}
	r, err := w.VerifyLock(ctx, lock)
	if err != nil {
		return nil, err
	}
	l := &lockedBy{access: map[accesslock.Ref][]*accesslock.Access{}, untrue: map[accesslock.Ref]bool{}}
	for i := range lock.Access {
		ref := lock.Access[i].Ref
		ref.Version = ""
		l.access[ref] = append(l.access[ref], &lock.Access[i])
	}
	for i := range r.Changes {
		ref := r.Changes[i].Ref
		ref.Version = ""
		l.untrue[ref] = true
		l.none = l.none || ref.Name == "" // of what the policies hold whoever asks to, or of kinds
	}
	return l, nil
}

// of returns the line of the lock that says what a principal may do, if all that the lock
// says of the item is so.
func (l *lockedBy) of(p *authz.Principal, col *matrix.Column) []report.Reviewed {
	if l == nil {
		return nil
	}
	ref := accesslock.Ref{Server: col.Server.Name, Type: col.Item.Type, Name: col.Item.Name}
	if l.none || l.untrue[ref] {
		return nil
	}
	var all source.Pos // of the line for any other role
	for _, a := range l.access[ref] {
		if !slices.Contains(a.Operations, col.Operation) || a.ID != "" && a.ID != p.ID {
			continue
		}
		for _, set := range a.By {
			if slices.Equal(set, []string{"*"}) {
				all = a.Pos
			}
			if !slices.ContainsFunc(set, func(role string) bool { return !slices.Contains(p.Roles, role) }) {
				return []report.Reviewed{{By: "lock", Pos: a.Pos}}
			}
		}
	}
	if !all.IsZero() {
		return []report.Reviewed{{By: "lock", Pos: all}}
	}
	return nil
}
