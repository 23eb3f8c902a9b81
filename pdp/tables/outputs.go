package tables

import (
	"slices"
	"strconv"
	"strings"

	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"

	"github.com/mcpolicy/mcpolicy/authz"
)

// RuleRef reads what the decision table's output of a rule says.
func RuleRef(o *enginev1.OutputEntry) authz.RuleRef {
	ref := authz.RuleRef{ID: o.GetSrc()}
	switch o.GetVal().GetStringValue() {
	case allowFired:
		ref.Effect, ref.Met = authz.Allow, authz.Fired
	case allowUnmet:
		ref.Effect = authz.Allow
	case denyFired:
		ref.Met = authz.Fired
	}
	return ref
}

// WantedLeaves lists the leaves that the engine found no value for.
func WantedLeaves(out *enginev1.CheckOutput) []int {
	var wanted []int
	for _, e := range out.GetEvaluationErrors() {
		if n, ok := strings.CutPrefix(e.GetCelError().GetExpression(), "R.attr."+leafAttr); ok {
			if l, err := strconv.Atoi(n); err == nil {
				wanted = append(wanted, l)
			}
		}
	}
	slices.Sort(wanted)
	return slices.Compact(wanted)
}
