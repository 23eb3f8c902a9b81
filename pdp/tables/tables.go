package tables

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	"github.com/google/cel-go/common/ast"
	"google.golang.org/protobuf/proto"

	"github.com/mcpolicy/mcpolicy/pdp/cel"
)

// leafAttr begins the name of the attribute that stands for a leaf in the
// structure table.
const leafAttr = "leaf"

// A Leaf is one expression of a condition, in the context of the policy that
// it stands in: the smallest thing that the engine evaluates to true or false.
// An expression that errors is false to the engine, or denies when evaluation
// is strict.
type Leaf struct {
	Index int
	Text  string
	Row   *runtimev1.RuleTable_RuleRow // the row that the values of its parts are evaluated in
	Expr  ast.Expr                     // if not that of the text
}

type leafKey struct{ text, origin, derivedRole string }

func keyOfLeaf(text string, row *runtimev1.RuleTable_RuleRow, ofDerivedRole bool) leafKey {
	key := leafKey{text: text, origin: row.OriginFqn}
	if ofDerivedRole {
		key.derivedRole = row.OriginDerivedRole
	}
	return key
}

// Set derives the structure table and the value table from the rows of the
// compiled policies; see the package comment.
type Set struct {
	Rows   []*runtimev1.RuleTable_RuleRow
	Base   *runtimev1.RuleTable // everything but rows
	Leaves []*Leaf
	byKey  map[leafKey]*Leaf

	lineages map[string][]string // of roles with parents
}

// New returns the tables that can be derived from the compiled policies.
func New(table *runtimev1.RuleTable) *Set {
	t := &Set{
		Rows:  append([]*runtimev1.RuleTable_RuleRow(nil), table.Rules...),
		byKey: map[leafKey]*Leaf{},
		Base: &runtimev1.RuleTable{
			Meta: CloneMeta(table.Meta), ScopeParentRoles: CloneParentRoles(table.ScopeParentRoles),
			PolicyDerivedRoles: map[uint64]*runtimev1.RuleTable_PolicyDerivedRoles{},
			CompilerVersion:    table.CompilerVersion,
		},
	}
	for id, roles := range table.PolicyDerivedRoles {
		t.Base.PolicyDerivedRoles[id] = roles // the engine clears the map, not its values
	}
	t.number()
	t.readLineages()
	return t
}

// number makes a leaf of each different expression. The rows of a policy come
// in its order, but policies in that of a Go map; leaves are numbered by policy,
// so that what is said about them is the same each time.
func (t *Set) number() {
	rows := slices.Clone(t.Rows)
	slices.SortStableFunc(rows, func(a, b *runtimev1.RuleTable_RuleRow) int { return cmp.Compare(a.OriginFqn, b.OriginFqn) })
	for _, row := range rows {
		for i, c := range []*runtimev1.Condition{row.DerivedRoleCondition, row.Condition} {
			ofDerivedRole := i == 0
			cel.WalkCondition(c, func(x *runtimev1.Expr) {
				key := keyOfLeaf(x.GetOriginal(), row, ofDerivedRole)
				if t.byKey[key] == nil {
					l := &Leaf{Index: len(t.Leaves), Text: key.text, Row: ValueRow(row, ofDerivedRole)}
					t.byKey[key] = l
					t.Leaves = append(t.Leaves, l)
				}
			})
		}
	}
}

// Decision returns the policies with an output on each rule: the row's effect
// and whether the condition was met.
func (t *Set) Decision(table *runtimev1.RuleTable) *runtimev1.RuleTable {
	SetOutputs(t.Rows)
	return table
}

// SetOutputs puts an output on each row: its effect and whether the condition was met.
func SetOutputs(rows []*runtimev1.RuleTable_RuleRow) {
	// The engine writes to what it is given, so no two tables share outputs.
	type what struct {
		effect effectv1.Effect
		mark   string
	}
	outputs := map[what]*runtimev1.Output{}
	outputOf := func(effect effectv1.Effect, mark string) *runtimev1.Output {
		of := what{effect, mark}
		switch {
		case outputs[of] != nil:
		case effect == effectv1.Effect_EFFECT_DENY:
			outputs[of] = marked(RuleOutput(denyFired, denyUnmet), mark)
		default:
			outputs[of] = marked(RuleOutput(allowFired, allowUnmet), mark)
		}
		return outputs[of]
	}
	for _, row := range rows {
		if row.FromRolePolicy && row.Condition == nil && row.EmitOutput == nil {
			// The engine skips it, but for its new output: then it must not
			// share what it comes to with a rule of the same number.
			row.EvaluationKeyTuple.RuleName = row.Resource
		}
		switch {
		case row.GetAllowActions() == nil && row.GetAction() == "":
			row.EmitOutput = nil // the row of a policy without rules
		default:
			row.EmitOutput = outputOf(row.Effect, markOf(row.EmitOutput))
		}
		if row.FromRolePolicy && row.Name == "" {
			// Cerbos gives all of them the same, empty name.
			row.Name = fmt.Sprintf("%s_rule-%03d", row.Resource, row.EvaluationKeyTuple.GetRuleId()+1)
		}
	}
}

