package lint

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// shadows is how many requests are decided with and without a rule that is
// said to change nothing.
const shadows = 256

// ruleShadowed flags rules of which other rules of the same policy say all
// there is to say: for each of their actions and roles there is one with the
// same effect, or a DENY, that is unconditional or has the same condition.
// Whatever else the rule may be covered by is not looked for. What is claimed
// is held against the engine without the rule.
var ruleShadowed = &Rule{
	ID:       "rule-shadowed",
	Family:   unreachable,
	Severity: authz.SeverityNote,
	needs:    []need{needConditions, needLessRules},
	Doc: Doc{
		Summary: "Taking the rule away changes no decision for any request, because other rules decide the same",
		Rationale: `Who reads the rule believes that it matters: that access ends when it is taken away, or that its
condition narrows what a wider rule has long opened.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "export"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [SALES]}
    - actions: ["tools/call::export"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "export"}, {"name": "search"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::search"], effect: EFFECT_ALLOW, roles: [SALES]}
    - actions: ["tools/call::export"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.region == P.attr.region}}
`,
		Fix:       "Take the rule out, or narrow the one that covers it.",
		Standards: deadRule,
	},
	Ask: func(ctx context.Context, p *Pass) error {
		x := p.reasoner()
		if x == nil {
			return nil
		}
		list, err := x.shadowed(ctx)
		if err != nil || len(list) == 0 {
			return err
		}
		confirmed, err := x.confirmShadows(ctx, list)
		if err != nil {
			return err
		}
		for _, s := range confirmed {
			f := Finding{
				Pos: s.rule.Pos, Policy: s.rule.ID, Server: p.onlyServer(s.rule),
				Message: fmt.Sprintf("%s changes nothing: %s", called(s.rule), s.because()), Evidence: []string{cite(s.rule)},
			}
			for _, by := range s.by[:min(len(s.by), reasons)] {
				f.Evidence = append(f.Evidence, cite(by))
			}
			p.report(draft{Finding: f, servers: p.serverNames(s.rule)})
		}
		return nil
	},
}

// A shadow is a rule and those that cover it.
type shadow struct {
	rule *policy.Rule
	by   []*policy.Rule
}

// because says what covers the rule.
func (s *shadow) because() string {
	var words []string
	denies := false
	for _, by := range s.by {
		words = append(words, fmt.Sprintf("%q", by.Label()))
		denies = denies || by.Effect != s.rule.Effect
	}
	subject := plural(len(words), "rule ", "rules ") + listing(words, named)
	if denies {
		return subject + plural(len(words), " denies", " decide") + " it anyway"
	}
	return subject + plural(len(words), " decides", " decide") + " the same"
}

// shadowed lists the rules that others cover. Of rules that cover each other
// the first stays: nothing is covered by what is itself in the list.
func (x *reasoner) shadowed(ctx context.Context) ([]*shadow, error) {
	var list []*shadow
	for _, set := range x.Policies.Policies {
		if set.Disabled || set.Kind != policy.ResourcePolicy || set.ScopePermissions != "" && set.ScopePermissions != "SCOPE_PERMISSIONS_OVERRIDE_PARENT" {
			continue
		}
		rest := slices.Clone(set.Rules)
		for _, r := range slices.Backward(set.Rules) {
			others := slices.DeleteFunc(slices.Clone(rest), func(o *policy.Rule) bool { return o == r })
			by, err := x.coverers(ctx, r, others)
			if err != nil {
				return nil, err
			}
			if len(by) > 0 {
				list = append(list, &shadow{r, by})
				rest = others
			}
		}
	}
	return list, nil
}

