package accesslock

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// Input is what is locked. Nothing of the matrix need be decided.
type Input struct {
	Matrix   *matrix.Matrix
	Policies *policy.Set
	Engine   config.Engine
	Solver   *solver.Solver
	// Attributes returns the JSON Schema that the engine holds principals to who ask
	// about a column, and who are denied otherwise; nil if there is none.
	Attributes func(*matrix.Column) *source.Node
	// Tree returns the content of a file of the policies.
	Tree func(file string) (*source.Node, error)
}

// A realm is a scope and a policy version that principals may have.
type realm struct{ scope, policyVersion string }

// A builder makes locks.
type builder struct {
	*Input
	realms  []realm
	columns []*columnSet
	// possible has the items whose lists show what is possible: what there is to say of
	// these is said of the use.
	possible map[Ref]bool
	depends  map[string]string       // digests of policies by kinds of resources
	words    map[operationRef]*facts // of a lock before, which are kept where they mean the same
}

// columnSet are the columns of one operation on an item: several only where an item is listed
// more than once.
type columnSet struct {
	ref     operationRef
	columns []*matrix.Column
	facts   *facts // as they are
	open    []string
}

func newBuilder(in *Input, before *Lock) *builder {
	b := &builder{Input: in, depends: map[string]string{}, possible: map[Ref]bool{}, realms: []realm{{}}}
	if before != nil {
		b.words = before.facts()
	}
	index := map[operationRef]*columnSet{}
	for _, col := range in.Matrix.Columns {
		if col.Question.Possible {
			b.possible[refOf(col)] = true
			continue
		}
		ref := operationRef{refOf(col), col.Operation}
		if index[ref] == nil {
			index[ref] = &columnSet{ref: ref}
			b.columns = append(b.columns, index[ref])
		}
		index[ref].columns = append(index[ref].columns, col)
	}
	add := func(scope, version string) {
		if r := (realm{scope, version}); !slices.Contains(b.realms, r) {
			b.realms = append(b.realms, r)
		}
	}
	for _, class := range in.Matrix.Classes {
		add(class.First().Scope, class.First().PolicyVersion)
	}
	for _, p := range in.Policies.Policies {
		if p.Disabled || p.Kind != policy.PrincipalPolicy && p.Kind != policy.RolePolicy {
			continue
		}
		version := p.Version
		if version == coverage.DefaultVersion && in.Engine.DefaultPolicyVersion == "" {
			version = ""
		}
		add(p.Scope, version)
	}
	return b
}

func refOf(col *matrix.Column) Ref {
	return Ref{col.Server.Name, col.Item.Type, col.Item.Name, col.Item.Version}
}

// Build returns the lock of what there is. Where a lock before says the same in other words
// these are kept; it may be nil.
func Build(ctx context.Context, in *Input, before *Lock) (*Lock, error) {
	return newBuilder(in, before).build(ctx)
}

func (b *builder) build(ctx context.Context) (*Lock, error) {
	l := &Lock{Items: b.items(), Schemas: b.schemas()}
	for _, of := range b.columns {
		if err := b.say(ctx, of); err != nil {
			return nil, fmt.Errorf("lock %s of %s: %w", of.ref.operation, of.ref.Name, err)
		}
	}
	for first := 0; first < len(b.columns); {
		next := first + 1
		for next < len(b.columns) && b.columns[next].ref.Ref == b.columns[first].ref.Ref {
			next++
		}
		l.Access = append(l.Access, lines(b.columns[first:next])...)
		unknown, err := b.unknown(b.columns[first:next])
		if err != nil {
			return nil, err
		}
		l.Unknown = append(l.Unknown, unknown...)
		first = next
	}
	l.Kinds = b.kinds(l.Access)
	l.sort()
	return l, nil
}

func (b *builder) items() []Item {
	var list []Item
	for _, s := range b.Matrix.Servers {
		for _, i := range s.Inventory.Items {
			item := Item{Pos: i.Pos, Ref: Ref{s.Name, i.Type, i.Name, i.Version}, Hints: hints(i), Schema: argumentsDigest(i)}
			if b.possible[item.Ref] {
				item.List = authz.FilterPossible.String()
			}
			list = append(list, item)
		}
	}
	return list
}

