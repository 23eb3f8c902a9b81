package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// obstacle says what keeps an ALLOW from letting a class do something that it may
// not: "its condition is not met". It is "" where the rule is for others.
func obstacle(p *Pass, r *policy.Rule, c *matrix.Class, col *matrix.Column) string {
	cell := p.cell(c, col)
	for i, a := range p.index.Asked(col) {
		if cells := p.answers.apart[col]; cells != nil && coverage.Covers(r, a.Request) {
			if cell = cells[i][c.Index]; !denied(cell) {
				return otherwise(p, c, col)
			}
			break
		}
	}
	i := slices.IndexFunc(cell.Rules, func(part matrix.Rule) bool { return part.Syntax == r })
	switch {
	case i >= 0 && cell.Rules[i].Met == authz.Unmet:
		return unmet
	case i >= 0 && cell.Reason() != "":
		return cell.Reason()
	case i >= 0:
		return overruled(r, cell)
	case !isFor(p, r, c):
		return ""
	}
	if gate := closedGate(p, c, col); gate != "" {
		return gate + ", which is asked first, is refused"
	}
	if other := behindGate(p, r, col); other != "" {
		return other + ", which is asked too, is denied"
	}
	return unreached(p, r, c, cell)
}

// behindGate returns the request that is asked besides where a rule is about nothing but a
// gate, or "".
func behindGate(p *Pass, r *policy.Rule, col *matrix.Column) string {
	var others []string
	for _, a := range p.index.Asked(col) {
		switch covered := coverage.Covers(r, a.Request); {
		case covered && !a.Gate:
			return ""
		case !covered:
			others = append(others, a.Action)
		}
	}
	if len(others) != 1 {
		return ""
	}
	return others[0]
}

// otherwise names what is denied of several requests, one of which is allowed.
func otherwise(p *Pass, c *matrix.Class, col *matrix.Column) string {
	for i, a := range p.index.Asked(col) {
		if denied(p.answers.apart[col][i][c.Index]) {
			return a.Action + ", which is asked too, is denied"
		}
	}
	return ""
}

// askApart decides each request of an operation alone where several are sent and
// nobody may do it: its cells do not tell which of them it was.
func askApart(ctx context.Context, p *Pass) error {
	p.answers.apart = map[*matrix.Column][][]*matrix.Cell{}
	for col := range p.calls() {
		if len(p.index.Asked(col)) < 2 || !p.all(col, denied) {
			continue
		}
		for _, a := range p.index.Asked(col) {
			cells, err := askAll(ctx, p, col, []coverage.Asked{a})
			if err != nil {
				return err
			}
			p.answers.apart[col] = append(p.answers.apart[col], cells)
		}
	}
	return nil
}

const unmet = "its condition is not met"

// overruled says what keeps a rule that applies from having its way.
func overruled(r *policy.Rule, cell *matrix.Cell) string {
	if denials := cell.Decisive(); len(denials) > 0 && denials[0].Syntax != nil {
		return fmt.Sprintf("%s denies it all the same", nameOf(denials[0].Syntax))
	}
	switch {
	case strings.HasSuffix(r.Policy.ScopePermissions, requiresConsent) && r.Policy.Scope != "":
		return fmt.Sprintf("no scope above %q allows it too, as its scopePermissions require", r.Policy.Scope)
	case r.Policy.Kind == policy.RolePolicy:
		return "nothing allows it to the parent roles, which a role policy only narrows"
	}
	return "a role policy, or a scope that wants consent, does not allow it too"
}

const requiresConsent = "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"

// unreached says why a rule for a class did not come to be asked.
func unreached(p *Pass, r *policy.Rule, c *matrix.Class, cell *matrix.Cell) string {
	for _, first := range cell.Rules {
		f := first.Syntax
		switch {
		case f == nil || first.Met == authz.Unmet:
		case f.Policy.Kind == policy.PrincipalPolicy && r.Policy.Kind != policy.PrincipalPolicy:
			return fmt.Sprintf("it is not reached, because the policy of the principal %s decides first (%s)", f.Policy.Name, nameOf(f))
		case f.Policy.Kind == r.Policy.Kind && isBelow(f.Policy.Scope, r.Policy.Scope):
			return fmt.Sprintf("it is not reached, because %s of the scope %q decides first", nameOf(f), f.Policy.Scope)
		}
	}
	if p.input.StrictEvaluation && len(cell.Errors) > 0 {
		return fmt.Sprintf("it is not reached, because evaluation is strict and %s cannot be evaluated", oneLine(cell.Errors[0].Expr))
	}
	if len(r.Roles) == 0 && len(r.DerivedRoles) > 0 {
		return "its derived " + plural(len(r.DerivedRoles), "role is", "roles are") + " not active"
	}
	for _, role := range slices.Sorted(slices.Values(p.index.Lineage(c.First().Roles...))) {
		if len(p.index.RolePolicies(role)) > 0 && !slices.Contains(values(r.Roles), role) {
			return fmt.Sprintf("it is not reached, because the role policy of %s does not allow it", role)
		}
	}
	return "it is not reached, because something else decides first"
}

// isBelow reports whether a scope lies below another.
func isBelow(scope, parent string) bool {
	return scope != parent && (parent == "" || strings.HasPrefix(scope, parent+"."))
}

// nameOf names a rule and where it stands.
func nameOf(r *policy.Rule) string { return called(r) + " at " + r.Pos.String() }

// isFor reports whether a rule is for somebody of the class, its conditions aside.
func isFor(p *Pass, r *policy.Rule, c *matrix.Class) bool {
	if r.Policy.Kind == policy.PrincipalPolicy {
		return c.First().ID == r.Policy.Name
	}
	held := p.index.Lineage(c.First().Roles...)
	return slices.ContainsFunc(coverage.Roles(p.Policies, r), func(t policy.Text) bool {
		return t.Value == "*" || slices.Contains(held, t.Value)
	})
}
