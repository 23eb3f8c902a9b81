package report

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/matrix"
)

type driftJSON struct {
	Principals []string    `json:"principals"`
	Server     string      `json:"server"`
	Type       string      `json:"type"`
	Name       string      `json:"name"`
	Operation  string      `json:"operation"`
	Outcome    string      `json:"outcome"` // differs or unknown
	Reason     string      `json:"reason,omitempty"`
	Production sideJSON    `json:"production"`
	Checkout   sideJSON    `json:"checkout"`
	Arguments  any         `json:"arguments,omitempty"` // an object; none if every call is decided differently
	Allowed    string      `json:"allowedBy,omitempty"` // production or checkout
	Rules      []driftRule `json:"rules"`
}

type sideJSON struct {
	Access    string `json:"access"`
	Condition string `json:"condition,omitempty"`
	Reason    string `json:"reason,omitempty"` // of a condition that comes to nothing else
}

func jsonSide(c *matrix.Cell) sideJSON {
	return sideJSON{c.Access.String(), c.Condition.String(), c.Reason()}
}

type driftRule struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Effect string `json:"effect"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

type driftTotals struct {
	Against string `json:"against"`
	Cells   int    `json:"cells"`
	Differ  int    `json:"differ"`
	Unknown int    `json:"unknown"`
}

func jsonDriftTotals(d *Drift) driftTotals {
	differ, unknown := d.counts()
	return driftTotals{d.Against, d.Cells, differ, unknown}
}

func jsonDrifted(x *drift.Difference) driftJSON {
	item := x.Column.Item
	j := driftJSON{
		Server: x.Column.Server.Name, Type: item.Type.String(), Name: item.Name, Operation: x.Column.Operation.String(),
		Outcome: "differs", Reason: x.Unknown, Allowed: "checkout",
		Production: jsonSide(x.Production),
		Checkout:   jsonSide(x.Checkout),
		Rules:      []driftRule{},
	}
	if x.Arguments != nil {
		j.Arguments = x.Arguments
	}
	switch {
	case x.Unknown != "":
		j.Outcome, j.Allowed = "unknown", ""
	case x.More:
		j.Allowed = "production"
	}
	for _, p := range x.Principals {
		j.Principals = append(j.Principals, p.Key)
	}
	slices.Sort(j.Principals)
	for _, r := range x.Rules {
		j.Rules = append(j.Rules, driftRule{r.ID, r.Name, r.Effect.String(), r.Pos.File, r.Pos.Line, r.Pos.Col})
	}
	return j
}

func (s *stream) drift(d *Drift) {
	s.raw(",\n \"drift\": {\"totals\": ")
	s.raw(string(jsonOf(jsonDriftTotals(d))))
	s.raw(", ")
	s.list(`"cells": [`, "]}")
	for i := range d.List {
		s.element(jsonDrifted(&d.List[i]))
	}
	s.close()
}
