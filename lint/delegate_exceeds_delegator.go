package lint

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
)

// delegateExceedsDelegator flags what an agent may do and whoever it acts for
// may not: call a tool, get a prompt, read a resource. Where it depends on the
// arguments, there are some that the inputSchema allows, and the engine lets
// the one call with them and not the other.
var delegateExceedsDelegator = &Rule{
	ID:       "delegate-exceeds-delegator",
	Family:   overExposed,
	Severity: authz.SeverityError,
	ofEach:   true,
	needs:    []need{needConditions, needEvaluation},
	Doc: Doc{
		Summary: "An agent may do something that the principal it acts for may not",
		Rationale: `Who may not export the customers asks the assistant to. An agent that acts for somebody must not
be a way around what that person is refused, whatever it is talked into.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "export_customers"}]}
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES]}
  scout: {id: scout, kind: agent, onBehalfOf: sally, roles: [ASSISTANT]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::export_customers"], effect: EFFECT_ALLOW, roles: [ASSISTANT]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "export_customers"}]}
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES]}
  scout: {id: scout, kind: agent, onBehalfOf: sally, roles: [ASSISTANT]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::export_customers"], effect: EFFECT_ALLOW, roles: [SALES, ASSISTANT]}
`,
		Fix:       "Give the agent no more than the principal that it acts for.",
		Standards: []string{"CWE-863", "OWASP MCP02:2025", "ASI03", "NHI5:2025", "NIST CSF 2.0 PR.AA-05"},
	},
	Ask: func(ctx context.Context, p *Pass) error {
		list, formulas := exceedings(p)
		if x := p.reasoner(); x != nil && len(formulas) > 0 {
			if err := x.Prepare(ctx, &list[0].world.Requests[0], formulas); err != nil {
				return err
			}
		}
		alike := map[string]bool{} // questions that nothing came of
		for _, e := range list {
			w, err := e.find(ctx, p, alike)
			if err != nil {
				return err
			}
			if w != nil {
				reportExceeding(p, e.delegation, e.column, w)
			}
		}
		return nil
	},
}

func reportExceeding(p *Pass, d *delegation, col *matrix.Column, w *Witness) {
	f := about(col)
	rules := p.widest(p.decisive([]*matrix.Class{d.agentClass}, col))
	f.blame(rules)
	f.Cause, f.Witness = causeOf(col.Server.Name, col.Operation.String(), keyOfMain(rules)), w
	apart := ""
	if decidesApart(p.cell(d.agentClass, col), p.cell(d.delegatorClass, col)) {
		apart = tellApart(p, d, col)
	}
	switch {
	case w.Arguments != nil:
		f.Evidence = append(f.Evidence, fmt.Sprintf("With %s %s may %s %s, and %s may not%s.",
			compact(w.Arguments), d.agent.Key, verb(col.Operation), col.Item.Name, d.delegator.Key, apart))
	case apart != "":
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s may, and %s may not%s.", d.agent.Key, d.delegator.Key, apart))
	}
	if refused := (crowd{{d.delegatorClass, d.delegators}}); denied(p.cell(d.delegatorClass, col)) {
		lines, none := barriers(p, refused, col)
		f.Evidence = append(f.Evidence, lines...)
		if len(none) > 0 {
			f.Evidence = append(f.Evidence, fmt.Sprintf("no rule lets %s %s it", p.namesIn(none), verb(col.Operation)))
		}
	}
	p.report(draft{
		Finding: f, who: crowd{{d.agentClass, d.agents}},
		say: func(e *effects) string {
			var delegators []string
			for _, who := range e.who.principals() {
				if !slices.Contains(delegators, who.OnBehalfOf) {
					delegators = append(delegators, who.OnBehalfOf)
				}
			}
			slices.Sort(delegators)
			whom := listing(delegators, people)
			return fmt.Sprintf("%s, acting for %s, may %s %s, which %s may not", p.namesIn(e.who), whom, verb(col.Operation), e.either(e.noun()),
				plural(len(delegators), whom, "those"))
		},
	})
}

// decidesApart reports whether a rule comes to one thing for the one and to another for the
// other: what tells the two apart may then be the reason.
func decidesApart(a, b *matrix.Cell) bool {
	return b.Access == matrix.Conditional || slices.ContainsFunc(b.Rules, func(part matrix.Rule) bool {
		return slices.ContainsFunc(a.Rules, func(of matrix.Rule) bool { return of.ID == part.ID && of.Met != part.Met })
	})
}

