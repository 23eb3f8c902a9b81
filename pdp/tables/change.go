package tables

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	cerbospolicy "github.com/cerbos/cerbos/private/policy"
	rtcompile "github.com/cerbos/cerbos/private/ruletable/compile"
	"google.golang.org/protobuf/proto"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
)

// A Changer compiles rules of resource policies that say something else, without the
// policies around them.
type Changer struct {
	policies map[string]*policyv1.Policy // of resources, by their keys; nil for a key that two have
	imports  map[string][]byte           // the files that hold what they import
}

// A ChangedRule is what the compiler makes of a [pdp.Change].
type ChangedRule struct {
	Rows []*runtimev1.RuleTable_RuleRow // none if the rule is taken out
	Err  error                          // what the compiler says against it
	// Unfit is set where the rule cannot be told from others, or not be found.
	Unfit bool
}

// NewChanger reads the policies below fsys, which are known to compile.
func NewChanger(fsys fs.FS) (*Changer, error) {
	c := &Changer{policies: map[string]*policyv1.Policy{}, imports: map[string][]byte{}}
	err := eachPolicyFile(fsys, func(name string, data []byte) error {
		p, err := cerbospolicy.Read(bytes.NewReader(data))
		if err != nil || p.GetDisabled() {
			return err
		}
		switch of := p.GetPolicyType().(type) {
		case *policyv1.Policy_ResourcePolicy:
			key := keyOf(of.ResourcePolicy)
			if _, twice := c.policies[key]; twice {
				p = nil
			}
			c.policies[key] = p
		case *policyv1.Policy_DerivedRoles, *policyv1.Policy_ExportVariables, *policyv1.Policy_ExportConstants:
			c.imports[fmt.Sprintf("imported%d%s", len(c.imports), path.Ext(name))] = data
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	return c, nil
}

func keyOf(p *policyv1.ResourcePolicy) string {
	key := "resource." + p.GetResource() + ".v" + p.GetVersion()
	if p.GetScope() != "" {
		key += "/" + p.GetScope()
	}
	return key
}

// Compile compiles the rules of changes together, and returns what becomes of each, in
// order; nothing of files.
func (c *Changer) Compile(ctx context.Context, changes []pdp.Change) ([]ChangedRule, error) {
	b := &batch{changer: c, mark: "c" + strings.ToLower(rand.Text()[:12]) + "x", of: make([]ChangedRule, len(changes))}
	for i := range changes {
		if changes[i].File == "" {
			b.add(i, &changes[i])
		}
	}
	return b.of, b.compile(ctx, b.policies)
}

// batch are changes that are compiled together: each rule is the only one of a policy
// of a version of its own.
type batch struct {
	changer  *Changer
	mark     string // begins the versions
	of       []ChangedRule
	policies []changedPolicy
}

// A changedPolicy is the policy that a changed rule is compiled in.
type changedPolicy struct {
	number  int
	version string // of the policy that the rule is of
	policy  *policyv1.Policy
	parents []*policyv1.Policy // of the scopes above
}

func (b *batch) version(number int) string { return fmt.Sprintf("%s%dx", b.mark, number) }

func (b *batch) add(number int, change *pdp.Change) {
	key, name, _ := strings.Cut(change.Rule, "#")
	of := b.changer.policies[key]
	at := -1
	for i, r := range of.GetResourcePolicy().GetRules() {
		if nameOf(i, r) == name {
			if at >= 0 { // a name that two rules have
				at = -1
				break
			}
			at = i
		}
	}
	if at < 0 {
		b.of[number].Unfit = true
		return
	}
	if change.Says == nil {
		return
	}
	p := changedPolicy{number: number, version: of.GetResourcePolicy().GetVersion(), policy: proto.CloneOf(of)}
	p.policy.Metadata = nil
	r := p.policy.GetResourcePolicy()
	r.Version, r.Schemas = b.version(number), nil
	r.Rules = []*policyv1.ResourceRule{ruleOf(name, change.Says)}
	b.policies = append(b.policies, p.withParents(r))
}

// nameOf returns the name of a rule, as Cerbos numbers those that have none.
func nameOf(i int, r *policyv1.ResourceRule) string {
	if r.GetName() != "" {
		return r.GetName()
	}
	return fmt.Sprintf("rule-%03d", i+1)
}

// withParents adds policies without rules for the scopes above, which have to be there.
func (p changedPolicy) withParents(of *policyv1.ResourcePolicy) changedPolicy {
	for scope := of.GetScope(); scope != ""; {
		scope = scope[:max(strings.LastIndexByte(scope, '.'), 0)]
		p.parents = append(p.parents, &policyv1.Policy{PolicyType: &policyv1.Policy_ResourcePolicy{ResourcePolicy: &policyv1.ResourcePolicy{
			Resource: of.GetResource(), Version: of.GetVersion(), Scope: scope,
		}}})
	}
	return p
}

func ruleOf(name string, says *pdp.Rule) *policyv1.ResourceRule {
	r := &policyv1.ResourceRule{
		Name: name, Actions: says.Actions, Roles: says.Roles, DerivedRoles: says.DerivedRoles, Effect: effectv1.Effect_EFFECT_DENY,
	}
	if says.Effect == authz.Allow {
		r.Effect = effectv1.Effect_EFFECT_ALLOW
	}
	if says.Condition != nil {
		r.Condition = &policyv1.Condition{Condition: &policyv1.Condition_Match{Match: matchOf(says.Condition)}}
	}
	return r
}

func matchOf(m *pdp.Match) *policyv1.Match {
	list := &policyv1.Match_ExprList{}
	for _, x := range m.Of {
		list.Of = append(list.Of, matchOf(x))
	}
	switch m.Op {
	case pdp.MatchAll:
		return &policyv1.Match{Op: &policyv1.Match_All{All: list}}
	case pdp.MatchAny:
		return &policyv1.Match{Op: &policyv1.Match_Any{Any: list}}
	case pdp.MatchNone:
		return &policyv1.Match{Op: &policyv1.Match_None{None: list}}
	case pdp.MatchExpr:
	}
	return &policyv1.Match{Op: &policyv1.Match_Expr{Expr: m.Expr}}
}

// compile compiles some of the policies. A compilation ends at its first mistake, so
// where there is one, halves are compiled, until it is known which has it.
func (b *batch) compile(ctx context.Context, list []changedPolicy) error {
	if len(list) == 0 {
		return nil
	}
	table, err := b.table(ctx, list)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return b.take(table, list)
	case len(list) == 1:
		b.of[list[0].number].Err = positioned("", err)
		return nil
	}
	half := len(list) / 2
	if err := b.compile(ctx, list[:half]); err != nil {
		return err
	}
	return b.compile(ctx, list[half:])
}

func (b *batch) table(ctx context.Context, list []changedPolicy) (table *runtimev1.RuleTable, err error) {
	defer RecoverAs(&err, "compile changed rules")
	files := make(map[string][]byte, len(list)+len(b.changer.imports))
	for name, data := range b.changer.imports {
		files[name] = data
	}
	for _, p := range list {
		files[fmt.Sprintf("changed%d.json", p.number)] = encode(p.policy)
		for i, parent := range p.parents {
			files[fmt.Sprintf("changed%d_%d.json", p.number, i)] = encode(parent)
		}
	}
	if table = CompileShared(ctx, Memory(files)); table != nil {
		return table, nil
	}
	return rtcompile.Compile(ctx, Memory(files))
}

// take gives the rows of changed rules the policies that they belong to.
func (b *batch) take(table *runtimev1.RuleTable, list []changedPolicy) error {
	versions := map[string]changedPolicy{}
	for _, p := range list {
		versions[b.version(p.number)] = p
	}
	for _, row := range table.GetRules() {
		p, ok := versions[row.GetVersion()]
		if !ok || row.GetName() == "" { // of a parent, which has no rules
			continue
		}
		marked, plain := ".v"+row.GetVersion(), ".v"+p.version
		row.Version = p.version
		row.OriginFqn = strings.Replace(row.GetOriginFqn(), marked, plain, 1)
		row.EvaluationKey = strings.ReplaceAll(row.GetEvaluationKey(), marked, plain)
		if row.EvaluationKeyTuple != nil {
			row.EvaluationKeyTuple.Version = p.version
		}
		b.of[p.number].Rows = append(b.of[p.number].Rows, row)
	}
	for _, p := range list {
		if len(b.of[p.number].Rows) == 0 {
			return fmt.Errorf("nothing was compiled of a changed rule of %s", keyOf(p.policy.GetResourcePolicy()))
		}
		slices.SortStableFunc(b.of[p.number].Rows, func(x, y *runtimev1.RuleTable_RuleRow) int {
			return strings.Compare(x.GetAction()+"\x00"+x.GetRole()+"\x00"+x.GetOriginDerivedRole(), y.GetAction()+"\x00"+y.GetRole()+"\x00"+y.GetOriginDerivedRole())
		})
	}
	return nil
}
