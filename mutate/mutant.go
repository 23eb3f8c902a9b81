// Package mutate makes mutants of policies: the same policies with one small mistake in
// them, of the kinds that people make. What a suite says to them is for others to find out.
package mutate

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Operator is a kind of mistake. Its text is part of the JSON output.
type Operator string

// The operators.
const (
	EffectFlipped      Operator = "effect-flipped"
	RuleRemoved        Operator = "rule-removed"
	DefaultDenyRemoved Operator = "default-deny-removed"
	ConditionRemoved   Operator = "condition-removed"
	ConditionNegated   Operator = "condition-negated"
	PartRemoved        Operator = "part-removed"
	PartNegated        Operator = "part-negated"
	AndOrSwapped       Operator = "and-or-swapped"
	AllAnyNoneSwapped  Operator = "all-any-none-swapped"
	ComparisonMoved    Operator = "comparison-moved"
	ConstantMoved      Operator = "constant-moved"
	HasDropped         Operator = "has-dropped"
	RoleWidened        Operator = "role-widened"
	RoleRemoved        Operator = "role-removed"
	ActionWidened      Operator = "action-widened"
	ActionRemoved      Operator = "action-removed"

	DerivedConditionRemoved Operator = "derived-role-condition-removed"
	DerivedConditionNegated Operator = "derived-role-condition-negated"
	DerivedParentRemoved    Operator = "derived-role-parent-removed"
	DerivedParentWidened    Operator = "derived-role-parent-widened"
)

// Operators lists the operators.
func Operators() []Operator {
	return []Operator{
		EffectFlipped, RuleRemoved, DefaultDenyRemoved, ConditionRemoved, ConditionNegated, PartRemoved, PartNegated, AndOrSwapped, AllAnyNoneSwapped,
		ComparisonMoved, ConstantMoved, HasDropped, RoleWidened, RoleRemoved, ActionWidened, ActionRemoved,
		DerivedConditionRemoved, DerivedConditionNegated, DerivedParentRemoved, DerivedParentWidened,
	}
}

// InCondition reports whether the mistake is one in what a condition says.
func (o Operator) InCondition() bool {
	switch o {
	case ConditionRemoved, ConditionNegated, PartRemoved, PartNegated, AndOrSwapped, AllAnyNoneSwapped, ComparisonMoved, ConstantMoved, HasDropped,
		DerivedConditionRemoved, DerivedConditionNegated:
		return true
	case EffectFlipped, RuleRemoved, DefaultDenyRemoved, RoleWidened, RoleRemoved, ActionWidened, ActionRemoved, DerivedParentRemoved, DerivedParentWidened:
	}
	return false
}

// A Mutant is the policies with one mistake in them.
type Mutant struct {
	// ID is the same as long as the policy, the rule and the change are, wherever they stand.
	ID       string
	Operator Operator
	Pos      source.Pos // what is changed
	// Of names what it is in: a rule, a derived role, a variable or a constant.
	Of   string
	Rule *policy.Rule // nil if what is changed is not of one rule
	// Rules are the IDs of all rules whose decisions it may change.
	Rules  []string
	Before string // what is changed, as the file has it or would
	After  string // what it becomes; "" if it is taken out

	// Change is the mistake as an engine can make it: of a rule, where the policies need not
	// be read again for it, or else of the file.
	Change *pdp.Change

	root *source.Node // of the file
	edit edit
}

// An edit is what stands in the place of a node, or that nothing does.
type edit struct {
	node    *source.Node
	value   any
	removed bool
	rename  string // the key of the field that the node is the value of
}

// Content returns the file of the mutant: JSON, which is YAML, too.
func (m *Mutant) Content() ([]byte, error) { return json.Marshal(m.edit.of(m.root)) }

// of returns the value of a node with the edit made.
func (e *edit) of(n *source.Node) any {
	if n == e.node && !e.removed && e.rename == "" {
		return e.value
	}
	switch {
	case n.Is(source.Mapping):
		value := make(map[string]any, len(n.Fields))
		for _, f := range n.Fields {
			switch {
			case f.Value != e.node || !e.removed && e.rename == "":
				value[f.Name] = e.of(f.Value)
			case e.rename != "":
				value[e.rename] = e.of(f.Value)
			}
		}
		return value
	case n.Is(source.Sequence):
		value := make([]any, 0, len(n.Items))
		for _, item := range n.Items {
			if item != e.node || !e.removed {
				value = append(value, e.of(item))
			}
		}
		return value
	}
	if n.Is(source.Number) {
		return number(n)
	}
	return n.Value()
}

// number returns a number as it is written, which may stand for a text: an engine takes
// 089 for one, and all digits of a long one.
func number(n *source.Node) any {
	text := cmp.Or(n.Raw, n.Text)
	if strings.Trim(text, "-0123456789") != "" {
		if v, ok := n.Value().(string); ok {
			return v // infinite
		}
		return json.Number(n.Text)
	}
	if whole, err := strconv.ParseInt(text, 0, 64); err == nil {
		return whole
	}
	if strings.HasPrefix(strings.TrimLeft(text, "-"), "0") {
		return text
	}
	return json.Number(text)
}