// The outputs of a rule: the effect of its row, and whether it fired.
const (
	allowFired, allowUnmet = "a+", "a-"
	denyFired, denyUnmet   = "d+", "d-"
)

// RuleOutput returns the output of a rule that is met, and of one that is not.
func RuleOutput(fired, unmet string) *runtimev1.Output {
	return &runtimev1.Output{When: &runtimev1.Output_When{RuleActivated: literal(fired), ConditionNotMet: literal(unmet)}}
}

// Mark has the engine take a row for no other one, whatever conditions they have: the hash
// that it stores them under covers outputs, and so the comment in this one.
func Mark(row *runtimev1.RuleTable_RuleRow, mark string) {
	row.EmitOutput = marked(RuleOutput("", ""), mark)
}

const markComment = " // mcpolicy:"

func marked(o *runtimev1.Output, mark string) *runtimev1.Output {
	if mark != "" {
		o.When.RuleActivated.Original += markComment + mark
	}
	return o
}

func markOf(o *runtimev1.Output) string {
	_, mark, _ := strings.Cut(o.GetWhen().GetRuleActivated().GetOriginal(), markComment)
	return mark
}

func unquoted(e *runtimev1.Expr) string {
	text, _, _ := strings.Cut(e.GetOriginal(), markComment)
	return strings.Trim(text, `"`)
}

func literal(s string) *runtimev1.Expr { return &runtimev1.Expr{Original: strconv.Quote(s)} }

// Structure returns the table of some rows in which each leaf is an attribute.
func (t *Set) Structure(of []*runtimev1.RuleTable_RuleRow) *runtimev1.RuleTable {
	rows := make([]*runtimev1.RuleTable_RuleRow, len(of))
	outputs := map[*runtimev1.Output]*runtimev1.Output{}
	for i, row := range of {
		c := CloneRow(row)
		if o := row.EmitOutput; o != nil {
			if outputs[o] == nil {
				outputs[o] = marked(RuleOutput(unquoted(o.When.RuleActivated), unquoted(o.When.ConditionNotMet)), markOf(o))
			}
			c.EmitOutput = outputs[o]
		}
		c.Condition = t.abstract(row.Condition, row, false)
		c.DerivedRoleCondition = t.abstract(row.DerivedRoleCondition, row, true)
		c.Params, c.DerivedRoleParams = &runtimev1.RuleTable_RuleRow_Params{}, nil
		if row.OriginDerivedRole != "" {
			c.DerivedRoleParams = &runtimev1.RuleTable_RuleRow_Params{}
		}
		rows[i] = c
	}
	return &runtimev1.RuleTable{
		Rules: rows, Meta: CloneMeta(t.Base.Meta), ScopeParentRoles: CloneParentRoles(t.Base.ScopeParentRoles),
		CompilerVersion: t.Base.CompilerVersion,
	}
}

// abstract copies a condition with its expressions replaced by attributes.
func (t *Set) abstract(c *runtimev1.Condition, row *runtimev1.RuleTable_RuleRow, ofDerivedRole bool) *runtimev1.Condition {
	list := func(of *runtimev1.Condition_ExprList) *runtimev1.Condition_ExprList {
		copied := &runtimev1.Condition_ExprList{Expr: make([]*runtimev1.Condition, len(of.GetExpr()))}
		for i, e := range of.GetExpr() {
			copied.Expr[i] = t.abstract(e, row, ofDerivedRole)
		}
		return copied
	}
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_All:
		return &runtimev1.Condition{Op: &runtimev1.Condition_All{All: list(op.All)}}
	case *runtimev1.Condition_Any:
		return &runtimev1.Condition{Op: &runtimev1.Condition_Any{Any: list(op.Any)}}
	case *runtimev1.Condition_None:
		return &runtimev1.Condition{Op: &runtimev1.Condition_None{None: list(op.None)}}
	case *runtimev1.Condition_Expr:
		l := t.byKey[keyOfLeaf(op.Expr.GetOriginal(), row, ofDerivedRole)]
		return &runtimev1.Condition{Op: &runtimev1.Condition_Expr{Expr: &runtimev1.Expr{Original: l.attr()}}}
	}
	return nil
}

// LeafOf returns the leaf of an expression of a policy, in the condition of a derived role
// unless that is "".
func (t *Set) LeafOf(text, origin, derivedRole string) *Leaf {
	return t.byKey[leafKey{text, origin, derivedRole}]
}

