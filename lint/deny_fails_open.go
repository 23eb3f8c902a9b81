package lint

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/witness"
)

// failures bounds what is tried to make one DENY fail: so many different
// cells, and so many requests for each.
const (
	failures = 64
	few      = 8 // of the requests that error, tried as others
)

// denyFailsOpen flags DENY rules that a declared principal gets around by a
// request on which the condition errors. There is a request that the rule does
// deny and that differs only in what is missing, or of another type, in the
// first; both are within the inputSchema. It is silent where evaluation is
// strict, because the engine denies on an error there.
var denyFailsOpen = &Rule{
	ID:       "deny-fails-open",
	Family:   overExposed,
	Severity: Error,
	Doc: Doc{
		Summary: "The condition of a DENY rule errors for some request, so that the rule is skipped and the request allowed",
		Rationale: "A condition that reads what is not there is an error, and to Cerbos a condition that errors is not " +
			"met. An ALLOW then allows less; a DENY denies less. Whoever leaves the argument out, or sends it as another " +
			"type that the inputSchema allows, is not denied. A default in the inputSchema does not help: it is the " +
			"server's, and the enforcement point asks before.",
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
			c := x.own(r)
			if c == nil || r.Effect != authz.Deny {
				continue
			}
			if err := x.failsOpen(ctx, r, c); err != nil {
				return err
			}
		}
		return nil
	},
}

// failsOpen reports the first request that gets around a DENY.
func (x *reasoner) failsOpen(ctx context.Context, r *policy.Rule, c *pdp.Condition) error {
	seen := map[string]bool{}
	var columns []*matrix.Column
	for _, of := range x.covered(r) {
		if !slices.Contains(columns, of.column) {
			columns = append(columns, of.column)
		}
	}
	for _, col := range columns {
		for _, class := range x.Matrix.Classes {
			cell := x.cell(class, col)
			if !granted(cell) || !slices.ContainsFunc(cell.Rules, func(part matrix.Rule) bool { return part.Syntax == r && part.Met != authz.Fired }) {
				continue
			}
			f := &failing{rule: r, condition: c, class: class, column: col, cell: cell}
			f.question(x)
			if can, err := x.canErr(ctx, f); err != nil {
				return err
			} else if !can || seen[f.key] || len(seen) >= failures {
				continue
			}
			seen[f.key] = true
			found, err := x.fail(ctx, f)
			if err != nil || found {
				return err
			}
		}
	}
	return nil
}

// A failing is a DENY that is tried in one cell.
type failing struct {
	rule      *policy.Rule
	condition *pdp.Condition
	class     *matrix.Class
	column    *matrix.Column
	cell      *matrix.Cell

	asked    witness.Question
	possible *possibilities
	key      string
}

func (f *failing) question(x *reasoner) {
	f.asked = witness.Question{Parts: x.finder.Parts(f.cell.Rules...), Schema: x.finder.Schema(f.column.Item), Most: 4 * failures}
	for _, a := range x.asked[f.column] {
		if a.target.reaches(f.rule) && f.rule.CoversAction(a.Action) {
			f.asked.Request = *a.Request
			break
		}
	}
	f.asked.Request.Principal = x.standIn(f.class)
	f.key = f.asked.Key() + "\x00" + f.cell.Access.String() + "\x00" + f.cell.Condition
}

// canErr reports whether the condition alone errors for a request that the
// principal may make within the schema, as far as that is known.
func (x *reasoner) canErr(ctx context.Context, f *failing) (bool, error) {
	alone := f.asked
	alone.Parts, alone.Most = f.condition.Parts, 0
	found, err := x.try(ctx, f.condition, &alone)
	return err == nil && (!found.allWithin || found.came(pdp.Errored, true)), err
}

