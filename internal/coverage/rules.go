package coverage

import (
	"cmp"
	"iter"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// Covers reports whether a rule is about the kind and the action of a request.
func Covers(r *policy.Rule, req *authz.Request) bool {
	return (req.MakesRoute("kind") || r.CoversKind(req.Resource.Kind)) && (req.MakesRoute("action") || r.CoversAction(req.Action))
}

// About yields the rules that are about the kind and the action of a request,
// whatever its version and scope, by position.
func About(set *policy.Set, req *authz.Request) iter.Seq[*policy.Rule] {
	return func(yield func(*policy.Rule) bool) {
		for r := range set.Rules() {
			if Covers(r, req) && !yield(r) {
				return
			}
		}
	}
}

// Deciding yields the policies that can have a say about some requests: all that take part in
// decisions but the resource policies about other kinds. It may yield too many.
func Deciding(set *policy.Set, requests []authz.Request) iter.Seq[*policy.Policy] {
	kinds := Kinds(requests)
	anyKind := slices.ContainsFunc(requests, func(r authz.Request) bool { return r.MakesRoute("kind") })
	return func(yield func(*policy.Policy) bool) {
		for _, p := range set.Policies {
			about := func(kind string) bool {
				ok, err := policy.MatchResource(p.Name, kind)
				return ok || err != nil
			}
			if p.Disabled || p.Kind == policy.ResourcePolicy && !anyKind && !slices.ContainsFunc(kinds, about) {
				continue
			}
			if !yield(p) {
				return
			}
		}
	}
}

// Kinds returns the kinds of resources that requests are about, sorted, each once.
func Kinds(requests []authz.Request) []string {
	kinds := make([]string, len(requests))
	for i := range requests {
		kinds[i] = requests[i].Resource.Kind
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// Covered returns the requests that a rule covers, those about uses before
// those about lists.
func (x *Index) Covered(r *policy.Rule) []Covering {
	if x.covered == nil {
		x.cover()
	}
	return x.covered[r]
}

// cover finds out which requests each rule covers.
func (x *Index) cover() {
	type about struct {
		target *Target
		action string
	}
	x.covered = map[*policy.Rule][]Covering{}
	rules := map[about][]*policy.Rule{}
	for _, col := range x.UsesFirst() {
		for _, a := range x.asked[col] {
			k := about{a.Target, a.Action}
			if _, known := rules[k]; !known {
				rules[k] = a.Target.Rules(a.Action)
			}
			for _, r := range rules[k] {
				x.covered[r] = append(x.covered[r], Covering{a, col})
			}
		}
	}
}

// UsesFirst returns the columns about using items, then those about lists.
func (x *Index) UsesFirst() []*matrix.Column {
	columns := slices.Clone(x.matrix.Columns)
	slices.SortStableFunc(columns, func(a, b *matrix.Column) int {
		return cmp.Compare(min(b.Operation, authz.Call), min(a.Operation, authz.Call))
	})
	return columns
}

// TargetsOf returns the targets where a rule may apply.
func (x *Index) TargetsOf(r *policy.Rule) []*Target {
	var list []*Target
	for _, t := range x.Targets {
		if t.Reaches(r) {
			list = append(list, t)
		}
	}
	return list
}

// ServerNames names the servers whose requests a rule may apply to.
func (x *Index) ServerNames(r *policy.Rule) []string {
	var list []string
	for _, t := range x.TargetsOf(r) {
		for _, s := range t.Servers {
			list = append(list, s.Name)
		}
	}
	return ordered.Distinct(list)
}

// OnlyServer names the server whose requests a rule may apply to, if it is
// one.
func (x *Index) OnlyServer(r *policy.Rule) string {
	if list := x.ServerNames(r); len(list) == 1 {
		return list[0]
	}
	return ""
}
