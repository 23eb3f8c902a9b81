package tables

import (
	"encoding/binary"
	"slices"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/cespare/xxhash/v2"
)

// Confused returns the groups of rows that share a condition and have different ones.
// Of the rows that a rule has of one kind, for all its roles and actions, one is in it.
func Confused(list []*runtimev1.RuleTable_RuleRow) [][]*runtimev1.RuleTable_RuleRow {
	byHash := map[uint64][]*runtimev1.RuleTable_RuleRow{}
	seen := map[Behaviour]bool{}
	for _, row := range list {
		if b := BehaviourOf(row); !seen[b] {
			seen[b] = true
			h := functionalHash(row)
			byHash[h] = append(byHash[h], row)
		}
	}
	var groups [][]*runtimev1.RuleTable_RuleRow
	for _, rows := range byHash {
		if slices.ContainsFunc(rows, func(r *runtimev1.RuleTable_RuleRow) bool { return !sameCondition(r, rows[0]) }) {
			groups = append(groups, rows)
		}
	}
	return groups
}

// Behaviour is the same for rows of a rule that do the same.
type Behaviour struct {
	origin, name, derivedRole       string
	condition, derivedRoleCondition *runtimev1.Condition
	effect                          effectv1.Effect
	output                          *runtimev1.Output
	ofRole                          bool
}

// BehaviourOf returns what a row does.
func BehaviourOf(row *runtimev1.RuleTable_RuleRow) Behaviour {
	return Behaviour{row.OriginFqn, row.Name, row.OriginDerivedRole, row.Condition, row.DerivedRoleCondition, row.Effect, row.EmitOutput, row.FromRolePolicy}
}

func sameCondition(a, b *runtimev1.RuleTable_RuleRow) bool {
	return ShapeOf(a.Condition) == ShapeOf(b.Condition) && ShapeOf(a.DerivedRoleCondition) == ShapeOf(b.DerivedRoleCondition)
}

// ShapeOf writes a condition so that two are equal if they mean the same.
func ShapeOf(c *runtimev1.Condition) string {
	list := func(op string, of *runtimev1.Condition_ExprList) string {
		s := op + "("
		for _, x := range of.GetExpr() {
			s += ShapeOf(x) + "\x00"
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
