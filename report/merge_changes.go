package report

import (
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/probe"
	"github.com/mcpolicy/mcpolicy/solver"
)

// changes returns what changed, as far as reports tell it.
func (m *Merged) changes(x *mergedWorld) *Diff {
	r := &diff.Result{Compared: m.diff.Compared}
	index := map[string]int{}
	for _, e := range m.lists["changed"] {
		c := e.told.(*changedCellJSON)
		who := principalOfKey(c.Principal)
		one := *c
		one.Principal = ""
		key := string(jsonOf(one))
		if i, known := index[key]; known {
			r.Cells[i].Principals = append(r.Cells[i].Principals, who)
			continue
		}
		index[key] = len(r.Cells)
		base, head := c.sides()
		r.Cells = append(r.Cells, diff.Cell{
			Comparison: c.comparison(), Principals: []*authz.Principal{who}, Column: x.risky(c.columnOfJSON, c.Risk), Base: base, Head: head, Causes: c.causes(),
		})
	}
	for _, kind := range []string{"role", "roleNarrowed"} {
		for _, e := range m.lists[kind] {
			c := e.told.(*changedRoleJSON)
			base, head := c.sides()
			r.Roles = append(r.Roles, diff.Role{
				Comparison: c.comparison(), Roles: c.Roles, ID: c.ID, Column: x.risky(c.columnOfJSON, c.Risk), Base: base, Head: head, Causes: c.causes(),
			})
		}
	}
	d := &Diff{Base: m.diff.Base, Head: m.diff.Head, Missing: m.diff.Missing, over: m.diff.Over, fails: &m.diff.Fails}
	d.FailOn, _ = config.ParseDiffFailOn(m.diff.FailOn)
	for _, e := range m.lists["item"] {
		c := e.told.(*changedItemJSON)
		of := columnOfJSON{Server: c.Server, Type: c.Type, Name: c.Name}
		item := *x.item(of)
		item.Pos = placeOfJSON(c.File, c.Line, 0)
		r.Items = append(r.Items, diff.Item{Server: x.server(c.Server), Item: &item, Before: &item, Change: c.Change})
		d.itemTexts = append(d.itemTexts, c.Text)
	}
	for _, e := range m.lists["principal"] {
		c := e.told.(*changedPrincipalJSON)
		who := principalOfKey(c.Principal)
		who.Pos = placeOfJSON(c.File, c.Line, 0)
		r.Principals = append(r.Principals, diff.Principal{Principal: who, Change: c.Change})
	}
	for _, e := range m.lists["future"] {
		c := e.told.(*futureJSON)
		r.Future = append(r.Future, diff.Future{
			Column: x.column(columnOfJSON{Server: c.Server, Type: c.Type, Name: c.Name, Operation: authz.List.String()}), Causes: causesOf(c.Rules),
		})
		d.laterTexts = append(d.laterTexts, c.Text)
	}
	d.Result, d.groups = r, r.Groups()
	return d
}

func (c *changeJSON) sides() (base, head *matrix.Cell) {
	var was, is string
	if c.Condition != nil {
		was, is = c.Condition.From, c.Condition.To
	}
	return toldCell(c.From, was), toldCell(c.To, is)
}

func (c *changeJSON) comparison() diff.Comparison {
	x := diff.Comparison{Kind: diff.Kind(max(0, slices.Index(changeWords, c.Change))), Open: c.Open} //nolint:gosec // there are four
	for r := solver.Unrelated; r <= solver.Incomparable; r++ {
		if r.String() == c.Relation {
			x.Relation = r
		}
	}
	if w := c.Witness; w != nil {
		x.Gained, x.Lost = toldWitness(w.Gained, w.GainedBy, w.GainedAt), toldWitness(w.Lost, w.LostBy, w.LostAt)
	}
	return x
}

