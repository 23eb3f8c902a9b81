package tables

import (
	"encoding/binary"
	"slices"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/cespare/xxhash/v2"
)

// A Hashing has rows by the key that the engine stores what they do under.
type Hashing struct {
	known map[hashed]uint64
	rows  map[uint64][]*runtimev1.RuleTable_RuleRow
}

// hashed is the same for rows of a rule that have the same key, which covers their action too,
// though it need not.
type hashed struct {
	Behaviour
	action  string
	allowed *runtimev1.RuleTable_RuleRow_AllowActions
}

// HashesOf returns the hashing of some rows.
func HashesOf(list []*runtimev1.RuleTable_RuleRow) *Hashing {
	h := &Hashing{map[hashed]uint64{}, map[uint64][]*runtimev1.RuleTable_RuleRow{}}
	for _, row := range list {
		key := h.key(row)
		h.rows[key] = append(h.rows[key], row)
	}
	return h
}

func (h *Hashing) key(row *runtimev1.RuleTable_RuleRow) uint64 {
	b := hashed{BehaviourOf(row), row.GetAction(), row.GetAllowActions()}
	key, known := h.known[b]
	if !known {
		key = functionalHash(row)
		h.known[b] = key
	}
	return key
}

// Confused returns the groups of rows that share a condition and have different ones.
func (h *Hashing) Confused() [][]*runtimev1.RuleTable_RuleRow {
	var groups [][]*runtimev1.RuleTable_RuleRow
	for _, rows := range h.rows {
		if mixed(rows) {
			groups = append(groups, rows)
		}
	}
	return groups
}

// With returns the rows that share a condition with other ones if some rows come in the place
// of others, and have a different one, the same ones each time.
func (h *Hashing) With(rows []*runtimev1.RuleTable_RuleRow, gone map[*runtimev1.RuleTable_RuleRow]bool) []*runtimev1.RuleTable_RuleRow {
	added := HashesOf(rows)
	var list []*runtimev1.RuleTable_RuleRow
	for key, of := range added.rows {
		for _, row := range h.rows[key] {
			if !gone[row] {
				of = append(of, row)
			}
		}
		if mixed(of) {
			list = append(list, of...)
		}
	}
	return list
}

// mixed reports whether rows have different conditions.
func mixed(rows []*runtimev1.RuleTable_RuleRow) bool {
	return slices.ContainsFunc(rows, func(r *runtimev1.RuleTable_RuleRow) bool { return !sameCondition(r, rows[0]) })
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
