package embedded

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// A spot is where a rule stands in the compiled policies.
type spot struct {
	rule, resource string
	ofPrincipal    bool
	pdp.Ground
}

// Reach says which of some rules, by their IDs, a request gets to: those of the
// policies for its kind, version, scope and principal. For each of them it
// lists the grounds on which the principal comes under it, sorted; there may be
// none. Actions and conditions are not looked at.
func (e *Engine) Reach(ctx context.Context, r authz.Request, rules []string) (map[string][]pdp.Ground, error) {
	table := e.tables.Values(nil)
	seen := map[spot]bool{}
	at := map[string]spot{} // by the action that asks whether the request gets there
	for _, row := range e.tables.Rows {
		p := spot{tables.RuleID(row), row.Resource, row.Principal != "", pdp.Ground{Role: row.Role, DerivedRole: row.OriginDerivedRole}}
		if !slices.Contains(rules, p.rule) || seen[p] {
			continue
		}
		seen[p] = true
		anybody := tables.EvaluationRow(tables.ValueRow(row, false), anybodyAt+strconv.Itoa(len(seen)), "true")
		holder := tables.EvaluationRow(anybody, holderAt+strconv.Itoa(len(seen)), "true")
		holder.Role = row.Role
		table.Rules = append(table.Rules, anybody, holder)
		at[anybody.Name], at[holder.Name] = p, p
	}
	check, err := e.narrowedTable(table, pdp.EnforceNone)
	if err != nil {
		return nil, fmt.Errorf("load rules: %w", err)
	}
	inputs, err := e.inputs([]authz.Request{r})
	if err != nil {
		return nil, err
	}
	inputs[0].Actions = slices.Sorted(maps.Keys(at))
	reached := map[string][]pdp.Ground{}
	for _, in := range append(alone(inputs[0]), withRole(inputs[0], nobodysRole)) {
		outputs, err := check(ctx, []*enginev1.CheckInput{in})
		if err != nil {
			return nil, err
		}
		for _, o := range outputs[0].GetOutputs() {
			p := at[o.GetAction()]
			reached[p.rule] = p.grounds(reached[p.rule], in.Principal.Roles[0], strings.HasPrefix(o.GetAction(), holderAt))
		}
	}
	for _, grounds := range reached {
		slices.SortFunc(grounds, func(a, b pdp.Ground) int {
			return cmp.Or(cmp.Compare(a.DerivedRole, b.DerivedRole), cmp.Compare(a.Held, b.Held), cmp.Compare(a.Role, b.Role))
		})
	}
	for id := range reached {
		reached[id] = slices.Compact(reached[id])
	}
	return reached, nil
}

// grounds adds to the grounds of a spot's rule that a role gets there, as a
// holder of the spot's role or as anybody would.
func (p spot) grounds(list []pdp.Ground, role string, holds bool) []pdp.Ground {
	switch {
	case !holds:
	case p.ofPrincipal:
		return append(list, pdp.Ground{Role: p.Role})
	case role != nobodysRole:
		return append(list, pdp.Ground{Held: role, Role: p.Role, DerivedRole: p.DerivedRole})
	}
	return list
}

// The actions that ask whether a request gets to a place whatever the role, and
// by one that the principal holds.
const anybodyAt, holderAt = "anybody", "holder"

// nobodysRole stands in for the roles of a principal that has none.
const nobodysRole = "mcpolicy:nobody's role"

// alone returns an input for each of the principal's roles, with that one only.
func alone(in *enginev1.CheckInput) []*enginev1.CheckInput {
	var list []*enginev1.CheckInput
	for _, role := range in.Principal.Roles {
		list = append(list, withRole(in, role))
	}
	return list
}

func withRole(in *enginev1.CheckInput, role string) *enginev1.CheckInput {
	return &enginev1.CheckInput{
		Principal: &enginev1.Principal{
			Id: in.Principal.Id, Roles: []string{role}, Attr: in.Principal.Attr,
			PolicyVersion: in.Principal.PolicyVersion, Scope: in.Principal.Scope,
		},
		Resource: in.Resource, Actions: in.Actions, AuxData: in.AuxData,
	}
}
