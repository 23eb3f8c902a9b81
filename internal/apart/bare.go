package apart

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// mostResources bounds the resources that are tried for a kind and an action.
const mostResources = 64

// Bare looks for a request that no enforcement point need send, about what rules of resource
// policies are about. Its resource has attributes that conditions of the rules ask for;
// since others are not tried, Impossible only says that none was found. It is Unknown where
// one is decided by chance.
func (f *Finder) Bare(ctx context.Context, b pdp.Decider, change Change, rules ...*policy.Rule) (Difference, error) {
	defer f.limited()()
	result := Difference{Verdict: solver.Impossible}
	for _, r := range rules {
		if r.Policy == nil || r.Policy.Kind != policy.ResourcePolicy {
			continue
		}
		var actions []string
		for _, a := range r.Actions {
			actions = append(actions, example(a.Value))
		}
		for _, a := range change.Actions {
			actions = append(actions, example(a))
		}
		for _, action := range ordered.Distinct(actions) {
			for _, attr := range f.resources(r) {
				d, err := f.raw(ctx, b, change, authz.Request{
					Resource: authz.Resource{Kind: r.Policy.Name, ID: "x", Attr: attr, PolicyVersion: r.Policy.Version, Scope: r.Policy.Scope},
					Action:   action, Unknown: []string{"arguments"},
				})
				if err != nil || d.Verdict == solver.Possible || f.left == 1 {
					return d, err
				}
				if d.ByChance() {
					result = d
				}
			}
		}
	}
	return result, nil
}

// raw looks for somebody who makes a request that engines decide differently.
func (f *Finder) raw(ctx context.Context, b pdp.Decider, change Change, r authz.Request) (Difference, error) {
	col := &matrix.Column{Server: &matrix.Server{}, Item: &manifest.Item{Name: r.Action}, Operation: authz.Call}
	col.Question.Requests = []authz.Request{r}
	d, err := f.outside(ctx, b, []*matrix.Column{col}, change.Roles)
	if err != nil || d.Verdict != solver.Possible {
		return d, err
	}
	r.Resource.Attr = maps.Clone(r.Resource.Attr)
	if r.Principal, r.Unknown = d.Principal, nil; len(d.Arguments) > 0 {
		r.Resource.Attr["arguments"] = d.Arguments
	}
	d.Raw, d.Column, d.Arguments, d.Refused = &r, nil, nil, false
	return d, nil
}

// resources returns attributes of resources that conditions of a rule may tell apart.
func (f *Finder) resources(r *policy.Rule) []map[string]any {
	list := []map[string]any{{}}
	if f.witnesses == nil {
		return list
	}
	values := map[string][]any{}
	for _, p := range f.witnesses.Parts(matrix.Rule{ID: r.ID}) {
		constants := []any{"x"}
		for _, t := range p.Terms {
			switch v := t.Value.(type) {
			case nil:
			case float64:
				constants = append(constants, v, v+1, v-1)
			case []any:
				constants = append(constants, v...)
			default:
				constants = append(constants, v)
			}
		}
		for _, t := range p.Terms {
			if len(t.Path) > 2 && t.Path[0] == "R" && t.Path[1] == "attr" && t.Path[2] != "arguments" {
				key := strings.Join(t.Path[2:], "\x00")
				values[key] = append(values[key], constants...)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		for _, attr := range slices.Clone(list) {
			for _, v := range values[key] {
				if len(list) < mostResources {
					list = append(list, put(attr, strings.Split(key, "\x00"), v))
				}
			}
		}
	}
	return list
}

// put returns attributes with a value at a path.
func put(attr map[string]any, path []string, v any) map[string]any {
	attr = maps.Clone(attr)
	if attr == nil {
		attr = map[string]any{}
	}
	if len(path) > 1 {
		below, _ := attr[path[0]].(map[string]any)
		v = put(below, path[1:], v)
	}
	attr[path[0]] = v
	return attr
}
