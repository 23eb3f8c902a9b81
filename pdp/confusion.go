package pdp

import (
	"encoding/binary"
	"slices"

	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/cespare/xxhash/v2"
)

// Confused lists groups of rules, by their IDs, of which the engine keeps one
// condition for all, though they have different ones: which of them depends on
// the order in which policies happen to be loaded.
//
// Cerbos 0.55 stores what rules do by a hash, and the hash covers the
// expressions of a condition but not whether all, any or none of them have to
// be met. It is computed here as internal/ruletable/index does;
// TestConfused holds it to what the engine then decides.
func (e *Engine) Confused() [][]string {
	byHash := map[uint64][]*runtimev1.RuleTable_RuleRow{}
	for _, row := range e.tables.rows {
		h := functionalHash(row)
		if !slices.ContainsFunc(byHash[h], func(o *runtimev1.RuleTable_RuleRow) bool {
			return o.OriginFqn == row.OriginFqn && o.Name == row.Name
		}) {
			byHash[h] = append(byHash[h], row)
		}
	}
	var groups [][]string
	for _, rows := range byHash {
		if !slices.ContainsFunc(rows, func(r *runtimev1.RuleTable_RuleRow) bool { return !sameCondition(r, rows[0]) }) {
			continue
		}
		var ids []string
		for _, r := range rows {
			ids = append(ids, ruleID(r))
		}
		slices.Sort(ids)
		groups = append(groups, slices.Compact(ids))
	}
	slices.SortFunc(groups, slices.Compare)
	return slices.CompactFunc(groups, slices.Equal)
}

func sameCondition(a, b *runtimev1.RuleTable_RuleRow) bool {
	return shapeOf(a.Condition) == shapeOf(b.Condition) && shapeOf(a.DerivedRoleCondition) == shapeOf(b.DerivedRoleCondition)
}

// shapeOf writes a condition so that two are equal if they mean the same.
func shapeOf(c *runtimev1.Condition) string {
	list := func(op string, of *runtimev1.Condition_ExprList) string {
		s := op + "("
		for _, x := range of.GetExpr() {
			s += shapeOf(x) + "\x00"
		}
		return s + ")"
	}
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_All:
		return list("all", op.All)
	case *runtimev1.Condition_Any:
		return list("any", op.Any)
	case *runtimev1.Condition_None:
		return list("none", op.None)
	case *runtimev1.Condition_Expr:
		return op.Expr.GetOriginal()
	}
	return ""
}

// functional are the fields of a row that the engine's hash covers.
var functional = []string{
	"condition", "derived_role_condition", "effect", "scope_permissions", "emit_output", "params",
	"derived_role_params", "policy_kind", "from_role_policy",
}

// functionalHash is the key that the engine stores a row's behaviour under.
func functionalHash(row *runtimev1.RuleTable_RuleRow) uint64 {
	h := xxhash.New()
	row.HashPB(h, notFunctional)
	var given byte
	if row.Condition != nil {
		given |= 1
	}
	if row.DerivedRoleCondition != nil {
		given |= 2
	}
	_ = binary.Write(h, binary.LittleEndian, given) // a hash takes everything
	return h.Sum64()
}

var notFunctional = func() map[string]struct{} {
	ignored := map[string]struct{}{
		// The checked tree follows from the text, and the engine throws some away.
		"cerbos.runtime.v1.Expr.checked": {},
	}
	fields := (&runtimev1.RuleTable_RuleRow{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); !slices.Contains(functional, string(f.Name())) {
			ignored[string(f.FullName())] = struct{}{}
		}
	}
	return ignored
}()