// A delegation is agents of one class that act for principals of another, and the first
// of them.
type delegation struct {
	agent, delegator           *authz.Principal
	agentClass, delegatorClass *matrix.Class
	agents, delegators         []*authz.Principal
}

// delegations lists who acts for whom, by the classes of both.
func delegations(p *Pass) []*delegation {
	type pair struct{ agent, delegator *matrix.Class }
	type seen struct {
		delegation *delegation
		delegator  *authz.Principal
	}
	index, met := map[pair]*delegation{}, map[seen]bool{}
	var list []*delegation
	for agent := range p.Matrix.Principals() {
		if agent.OnBehalfOf == "" {
			continue
		}
		delegator := principalNamed(p, agent.OnBehalfOf)
		if delegator == nil {
			continue
		}
		k := pair{p.Matrix.ClassOf(agent.Key), p.Matrix.ClassOf(delegator.Key)}
		if k.agent == k.delegator {
			continue
		}
		d := index[k]
		if d == nil {
			d = &delegation{agent: agent, delegator: delegator, agentClass: k.agent, delegatorClass: k.delegator}
			index[k] = d
			list = append(list, d)
		}
		d.agents = append(d.agents, agent)
		if whom := (seen{d, delegator}); !met[whom] {
			met[whom] = true
			d.delegators = append(d.delegators, delegator)
		}
	}
	slices.SortFunc(list, func(a, b *delegation) int { return cmp.Compare(a.agent.Key, b.agent.Key) })
	return list
}

// principalNamed returns the principal with a key, or nil.
func principalNamed(p *Pass, key string) *authz.Principal {
	if c := p.Matrix.ClassOf(key); c != nil {
		for _, who := range c.Principals {
			if who.Key == key {
				return who
			}
		}
	}
	return nil
}

// An exceeding is what an agent may do and its delegator perhaps not.
type exceeding struct {
	*delegation
	column *matrix.Column
	sure   bool // whatever the arguments are

	world solver.World // of the agent's request and of the delegator's
	goals []solver.Goal
	key   string // the same for what comes to the same
}

// exceedings lists what has to be looked into, and the conditions that it hangs on, each
// once.
func exceedings(p *Pass) (list []*exceeding, formulas []solver.Formula) {
	seen := map[string]bool{}
	for _, d := range delegations(p) {
		for _, col := range p.Matrix.Columns {
			if col.Operation == authz.List || !col.Question.Guarded() {
				continue
			}
			e := exceedingOf(p, d, col)
			if e == nil {
				continue
			}
			list = append(list, e)
			if !seen[e.key] {
				for _, g := range e.goals {
					formulas = append(formulas, g.Formula)
				}
			}
			seen[e.key] = true
		}
	}
	return list, formulas
}

// exceedingOf returns nil where the cells tell that the agent may do nothing more.
func exceedingOf(p *Pass, d *delegation, col *matrix.Column) *exceeding {
	a, b := p.cell(d.agentClass, col), p.cell(d.delegatorClass, col)
	switch {
	case !granted(a) || allowed(b) || b.Access == matrix.Unguarded:
		return nil
	case a.Access == b.Access && a.Condition.Equal(b.Condition) && !ofPrincipal(a.Condition):
		return nil // the same for both, unless it names attributes of theirs
	}
	e := &exceeding{delegation: d, column: col, sure: allowed(a) && denied(b)}
	e.world = solver.World{Requests: []authz.Request{asking(col, d.agent), asking(col, d.delegator)}, Calls: []int{0, 0}}
	if e.sure {
		return e
	}
	e.key = d.alike(p, col, a, b)
	if f, ok := solver.Of(a.Condition, &e.world.Requests[0]); ok && a.Access == matrix.Conditional {
		e.goals = append(e.goals, solver.Goal{Formula: f, Request: 0, To: solver.Only(solver.Met)})
	}
	if f, ok := solver.Of(b.Condition, &e.world.Requests[1]); ok && b.Access == matrix.Conditional {
		e.goals = append(e.goals, solver.Goal{Formula: f, Request: 1, To: solver.Only(solver.Unmet, solver.Errored)})
	}
	return e
}

