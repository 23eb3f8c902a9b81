package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A proposal is an edit that a finding brings along.
type proposal struct {
	fix.Edit
	rule   string // the ID of the lint rule
	widens string // how it can give somebody more access, or "" if it cannot
}

// proposals returns the edits of findings, each once, in the order of the
// files. What a waiver accepts stays as it is, and of two that would make the
// same of two names in one list, the second: the engine wants them to differ.
func (w *workspace) proposals(findings []lint.Finding) []proposal {
	var list []proposal
	for i := range findings {
		for _, e := range findings[i].Edits {
			if !findings[i].Waived {
				list = append(list, proposal{e, findings[i].Rule, w.widens(e)})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b proposal) int { return a.Pos.Compare(b.Pos) })
	type place struct {
		list *policy.Text // its first element
		name string
	}
	seen, made := map[fix.Edit]bool{}, map[place]bool{}
	return slices.DeleteFunc(list, func(p proposal) bool {
		at := place{w.listOf(p.Edit), p.New}
		gone := seen[p.Edit] || at.list != nil && !p.Remove && made[at]
		seen[p.Edit], made[at] = true, true
		return gone
	})
}

// listOf returns the first of the actions or roles that an edit is about one
// of, or nil.
func (w *workspace) listOf(e fix.Edit) *policy.Text {
	for r := range w.policies.Rules() {
		for _, list := range [][]policy.Text{r.Actions, r.Roles} {
			if slices.ContainsFunc(list, func(t policy.Text) bool { return t.Pos == e.Pos }) {
				return &list[0]
			}
		}
	}
	return nil
}

// safe returns the proposals that cannot give anybody more access.
func safe(list []proposal) []proposal {
	return slices.DeleteFunc(slices.Clone(list), func(p proposal) bool { return p.widens != "" })
}

// does says what an edit does.
func (p proposal) does() string {
	if p.Remove {
		return fmt.Sprintf("%q is taken out", p.Old)
	}
	return fmt.Sprintf("%q becomes %q", p.Old, p.New)
}

// would says what an edit would do.
func (p proposal) would() string {
	if p.Remove {
		return fmt.Sprintf("%q would be taken out", p.Old)
	}
	return fmt.Sprintf("%q would become %q", p.Old, p.New)
}

// widens says how an edit can give somebody more access, whoever that is and
// declared or not; "" if it cannot. It goes by what is edited: a DENY that is
// about one more action, an ALLOW that is about one less, and what nothing uses.
func (w *workspace) widens(e fix.Edit) string {
	for r := range w.policies.Rules() {
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

func (w *workspace) widensAction(r *policy.Rule, e fix.Edit) string {
	switch {
	case r.Effect == authz.Deny && e.Remove:
		return "the rule denies it no more"
	case r.Effect == authz.Deny:
		return ""
	case !e.Remove:
		return "the rule allows it"
	case w.options.StrictEvaluation: // an error of its condition denies
		return "the rule's errors deny it no more"
	case r.Policy.ScopePermissions == parentalConsent: // its condition narrows what parents allow
		return "the rule's condition limits it no more"
	}
	return ""
}

// confirm has the engine decide everything as it is and with the proposals that
// are safe by their form, and marks those after which somebody may do more.
func (w *workspace) confirm(ctx context.Context, root *os.Root, list []proposal) error {
	widened, err := w.widened(ctx, root, safe(list))
	if err != nil || !widened {
		return err
	}
	for i := range list {
		p := &list[i]
		if p.widens != "" {
			continue
		}
		if widened, err = w.widened(ctx, root, []proposal{*p}); err != nil {
			return err
		}
		if widened {
			p.widens = "more is allowed with it"
		}
	}
	if widened, err = w.widened(ctx, root, safe(list)); err != nil || !widened {
		return err
	}
	for i := range list {
		if list[i].widens == "" {
			list[i].widens = "more is allowed with it and others"
		}
	}
	return nil
}

// widened reports whether somebody may do more with the edits made. Where a
// condition becomes another one, the form of the edits says that it may not.
func (w *workspace) widened(ctx context.Context, root *os.Root, list []proposal) (bool, error) {
	made, _ := corrections(root, w.options.Prefix, list)
	if len(made) == 0 {
		return false, nil
	}
	engine, err := w.tryOut(ctx, made)
	if err != nil {
		return false, err
	}
	classes := matrix.NewClasses(func(p *authz.Principal) string { return w.engine.Class(p) + "\x00" + engine.Class(p) })
	for _, p := range w.principals.Principals {
		classes.Add(p)
	}
	before, err := matrix.Build(ctx, &matrix.Input{Servers: w.servers, Classes: classes, Decider: w.engine})
	if err != nil {
		return false, err
	}
	after, err := matrix.Build(ctx, &matrix.Input{Servers: w.servers, Classes: classes, Decider: engine})
	if err != nil {
		return false, err
	}
	for ref := range before.All() {
		was, is := ref.Access, after.Cell(ref.Class, ref.Column).Access
		if was == matrix.Denied && is != matrix.Denied || was == matrix.Conditional && is == matrix.Allowed {
			return true, nil
		}
	}
	return false, nil
}

// said writes what becomes of each proposal, a line each: made, left out, or
// refused.
func said(list []proposal, refused map[fix.Edit]string, widening bool, log func(format string, args ...any)) {
	left := false
	for _, p := range list {
		why, not := refused[p.Edit]
		switch {
		case not:
			log("%s: not fixed: %s (%s)", p.Pos, why, p.rule)
		case p.widens == "":
			log("%s: %s (%s)", p.Pos, p.does(), p.rule)
		case widening:
			log("%s: %s (%s); this can widen access: %s", p.Pos, p.does(), p.rule, p.widens)
		default:
			left = true
			log("%s: left out: %s, which can widen access: %s (%s)", p.Pos, p.would(), p.widens, p.rule)
		}
	}
	if left {
		log("--fix-widening makes what is left out too; --diff shows it")
	}
}
