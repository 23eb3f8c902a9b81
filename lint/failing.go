package lint

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A failing is a DENY that is tried in one cell: whether there is a request on which one
// of its conditions errs and that is allowed, and another that it denies.
type failing struct {
	rule      *policy.Rule
	condition *pdp.Condition
	class     *matrix.Class
	column    *matrix.Column
	cell      *matrix.Cell

	conditions []*pdp.Condition // all of the rule
	request    authz.Request    // that the rule is about
	formulas   *reason.Formulas // of the condition
	besides    *reason.Formulas // what the rule asks for besides, nil if it is known to be met
	arguments  any              // the schema of the arguments

	erring, met attempt
	allowed     *matrix.Cell // of erring
}

// prepare sets what is asked. It is not ok where the solver cannot be asked.
func (f *failing) prepare(p *Pass) bool {
	f.conditions = p.reasons.Finder.Conditions(f.rule.ID)
	name := derivedRole(f.condition, f.rule)
	if f.formulas = p.reasons.Formulas(f.rule, name); f.formulas == nil {
		return false
	}
	if name != "" {
		f.besides = p.reasons.Formulas(f.rule, "")
	} else if len(f.rule.Roles) == 0 && len(f.rule.DerivedRoles) == 1 {
		f.besides = p.reasons.Formulas(f.rule, f.rule.DerivedRoles[0].Value)
	}
	for _, a := range p.index.Asked(f.column) {
		if a.Target.Reaches(f.rule) && f.rule.CoversAction(a.Action) {
			f.request = *a.Request
			break
		}
	}
	f.request.Principal = f.class.First()
	if f.request.Unknown != nil {
		f.arguments = p.reasons.Arguments(f.column.Item)
	}
	return true
}

// sent writes down what is known of the request whoever makes it, and what the schema says
// of the arguments that the conditions look at.
func (f *failing) sent(p *Pass) string {
	n := len(f.request.Unknown)
	resource := authz.Resource{Kind: f.request.Resource.Kind}
	var reads [][]string
	for _, c := range f.conditions {
		if reason.ReadsResource(c, f.request.Unknown) {
			resource = f.request.Resource
		}
		for _, part := range c.Parts {
			for _, t := range slices.Concat(part.Terms, part.Elements) {
				if len(t.Path) > 0 && t.Path[0] == "R" && n > 0 {
					reads = append(reads, t.Path[min(n+2, len(t.Path)):])
				}
			}
		}
	}
	if f.request.Made != nil {
		return compact(f.request.Resource) + "\x00" + f.request.MadeKey() + "\x00" + manifest.SchemaKey(p.reasons.ArgumentsSchema(f.column.Item), [][]string{{}})
	}
	if n == 0 {
		return compact(resource)
	}
	return compact(resource) + "\x00" + manifest.SchemaKey(p.reasons.ArgumentsSchema(f.column.Item), reads)
}

// key is the same for cells in which it comes to the same.
func (f *failing) key(sent string) string {
	return f.cell.Access.String() + "\x00" + f.cell.Condition.Key() + "\x00" + f.looksAt() + "\x00" + sent
}

// looksAt writes down what the conditions of the rule look at in the request.
func (f *failing) looksAt() string {
	who := f.request.Principal
	parts := []any{who.Scope, who.PolicyVersion}
	if f.request.Made != nil {
		parts = append(parts, who)
	}
	for _, c := range f.conditions {
		for _, part := range c.Parts {
			for _, t := range slices.Concat(part.Terms, part.Elements) {
				switch {
				case len(t.Path) > 2 && t.Path[0] == "P" && t.Path[1] == "attr":
					parts = append(parts, who.Attr[t.Path[2]])
				case len(t.Path) > 1 && t.Path[0] == "jwt":
					parts = append(parts, who.AuxData[t.Path[1]])
				case len(t.Path) > 0 && t.Path[0] != "R":
					parts = append(parts, who)
				}
			}
		}
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return who.Key // no JSON: like no other
	}
	return string(text)
}

