package lint

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// failures bounds what is tried to make one DENY fail: so many different
// cells, and so many requests for each.
const (
	failures = 64
	few      = 8 // of the requests that error, tried as others
)

// denyFailsOpen flags DENY rules that a declared principal gets around by a
// request on which its condition errors, or that of a derived role that it is
// for: no other error of the same request counts. There is a request that the rule does
// deny and that differs only in what is missing, or of another type, in the
// first; both are within the inputSchema. It is silent where evaluation is
// strict, because the engine denies on an error there.
var denyFailsOpen = &Rule{
	ID:       "deny-fails-open",
	Family:   overExposed,
	Severity: authz.SeverityError,
	needs:    []need{needConditions},
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
		for r := range p.Policies.Rules() {
			if r.Effect != authz.Deny {
				continue
			}
			for _, c := range skippedBy(p, r) {
				found, err := failsOpen(ctx, p, r, c)
				if err != nil {
					return err
				}
				if found {
					break
				}
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

// failsOpen reports the first request that gets around a DENY because one of
// its conditions errors.
func failsOpen(ctx context.Context, p *Pass, r *policy.Rule, c *pdp.Condition) (found bool, err error) {
	seen := map[string]bool{}
	var columns []*matrix.Column
	for _, of := range p.index.Covered(r) {
		if !slices.Contains(columns, of.Column) {
			columns = append(columns, of.Column)
		}
	}
	for _, col := range columns {
		for _, class := range p.Matrix.Classes {
			cell := p.cell(class, col)
			if !granted(cell) || !isSkipped(p, r, class, cell) {
				continue
			}
			f := &failing{rule: r, condition: c, class: class, column: col, cell: cell}
			f.prepare(p)
			if can, err := canErr(ctx, p, f); err != nil {
				return false, err
			} else if !can || seen[f.key] || len(seen) >= failures {
				continue
			}
			seen[f.key] = true
			found, err := fail(ctx, p, f)
			if err != nil || found {
				return found, err
			}
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

// A failing is a DENY that is tried in one cell.
type failing struct {
	rule      *policy.Rule
	condition *pdp.Condition
	class     *matrix.Class
	column    *matrix.Column
	cell      *matrix.Cell

	search   witness.Search
	possible *reason.Possibilities
	key      string
}

// prepare sets what candidates are looked for with.
func (f *failing) prepare(p *Pass) {
	rules := append(slices.Clone(f.cell.Rules), matrix.Rule{ID: f.rule.ID})
	f.search = witness.Search{Parts: p.reasons.Finder.Parts(rules...), Schema: p.reasons.Finder.Schema(f.column.Item), Most: 4 * failures}
	for _, a := range p.index.Asked(f.column) {
		if a.Target.Reaches(f.rule) && f.rule.CoversAction(a.Action) {
			f.search.Request = *a.Request
			break
		}
	}
	f.search.Request.Principal = f.class.First()
	f.key = f.search.Key() + "\x00" + f.cell.Access.String() + "\x00" + f.cell.Condition.Key()
}

// canErr reports whether the condition alone errors for a request that the
// principal may make within the schema, as far as that is known.
func canErr(ctx context.Context, p *Pass, f *failing) (bool, error) {
	alone := f.search
	alone.Parts, alone.Most = f.condition.Parts, 0
	found, err := p.reasons.Try(ctx, f.condition, &alone)
	return err == nil && (!found.AllWithin || found.Came(pdp.Errored, true)), err
}

// fail looks for two requests of the principal that differ a little: one that
// the rule denies, and one that makes its condition error and is allowed.
func fail(ctx context.Context, p *Pass, f *failing) (bool, error) {
	who := f.class.First()
	f.possible = &reason.Possibilities{Tried: slices.Collect(f.search.Candidates().Each)}
	if err := tryAll(ctx, p, f); err != nil {
		return false, err
	}
	var erring []int
	for i, o := range f.possible.Outcomes {
		if o == pdp.Errored && f.possible.Tried[i].Within && len(erring) < failures {
			erring = append(erring, i)
		}
	}
	// Where the principal lacks an attribute, the rule denies others like it.
	others := f.search
	others.Parts, others.Request.AnyPrincipal, others.FixedID, others.Most = f.condition.Parts, true, true, failures
	list := slices.Collect(others.Candidates().Each)
	for _, i := range erring[:min(len(erring), few)] {
		c := f.possible.Tried[i]
		for _, other := range list {
			c.Principal = other.Principal
			f.possible.Tried = append(f.possible.Tried, c)
		}
	}
	if err := tryAll(ctx, p, f); err != nil {
		return false, err
	}
	var attempts []attempt
	for _, i := range erring {
		attempts = append(attempts, attempt{who, f.column, f.possible.Tried[i].Arguments})
	}
	cells, err := p.decide(ctx, attempts)
	if err != nil || cells == nil {
		return false, err
	}
	for _, odd := range []int{0, 1, 2, 3} { // the plainer first: fewer changes, and something missing
		for j, i := range erring {
			if !allowed(&cells[j]) {
				continue
			}
			for k, o := range f.possible.Outcomes {
				denied := &f.possible.Tried[k]
				if o != pdp.Met || !denied.Within || f.oddity(i, k) != odd {
					continue
				}
				confirmed, err := deniedByRule(ctx, p, f, denied)
				if err != nil {
					return false, err
				}
				if confirmed {
					reportFailure(p, f, i, k, &cells[j])
					return true, nil
				}
				break
			}
		}
	}
	return false, nil
}

// tryAll evaluates the condition for the candidates that are not yet tried, if
// that does not take too much.
func tryAll(ctx context.Context, p *Pass, f *failing) error {
	tried := len(f.possible.Outcomes)
	if !p.budget.Afford(len(f.possible.Tried) - tried) {
		f.possible.Tried = f.possible.Tried[:tried]
	}
	return p.reasons.TryMore(ctx, f.condition, f.search.Request, f.possible)
}

// oddity ranks a pair of candidates: by how many things they differ in, one or
// two, and whether all of those are missing in the one that errors.
func (f *failing) oddity(erring, met int) int {
	list := f.differences(erring, met)
	if len(list) == 0 || len(list) > 2 {
		return -1
	}
	rank := 2 * (len(list) - 1)
	for _, name := range list {
		if argument, is := strings.CutPrefix(name, ofArgument); is {
			if _, has := f.possible.Tried[erring].Arguments[argument]; has {
				return rank + 1
			}
		}
	}
	return rank
}

// ofArgument begins the name of an argument among differences.
const ofArgument = "arguments."

// differences names what two candidates differ in: arguments, and attributes
// that one has more than the other. Nil if the attributes differ otherwise.
func (f *failing) differences(erring, met int) []string {
	a, b := &f.possible.Tried[erring], &f.possible.Tried[met]
	list := []string{}
	for _, name := range differences(a.Arguments, b.Arguments) {
		list = append(list, ofArgument+name)
	}
	for _, of := range []struct {
		name string
		a, b map[string]any
	}{{"principal.", a.Principal.Attr, b.Principal.Attr}, {"auxData.jwt.", a.Principal.AuxData, b.Principal.AuxData}} {
		for _, name := range differences(of.a, of.b) {
			if _, has := of.a[name]; has {
				return nil
			}
			list = append(list, of.name+name)
		}
	}
	return list
}

// deniedByRule reports whether the engine denies a candidate, and by the rule.
func deniedByRule(ctx context.Context, p *Pass, f *failing, c *witness.Candidate) (bool, error) {
	cells, err := p.decide(ctx, []attempt{{c.Principal, f.column, c.Arguments}})
	if err != nil || cells == nil {
		return false, err
	}
	return denied(&cells[0]) && slices.ContainsFunc(cells[0].Rules, func(part matrix.Rule) bool {
		return part.Syntax == f.rule && part.Met == authz.Fired
	}), nil
}

func reportFailure(p *Pass, f *failing, erring, met int, cell *matrix.Cell) {
	a, b := &f.possible.Tried[erring], &f.possible.Tried[met]
	who, r := f.class.First(), f.rule
	finding := about(f.column)
	finding.Related = []Related{{finding.Pos, noun(finding.Type) + " " + finding.Name}}
	finding.Pos, finding.Policy, finding.Principal = r.Pos, r.ID, who.Key
	finding.Witness = witnessIn(f.column, who, a.Arguments)
	finding.Message = fmt.Sprintf("%s fails open: %s may %s %s %s", called(r), who.Key,
		verb(f.column.Operation), f.column.Item.Name, f.around(erring, met))
	finding.Evidence = append([]string{cite(r)}, blamed(p, f, cell)...)
	if a.Arguments != nil {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("The engine allows it with %s.", compact(a.Arguments)))
	}
	if extra := extras(who, b.Principal); extra != "" {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("It denies it to one like %s with %s.", who.Key, extra))
	} else if b.Arguments != nil {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("It denies it with %s.", compact(b.Arguments)))
	}
	p.report(draft{Finding: finding, who: []*matrix.Class{f.class}})
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
func (f *failing) around(erring, met int) string {
	a := &f.possible.Tried[erring]
	var missing, odd []string
	for _, name := range f.differences(erring, met) {
		short, isArgument := strings.CutPrefix(name, ofArgument)
		v, has := a.Arguments[short]
		switch {
		case isArgument && has:
			odd = append(odd, short+" = "+compact(v))
		case isArgument:
			missing = append(missing, "without "+short)
		default:
			missing = append(missing, "having no "+short)
		}
	}
	if len(odd) > 0 {
		missing = append(missing, "with "+listing(odd, named))
	}
	return listing(missing, named)
}