// coverers returns rules that together cover another, or nil.
func (x *reasoner) coverers(ctx context.Context, r *policy.Rule, others []*policy.Rule) (by []*policy.Rule, err error) {
	strict := x.input.StrictEvaluation && r.Condition != nil
	if strict || len(r.Outputs) > 0 || len(x.Policies.Named(r.ID)) != 1 || len(x.covered(r)) == 0 {
		return nil, nil
	}
	cover := func(covers func(*policy.Rule) bool) bool {
		i := slices.IndexFunc(others, func(o *policy.Rule) bool {
			if o.Effect != r.Effect && o.Effect != authz.Deny || !covers(o) {
				return false
			}
			met := x.sameCondition(o, r)
			if !met && err == nil {
				met, err = x.follows(ctx, o, r)
			}
			return met
		})
		if i >= 0 && !slices.Contains(by, others[i]) {
			by = append(by, others[i])
		}
		return i >= 0
	}
	for _, action := range r.Actions {
		for _, role := range r.Roles {
			if !cover(func(o *policy.Rule) bool { return coversAction(o, action.Value) && coversRole(o.Roles, role.Value) }) {
				return nil, err
			}
		}
		for _, name := range r.DerivedRoles {
			d := x.Policies.DerivedRole(r.Policy, name.Value)
			if d == nil || !cover(func(o *policy.Rule) bool { return coversAction(o, action.Value) && coversDerivedRole(o, name.Value, d) }) {
				return nil, err
			}
		}
	}
	return by, err
}

// sameCondition reports whether a rule has no condition, or the same as
// another.
func (x *reasoner) sameCondition(o, r *policy.Rule) bool {
	if o.Condition == nil {
		return true
	}
	if r.Condition == nil || x.input.StrictEvaluation {
		return false
	}
	a, b := x.own(o), x.own(r)
	return a != nil && a == b && !slices.ContainsFunc(a.Parts, func(p pdp.Part) bool { return p.Relation == pdp.Opaque })
}

// follows reports whether a rule's condition is met whenever that of another is,
// for every request that the other covers. It says so only where the candidates
// leave nothing out.
func (x *reasoner) follows(ctx context.Context, o, r *policy.Rule) (bool, error) {
	if o.Condition == nil || r.Condition == nil || x.input.StrictEvaluation || x.spentOnCovers {
		return false, nil
	}
	a, b := x.own(o), x.own(r)
	if a == nil || b == nil || a.Globals || b.Globals || !slices.ContainsFunc(a.Parts, func(p pdp.Part) bool { return sharesPlace(p, b.Parts) }) {
		return false, nil
	}
	met := false
	for _, of := range x.covered(r) {
		q := x.anyItem(r, b, of)
		if q == nil {
			q = x.anyItem(r, a, of)
		}
		if q == nil {
			q = x.anybody(r, b, of)
		}
		q.Parts = slices.Concat(b.Parts, a.Parts)
		candidates := q.Candidates()
		list := slices.Collect(candidates.Each)
		if !candidates.All {
			return false, nil
		}
		if !x.afford(2 * len(list)) {
			x.spentOnCovers = x.spentOnCovers || len(list) <= fewCandidates
			return false, nil
		}
		var trials []pdp.Trial
		for _, c := range list {
			request := bound(q.Request, c)
			trials = append(trials, pdp.Trial{Condition: b, Request: request}, pdp.Trial{Condition: a, Request: request})
		}
		outcomes, err := x.engine.Try(ctx, trials)
		if err != nil {
			return false, err
		}
		for i := 0; i < len(outcomes); i += 2 {
			if outcomes[i] == pdp.Unasked || outcomes[i] == pdp.Met && outcomes[i+1] != pdp.Met {
				return false, nil
			}
			met = met || outcomes[i] == pdp.Met
		}
	}
	return met, nil // a condition that is never met is another rule's to report
}

// fewCandidates is so few that a pair of rules that cannot afford them stands for the
// others: thousands of rules are millions of pairs.
const fewCandidates = 100