// find looks for two requests of the principal that differ a little: one that
// makes the condition err and is allowed, and one that the rule denies.
func (f *failing) find(ctx context.Context, p *Pass) (bool, error) {
	found, err := f.findErring(ctx, p)
	if err != nil || !found {
		return false, err
	}
	found, err = f.findMet(ctx, p)
	if err != nil || !found {
		return false, err
	}
	return true, f.shrink(ctx, p)
}

// neverErrs reports whether the condition errs for nobody.
func (f *failing) neverErrs(ctx context.Context, p *Pass) (bool, error) {
	if !f.formulas.ForAll {
		return false, nil
	}
	r := f.request
	r.Principal, r.AnyPrincipal = p.reasons.Somebody(), true
	return p.reasons.Impossible(ctx, f.world(&r, false), f.formulas.Errs(0))
}

// world is one of a request about the column, and if asked for of the one that the
// arguments stand in, by the same arguments.
func (f *failing) world(r *authz.Request, both bool) *solver.World {
	w := &solver.World{Requests: []authz.Request{*r}, Arguments: []any{f.arguments}}
	if both {
		w.Requests, w.Calls = append(w.Requests, asking(f.column, f.request.Principal)), []int{0, 0}
	}
	return w
}

// errs are the goals of the first request.
func (f *failing) errs() []solver.Goal {
	goals := f.formulas.Errs(0)
	if f.besides != nil {
		goals = append(goals, f.besides.May(0)...)
	}
	return goals
}

// findErring looks for arguments with which the condition errs and the engine allows: of
// those with which it errs any, and if that is denied one that meets the cell's condition.
func (f *failing) findErring(ctx context.Context, p *Pass) (bool, error) {
	answer, err := p.reasons.Solve(ctx, f.world(&f.request, false), f.errs(), nil)
	if err != nil || answer.Verdict != solver.Possible {
		return false, err
	}
	first := f.attempt(&answer)
	if f.allowed, err = f.allows(ctx, p, first); err != nil || f.allowed != nil {
		f.erring = first
		return f.allowed != nil, err
	}
	asked := asking(f.column, f.request.Principal)
	of, ok := solver.Of(f.cell.Condition, &asked)
	if f.cell.Access != matrix.Conditional || !ok {
		return false, nil
	}
	goals := append(f.errs(), solver.Goal{Formula: of, Request: 1, To: solver.Only(solver.Met)})
	answer, err = p.reasons.Solve(ctx, f.world(&f.request, true), goals, func(ctx context.Context, requests []authz.Request, _ time.Time) (bool, error) {
		f.erring = f.attempt(&solver.Answer{Requests: requests})
		f.allowed, err = f.allows(ctx, p, f.erring)
		return f.allowed != nil, err
	})
	return answer.Verdict == solver.Possible, err
}

// findMet looks for a request that the rule denies: by the principal, or failing that by
// one who has more attributes.
func (f *failing) findMet(ctx context.Context, p *Pass) (bool, error) {
	goals := f.formulas.Met(0)
	if f.besides != nil {
		goals = append(goals, f.besides.Met(0)...)
	}
	confirm := func(ctx context.Context, requests []authz.Request, _ time.Time) (bool, error) {
		f.met = f.attempt(&solver.Answer{Requests: requests})
		return f.isDenied(ctx, p, f.met)
	}
	if besides := f.otherDenies(p); len(besides) > 0 { // any of which may deny it first
		answer, err := p.reasons.Solve(ctx, f.world(&f.request, false), slices.Concat(goals, besides), confirm)
		if err != nil || answer.Verdict == solver.Possible {
			return err == nil, err
		}
	}
	answer, err := p.reasons.Solve(ctx, f.world(&f.request, false), goals, confirm)
	who := f.request.Principal
	if err != nil || answer.Verdict == solver.Possible || who.JWTs != nil {
		return err == nil && answer.Verdict == solver.Possible, err
	}
	r := f.request
	r.AnyPrincipal = true
	w := f.world(&r, false)
	w.FixedID, w.Principal, w.Claims = true, atLeast(who.Attr), atLeast(who.AuxData)
	answer, err = p.reasons.Solve(ctx, w, goals, confirm)
	return err == nil && answer.Verdict == solver.Possible, err
}