func (l *Leaf) attr() string { return "R.attr." + LeafName(l.Index) }

// LeafName names the attribute of the structure table that stands for a leaf.
func LeafName(l int) string { return leafAttr + strconv.Itoa(l) }

// ValueRow is the row that an expression's parts are evaluated in: everybody
// gets at it, under the variables and constants that the expression sees.
func ValueRow(row *runtimev1.RuleTable_RuleRow, ofDerivedRole bool) *runtimev1.RuleTable_RuleRow {
	c := CloneRow(row)
	c.Role = "*"
	c.Effect = effectv1.Effect_EFFECT_ALLOW
	c.ScopePermissions = policyv1.ScopePermissions_SCOPE_PERMISSIONS_OVERRIDE_PARENT
	c.Condition, c.DerivedRoleCondition, c.EmitOutput = nil, nil, nil
	c.FromRolePolicy = false
	if ofDerivedRole {
		c.Params = row.DerivedRoleParams
	}
	c.OriginDerivedRole, c.DerivedRoleParams = "", nil
	return c
}

// LeafValues is what is evaluated of a leaf: expressions in the context of a row, and
// the derived roles that roles of the principal are parents of.
type LeafValues struct {
	Row   *runtimev1.RuleTable_RuleRow
	Texts []string
	Held  bool
}

// Values returns the table that evaluates the parts of each leaf, every one as
// the output of an action of its own.
func (t *Set) Values(of []LeafValues) *runtimev1.RuleTable {
	var rows []*runtimev1.RuleTable_RuleRow
	seen := map[string]bool{}
	for _, row := range t.Rows { // so that every policy is there, whatever it holds
		if key := row.OriginFqn + "\x00" + row.Resource; !seen[key] {
			seen[key] = true
			rows = append(rows, ValueRow(row, false))
			rows[len(rows)-1].ActionSet = &runtimev1.RuleTable_RuleRow_Action{Action: "none"}
		}
	}
	roles := maps.Clone(t.Base.PolicyDerivedRoles)
	for i := range of {
		for j, text := range of[i].Texts {
			rows = append(rows, EvaluationRow(of[i].Row, PartAction(i, j), text))
		}
		if of[i].Held {
			rows = append(rows, EvaluationRow(of[i].Row, HeldAction(i), "runtime.effectiveDerivedRoles"))
			roles = unconditional(t.Base.PolicyDerivedRoles)
		}
	}
	return &runtimev1.RuleTable{
		Rules: rows, Meta: CloneMeta(t.Base.Meta), ScopeParentRoles: CloneParentRoles(t.Base.ScopeParentRoles),
		PolicyDerivedRoles: roles, CompilerVersion: t.Base.CompilerVersion,
	}
}

// unconditional returns the derived roles without their conditions.
func unconditional(of map[uint64]*runtimev1.RuleTable_PolicyDerivedRoles) map[uint64]*runtimev1.RuleTable_PolicyDerivedRoles {
	policies := make(map[uint64]*runtimev1.RuleTable_PolicyDerivedRoles, len(of))
	for id, roles := range of {
		bare := make(map[string]*runtimev1.RunnableDerivedRole, len(roles.GetDerivedRoles()))
		for name, dr := range roles.GetDerivedRoles() {
			bare[name] = &runtimev1.RunnableDerivedRole{Name: dr.GetName(), ParentRoles: dr.GetParentRoles(), OriginFqn: dr.GetOriginFqn()}
		}
		policies[id] = &runtimev1.RuleTable_PolicyDerivedRoles{DerivedRoles: bare}
	}
	return policies
}

// PartAction names the action of the value table that evaluates a part of a leaf.
func PartAction(leaf, part int) string {
	return "part" + strconv.Itoa(leaf) + "_" + strconv.Itoa(part)
}

// EvaluationRow returns the row that evaluates an expression as the output of an
// action, in the context of another.
func EvaluationRow(context *runtimev1.RuleTable_RuleRow, action, text string) *runtimev1.RuleTable_RuleRow {
	row := CloneRow(context)
	row.Name, row.EvaluationKey, row.EvaluationKeyTuple = action, action, nil
	row.ActionSet = &runtimev1.RuleTable_RuleRow_Action{Action: action}
	row.EmitOutput = &runtimev1.Output{When: &runtimev1.Output_When{RuleActivated: &runtimev1.Expr{Original: text}}}
	return row
}