// find returns a request that the agent may make and the delegator may not, or nil.
func (e *exceeding) find(ctx context.Context, p *Pass, alike map[string]bool) (*Witness, error) {
	if e.sure {
		return witnessIn(e.column, e.agent, nil), nil
	}
	x := p.reasoner()
	if x == nil || alike[e.key] {
		return nil, nil
	}
	e.world.Arguments = []any{x.Arguments(e.column.Item)}
	var found map[string]any
	answer, err := x.Solve(ctx, &e.world, e.goals, func(ctx context.Context, requests []authz.Request, _ time.Time) (bool, error) {
		found = argumentsIn(&requests[0], e.world.Requests[0].Unknown)
		return e.differ(ctx, p, e.column, found)
	})
	if err != nil || answer.Verdict != solver.Possible {
		alike[e.key] = err == nil && answer.Verdict == solver.Impossible
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		less := attempt{arguments: found}.without(name).arguments
		if !x.Finder.Schema(e.column.Item).Allows(less) {
			continue
		}
		if ok, err := e.differ(ctx, p, e.column, less); err != nil {
			return nil, err
		} else if ok {
			found = less
		}
	}
	return witnessIn(e.column, e.agent, found), nil
}

// differ reports whether the engine allows something to the agent with some arguments and
// denies it to the delegator.
func (d *delegation) differ(ctx context.Context, p *Pass, col *matrix.Column, arguments map[string]any) (bool, error) {
	cells, err := p.decide(ctx, []attempt{{d.agent, col, arguments}, {d.delegator, col, arguments}})
	return err == nil && cells != nil && allowed(&cells[0]) && denied(&cells[1]), err
}

// alike is the same for what comes to the same: of the same conditions, over arguments of
// which the schemas say the same as far as these look at them.
func (d *delegation) alike(p *Pass, col *matrix.Column, a, b *matrix.Cell) string {
	reads := slices.Concat(a.Condition.Reads().Arguments, b.Condition.Reads().Arguments)
	key := a.Condition.Key() + "\x00" + b.Condition.Key() + "\x00" + a.Access.String() + b.Access.String()
	if x := p.reasoner(); x != nil {
		key += "\x00" + manifest.SchemaKey(x.ArgumentsSchema(col.Item), reads)
	}
	if ofPrincipal(a.Condition) || ofPrincipal(b.Condition) {
		key += "\x00" + d.agent.Key + "\x00" + d.delegator.Key
	}
	return key
}

// asking is the request about a column that the arguments stand in, or else the first, by
// somebody.
func asking(col *matrix.Column, who *authz.Principal) authz.Request {
	list := coverage.Plain(col).Question.Requests
	r := list[max(0, slices.IndexFunc(list, func(r authz.Request) bool { return r.Unknown != nil }))]
	r.Principal = who
	return r
}

// ofPrincipal reports whether a condition may come to another thing for another
// principal.
func ofPrincipal(c authz.Condition) bool {
	reads := c.Reads()
	return len(reads.Principal) > 0 || reads.Policy
}

// tellApart says in what attributes and claims the two differ, of those that the
// conditions of the rules about a column compare: their requests may read the
// same.
func tellApart(p *Pass, d *delegation, col *matrix.Column) string {
	x := p.reasoner()
	if x == nil {
		return ""
	}
	var list []string
	for _, part := range x.Finder.Parts(slices.Concat(p.cell(d.agentClass, col).Rules, p.cell(d.delegatorClass, col).Rules)...) {
		for _, t := range part.Terms {
			line := differAt(t.Path, d.agent, d.delegator)
			if line != "" && !slices.Contains(list, line) && len(list) < reasons {
				list = append(list, line)
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return ": " + strings.Join(list, "; ")
}

// differAt says what two principals have at the path of a term, if that is
// something of theirs and not the same.
func differAt(path []string, a, b *authz.Principal) string {
	var name string
	var of func(*authz.Principal) map[string]any
	switch {
	case len(path) > 2 && path[0] == "P" && path[1] == "attr":
		name, path = "principal."+strings.Join(path[2:], "."), path[2:]
		of = func(who *authz.Principal) map[string]any { return who.Attr }
	case len(path) > 1 && path[0] == "jwt":
		name, path = "auxData.jwt."+strings.Join(path[1:], "."), path[1:]
		of = func(who *authz.Principal) map[string]any { return who.AuxData }
	default:
		return ""
	}
	first, second := shown(of(a), path), shown(of(b), path)
	if first == second {
		return ""
	}
	return fmt.Sprintf("%s is %s for %s and %s for %s", name, first, a.Key, second, b.Key)
}

// shown writes the value at a path, or "missing".
func shown(m map[string]any, path []string) string {
	v := any(m)
	for _, name := range path {
		below, _ := v.(map[string]any)
		var there bool
		if v, there = below[name]; !there {
			return "missing"
		}
	}
	return compact(v)
}
