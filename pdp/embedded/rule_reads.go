package embedded

import (
	"fmt"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/cel"
	"github.com/mcpolicy/mcpolicy/pdp/tables"
)

// RuleReads says what each rule reads, by its ID; see [authz.RuleRef]. Rules
// without conditions are left out, and those that share an ID are taken
// together.
func (e *Engine) RuleReads() map[string]*pdp.RuleReads {
	type condition struct {
		rule, derivedRole string
		of                *runtimev1.Condition
	}
	seen := map[condition]bool{}
	list := map[string]*pdp.RuleReads{}
	derived := map[*runtimev1.Condition]*pdp.RuleReads{}
	own := map[string][][]pdp.Premise{} // those of each condition with the ID
	for _, row := range e.tables.Rows {
		id := tables.RuleID(row)
		add := func(c *runtimev1.Condition, derivedRole string, params *runtimev1.RuleTable_RuleRow_Params) {
			key := condition{id, derivedRole, c}
			if c == nil || seen[key] {
				return
			}
			seen[key] = true
			if list[id] == nil {
				list[id] = &pdp.RuleReads{}
			}
			into := list[id]
			if derivedRole != "" { // many rules are for it
				if known := derived[c]; known != nil {
					into.Add(known)
					return
				}
				derived[c] = &pdp.RuleReads{}
				into = derived[c]
			}
			premises := cel.AddReads(into, c, params, derivedRole, e.options.StrictEvaluation)
			if derivedRole != "" {
				list[id].Add(into)
			} else {
				own[id] = append(own[id], premises)
			}
		}
		add(row.Condition, "", row.Params)
		add(row.DerivedRoleCondition, row.OriginDerivedRole, row.DerivedRoleParams)
	}
	for id, of := range own {
		list[id].Premises = of[0]
		for _, other := range of[1:] {
			if fmt.Sprint(other) != fmt.Sprint(of[0]) {
				list[id].Premises = nil
			}
		}
	}
	for _, r := range list { // the rows come in any order
		r.Sort()
	}
	return list
}