// say finds out what there is to say about an operation on an item.
func (b *builder) say(ctx context.Context, of *columnSet) error {
	list, open := b.everybody(of)
	decided, err := b.decide(ctx, of, list)
	if err != nil {
		return err
	}
	of.facts, of.open = newFacts(), open
	for more := true; more; { // what is said of some can change what follows for others
		more = false
		for i, w := range list {
			if of.facts.said[w.key()] != nil {
				continue
			}
			follows, _ := of.facts.of(w)
			same, err := b.same(ctx, of, w, follows, decided[i].value)
			if err != nil {
				return err
			}
			if same {
				continue
			}
			v, err := b.worded(ctx, of, w, decided[i].value)
			if err != nil {
				return err
			}
			of.facts.say(&fact{who: w, value: v})
			more = true
		}
	}
	return nil
}

// worded returns a value in the words of the lock before, if it says the same.
func (b *builder) worded(ctx context.Context, of *columnSet, w *who, v Value) (Value, error) {
	before := b.words[of.ref]
	if before == nil || before.said[w.key()] == nil {
		return v, nil
	}
	was := before.said[w.key()].value
	same, err := b.same(ctx, of, w, was, v)
	if same {
		return was, err
	}
	return v, err
}

// everybody returns sets of roles that stand for everybody, each once, those on whom what
// is said of others does not depend first; and why they are not enough.
func (b *builder) everybody(of *columnSet) (list []*who, open []string) {
	roles := universe.Of(b.Policies, of.columns...)
	together := 1
	for _, col := range of.columns {
		together = max(together, len(col.Question.Requests))
	}
	if b.Engine.StrictEvaluation {
		together = max(together, 2)
	}
	sets, open := roles.Sets(nil, together)
	if len(open) > 0 {
		for _, r := range roles.Single {
			sets = append(sets, []string{r})
		}
		for _, class := range b.Matrix.Classes {
			sets = append(sets, class.First().Roles)
		}
	}
	seen := map[string]bool{}
	for _, set := range sets {
		named := make([]role, len(set))
		for i, r := range set {
			named[i] = b.named(r, &roles)
		}
		slices.SortFunc(named, func(a, b role) int { return cmp.Or(compareRoles(a.name, b.name), cmp.Compare(a.example, b.example)) })
		for _, id := range append([]string{""}, universe.IDs(b.Policies, of.columns...)...) {
			for _, r := range b.realms {
				w := &who{named, id, r.scope, r.policyVersion}
				if key := w.key(); len(named) > 0 && !seen[key] {
					seen[key] = true
					list = append(list, w)
				}
			}
		}
	}
	slices.SortFunc(list, (*who).compare)
	if roles.More > 0 {
		open = append(open, "conditions count roles")
	}
	slices.Sort(open)
	return list, slices.Compact(open)
}

// named returns a role of the universe as the lock names it.
func (b *builder) named(name string, of *universe.Roles) role {
	switch patterns := of.Patterns[name]; {
	case strings.HasPrefix(name, universe.Other):
		return role{anyRole, name}
	case len(patterns) > 0:
		return role{strings.Join(patterns, patternsJoined), name}
	}
	return role{name, name}
}

// otherRole is one that no policy names.
func otherRole(n int) string {
	if n == 0 {
		return universe.Other
	}
	return fmt.Sprintf("%s-%d", universe.Other, n)
}

// A decision is what some may, by the cells that say so.
type decision struct {
	value Value
	cells []*matrix.Cell
}

// decide returns what each of some may.
func (b *builder) decide(ctx context.Context, of *columnSet, list []*who) ([]decision, error) {
	asking := make([]*authz.Principal, len(list))
	for i, w := range list {
		asking[i] = w.principal()
	}
	found := make([]decision, len(list))
	for n, col := range of.columns {
		cells, err := b.Matrix.Look(ctx, col.Open(true, true), asking)
		if err != nil {
			return nil, err
		}
		for i, cell := range cells {
			v, err := b.valueOf(of, cell, asking[i].Roles)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				v = v.or(found[i].value)
			}
			found[i].value, found[i].cells = v, append(found[i].cells, cell)
		}
	}
	return found, nil
}