// fail looks for two requests of the principal that differ a little: one that
// the rule denies, and one that makes its condition error and is allowed.
func (x *reasoner) fail(ctx context.Context, f *failing) (bool, error) {
	who := x.standIn(f.class)
	f.possible = &possibilities{list: slices.Collect(f.asked.Candidates().Each)}
	if err := x.tryAll(ctx, f); err != nil {
		return false, err
	}
	var erring []int
	for i, o := range f.possible.outcomes {
		if o == pdp.Errored && f.possible.list[i].Within && len(erring) < failures {
			erring = append(erring, i)
		}
	}
	// Where the principal lacks an attribute, the rule denies others like it.
	others := f.asked
	others.Parts, others.Request.AnyPrincipal, others.FixedID, others.Most = f.condition.Parts, true, true, failures
	list := slices.Collect(others.Candidates().Each)
	for _, i := range erring[:min(len(erring), few)] {
		c := f.possible.list[i]
		for _, other := range list {
			c.Principal = other.Principal
			f.possible.list = append(f.possible.list, c)
		}
	}
	if err := x.tryAll(ctx, f); err != nil {
		return false, err
	}
	var attempts []attempt
	for _, i := range erring {
		attempts = append(attempts, attempt{who, f.column, f.possible.list[i].Arguments})
	}
	cells, err := x.decide(ctx, attempts)
	if err != nil || cells == nil {
		return false, err
	}
	for changes := 1; changes <= 2; changes++ { // the fewer, the plainer
		for j, i := range erring {
			if !allowed(&cells[j]) {
				continue
			}
			for k, o := range f.possible.outcomes {
				denied := &f.possible.list[k]
				if o != pdp.Met || !denied.Within || len(f.differences(i, k)) != changes {
					continue
				}
				confirmed, err := x.denies(ctx, f, denied)
				if err != nil {
					return false, err
				}
				if confirmed {
					x.reportFailure(f, i, k, &cells[j])
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
func (x *reasoner) tryAll(ctx context.Context, f *failing) error {
	tried := len(f.possible.outcomes)
	if !x.afford(len(f.possible.list) - tried) {
		f.possible.list = f.possible.list[:tried]
	}
	return x.tryMore(ctx, f.condition, f.asked.Request, f.possible)
}

// differences names what two candidates differ in: arguments, and attributes
// that one has more than the other. Nil if the attributes differ otherwise.
func (f *failing) differences(erring, met int) []string {
	a, b := &f.possible.list[erring], &f.possible.list[met]
	list := []string{}
	for _, name := range differences(a.Arguments, b.Arguments) {
		list = append(list, "arguments."+name)
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

// denies reports whether the engine denies a candidate, and by the rule.
func (x *reasoner) denies(ctx context.Context, f *failing, c *witness.Candidate) (bool, error) {
	cells, err := x.decide(ctx, []attempt{{c.Principal, f.column, c.Arguments}})
	if err != nil || cells == nil {
		return false, err
	}
	return denied(&cells[0]) && slices.ContainsFunc(cells[0].Rules, func(part matrix.Rule) bool {
		return part.Syntax == f.rule && part.Met == authz.Fired
	}), nil
}

func (x *reasoner) reportFailure(f *failing, erring, met int, cell *matrix.Cell) {
	a, b := &f.possible.list[erring], &f.possible.list[met]
	who, r := x.standIn(f.class), f.rule
	finding := about(f.column)
	finding.Related = []Related{{finding.Pos, noun(finding.Type) + " " + finding.Name}}
	finding.Pos, finding.Policy, finding.Principal = r.Pos, r.ID, who.Key
	finding.Witness = witnessIn(f.column, who, a.Arguments)
	finding.Message = fmt.Sprintf("%s fails open: %s may %s %s %s", called(r), who.Key,
		verb(f.column.Operation), f.column.Item.Name, f.around(erring, met))
	finding.Evidence = []string{cite(r), quoteCondition(r)}
	for _, e := range cell.Errors[:min(len(cell.Errors), 1)] {
		finding.Evidence = append(finding.Evidence, oneLine(e.Expr)+": "+oneLine(e.Message))
	}
	if a.Arguments != nil {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("The engine allows it with %s.", compact(a.Arguments)))
	}
	if extra := differences(who.Attr, b.Principal.Attr); len(extra) > 0 {
		added := maps.Clone(b.Principal.Attr)
		maps.DeleteFunc(added, func(name string, _ any) bool { return !slices.Contains(extra, name) })
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("It denies it to one like %s with the attributes %s.", who.Key, compact(added)))
	} else if b.Arguments != nil {
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("It denies it with %s.", compact(b.Arguments)))
	}
	x.report(draft{Finding: finding, who: []*matrix.Class{f.class}})
}

// around says how the rule is got around.
func (f *failing) around(erring, met int) string {
	a := &f.possible.list[erring]
	var missing, odd []string
	for _, name := range f.differences(erring, met) {
		short := name
		if n := len("arguments."); len(name) > n && name[:n] == "arguments." {
			short = name[n:]
			if v, has := a.Arguments[short]; has {
				odd = append(odd, short+" = "+compact(v))
				continue
			}
			missing = append(missing, "without "+short)
			continue
		}
		missing = append(missing, "having no "+short)
	}
	if len(odd) > 0 {
		missing = append(missing, "with "+listing(odd, named))
	}
	return listing(missing, named)
}
