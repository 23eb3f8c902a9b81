package accesslock

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Kind says in which way a lock is not true any more.
type Kind uint8

// The kinds.
const (
	NewItem       Kind = iota // an item that the lock does not have
	ChangedItem               // an item with other hints or another schema
	ChangedSchema             // the policies hold whoever asks to something else
	Widened                   // somebody may do more, or something else
	Undetermined              // it is not known whether somebody may do more
	Stale                     // the lock says more than there is
)

// String returns new-item, changed-item, changed-schema, access-widened, access-unknown or
// stale.
func (k Kind) String() string {
	return [...]string{"new-item", "changed-item", "changed-schema", "access-widened", "access-unknown", "stale"}[k]
}

// A Change is one way in which a lock is not true any more.
type Change struct {
	Kind Kind
	Ref  // of the item; no name where it is about none
	// Details say what is different of an item: hints, schema; or why something is not known.
	Details []string
	// Line is where the lock says otherwise; of the file where it says nothing.
	Line source.Pos
	// Pos is where what is locked stands now: the item, the policy. Zero if it is gone.
	Pos source.Pos

	// Of changes of access.
	Operations           []authz.Operation
	By                   [][]string
	ID                   string
	Scope, PolicyVersion string
	Was, Is              Value
	Example              *Example
	Rules                []matrix.Rule // that decide now

	// Access is who may use an item that is new, or what a kind of principals gains.
	Access []Access

	Holding *Holding // of what a kind of principals holds; nil for others
}

// A Result says in which ways a lock is not true.
type Result struct {
	Changes []Change
	Current *Lock // as it would be written
	// Reworded is set where the lock says in other words what is true.
	Reworded bool
	Compared int // facts
}

// Verify holds a lock to what there is.
func Verify(ctx context.Context, in *Input, locked *Lock) (*Result, error) {
	b := newBuilder(in, locked)
	current, err := b.build(ctx)
	if err != nil {
		return nil, err
	}
	r := &Result{Current: current, Compared: len(current.Items) + len(current.Access) + len(current.Kinds) + len(current.Schemas) + len(current.Unknown)}
	v := &verifier{builder: b, locked: locked, current: current, said: locked.facts()}
	v.items()
	v.schemas()
	if err := v.access(ctx); err != nil {
		return nil, err
	}
	v.kinds()
	v.unknown()
	r.Changes = v.list
	r.Reworded = len(v.list) == 0 && !bytes.Equal(locked.Text(), current.Text())
	return r, nil
}

// A verifier collects changes.
type verifier struct {
	*builder
	locked, current *Lock
	said            map[operationRef]*facts // by the lock
	list            []Change
}

func (v *verifier) add(c Change) {
	if c.Line.IsZero() {
		c.Line = v.locked.Pos
	}
	v.list = append(v.list, c)
}

// items compares the inventories.
func (v *verifier) items() {
	was := map[Ref][]Item{}
	for _, i := range v.locked.Items {
		was[i.Ref] = append(was[i.Ref], i)
	}
	now := map[Ref][]Item{}
	for _, i := range v.current.Items {
		now[i.Ref] = append(now[i.Ref], i)
	}
	for n, i := range v.current.Items {
		before, is := was[i.Ref], now[i.Ref]
		if n > 0 && v.current.Items[n-1].Ref == i.Ref {
			continue // the same item twice
		}
		if len(before) == 0 {
			v.add(Change{Kind: NewItem, Ref: i.Ref, Pos: i.Pos, Access: v.accessTo(i.Ref)})
			continue
		}
		var details []string
		if d := different(before, is, func(i Item) string { return i.Hints }); d != "" {
			details = append(details, "hints "+d)
		}
		if d := different(before, is, func(i Item) string { return i.Schema }); d != "" {
			details = append(details, "schema "+d)
		}
		if d := different(before, is, func(i Item) string { return i.List }); d != "" {
			details = append(details, "list "+d)
		}
		if len(details) > 0 {
			v.add(Change{Kind: ChangedItem, Ref: i.Ref, Pos: i.Pos, Line: before[0].Pos, Details: details})
		}
	}
	for _, i := range v.locked.Items {
		if len(now[i.Ref]) == 0 {
			v.add(Change{Kind: Stale, Ref: i.Ref, Line: i.Pos, Details: []string{"there is no such " + i.Type.String()}})
		}
	}
}