// anybody is the id of those whose id does not matter.
const anybody = "anybody"

func (w *who) principal() *authz.Principal {
	p := &authz.Principal{Key: w.key(), ID: cmp.Or(w.id, anybody), Scope: w.scope, PolicyVersion: w.policyVersion}
	for i, r := range w.roles {
		if i > 0 && w.roles[i-1] == r { // another role that is not named
			r.example = otherRole(i)
		}
		p.Roles = append(p.Roles, r.example)
	}
	p.Roles = ordered.Distinct(p.Roles)
	return p
}

func (b *builder) valueOf(of *columnSet, cell *matrix.Cell, roles []string) (Value, error) {
	open := cell.Open()
	if open.IsZero() {
		return Value{Access: cell.Access}, nil
	}
	c, never := normal(open, roles)
	switch {
	case never:
		return Value{}, nil // denied
	case c.IsZero():
		return Value{Access: matrix.Allowed}, nil
	}
	v := Value{Access: matrix.Conditional, Conditions: []authz.Condition{c}}
	var err error
	if !c.Written() || c.Reads().Policy {
		v.Depends, err = b.deciding(of)
	}
	return v, err
}

// deciding returns a digest of the policies that can decide about an operation on an item,
// of what the engine is set to, and of what the enforcement point makes of the call and of who asks.
func (b *builder) deciding(of *columnSet) (string, error) {
	var requests []authz.Request
	for _, col := range of.columns {
		requests = append(requests, col.Question.Requests...)
	}
	kinds := coverage.Kinds(requests)
	var parts []string
	for _, col := range of.columns {
		if g := col.Question.Grant; g != nil {
			parts = append(parts, g.Content())
		}
	}
	for i := range requests {
		if made := requests[i].MadeKey(); made != "" {
			parts = append(parts, made)
		}
	}
	key := strings.Join(append(slices.Clone(kinds), parts...), "\x00")
	if known, ok := b.depends[key]; ok {
		return known, nil
	}
	for p := range coverage.Deciding(b.Policies, requests) {
		tree, err := b.Tree(p.File)
		if err != nil {
			return "", err
		}
		if b.Engine.StrictEvaluation { // which goes by the order of rules
			parts = append(parts, treeDigest(tree))
		} else {
			parts = append(parts, unordered(tree))
		}
	}
	slices.Sort(parts)
	set := b.Engine
	set.Pos = source.Pos{}
	parts = append(parts, fmt.Sprintf("%+v", set))
	b.depends[key] = digest(parts...)
	return b.depends[key], nil
}

// schemas returns what the policies hold whoever asks to, if the engine does.
func (b *builder) schemas() []PrincipalSchema {
	if b.Engine.SchemaEnforcement != authz.SchemaReject {
		return nil
	}
	asked := map[string]bool{}
	for _, of := range b.columns {
		for _, col := range of.columns {
			for _, r := range col.Question.Requests {
				asked[r.Resource.Kind] = true
			}
		}
	}
	var list []PrincipalSchema
	for _, p := range b.Policies.Policies {
		if p.Disabled || p.Kind != policy.ResourcePolicy || !asked[p.Name] || p.PrincipalSchema == nil && p.ResourceSchema == nil {
			continue
		}
		list = append(list, PrincipalSchema{p.Pos, p.Key(), digest(b.schemaDigest(p.PrincipalSchema), b.schemaDigest(p.ResourceSchema))})
	}
	return list
}

func (b *builder) schemaDigest(ref *policy.SchemaRef) string {
	schema := b.Policies.Schema(ref)
	if schema == nil {
		return ""
	}
	var parts []string
	for _, t := range ref.IgnoreWhen {
		parts = append(parts, "ignored for "+t.Value)
	}
	slices.Sort(parts)
	if strings.Contains(string(schema.Data), "$ref") { // which may lead to any other
		for path, other := range b.Policies.Schemas {
			parts = append(parts, path+" "+schemaContent(other))
		}
		slices.Sort(parts)
	}
	return digest(append(parts, schemaContent(schema))...)
}

func schemaContent(s *policy.Schema) string {
	tree, err := s.Parse()
	if err != nil {
		return digest(string(s.Data))
	}
	return treeDigest(tree)
}
