package lint

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

// failures bounds in how many different cells it is tried to make one DENY fail.
const failures = 64

// denyFailsOpen flags DENY rules that a declared principal gets around by a
// request on which its condition errors, or that of a derived role that it is
// for: no other error of the same request counts. There is a request that the rule does
// deny and that differs from the first in as little as there is; both are within the
// inputSchema. Whether there are such requests is the solver's to say, and where it does
// not know, nothing is said. It is silent where evaluation is
// strict, because the engine denies on an error there.
var denyFailsOpen = &Rule{
	ID:       "deny-fails-open",
	Family:   overExposed,
	Severity: authz.SeverityError,
	needs:    []need{needConditions, needEvaluation},
	Doc: Doc{
		Summary: "The condition of a DENY rule errors for some request, so that the rule is skipped and the request allowed",
		Rationale: "A condition that reads what is not there is an error, and to Cerbos a condition that errors is not " +
			"met. An ALLOW then allows less; a DENY denies less. Whoever leaves the argument out, or sends it as another " +
			"type that the inputSchema allows, is not denied. A default in the inputSchema does not help: it is the " +
			"server's, and the enforcement point asks before. The condition of a derived role that the rule is for counts " +
			"too: where that errors, nobody has the role, and the rule is for nobody.",
		Bad: `
-- manifest.json --
{"tools": [{"name": "export", "inputSchema": {"type": "object", "properties": {"scope": {"type": "string"}}}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::export"], effect: EFFECT_ALLOW, roles: [SALES]}
    - actions: ["tools/call::export"]
      effect: EFFECT_DENY
      roles: [SALES]
      condition: {match: {expr: 'R.attr.arguments.scope != "own"'}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "export", "inputSchema": {"type": "object", "properties": {"scope": {"type": "string"}}}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::export"], effect: EFFECT_ALLOW, roles: [SALES]}
    - actions: ["tools/call::export"]
      effect: EFFECT_DENY
      roles: [SALES]
      condition: {match: {expr: '!has(R.attr.arguments.scope) || R.attr.arguments.scope != "own"'}}
`,
		Fix:       "Ask has() first, and say what holds without the value; or allow on the opposite condition.",
		Standards: []string{"CWE-636", "CWE-863", "OWASP MCP07:2025", "ASI03"},
	},
	Ask: func(ctx context.Context, p *Pass) error {
		x := p.reasoner()
		if x == nil || p.input.StrictEvaluation {
			return nil
		}
		list, err := mayFail(ctx, p)
		if err != nil {
			return err
		}
		done := map[*policy.Rule]bool{}
		for _, f := range list {
			if done[f.rule] {
				continue
			}
			if done[f.rule], err = failsOpen(ctx, p, f.rule, f.condition); err != nil {
				return err
			}
		}
		return nil
	},
}

// skippedBy returns the conditions whose errors skip a rule: its own, and those
// of its derived roles, without which it is for nobody.
func skippedBy(p *Pass, r *policy.Rule) []*pdp.Condition {
	if !p.reasons.IsPlain(r) {
		return nil
	}
	var list []*pdp.Condition
	if own := p.reasons.Own(r); own != nil {
		list = append(list, own)
	}
	for _, c := range p.reasons.Finder.Conditions(r.ID) {
		if derivedRole(c, r) != "" {
			list = append(list, c)
		}
	}
	return list
}

// derivedRole names the derived role of a rule whose condition it is, or "".
func derivedRole(c *pdp.Condition, r *policy.Rule) string {
	for _, u := range c.Uses {
		if u.Rule == r.ID && u.DerivedRole != "" {
			return u.DerivedRole
		}
	}
	return ""
}

