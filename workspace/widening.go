package workspace

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/policy"
)

// proposals returns the edits of findings, each once, in the order of the
// files. What a waiver accepts stays as it is, and of two that would make the
// same of two names in one list, the second: the engine wants them to differ.
func (w *Workspace) proposals(findings []lint.Finding) []Proposal {
	var list []Proposal
	for i := range findings {
		for _, e := range findings[i].Edits {
			if !findings[i].Waived {
				list = append(list, Proposal{e, findings[i].Rule, w.widens(e)})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Proposal) int { return a.Pos.Compare(b.Pos) })
	type place struct {
		list *policy.Text // its first element
		name string
	}
	seen, made := map[fix.Edit]bool{}, map[place]bool{}
	return slices.DeleteFunc(list, func(p Proposal) bool {
		at := place{w.listOf(p.Edit), p.New}
		gone := seen[p.Edit] || at.list != nil && !p.Remove && made[at]
		seen[p.Edit], made[at] = true, true
		return gone
	})
}

// listOf returns the first entry of the list of actions or roles with an entry at the
// position of the edit, or nil.
func (w *Workspace) listOf(e fix.Edit) *policy.Text {
	for r := range w.Policies.Rules() {
		for _, list := range [][]policy.Text{r.Actions, r.Roles} {
			if slices.ContainsFunc(list, func(t policy.Text) bool { return t.Pos == e.Pos }) {
				return &list[0]
			}
		}
	}
	return nil
}

// widens says how an edit can give somebody more access, whoever that is and
// declared or not; "" if it cannot. It goes by what is edited: a DENY that is
// about one more action, an ALLOW that is about one less, and what nothing uses.
func (w *Workspace) widens(e fix.Edit) string {
	for r := range w.Policies.Rules() {
		at := func(t policy.Text) bool { return t.Pos == e.Pos }
		switch {
		case slices.ContainsFunc(r.Actions, at):
			return w.widensAction(r, e)
		case slices.ContainsFunc(r.Roles, at) && r.Effect == authz.Allow:
			return fmt.Sprintf("whoever has the role %s gets what the rule allows", e.New)
		case slices.ContainsFunc(r.Roles, at):
			return fmt.Sprintf("whoever has the role %s is denied it no more", e.Old)
		}
		for expr := range r.Condition.Exprs() {
			if at(expr) {
				return "other calls meet the condition"
			}
		}
	}
	if e.Remove {
		return ""
	}
	return "it is not certain who is concerned"
}

const parentalConsent = "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"

func (w *Workspace) widensAction(r *policy.Rule, e fix.Edit) string {
	switch {
	case r.Effect == authz.Deny && e.Remove:
		return "the rule denies it no more"
	case r.Effect == authz.Deny && w.engine.StrictEvaluation: // what errs first denies, whatever other roles allow
		return "it denies to its roles what another rule's error denies to all roles together"
	case r.Effect == authz.Deny:
		return ""
	case !e.Remove:
		return "the rule allows it"
	case w.engine.StrictEvaluation: // an error of its condition denies
		return "the rule's errors deny it no more"
	case r.Policy.ScopePermissions == parentalConsent: // its condition narrows what parents allow
		return "the rule's condition limits it no more"
	}
	return ""
}
