package lint

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// shadows is how many requests are decided with and without a rule that is
// said to change nothing.
const shadows = 256

// ruleShadowed flags rules that change nothing because other rules of the same policy
// cover them: for each of their actions and roles there is one with the same effect,
// or a DENY, that is unconditional or has the same condition. Other ways to cover a
// rule are not looked for. The engine without the rule has to decide the same.
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
		list, err := findShadows(ctx, p)
		if err != nil || len(list) == 0 {
			return err
		}
		confirmed, err := confirmShadows(ctx, p, list)
		if err != nil {
			return err
		}
		for _, s := range confirmed {
			f := Finding{
				Pos: s.rule.Pos, Policy: s.rule.ID, Server: p.index.OnlyServer(s.rule),
				Evidence: []string{cite(s.rule)},
			}
			var by, keys []string
			for _, o := range s.by {
				by, keys = append(by, o.ID), append(keys, keyOf(o))
			}
			f.Cause = causeOf(keys...)
			for _, by := range s.by[:min(len(s.by), reasons)] {
				f.Evidence = append(f.Evidence, cite(by))
			}
			p.report(draft{
				Finding: f, servers: p.index.ServerNames(s.rule), subject: strconv.Quote(s.rule.Label()), by: by,
				say: func(e *effects) string {
					return fmt.Sprintf("%s%s %s nothing: %s", plural(len(e.subjects), "rule ", "rules "), listing(e.subjects, len(e.subjects)),
						plural(len(e.subjects), "changes", "change"), s.because())
				},
			})
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

// findShadows lists the rules that others cover. Of rules that cover each other
// the first stays: nothing is covered by what is itself in the list.
func findShadows(ctx context.Context, p *Pass) ([]*shadow, error) {
	var list []*shadow
	for _, set := range p.Policies.Policies {
		if set.Disabled || set.Kind != policy.ResourcePolicy || set.ScopePermissions != "" && set.ScopePermissions != "SCOPE_PERMISSIONS_OVERRIDE_PARENT" {
			continue
		}
		rest := slices.Clone(set.Rules)
		for _, r := range slices.Backward(set.Rules) {
			others := slices.DeleteFunc(slices.Clone(rest), func(o *policy.Rule) bool { return o == r })
			by, err := coverers(ctx, p, r, others)
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
func coverers(ctx context.Context, p *Pass, r *policy.Rule, others []*policy.Rule) (by []*policy.Rule, err error) {
	strict := p.input.StrictEvaluation && r.Condition != nil
	if strict || len(r.Outputs) > 0 || len(p.Policies.Named(r.ID)) != 1 || len(p.index.Covered(r)) == 0 {
		return nil, nil
	}
	cover := func(covers func(*policy.Rule) bool) bool {
		i := slices.IndexFunc(others, func(o *policy.Rule) bool {
			if o.Effect != r.Effect && o.Effect != authz.Deny || o.Condition != nil && p.reasons.ComparesNoMore() || !covers(o) {
				return false
			}
			met := false
			if err == nil {
				met, err = p.reasons.Follows(ctx, o, r)
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
			d := p.Policies.DerivedRole(r.Policy, name.Value)
			if d == nil || !cover(func(o *policy.Rule) bool { return coversAction(o, action.Value) && coversDerivedRole(o, name.Value, d) }) {
				return nil, err
			}
		}
	}
	return by, err
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

// confirmShadows keeps the rules without which the engine decides the same: without
// all of them at once, for the declared principals and for others with the rule's
// roles.
func confirmShadows(ctx context.Context, p *Pass, list []*shadow) ([]*shadow, error) {
	engine, ok := p.input.Engine.(pdp.Divisible)
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
		trials := shadowTrials(p, s.rule)
		before, err := p.Matrix.Try(ctx, p.Matrix.Decider(), trials)
		if err != nil {
			return nil, err
		}
		after, err := p.Matrix.Try(ctx, without, trials)
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
func shadowTrials(p *Pass, r *policy.Rule) []matrix.Trial {
	var trials []matrix.Trial
	people := concernedBy(p, r)
	for _, of := range p.index.Covered(r) {
		for _, who := range people {
			for c := range p.reasons.Finder.Search(coverage.Plain(of.Column), who, matrix.Rule{ID: r.ID}).Candidates().Each {
				if len(trials) >= shadows {
					return trials
				}
				trials = append(trials, matrix.Trial{Column: coverage.Plain(of.Column), Arguments: c.Arguments, Principals: []*authz.Principal{who}})
			}
		}
	}
	return trials
}

// concernedBy returns principals that a rule may be about: a few that are
// declared, and one with each of its roles.
func concernedBy(p *Pass, r *policy.Rule) []*authz.Principal {
	var list []*authz.Principal
	for _, c := range p.Matrix.Classes {
		if who := c.First(); len(list) < people && len(p.index.Concerned(r, who.Roles)) > 0 {
			list = append(list, who)
		}
	}
	for _, role := range r.Roles {
		if !policy.IsGlob(role.Value) {
			who := p.reasons.Somebody()
			who.Roles = []string{role.Value}
			list = append(list, who)
		}
	}
	return list
}