// mayFail lists the DENY rules, by each of their conditions, that may fail in some cell,
// with the first such cell. The engine compiles their conditions together.
func mayFail(ctx context.Context, p *Pass) ([]*failing, error) {
	var list []*failing
	var formulas []solver.Formula
	for r := range p.Policies.Rules() {
		if r.Effect != authz.Deny {
			continue
		}
		for _, c := range skippedBy(p, r) {
			for f := range failings(p, r, c) {
				list, formulas = append(list, f), append(formulas, f.formulas.Condition())
				if f.besides != nil {
					formulas = append(formulas, f.besides.Condition())
				}
				break
			}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, p.reasons.Prepare(ctx, &list[0].request, formulas)
}

// failings yields the cells in which a rule may not apply for want of a condition.
func failings(p *Pass, r *policy.Rule, c *pdp.Condition) iter.Seq[*failing] {
	var columns []*matrix.Column
	for _, of := range p.index.Covered(r) {
		if !slices.Contains(columns, of.Column) {
			columns = append(columns, of.Column)
		}
	}
	return func(yield func(*failing) bool) {
		for _, col := range columns {
			for _, class := range p.Matrix.Classes {
				cell := p.cell(class, col)
				if !granted(cell) || !isSkipped(p, r, class, cell) {
					continue
				}
				f := &failing{rule: r, condition: c, class: class, column: col, cell: cell}
				if !f.prepare(p) || !yield(f) {
					return
				}
			}
		}
	}
}

// failsOpen reports the first request that gets around a DENY because one of
// its conditions errors.
func failsOpen(ctx context.Context, p *Pass, r *policy.Rule, c *pdp.Condition) (found bool, err error) {
	seen, tried := map[string]bool{}, 0
	never := map[string]bool{} // whether it errs for nobody, by what is sent
	var sent string
	var of *matrix.Column
	for f := range failings(p, r, c) {
		if f.column != of {
			of, sent = f.column, f.sent(p)
		}
		key := f.key(sent)
		if tried == failures {
			break
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		if _, known := never[sent]; !known {
			if never[sent], err = f.neverErrs(ctx, p); err != nil {
				return false, err
			}
		}
		if never[sent] {
			continue
		}
		tried++
		if found, err = f.find(ctx, p); err != nil {
			return false, err
		}
		if found {
			reportFailure(p, f)
			return true, nil
		}
	}
	return false, nil
}

// isSkipped reports whether a rule is for a class and may not apply in a cell.
// The cell's rules do not tell of one for a derived role: where that errs, the
// rule is not among them.
func isSkipped(p *Pass, r *policy.Rule, class *matrix.Class, cell *matrix.Cell) bool {
	if len(r.DerivedRoles) > 0 && len(p.index.Concerned(r, class.First().Roles)) > 0 {
		return true
	}
	return slices.ContainsFunc(cell.Rules, func(part matrix.Rule) bool { return part.Syntax == r && part.Met != authz.Fired })
}

func reportFailure(p *Pass, f *failing) {
	a, b := &f.erring, &f.met
	who, r := f.class.First(), f.rule
	finding := about(f.column)
	finding.standAt(r.Pos, r.ID)
	finding.Cause = keyOf(r)
	finding.Witness = witnessIn(f.column, who, a.arguments)
	finding.Evidence = append([]string{cite(r)}, blamed(p, f, f.allowed)...)
	if a.arguments != nil {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("The engine allows it with %s.", compact(a.arguments)))
	}
	if extra := extras(who, b.who); extra != "" {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("It denies it to one like %s with %s.", who.Key, extra))
	} else if b.arguments != nil {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("It denies it with %s.", compact(b.arguments)))
	}
	p.report(draft{
		Finding: finding, who: wholly([]*matrix.Class{f.class}),
		say: func(e *effects) string {
			return fmt.Sprintf("%s fails open: %s may %s %s %s", called(r), p.namesIn(e.who), verb(f.column.Operation), e.listed(), f.around())
		},
	})
}

// blamed quotes the condition that errs, and what the engine says of it: not of
// what else erred for the same request.
func blamed(p *Pass, f *failing, cell *matrix.Cell) []string {
	var lines []string
	if name := derivedRole(f.condition, f.rule); name == "" {
		lines = append(lines, quoteCondition(f.rule))
	} else if d := p.Policies.DerivedRole(f.rule.Policy, name); d != nil && d.Condition != nil {
		lines = append(lines, fmt.Sprintf("The condition of its derived role %s: %s", name, oneLine(d.Condition.String())))
	}
	for _, text := range f.condition.Expressions {
		for _, e := range cell.Errors {
			if e.Expr == text && len(lines) < reasons {
				lines = append(lines, oneLine(e.Expr)+": "+oneLine(e.Message))
			}
		}
	}
	return lines
}

// extras says what attributes and claims one principal has that another has not.
func extras(of, other *authz.Principal) string {
	var list []string
	for _, have := range []struct {
		name string
		a, b map[string]any
	}{{"the attributes ", of.Attr, other.Attr}, {"the claims ", of.AuxData, other.AuxData}} {
		if extra := differences(have.a, have.b); len(extra) > 0 {
			added := maps.Clone(have.b)
			maps.DeleteFunc(added, func(name string, _ any) bool { return !slices.Contains(extra, name) })
			list = append(list, have.name+compact(added))
		}
	}
	return strings.Join(list, " and ")
}

// around says how the rule is got around.
func (f *failing) around() string {
	var missing, odd []string
	differ := func(name string, of map[string]any, at string) {
		if v, has := of[at]; has {
			odd = append(odd, name+" = "+compact(v))
			return
		}
		missing = append(missing, "without "+name)
	}
	for _, name := range f.differences() {
		switch argument, isArgument := strings.CutPrefix(name, ofArgument); {
		case argument == authz.LookedUp:
			_, erring := authz.SplitArguments(f.erring.arguments)
			_, met := authz.SplitArguments(f.met.arguments)
			for _, found := range differences(erring, met) {
				differ("resource."+found, erring, found)
			}
		case isArgument:
			differ(argument, f.erring.arguments, argument)
		default:
			missing = append(missing, "having no "+name)
		}
	}
	if len(odd) > 0 {
		missing = append(missing, "with "+listing(odd, named))
	}
	return listing(missing, named)
}