// otherDenies are the goals that no other DENY of the cell is met.
func (f *failing) otherDenies(p *Pass) []solver.Goal {
	var goals []solver.Goal
	for _, part := range f.cell.Rules {
		if part.Effect != authz.Deny || part.Syntax == nil || part.Syntax == f.rule || part.Met == authz.Unmet {
			continue
		}
		if other := p.reasons.Formulas(part.Syntax, ""); other != nil {
			goals = append(goals, solver.Goal{Formula: other.Condition(), Request: 0, To: solver.Only(solver.Unmet, solver.Errored)})
		}
	}
	return goals
}

// atLeast is the JSON Schema of mappings that have all that one has.
func atLeast(m map[string]any) any {
	properties, required := map[string]any{}, []any{}
	for name, v := range m {
		properties[name] = exactly(v)
		required = append(required, name)
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

// exactly is the JSON Schema of one value.
func exactly(v any) any {
	below, ok := v.(map[string]any)
	if !ok {
		return map[string]any{"const": v}
	}
	schema, _ := atLeast(below).(map[string]any)
	schema["additionalProperties"] = false
	return schema
}

// attempt is what the first request of an answer attempts.
func (f *failing) attempt(answer *solver.Answer) attempt {
	return attempt{answer.Requests[0].Principal, f.column, argumentsIn(&answer.Requests[0], f.request.Unknown)}
}

// argumentsIn returns the arguments of a request that stand at a path below the
// resource's attributes, nil if there is no such path.
func argumentsIn(r *authz.Request, path []string) map[string]any {
	if path == nil {
		return nil
	}
	if m := r.Resource.Mapping(path); m != nil {
		return m
	}
	return map[string]any{}
}

// allows returns the cell of an attempt that the engine allows, nil of any other, and
// where that would take too much.
func (f *failing) allows(ctx context.Context, p *Pass, a attempt) (*matrix.Cell, error) {
	cells, err := p.decide(ctx, []attempt{a})
	if err != nil || cells == nil || !allowed(&cells[0]) {
		return nil, err
	}
	return &cells[0], nil
}

// isDenied reports whether the engine denies an attempt, and by the rule.
func (f *failing) isDenied(ctx context.Context, p *Pass, a attempt) (bool, error) {
	cells, err := p.decide(ctx, []attempt{a})
	if err != nil || cells == nil {
		return false, err
	}
	return denied(&cells[0]) && slices.ContainsFunc(cells[0].Rules, func(part matrix.Rule) bool {
		return part.Syntax == f.rule && part.Met == authz.Fired
	}), nil
}

// holds reports whether goals hold for an attempt, and the schema allows it.
func (f *failing) holds(ctx context.Context, p *Pass, a attempt, goals []solver.Goal) (bool, error) {
	if f.request.Unknown != nil && !p.reasons.Finder.Schema(f.column.Item).Allows(a.arguments) {
		return false, nil
	}
	r := pep.Bind(f.request, a.arguments)
	r.Principal = a.who
	answer, err := p.reasons.Solve(ctx, &solver.World{Requests: []authz.Request{r}}, goals, nil)
	return answer.Verdict == solver.Possible, err
}

// setErring takes an attempt for the one that errs and is allowed, if it is one.
func (f *failing) setErring(ctx context.Context, p *Pass, a attempt) (bool, error) {
	ok, err := f.holds(ctx, p, a, f.errs())
	if err != nil || !ok {
		return false, err
	}
	cell, err := f.allows(ctx, p, a)
	if err != nil || cell == nil {
		return false, err
	}
	f.erring, f.allowed = a, cell
	return true, nil
}

// setMet takes an attempt for the one that the rule denies, if it is one.
func (f *failing) setMet(ctx context.Context, p *Pass, a attempt) (bool, error) {
	ok, err := f.holds(ctx, p, a, f.formulas.Met(0))
	if err != nil || !ok {
		return false, err
	}
	if ok, err = f.isDenied(ctx, p, a); ok {
		f.met = a
	}
	return ok, err
}

// shrink makes the two requests differ in less, first in what the one that errs has
// otherwise, and leaves out of both what does not matter.
func (f *failing) shrink(ctx context.Context, p *Pass) error {
	for _, name := range differences(f.erring.arguments, f.met.arguments) {
		if ok, err := f.setErring(ctx, p, f.erring.like(f.met, name)); err != nil {
			return err
		} else if ok {
			continue
		}
		if _, has := f.erring.arguments[name]; has {
			if _, err := f.setErring(ctx, p, f.erring.without(name)); err != nil {
				return err
			}
		}
	}
	for _, name := range differences(f.erring.arguments, f.met.arguments) {
		if _, err := f.setMet(ctx, p, f.met.like(f.erring, name)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.met.arguments)) {
		erring := f.erring
		if _, both := erring.arguments[name]; !both || slices.Contains(f.differences(), ofArgument+name) {
			continue
		}
		if ok, err := f.setErring(ctx, p, erring.without(name)); err != nil {
			return err
		} else if !ok {
			continue
		}
		if ok, err := f.setMet(ctx, p, f.met.without(name)); err != nil {
			return err
		} else if !ok {
			f.erring = erring
		}
	}
	return f.shrinkPrincipal(ctx, p)
}

// shrinkPrincipal leaves out of who is denied what the other does not have either, and
// makes a text of what remains and may be one.
func (f *failing) shrinkPrincipal(ctx context.Context, p *Pass) error {
	who := f.class.First()
	for _, of := range []func(*authz.Principal) *map[string]any{
		func(x *authz.Principal) *map[string]any { return &x.Attr },
		func(x *authz.Principal) *map[string]any { return &x.AuxData },
	} {
		for _, name := range differences(*of(who), *of(f.met.who)) {
			less := *f.met.who
			m := of(&less)
			*m = maps.Clone(*m)
			delete(*m, name)
			ok, err := f.setMet(ctx, p, attempt{&less, f.column, f.met.arguments})
			if err != nil {
				return err
			}
			if _, isText := (*of(f.met.who))[name].(string); ok || isText {
				continue
			}
			(*m)[name] = "other"
			if _, err := f.setMet(ctx, p, attempt{&less, f.column, f.met.arguments}); err != nil {
				return err
			}
		}
	}
	return nil
}

// without is the attempt with an argument less.
func (a attempt) without(name string) attempt {
	a.arguments = maps.Clone(a.arguments)
	delete(a.arguments, name)
	return a
}

// like is the attempt with an argument as another has it.
func (a attempt) like(other attempt, name string) attempt {
	a.arguments = maps.Clone(a.arguments)
	if v, has := other.arguments[name]; has {
		a.arguments[name] = v
	} else {
		delete(a.arguments, name)
	}
	return a
}

// differences names what the two requests differ in: arguments, and attributes and claims
// that the principal of the one has more than that of the other.
func (f *failing) differences() []string {
	list := []string{}
	for _, name := range differences(f.erring.arguments, f.met.arguments) {
		list = append(list, ofArgument+name)
	}
	for _, name := range differences(f.erring.who.Attr, f.met.who.Attr) {
		list = append(list, "principal."+name)
	}
	for _, name := range differences(f.erring.who.AuxData, f.met.who.AuxData) {
		list = append(list, "auxData.jwt."+name)
	}
	return list
}

// ofArgument begins the name of an argument among differences.
const ofArgument = "arguments."
