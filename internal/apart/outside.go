package apart

import (
	"context"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// somebody is the id of those whose id does not matter.
const somebody = "somebody"

// cohorts stand for everybody who could exist, in what a column asks.
type cohorts struct {
	column *matrix.Column // with the principal open
	who    []*authz.Principal
	fixed  map[*authz.Principal]bool // whose id is not open
	open   []string
}

// A Change says what another engine has been made of, as far as it matters to who and
// what could exist.
type Change struct {
	Actions []string // of the rules that are not the same, before and after, and patterns of them
	Roles   []string // that these rules name after the change
}

// Outside looks for a call of somebody who need not be declared, of an item of the columns
// first, and then of an item that no inventory has and that the actions of a change are about.
// It is Unknown at best where policies tell more roles apart than can be gone through.
func (f *Finder) Outside(ctx context.Context, b pdp.Decider, columns []*matrix.Column, change Change) (Difference, error) {
	defer f.limited()()
	return f.outside(ctx, b, slices.Concat(columns, f.unlisted(change.Actions)), change.Roles)
}

// limited bounds the searches from now on, until the function is called that it returns.
func (f *Finder) limited() func() {
	if f.Most > 0 {
		f.left = f.Most + 1
	}
	return func() { f.left = 0 }
}

func (f *Finder) outside(ctx context.Context, b pdp.Decider, columns []*matrix.Column, roles []string) (Difference, error) {
	result := Difference{Verdict: solver.Impossible}
	for _, col := range columns {
		if !col.Question.Direct() {
			continue
		}
		of := f.cohortsOf(col, roles)
		var cells []Cell
		for _, p := range of.who {
			if c := (Cell{p, of.column}); f.touches(c) {
				cells = append(cells, c)
			}
		}
		d, err := f.first(ctx, b, cells, of.fixed, nil)
		if err != nil || f.left == 1 {
			return d, err
		}
		if d.Verdict == solver.Possible {
			d.Column = col
			return d, nil
		}
		if d.Verdict == solver.Impossible && len(of.open) > 0 {
			d = Difference{Column: col, Open: of.open}
		}
		if d.Verdict == solver.Unknown && result.Verdict == solver.Impossible {
			result = d
		}
	}
	return result, nil
}

// cohortsOf returns who stands for everybody in a column, where some more roles are named.
func (f *Finder) cohortsOf(col *matrix.Column, named []string) *cohorts {
	named = slices.DeleteFunc(slices.Clone(named), policy.IsGlob)
	slices.Sort(named)
	key := everybody{col, strings.Join(slices.Compact(named), "\x00")}
	of := f.everybody[key]
	if of != nil {
		return of
	}
	of = &cohorts{column: f.opened(col), fixed: map[*authz.Principal]bool{}}
	f.everybody[key] = of
	set := f.matrix.Policies()
	if set == nil {
		of.open = []string{"the roles that policies name"}
		return of
	}
	roles := universe.Of(set, col)
	named = slices.DeleteFunc(named, func(role string) bool { return slices.Contains(roles.Single, role) })
	sets, open := roles.Sets(named, max(2, len(col.Question.Requests)))
	of.open = open
	for _, list := range sets {
		for _, id := range append([]string{""}, universe.IDs(set, col)...) {
			p := f.somebody(id, list)
			of.who, of.fixed[p] = append(of.who, p), id != ""
		}
	}
	return of
}

// touches reports whether engines may decide a cell otherwise.
func (f *Finder) touches(c Cell) bool { return f.Touches == nil || c.any(f.Touches) }

// everybody is who could exist, in a column.
type everybody struct {
	column *matrix.Column
	named  string // roles
}

// opened returns a column with the principal open, the same each time.
func (f *Finder) opened(col *matrix.Column) *matrix.Column {
	if f.open[col] == nil {
		f.open[col] = col.Open(true, false)
	}
	return f.open[col]
}

// somebody returns a principal of some roles, the same each time; of an id that does not
// matter if that is "".
func (f *Finder) somebody(id string, roles []string) *authz.Principal {
	key := id + "\x00" + strings.Join(roles, "\x00")
	p := f.people[key]
	if p == nil {
		p = &authz.Principal{Key: key, ID: id, Roles: roles}
		if id == "" {
			p.ID = somebody
		}
		f.people[key] = p
	}
	return p
}

// undeclared is an item that no inventory has.
type undeclared struct {
	server    *matrix.Server
	item      authz.ItemType
	operation authz.Operation
	name      string
}

// unlisted returns columns of items that no inventory has: of one that policies do not name,
// and of those that patterns of actions match.
func (f *Finder) unlisted(actions []string) []*matrix.Column {
	var list []*matrix.Column
	for _, s := range f.matrix.Servers {
		for _, t := range authz.ItemTypes() {
			if !slices.ContainsFunc(s.Inventory.Items, func(i *manifest.Item) bool { return i.Type == t }) {
				continue
			}
			for _, op := range []authz.Operation{t.Use(), authz.List} {
				for _, name := range namesOf(coverage.AskAbout(s.Profile, t, op), actions) {
					if !slices.ContainsFunc(s.Inventory.Items, func(i *manifest.Item) bool { return i.Type == t && i.Name == name }) {
						list = append(list, f.column(undeclared{s, t, op, name}))
					}
				}
			}
		}
	}
	return list
}

// column returns the column of an item, the same each time.
func (f *Finder) column(of undeclared) *matrix.Column {
	col := f.undeclared[of]
	if col == nil {
		item := &manifest.Item{Type: of.item, Name: of.name}
		col = &matrix.Column{
			Server: of.server, Item: item, Operation: of.operation,
			Question: of.server.Profile.Ask(pep.Item{Type: of.item, Name: of.name}, of.operation),
		}
		f.undeclared[of] = col
	}
	return col
}

// namesOf returns names of items for which actions of requests match some patterns.
func namesOf(requests []authz.Request, actions []string) []string {
	names := []string{"undeclared"}
	for _, r := range requests {
		before, after, named := strings.Cut(r.Action, witness.AnyName)
		if !named || strings.Contains(after, witness.AnyName) {
			continue
		}
		for _, a := range actions {
			if a = example(a); len(a) > len(before)+len(after) && strings.HasPrefix(a, before) && strings.HasSuffix(a, after) {
				names = append(names, a[len(before):len(a)-len(after)])
			}
		}
	}
	return ordered.Distinct(names)
}

// example returns an action that a pattern matches, or the action that it is.
func example(pattern string) string {
	if !policy.IsGlob(pattern) {
		return pattern
	}
	return strings.NewReplacer("**", "undeclared", "*", "undeclared", "?", "x").Replace(pattern)
}