func toldWitness(arguments any, by map[string]any, at string) *diff.Witness {
	if arguments == nil {
		return nil
	}
	w := &diff.Witness{}
	w.Arguments, _ = arguments.(map[string]any)
	w.Now, _ = time.Parse(time.RFC3339Nano, at) // zero without one
	if by != nil {
		w.Principal = &authz.Principal{}
		w.Principal.ID, _ = by["id"].(string)
		w.Principal.Attr, _ = by["attr"].(map[string]any)
		list, _ := by["roles"].([]any)
		for _, role := range list {
			if name, ok := role.(string); ok {
				w.Principal.Roles = append(w.Principal.Roles, name)
			}
		}
		if aux, _ := by["auxData"].(map[string]any); aux != nil {
			w.Principal.AuxData, _ = aux["jwt"].(map[string]any)
		}
	}
	return w
}

func (c *changeJSON) causes() []diff.Cause { return causesOf(c.Rules) }

func causesOf(list []diffRuleJSON) []diff.Cause {
	var causes []diff.Cause
	for _, j := range list {
		c := diff.Cause{Base: j.Side == "base", Pos: placeOfJSON(j.File, j.Line, j.Column), What: j.Name}
		if j.ID != "" {
			c.Rule = &matrix.Rule{ID: j.ID, Name: j.Name, Effect: effectOf(j.Effect), Pos: c.Pos}
		}
		causes = append(causes, c)
	}
	return causes
}

func effectOf(name string) authz.Effect {
	if name == authz.Allow.String() {
		return authz.Allow
	}
	return authz.Deny
}

// drifted returns where production differs.
func (m *Merged) drifted(x *mergedWorld) *Drift {
	d := &Drift{Against: m.drift.Against, Cells: m.drift.Cells}
	for _, e := range m.lists["drifted"] {
		j := e.told.(*driftJSON)
		one := drift.Difference{
			Column:   x.column(columnOfJSON{j.Server, j.Type, j.Name, j.Operation}),
			Checkout: toldCell(j.Checkout.Access, j.Checkout.Condition), Production: toldCell(j.Production.Access, j.Production.Condition),
			More: j.Allowed == "production",
		}
		one.Arguments, _ = j.Arguments.(map[string]any)
		if j.Outcome == "unknown" {
			one.Unknown = firstOf(j.Reason, "it is not known")
		}
		for _, p := range j.Principals {
			one.Principals = append(one.Principals, principalOfKey(p))
		}
		for _, r := range j.Rules {
			one.Rules = append(one.Rules, matrix.Rule{ID: r.ID, Name: r.Name, Effect: effectOf(r.Effect), Met: authz.Fired, Pos: placeOfJSON(r.File, r.Line, r.Column)})
		}
		d.List = append(d.List, one)
	}
	return d
}

// probed returns what probes found.
func (m *Merged) probed() *probe.Result {
	r := &probe.Result{Answers: m.probe.Answers, Admitted: m.probe.Admitted, Calls: m.probe.Calls}
	for _, e := range m.lists["probed"] {
		j := e.told.(*probedJSON)
		one := probe.Drift{
			Kind: probe.Kind(j.Kind), Message: j.Message, Principal: j.Principal, Server: j.Server, Name: j.Name, Task: j.Task,
			Arguments: j.Arguments, Expected: j.Expected, Answered: j.Answered, Pos: placeOfJSON(j.File, j.Line, 0),
		}
		one.Type, _ = authz.ParseItemType(j.Type)
		one.Operation, _ = authz.ParseOperation(j.Operation)
		if j.Condition != "" {
			one.Condition = authz.Unwritten(j.Condition)
		}
		for _, r := range j.Rules {
			one.Rules = append(one.Rules, matrix.Rule{ID: r.ID, Name: r.ID, Effect: effectOf(r.Effect), Met: authz.Fired, Pos: placeOfJSON(r.File, r.Line, 0)})
		}
		r.Drifts = append(r.Drifts, one)
	}
	return r
}