// accessTo returns who may use an item now.
func (v *verifier) accessTo(r Ref) []Access {
	var list []Access
	for _, a := range v.current.Access {
		if a.Ref == r {
			list = append(list, a)
		}
	}
	return list
}

// different says how what items have differs: "{readOnly: true} -> none".
func different(was, is []Item, of func(Item) string) string {
	values := func(list []Item) string {
		var out []string
		for _, i := range list {
			out = append(out, cmp.Or(of(i), "none"))
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	if a, b := values(was), values(is); a != b {
		return a + " -> " + b
	}
	return ""
}

// schemas compares what the policies hold whoever asks to.
func (v *verifier) schemas() {
	was := map[string]PrincipalSchema{}
	for _, s := range v.locked.Schemas {
		was[s.Policy] = s
	}
	for _, s := range v.current.Schemas {
		before, known := was[s.Policy]
		delete(was, s.Policy)
		if before.Digest != s.Digest {
			detail := "the schemas of " + s.Policy + " are not those of the lock"
			if !known {
				detail = "the schemas of " + s.Policy + " are not in the lock"
			}
			v.add(Change{Kind: ChangedSchema, Pos: s.Pos, Line: before.Pos, Details: []string{detail}})
		}
	}
	for _, s := range v.locked.Schemas {
		if _, gone := was[s.Policy]; gone {
			v.add(Change{Kind: ChangedSchema, Line: s.Pos, Details: []string{"nobody is held any more to the schemas of " + s.Policy}})
		}
	}
}

// access compares what each of those who stand for everybody may, and each whom the lock
// names.
func (v *verifier) access(ctx context.Context) error {
	locked := map[Ref]bool{}
	for _, i := range v.locked.Items {
		locked[i.Ref] = true
	}
	exists := map[operationRef]bool{}
	for _, of := range v.columns {
		exists[of.ref] = true
		if !locked[of.ref.Ref] {
			continue // it is new
		}
		said := v.said[of.ref]
		if said == nil {
			said = newFacts()
		}
		if said.equal(of.facts) {
			continue
		}
		if err := v.operation(ctx, of, said); err != nil {
			return fmt.Errorf("verify the lock: %s of %s: %w", of.ref.operation, of.ref.Name, err)
		}
	}
	v.list = merged(v.list)
	for i := range v.locked.Access {
		a := &v.locked.Access[i]
		var gone []authz.Operation
		for _, o := range a.Operations {
			if !exists[operationRef{a.Ref, o}] {
				gone = append(gone, o)
			}
		}
		if len(gone) == 0 || locked[a.Ref] && len(gone) == len(a.Operations) && !v.exists(a.Ref) {
			continue // it goes with the item
		}
		v.add(Change{
			Kind: Stale, Ref: a.Ref, Line: a.Pos, Operations: gone, By: a.By, ID: a.ID, Scope: a.Scope, PolicyVersion: a.PolicyVersion,
			Was: a.Value, Details: []string{"there is nothing of that kind"},
		})
	}
	return nil
}

func (v *verifier) exists(r Ref) bool {
	return slices.ContainsFunc(v.current.Items, func(i Item) bool { return i.Ref == r })
}

// equal reports whether the same is said in the same words.
func (f *facts) equal(o *facts) bool {
	if len(f.said) != len(o.said) {
		return false
	}
	for key, x := range f.said {
		if y := o.said[key]; y == nil || y.value.key() != x.value.key() {
			return false
		}
	}
	return true
}

// operation compares what the lock says of one operation on an item.
func (v *verifier) operation(ctx context.Context, of *columnSet, said *facts) error {
	list, _ := v.everybody(of)
	seen := map[string]bool{}
	for _, w := range list {
		seen[w.key()] = true
	}
	for _, x := range said.said {
		if !seen[x.who.key()] {
			list = append(list, x.who)
		}
	}
	slices.SortFunc(list, (*who).compare)
	decided, err := v.decide(ctx, of, list)
	if err != nil {
		return err
	}
	var found []Change
	var whose []*who
	for i, w := range list {
		was, lines := said.of(w)
		r, err := v.relate(ctx, of, w, was, decided[i].value)
		if err != nil {
			return err
		}
		if r.is == solver.Equal {
			continue
		}
		c := Change{
			Kind: Widened, Ref: of.ref.Ref, Pos: of.columns[0].Item.Pos, Operations: []authz.Operation{of.ref.operation}, By: [][]string{w.names()},
			ID: w.id, Scope: w.scope, PolicyVersion: w.policyVersion, Was: was, Is: decided[i].value, Example: r.example, Details: r.open,
		}
		switch r.is {
		case solver.Narrower:
			c.Kind = Stale
		case solver.Unrelated:
			c.Kind = Undetermined
		case solver.Equal, solver.Wider, solver.Incomparable:
		}
		if len(lines) > 0 {
			c.Line = lines[0].pos
		}
		c.Rules = decisive(decided[i].cells)
		covered := false
		for k, o := range whose {
			covered = covered || found[k].Kind == c.Kind && w.holds(o) && found[k].Is.key() == c.Is.key()
		}
		if !covered {
			found, whose = append(found, c), append(whose, w)
		}
	}
	for _, c := range found {
		v.add(c)
	}
	return nil
}

func decisive(cells []*matrix.Cell) []matrix.Rule {
	var list []matrix.Rule
	for _, cell := range cells {
		for _, r := range cell.Decisive() {
			if !slices.ContainsFunc(list, func(x matrix.Rule) bool { return x.ID == r.ID && x.Pos == r.Pos }) {
				list = append(list, r)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b matrix.Rule) int {
		return cmp.Or(int(b.Effect)-int(a.Effect), a.Pos.Compare(b.Pos), cmp.Compare(a.ID, b.ID)) // those that allow first
	})
	return list
}

// merged joins what becomes of several in the same way, and by several operations.
func merged(list []Change) []Change {
	var out []Change
	for _, c := range list {
		if len(c.Operations) == 0 {
			out = append(out, c)
			continue
		}
		i := slices.IndexFunc(out, func(o Change) bool { return o.alike(&c) && slices.Equal(o.Operations, c.Operations) })
		if i >= 0 {
			out[i].By = append(out[i].By, c.By...)
			continue
		}
		out = append(out, c)
	}
	var joined []Change
	for _, c := range out {
		i := slices.IndexFunc(joined, func(o Change) bool {
			return len(c.Operations) > 0 && o.alike(&c) && slices.EqualFunc(o.By, c.By, slices.Equal)
		})
		if i < 0 {
			joined = append(joined, c)
			continue
		}
		joined[i].Operations = append(joined[i].Operations, c.Operations...)
		for _, r := range c.Rules {
			if !slices.ContainsFunc(joined[i].Rules, func(x matrix.Rule) bool { return x.ID == r.ID && x.Pos == r.Pos }) {
				joined[i].Rules = append(joined[i].Rules, r)
			}
		}
	}
	return joined
}

// alike reports whether two changes of access come to the same for the same item.
func (c *Change) alike(o *Change) bool {
	return len(c.Operations) > 0 && c.Kind == o.Kind && c.Ref == o.Ref && c.ID == o.ID && c.Scope == o.Scope && c.PolicyVersion == o.PolicyVersion &&
		c.Was.key() == o.Was.key() && c.Is.key() == o.Is.key() && (c.Kind != Stale || c.Line == o.Line)
}

// kinds compares which kinds hold which roles.
func (v *verifier) kinds() {
	was, now, spoken := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, h := range v.locked.Kinds {
		was[h.key()] = true
	}
	for _, a := range v.current.Access {
		for _, by := range a.By {
			spoken[strings.Join(by, "\x00")] = true
			for _, name := range by {
				spoken[name] = true
			}
		}
	}
	for _, h := range v.current.Kinds {
		now[h.key()] = true
		if gains := v.gains(&h); !was[h.key()] && len(gains) > 0 {
			v.add(Change{Kind: Widened, Pos: h.Pos, Holding: &h, Access: gains})
		}
	}
	for _, h := range v.locked.Kinds {
		if !now[h.key()] && spoken[strings.Join(h.Roles, "\x00")] {
			v.add(Change{Kind: Stale, Line: h.Pos, Holding: &h, Details: []string{"nobody of that kind is declared so"}})
		}
	}
}

// gains returns what a kind may with roles that, by the lock, nobody of the kind holds, and
// may not with those that somebody holds.
func (v *verifier) gains(h *Holding) []Access {
	var list []Access
	for _, of := range v.columns {
		said := v.said[of.ref]
		if said == nil {
			said = newFacts()
		}
		is, _ := of.facts.of(withRoles(h.Roles))
		had := func(roles []string) bool {
			was, _ := said.of(withRoles(roles))
			return was.key() == is.key() || was.Access == matrix.Allowed && is.Access == matrix.Conditional
		}
		if !is.Access.Possible() || had([]string{anyRole}) || slices.ContainsFunc(v.locked.Kinds, func(o Holding) bool { return o.Kind == h.Kind && had(o.Roles) }) {
			continue
		}
		if last := len(list) - 1; last >= 0 && list[last].Ref == of.ref.Ref {
			list[last].Operations = append(list[last].Operations, of.ref.operation)
			continue
		}
		list = append(list, Access{Ref: of.ref.Ref, Operations: []authz.Operation{of.ref.operation}, By: [][]string{h.Roles}, Value: is})
	}
	return list
}

// withRoles returns those who have some roles at once.
func withRoles(names []string) *who {
	w := &who{}
	for _, name := range names {
		w.roles = append(w.roles, exampleOf(name))
	}
	return w
}

// unknown compares where roles do not tell everybody apart.
func (v *verifier) unknown() {
	find := func(list []Unknown, u *Unknown) *Unknown {
		i := slices.IndexFunc(list, func(o Unknown) bool { return o.Ref == u.Ref && slices.Equal(o.Operations, u.Operations) })
		if i < 0 {
			return nil
		}
		return &list[i]
	}
	for i := range v.current.Unknown {
		u := &v.current.Unknown[i]
		was := find(v.locked.Unknown, u)
		c := Change{Kind: Undetermined, Ref: u.Ref, Pos: v.place(u.Ref), Operations: u.Operations, By: [][]string{{anyRole}}, Details: []string{u.Because}}
		switch {
		case was == nil:
			v.add(c)
		case was.line() != u.line():
			c.Line = was.Pos
			c.Details = append(c.Details, "the policies that decide are not those of the lock")
			v.add(c)
		}
	}
	for i := range v.locked.Unknown {
		if u := &v.locked.Unknown[i]; find(v.current.Unknown, u) == nil {
			v.add(Change{Kind: Stale, Ref: u.Ref, Line: u.Pos, Operations: u.Operations, Details: []string{"it is not unknown any more: " + u.Because}})
		}
	}
}

func (v *verifier) place(r Ref) source.Pos {
	if i := slices.IndexFunc(v.current.Items, func(i Item) bool { return i.Ref == r }); i >= 0 {
		return v.current.Items[i].Pos
	}
	return source.Pos{}
}