// sharesPlace reports whether a part looks at a place that one of the others
// does: without that, one condition cannot follow from another.
func sharesPlace(p pdp.Part, others []pdp.Part) bool {
	return slices.ContainsFunc(p.Terms, func(t pdp.Term) bool {
		return len(t.Path) > 0 && slices.ContainsFunc(others, func(o pdp.Part) bool {
			return slices.ContainsFunc(o.Terms, func(u pdp.Term) bool { return slices.Equal(t.Path, u.Path) })
		})
	})
}

// coversAction reports whether a rule is about whatever an action of another
// may be about.
func coversAction(o *policy.Rule, action string) bool {
	return slices.ContainsFunc(o.Actions, func(t policy.Text) bool {
		if t.Value == action || t.Value == "*" || t.Value == "**" {
			return true
		}
		ok, err := o.MatchAction(t.Value, action)
		return ok && err == nil && !o.IsGlob(action)
	})
}

func coversRole(patterns []policy.Text, role string) bool {
	return slices.ContainsFunc(patterns, func(t policy.Text) bool {
		if t.Value == role || t.Value == "*" {
			return true
		}
		ok, err := policy.MatchRole(t.Value, role)
		return ok && err == nil && !policy.IsGlob(role)
	})
}

// coversDerivedRole reports whether a rule is for a derived role, or for all of
// its parents.
func coversDerivedRole(o *policy.Rule, name string, d *policy.DerivedRole) bool {
	if slices.ContainsFunc(o.DerivedRoles, func(t policy.Text) bool { return t.Value == name }) {
		return true
	}
	return len(d.ParentRoles) > 0 && !slices.ContainsFunc(d.ParentRoles, func(t policy.Text) bool { return !coversRole(o.Roles, t.Value) })
}

// confirmShadows keeps the rules that the engine does not miss: it decides the
// same with and without all of them, for the declared principals and for
// others with the rule's roles.
func (x *reasoner) confirmShadows(ctx context.Context, list []*shadow) ([]*shadow, error) {
	engine, ok := x.input.Engine.(pdp.Divisible)
	if !ok {
		return list, nil
	}
	var ids []string
	for _, s := range list {
		ids = append(ids, s.rule.ID)
	}
	without, err := engine.Without(ids)
	if err != nil {
		return nil, err
	}
	var kept []*shadow
	for _, s := range list {
		trials := x.shadowTrials(s.rule)
		before, err := x.Matrix.Try(ctx, x.Matrix.Decider(), trials)
		if err != nil {
			return nil, err
		}
		after, err := x.Matrix.Try(ctx, without, trials)
		if err != nil {
			return nil, err
		}
		same := func(a, b *matrix.Cell) bool { return a.Access == b.Access }
		if !slices.EqualFunc(before, after, func(a, b []*matrix.Cell) bool { return slices.EqualFunc(a, b, same) }) {
			continue
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// shadowTrials are requests that a rule covers.
func (x *reasoner) shadowTrials(r *policy.Rule) []matrix.Trial {
	var trials []matrix.Trial
	people := x.concernedBy(r)
	for _, of := range x.covered(r) {
		for _, who := range people {
			for c := range x.finder.Question(x.plain(of.column), who, matrix.Rule{ID: r.ID}).Candidates().Each {
				if len(trials) >= shadows {
					return trials
				}
				trials = append(trials, matrix.Trial{Column: x.plain(of.column), Arguments: c.Arguments, Principals: []*authz.Principal{who}})
			}
		}
	}
	return trials
}

// concernedBy returns principals that a rule may be about: a few that are
// declared, and one with each of its roles.
func (x *reasoner) concernedBy(r *policy.Rule) []*authz.Principal {
	var list []*authz.Principal
	for _, c := range x.Matrix.Classes {
		if who := x.standIn(c); len(list) < people && len(x.concerned(r, who.Roles)) > 0 {
			list = append(list, who)
		}
	}
	for _, role := range r.Roles {
		if !policy.IsGlob(role.Value) {
			who := x.somebody()
			who.Roles = []string{role.Value}
			list = append(list, who)
		}
	}
	return list
}
