package report

import (
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/matrix"
)

type diffTotals struct {
	Base     string         `json:"base"`
	Head     string         `json:"head"`
	Missing  string         `json:"missing,omitempty"` // why there is no base
	Verdict  string         `json:"verdict"`           // none, narrowed, widened, both, changed or unknown
	FailOn   string         `json:"failOn"`            // widened, any or never; empty for what is over the budget
	Fails    bool           `json:"fails"`
	Over     []string       `json:"overBudget"`
	Compared int            `json:"compared"`
	Reach    reachJSON      `json:"reach"`
	Settings []diffRuleJSON `json:"settings"`
}

type reachJSON struct {
	Destructive int `json:"destructive"`
	Principals  int `json:"principals"`
	Roles       int `json:"roles"`
	Everyone    int `json:"everyone"`
	Unknown     int `json:"unknown"`
}

type columnOfJSON struct {
	Server    string `json:"server"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	Operation string `json:"operation"`
}

type changeJSON struct {
	From      string         `json:"from"`
	To        string         `json:"to"`
	Change    string         `json:"change"`   // widened, narrowed, changed or unknown
	Relation  string         `json:"relation"` // of what head allows to what base does
	Risk      string         `json:"risk"`     // of using the item: destructive, changes, reads or unknown
	Condition *conditionPair `json:"condition,omitempty"`
	Witness   *callsJSON     `json:"witness,omitempty"`
	Open      []string       `json:"open,omitempty"`
	Rules     []diffRuleJSON `json:"rules"`
}

type conditionPair struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

type callsJSON struct {
	Gained   any            `json:"gained,omitempty"` // arguments
	Lost     any            `json:"lost,omitempty"`
	GainedBy map[string]any `json:"gainedBy,omitempty"` // a principal, of changes by role
	LostBy   map[string]any `json:"lostBy,omitempty"`
	GainedAt string         `json:"gainedAt,omitempty"` // a time, where it matters
	LostAt   string         `json:"lostAt,omitempty"`
}

type changedCellJSON struct {
	Principal string `json:"principal"`
	columnOfJSON
	changeJSON
}

type changedRoleJSON struct {
	Role  string   `json:"role"` // "*" for any that no policy names
	Roles []string `json:"roles"`
	ID    string   `json:"id,omitempty"`
	columnOfJSON
	changeJSON
}

type changedItemJSON struct {
	Server string `json:"server"`
	Type   string `json:"type"`
	Name   string `json:"name"`
	Change string `json:"change"`
	Text   string `json:"text"`
	Like   string `json:"like,omitempty"` // what it may be called now
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
}

type changedPrincipalJSON struct {
	Principal string `json:"principal"`
	Change    string `json:"change"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
}

type futureJSON struct {
	Server     string         `json:"server"`
	Type       string         `json:"type"`
	Name       string         `json:"name"` // an example
	Operations []string       `json:"operations"`
	Change     string         `json:"change"`
	Principals []string       `json:"principals"`
	Roles      []string       `json:"roles"`
	Text       string         `json:"text"`
	Rules      []diffRuleJSON `json:"rules"`
}

