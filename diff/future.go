package diff

import (
	"context"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Future is what may be done with items that do not exist yet, once they do: rules for
// patterns of names are about them already.
type Future struct {
	Comparison
	Column     *matrix.Column // of an item with a name that nothing has
	Operations []authz.Operation
	Principals []*authz.Principal
	Roles      []string
	Causes     []Cause
}

// future compares what may be done with items that do not exist yet.
func (c *comparer) future(ctx context.Context, r *Result) error {
	if c.in.Base == nil || c.in.Base.Outline == nil || c.in.Head.Outline == nil ||
		!slices.ContainsFunc(c.pairs, func(p *pair) bool { return p.base != nil && p.head != nil && !p.same }) {
		return nil
	}
	in := *c.in
	names := c.newNames()
	in.Base, in.Head = c.in.Base.ofItems(names), c.in.Head.ofItems(names)
	x, then := newComparer(&in), &Result{}
	if err := x.declared(ctx, then); err != nil {
		return err
	}
	if err := x.everybody(ctx, then); err != nil {
		return err
	}
	type key struct {
		server string
		of     *manifest.Item
		kind   Kind
	}
	index := map[key]*Future{}
	var list []*Future
	entry := func(col *matrix.Column, what Comparison, causes []Cause) *Future {
		k := key{col.Server.Name, col.Item, what.Kind}
		f := index[k]
		if f == nil {
			f = &Future{Comparison: what, Column: col}
			index[k] = f
			list = append(list, f)
		}
		if !slices.Contains(f.Operations, col.Operation) {
			f.Operations = append(f.Operations, col.Operation)
		}
		for _, one := range causes {
			if one.Rule != nil {
				f.Causes = distinct(append(f.Causes, one))
			}
		}
		return f
	}
	for i := range then.Cells {
		cell := &then.Cells[i]
		f := entry(cell.Column, cell.Comparison, cell.Causes)
		for _, p := range cell.Principals {
			if !slices.Contains(f.Principals, p) {
				f.Principals = append(f.Principals, p)
			}
		}
	}
	for i := range then.Roles {
		role := &then.Roles[i]
		f := entry(role.Column, role.Comparison, role.Causes)
		f.Roles = append(f.Roles, strings.Join(role.Roles, " and "))
	}
	shown := r.causes()
	for _, f := range list {
		if !slices.ContainsFunc(f.Causes, func(c Cause) bool { return !shown[f.Kind][c.Pos] }) {
			continue // the same lines change something that exists
		}
		slices.Sort(f.Roles)
		f.Roles = slices.Compact(f.Roles)
		r.Future = append(r.Future, *f)
	}
	return nil
}

// causes returns where the rules stand that changes are put down to.
func (r *Result) causes() map[Kind]map[source.Pos]bool {
	list := map[Kind]map[source.Pos]bool{Unknown: {}, Narrowed: {}, Changed: {}, Widened: {}}
	add := func(kind Kind, causes []Cause) {
		for _, c := range causes {
			list[kind][c.Pos] = true
		}
	}
	for i := range r.Cells {
		add(r.Cells[i].Kind, r.Cells[i].Causes)
	}
	for i := range r.Roles {
		add(r.Roles[i].Kind, r.Roles[i].Causes)
	}
	return list
}

// ofItems returns the side with other items: tools, prompts and resources of some names on
// each of its servers.
func (s *Side) ofItems(names map[authz.ItemType][]string) *Side {
	var servers []*matrix.Server
	for _, server := range s.Matrix.Servers {
		inventory := *server.Inventory
		inventory.Items = nil
		for _, t := range authz.ItemTypes() {
			if len(server.Inventory.Of(t)) == 0 {
				continue
			}
			for _, name := range names[t] {
				inventory.Items = append(inventory.Items, &manifest.Item{Type: t, Name: name})
			}
		}
		servers = append(servers, &matrix.Server{Name: server.Name, Inventory: &inventory, Profile: server.Profile})
	}
	m := s.Outline(servers)
	side := *s
	side.Matrix, side.Decide = m, m.Decide
	return &side
}

// unheard is a name that nothing has and no pattern is made for.
const unheard = "new-item"

// newNames returns names of items that do not exist on either side: one that no pattern
// is made for, and one for each pattern in the policies of either side.
func (c *comparer) newNames() map[authz.ItemType][]string {
	taken := map[string]bool{}
	for _, p := range c.pairs {
		taken[p.column().Item.Name] = true
	}
	var patterns []string
	for _, s := range []*Side{c.in.Base, c.in.Head} {
		for rule := range s.Policies.Rules() {
			for _, a := range rule.Actions {
				patterns = append(patterns, a.Value)
			}
			patterns = append(patterns, rule.Resource)
		}
	}
	slices.Sort(patterns)
	found := map[string]bool{unheard: true}
	for _, p := range slices.Compact(patterns) {
		if !policy.IsGlob(p) {
			continue
		}
		for _, filler := range []string{"new", "new-item"} {
			text := strings.NewReplacer("**", filler, "*", filler).Replace(p)
			name := text[strings.LastIndex(text, ":")+1:]
			if name != "" && name != filler && !taken[name] && len(found) < maxNames {
				found[name] = true
				break
			}
		}
	}
	list := map[authz.ItemType][]string{}
	for name := range found {
		for _, t := range authz.ItemTypes() {
			list[t] = append(list[t], name)
		}
	}
	for _, names := range list {
		slices.Sort(names)
	}
	return list
}

// maxNames is of how many patterns an item is thought up.
const maxNames = 64
