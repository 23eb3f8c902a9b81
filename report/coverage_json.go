package report

import (
	"encoding/json"

	"github.com/mcpolicy/mcpolicy/testcoverage"
)

type coverageJSON struct {
	coverageTotalsJSON
	Points []coveragePointJSON `json:"points"`
}

type coverageTotalsJSON struct {
	Metric  int                 `json:"metric"`
	Since   string              `json:"since,omitempty"`
	Cases   coverageCasesJSON   `json:"cases"` // that are asserted, by what decided them
	Summary []coverageCountJSON `json:"summary"`
	Missed  []coverageMissJSON  `json:"missed"` // thresholds that are not met
}

type coverageCasesJSON struct {
	Allowed         int `json:"allowed"`
	DeniedByRule    int `json:"deniedByRule"`
	DeniedByDefault int `json:"deniedByDefault"`
	Conditional     int `json:"conditional"`
	Proved          int `json:"proved"` // about everybody who could exist
}

type coverageCountJSON struct {
	Kind       string   `json:"kind"`
	Covered    int      `json:"covered"`
	Total      int      `json:"total"`
	Impossible int      `json:"impossible"`
	Unknown    int      `json:"unknown"`
	Percent    *float64 `json:"percent"` // null of nothing
	Min        *float64 `json:"min,omitempty"`
}

type coverageMissJSON struct {
	Kind    string  `json:"kind"`
	Min     float64 `json:"min"`
	Message string  `json:"message"`
}

type coveragePointJSON struct {
	Kind        string `json:"kind"`
	State       string `json:"state"`
	Unknown     bool   `json:"unknown,omitempty"`
	File        string `json:"file,omitempty"`
	Line        int    `json:"line,omitempty"`
	LastLine    int    `json:"lastLine,omitempty"`
	Policy      string `json:"policy,omitempty"`
	Rule        string `json:"rule,omitempty"`
	RuleID      string `json:"ruleId,omitempty"`
	DerivedRole string `json:"derivedRole,omitempty"`
	Server      string `json:"server,omitempty"`
	Type        string `json:"type,omitempty"`
	Name        string `json:"name,omitempty"`
	Operation   string `json:"operation,omitempty"`
	// What is the outcome, the part or the side.
	What      string             `json:"what,omitempty"`
	Decisive  *bool              `json:"decisive,omitempty"`  // of a rule
	Redundant bool               `json:"redundant,omitempty"` // of a rule
	True      *bool              `json:"true,omitempty"`      // of a part
	False     *bool              `json:"false,omitempty"`
	By        []evidenceJSON     `json:"by,omitempty"`
	Want      []coverageCaseJSON `json:"want,omitempty"`
}

type evidenceJSON struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Case string `json:"case"`
}

type coverageCaseJSON struct {
	Principal string           `json:"principal"`
	Server    string           `json:"server"`
	Type      string           `json:"type"`
	Name      string           `json:"name"`
	Operation string           `json:"operation"`
	Arguments *json.RawMessage `json:"arguments,omitempty"` // {} is not the same as none
	Expect    string           `json:"expect"`
	Refused   bool             `json:"refused,omitempty"` // by the inputSchema
	Test      string           `json:"test"`              // for a suite, in YAML
}

func jsonCoverage(c *testcoverage.Coverage) coverageJSON {
	j := coverageJSON{Points: []coveragePointJSON{}, coverageTotalsJSON: coverageTotalsJSON{
		Metric: testcoverage.Metric, Since: c.Since, Summary: jsonCounts(c), Missed: jsonMissed(c),
		Cases: coverageCasesJSON{c.Allowed, c.ByRule, c.ByDefault, c.Conditional, c.Proved},
	}}
	for i := range c.Points {
		j.Points = append(j.Points, jsonPoint(&c.Points[i]))
	}
	return j
}

// elements emits the totals and each point.
func (c *coverageJSON) elements(emit func(kind string, v any)) {
	emit("coverage", c.coverageTotalsJSON)
	for i := range c.Points {
		emit("point", c.Points[i])
	}
}

func jsonCounts(c *testcoverage.Coverage) []coverageCountJSON {
	var list []coverageCountJSON
	for _, n := range c.Counts() {
		one := coverageCountJSON{Kind: string(n.Kind), Covered: n.Covered, Total: n.Total, Impossible: n.Impossible, Unknown: n.Unknown}
		if percent, ok := n.Percent(); ok {
			one.Percent = &percent
		}
		if least, ok := c.Thresholds[n.Kind]; ok {
			one.Min = &least
		}
		list = append(list, one)
	}
	return list
}

func jsonMissed(c *testcoverage.Coverage) []coverageMissJSON {
	list := []coverageMissJSON{}
	for _, m := range c.Missed {
		list = append(list, coverageMissJSON{string(m.Kind), m.Least, m.String()})
	}
	return list
}

func jsonPoint(p *testcoverage.Point) coveragePointJSON {
	j := coveragePointJSON{
		Kind: string(p.Kind), State: p.State.String(), Unknown: p.Unknown, File: p.Pos.File, Line: p.Pos.Line, LastLine: p.Last,
		What: p.What, Redundant: p.Redundant,
	}
	if p.Policy != nil {
		j.Policy = p.Policy.Key()
	}
	switch {
	case p.DerivedRole != nil:
		j.DerivedRole = p.DerivedRole.Name
	case p.Rule != nil:
		j.Rule, j.RuleID = p.Rule.Label(), p.Rule.ID
	default:
		j.Server, j.Type, j.Name, j.Operation = p.Column.Server.Name, p.Column.Item.Type.String(), p.Column.Item.Name, p.Column.Operation.String()
	}
	if p.Kind == testcoverage.Rule {
		j.Decisive = &p.Decisive
	}
	if p.Kind == testcoverage.MCDC {
		j.True, j.False = &p.True, &p.False
	}
	for _, e := range p.By {
		j.By = append(j.By, evidenceJSON{e.Pos.File, e.Pos.Line, e.Text})
	}
	for i := range p.Want {
		w := &p.Want[i]
		one := coverageCaseJSON{
			Principal: w.Principal.Key, Server: w.Column.Server.Name, Type: w.Column.Item.Type.String(), Name: w.Column.Item.Name,
			Operation: w.Column.Operation.String(), Expect: w.Expect, Refused: w.Refused, Test: w.Test(p.TestName(i)),
		}
		if w.Arguments != nil {
			data := json.RawMessage(jsonOf(w.Arguments))
			one.Arguments = &data
		}
		j.Want = append(j.Want, one)
	}
	return j
}