type diffRuleJSON struct {
	Side   string `json:"side"` // head or base
	ID     string `json:"id,omitempty"`
	Name   string `json:"name"`
	Effect string `json:"effect,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

func jsonDiffTotals(d *Diff) diffTotals {
	r := d.Reach()
	return diffTotals{
		d.Base, d.Head, d.Missing, d.Verdict(), d.FailOn.String(), d.Fails(), append([]string{}, d.Over()...), d.Compared,
		reachJSON{r.Destructive, r.Principals, r.Roles, r.Everyone, r.Unknown},
		jsonCauses(d.Settings),
	}
}

// diff writes what changed, a list for each sort of change.
func (s *stream) diff(d *Diff) {
	s.raw(",\n \"diff\": {\"verdict\": " + string(jsonOf(d.Verdict())) + ", \"totals\": " + string(jsonOf(jsonDiffTotals(d))))
	for _, list := range []struct{ key, kind string }{
		{"cells", "changed"}, {"roles", "role"}, {"rolesNarrowed", "roleNarrowed"}, {"items", "item"}, {"principals", "principal"}, {"future", "future"},
	} {
		s.raw(",\n  ")
		s.list(`"`+list.key+`": [`, "]")
		d.elements(func(kind string, v any) {
			if kind == list.kind {
				s.element(v)
			}
		})
		s.close()
	}
	s.raw("}")
}

// elements hands out each change, and what it is called in JSON Lines.
func (d *Diff) elements(emit func(kind string, v any)) {
	for i := range d.Cells {
		x := &d.Cells[i]
		change := jsonChange(&x.Comparison, x.Column, x.Base, x.Head, x.Causes)
		for _, p := range x.Principals {
			emit("changed", changedCellJSON{p.Key, jsonColumnOf(x.Column), change})
		}
	}
	for i := range d.Roles {
		x := &d.Roles[i]
		kind := "role"
		if !x.Kind.Gains() {
			kind = "roleNarrowed"
		}
		emit(kind, changedRoleJSON{strings.Join(x.Roles, " and "), x.Roles, x.ID, jsonColumnOf(x.Column), jsonChange(&x.Comparison, x.Column, x.Base, x.Head, x.Causes)})
	}
	for i := range d.Items {
		x := &d.Items[i]
		j := changedItemJSON{Server: x.Server.Name, Type: x.Item.Type.String(), Name: x.Item.Name, Change: x.Change, Text: d.itemText(i)}
		if x.Change != "removed" {
			j.File, j.Line = x.Item.Pos.File, x.Item.Pos.Line
		}
		if x.Like != nil {
			j.Like = x.Like.Name
		}
		emit("item", j)
	}
	for _, x := range d.Principals {
		emit("principal", changedPrincipalJSON{x.Principal.Key, x.Change, x.Principal.Pos.File, x.Principal.Pos.Line})
	}
	for i := range d.Future {
		x := &d.Future[i]
		j := futureJSON{x.Column.Server.Name, x.Column.Item.Type.String(), x.Column.Item.Name, []string{}, x.Kind.String(), []string{}, append([]string{}, x.Roles...), d.laterText(i), jsonCauses(x.Causes)}
		for _, o := range x.Operations {
			j.Operations = append(j.Operations, o.String())
		}
		for _, p := range x.Principals {
			j.Principals = append(j.Principals, p.Key)
		}
		slices.Sort(j.Principals)
		emit("future", j)
	}
}

func jsonColumnOf(c *matrix.Column) columnOfJSON {
	return columnOfJSON{c.Server.Name, c.Item.Type.String(), c.Item.Name, c.Operation.String()}
}

func jsonChange(x *diff.Comparison, col *matrix.Column, base, head *matrix.Cell, causes []diff.Cause) changeJSON {
	risk, _ := col.Item.Risk()
	j := changeJSON{
		From: diff.Access(base), To: diff.Access(head), Change: x.Kind.String(), Relation: x.Relation.String(), Risk: risk.String(),
		Open: x.Open, Rules: jsonCauses(causes), Condition: jsonConditions(base, head),
	}
	if x.Gained == nil && x.Lost == nil {
		return j
	}
	j.Witness = &callsJSON{}
	j.Witness.Gained, j.Witness.GainedBy, j.Witness.GainedAt = jsonWitness(x.Gained)
	j.Witness.Lost, j.Witness.LostBy, j.Witness.LostAt = jsonWitness(x.Lost)
	return j
}

func jsonConditions(base, head *matrix.Cell) *conditionPair {
	var p conditionPair
	if base != nil {
		p.From = base.Condition.String()
	}
	if head != nil {
		p.To = head.Condition.String()
	}
	if p == (conditionPair{}) {
		return nil
	}
	return &p
}

func jsonWitness(w *diff.Witness) (arguments any, by map[string]any, at string) {
	if w == nil {
		return nil, nil, ""
	}
	if arguments = w.Arguments; w.Arguments == nil {
		arguments = map[string]any{}
	}
	if w.Principal != nil {
		by = witnessPrincipal(w.Principal)
	}
	if !w.Now.IsZero() {
		at = w.Now.UTC().Format(time.RFC3339Nano)
	}
	return arguments, by, at
}

func jsonCauses(list []diff.Cause) []diffRuleJSON {
	out := []diffRuleJSON{}
	for _, c := range list {
		j := diffRuleJSON{Side: "head", Name: c.What, File: c.Pos.File, Line: c.Pos.Line, Column: c.Pos.Col}
		if c.Base {
			j.Side = "base"
		}
		if c.Rule != nil {
			j.ID, j.Name, j.Effect = c.Rule.ID, c.Rule.Name, c.Rule.Effect.String()
		}
		out = append(out, j)
	}
	return out
}