// Copied returns a table of copies of some of the rows, with the schemas of another.
func (t *Set) Copied(keep func(*runtimev1.RuleTable_RuleRow) bool, schemas *runtimev1.RuleTable) *runtimev1.RuleTable {
	table := &runtimev1.RuleTable{
		Meta: CloneMeta(t.Base.Meta), ScopeParentRoles: CloneParentRoles(t.Base.ScopeParentRoles), PolicyDerivedRoles: maps.Clone(t.Base.PolicyDerivedRoles),
		Schemas: maps.Clone(schemas.Schemas), JsonSchemas: maps.Clone(schemas.JsonSchemas), CompilerVersion: t.Base.CompilerVersion,
	}
	for _, row := range t.Rows {
		if keep(row) {
			table.Rules = append(table.Rules, CloneRow(row))
		}
	}
	return table
}

// CloneMeta copies what the engine rewrites in place when it loads a table.
func CloneMeta(meta map[uint64]*runtimev1.RuleTableMetadata) map[uint64]*runtimev1.RuleTableMetadata {
	copied := make(map[uint64]*runtimev1.RuleTableMetadata, len(meta))
	for id, m := range meta {
		copied[id] = proto.CloneOf(m)
	}
	return copied
}

// CloneParentRoles copies what the engine rewrites in place, too: tables are
// loaded at the same time.
func CloneParentRoles(of map[string]*runtimev1.RuleTable_RoleParentRoles) map[string]*runtimev1.RuleTable_RoleParentRoles {
	copied := make(map[string]*runtimev1.RuleTable_RoleParentRoles, len(of))
	for scope, roles := range of {
		copied[scope] = proto.CloneOf(roles)
	}
	return copied
}

// CloneRow copies a row one level deep.
func CloneRow(row *runtimev1.RuleTable_RuleRow) *runtimev1.RuleTable_RuleRow {
	return &runtimev1.RuleTable_RuleRow{
		OriginFqn: row.OriginFqn, Resource: row.Resource, Role: row.Role, ActionSet: row.ActionSet,
		Condition: row.Condition, DerivedRoleCondition: row.DerivedRoleCondition, Effect: row.Effect,
		Scope: row.Scope, ScopePermissions: row.ScopePermissions, Version: row.Version,
		OriginDerivedRole: row.OriginDerivedRole, EmitOutput: row.EmitOutput, Name: row.Name,
		Principal: row.Principal, Params: row.Params, DerivedRoleParams: row.DerivedRoleParams,
		EvaluationKey: row.EvaluationKey, EvaluationKeyTuple: row.EvaluationKeyTuple,
		PolicyKind: row.PolicyKind, FromRolePolicy: row.FromRolePolicy,
	}
}

// RowsByRule returns a row of each rule for each different thing that it does, by the
// rules' IDs. Rows come in the order of a Go map.
func (t *Set) RowsByRule() []*runtimev1.RuleTable_RuleRow {
	type place struct {
		Behaviour
		resource, principal string
	}
	type named struct {
		id  string
		row *runtimev1.RuleTable_RuleRow
	}
	var list []named
	seen := map[place]bool{}
	for _, row := range t.Rows {
		at := place{BehaviourOf(row), row.Resource, row.Principal}
		if !seen[at] {
			seen[at] = true
			list = append(list, named{RuleID(row), row})
		}
	}
	slices.SortStableFunc(list, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.row.OriginDerivedRole, b.row.OriginDerivedRole), cmp.Compare(a.row.Resource, b.row.Resource))
	})
	rows := make([]*runtimev1.RuleTable_RuleRow, len(list))
	for i := range list {
		rows[i] = list[i].row
	}
	return rows
}

// DerivedRoles returns the derived roles that a policy uses.
func (t *Set) DerivedRoles(fqn string) map[string]*runtimev1.RunnableDerivedRole {
	for id, m := range t.Base.Meta {
		if m.GetFqn() == fqn {
			return t.Base.PolicyDerivedRoles[id].GetDerivedRoles()
		}
	}
	return nil
}

// HeldAction names the action that lists the derived roles of a leaf's policy that the
// principal's roles are parents of.
func HeldAction(leaf int) string { return PartAction(leaf, -1) }

// Some returns the tables of some of the rows, which are loaded in part.
func (t *Set) Some(keep func(*runtimev1.RuleTable_RuleRow) bool) *Set {
	some := &Set{Base: t.Base, Leaves: t.Leaves, byKey: t.byKey}
	for _, row := range t.Rows {
		if keep(row) {
			some.Rows = append(some.Rows, row)
		}
	}
	return some
}

// Whole returns the table of all rows, with the schemas of another, which is not to be
// loaded itself.
func (t *Set) Whole(schemas *runtimev1.RuleTable) *runtimev1.RuleTable {
	return &runtimev1.RuleTable{
		Rules: t.Rows, Meta: t.Base.Meta, ScopeParentRoles: t.Base.ScopeParentRoles, PolicyDerivedRoles: t.Base.PolicyDerivedRoles,
		Schemas: schemas.Schemas, JsonSchemas: schemas.JsonSchemas, CompilerVersion: t.Base.CompilerVersion,
	}
}
