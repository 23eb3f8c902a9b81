package tables

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
)

// CompileWith compiles the policies below fsys with another content in a file.
func CompileWith(ctx context.Context, fsys fs.FS, file string, content []byte) (*runtimev1.RuleTable, error) {
	return Compile(ctx, overlay{fsys, map[string][]byte{file: content}}, "")
}

// Effects returns what EffectOf writes of rows.
func Effects(rows []*runtimev1.RuleTable_RuleRow) []string {
	effects := make([]string, len(rows))
	for i, row := range rows {
		effects[i] = EffectOf(row)
	}
	return effects
}

// EffectOf writes what a row has a say in, and how: the same for rows that decide alike, if
// variables and constants are the same.
func EffectOf(row *runtimev1.RuleTable_RuleRow) string {
	return strings.Join([]string{
		row.OriginFqn, row.Version, row.Scope, row.Resource, row.Principal, row.Role, row.OriginDerivedRole, actionsOf(row),
		row.Effect.String(), row.ScopePermissions.String(), ShapeOf(row.Condition), ShapeOf(row.DerivedRoleCondition),
	}, "\x01")
}

// DefinedEffects returns EffectOf of rows with the variables and constants that their policies
// use.
func DefinedEffects(rows []*runtimev1.RuleTable_RuleRow) []string {
	known := map[*runtimev1.RuleTable_RuleRow_Params]string{} // rows of a policy share them
	defined := func(p *runtimev1.RuleTable_RuleRow_Params) string {
		text, there := known[p]
		if !there {
			text = definitionsOf(p)
			known[p] = text
		}
		return text
	}
	effects := make([]string, len(rows))
	for i, row := range rows {
		effects[i] = strings.Join([]string{EffectOf(row), defined(row.Params), defined(row.DerivedRoleParams)}, "\x01")
	}
	return effects
}

// Identities returns DefinedEffects with what the rules are called: the engine keeps what a
// condition comes to by that.
func Identities(rows []*runtimev1.RuleTable_RuleRow) []string {
	identities := DefinedEffects(rows)
	for i, row := range rows {
		identities[i] += fmt.Sprintf("\x01%s\x01%s\x01%d", row.Name, row.EvaluationKey, row.EvaluationKeyTuple.GetRuleId())
	}
	return identities
}

func actionsOf(row *runtimev1.RuleTable_RuleRow) string {
	allowed := row.GetAllowActions()
	if allowed == nil {
		return row.GetAction()
	}
	var list []string
	for action := range allowed.GetActions() {
		list = append(list, action)
	}
	slices.Sort(list)
	return "\x02" + strings.Join(list, "\x02")
}

// definitionsOf writes the variables and constants of a row.
func definitionsOf(p *runtimev1.RuleTable_RuleRow_Params) string {
	var list []string
	for _, v := range p.GetOrderedVariables() {
		list = append(list, v.GetName()+"="+v.GetExpr().GetOriginal())
	}
	for name, value := range p.GetConstants() {
		list = append(list, name+":"+value.String())
	}
	slices.Sort(list)
	return strings.Join(list, "\x02")
}
