package report

import (
	"cmp"

	"github.com/mcpolicy/mcpolicy/lint"
)

type findingJSON struct {
	Rule       string          `json:"rule"`
	Family     string          `json:"family"`
	Severity   string          `json:"severity"`
	Confidence string          `json:"confidence"`
	Message    string          `json:"message"`
	File       string          `json:"file,omitempty"`
	Line       int             `json:"line,omitempty"`
	Column     int             `json:"column,omitempty"`
	Server     string          `json:"server,omitempty"`
	Type       string          `json:"type,omitempty"`
	Name       string          `json:"name,omitempty"`
	Principal  string          `json:"principal,omitempty"`
	Items      []itemJSON      `json:"items,omitempty"`
	Principals []string        `json:"principals,omitempty"`
	Affected   []affectedJSON  `json:"affected,omitempty"`
	Explains   []explainedJSON `json:"explains,omitempty"`
	Policy     string          `json:"policy,omitempty"`
	Cause      string          `json:"cause,omitempty"`
	Waived     bool            `json:"waived"`
	Known      bool            `json:"known,omitempty"` // at the base, too
	Reason     string          `json:"reason,omitempty"`
	WaivedAt   *placeJSON      `json:"waivedAt,omitempty"`
	Evidence   []string        `json:"evidence,omitempty"`
	Witness    *witnessJSON    `json:"witness,omitempty"`
	Related    []relatedJSON   `json:"related,omitempty"`
	Fix        string          `json:"fix,omitempty"`
	Standards  []string        `json:"standards"`
}

// An itemJSON is one item that a finding is about.
type itemJSON struct {
	Server string `json:"server"`
	Type   string `json:"type"`
	Name   string `json:"name"`
}

// An affectedJSON is items and the principals that a finding is about with each of them.
type affectedJSON struct {
	Items      []itemJSON `json:"items,omitempty"`
	Principals []string   `json:"principals,omitempty"`
}

// An explainedJSON is a finding that is left out because another explains it.
type explainedJSON struct {
	Rule     string         `json:"rule"`
	Severity string         `json:"severity"`
	Cause    string         `json:"cause,omitempty"`
	Affected []affectedJSON `json:"affected"`
}

func affectedOf(list []lint.Affected) []affectedJSON {
	told := make([]affectedJSON, 0, len(list))
	for _, a := range list {
		told = append(told, affectedJSON{itemsOf(a.Items), a.Principals})
	}
	return told
}

func itemsOf(items []lint.Item) []itemJSON {
	var list []itemJSON
	for _, i := range items {
		list = append(list, itemJSON{i.Server, i.Type.String(), i.Name})
	}
	return list
}

// A placeJSON is where a waiver stands.
type placeJSON struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// A witnessJSON is a request that bears a finding out.
type witnessJSON struct {
	Principal string         `json:"principal"`
	Operation string         `json:"operation"`
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments,omitzero"`
}

type relatedJSON struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
	Item   bool   `json:"item,omitempty"` // an item that the finding is about stands there
}

func jsonFinding(f *lint.Finding) findingJSON {
	j := findingJSON{
		Rule: f.Rule, Family: f.Family, Severity: f.Severity.String(), Confidence: f.Confidence.String(), Message: f.Message,
		File: f.Pos.File, Line: f.Pos.Line, Column: f.Pos.Col,
		Server: f.Server, Name: f.Name, Principal: f.Principal, Policy: f.Policy, Cause: f.Cause,
		Waived: f.Waived, Known: f.Known, Reason: f.Reason, Evidence: f.Evidence, Fix: f.Fix, Standards: f.Standards,
	}
	if !f.WaivedAt.IsZero() {
		j.WaivedAt = &placeJSON{f.WaivedAt.File, f.WaivedAt.Line, f.WaivedAt.Col}
	}
	switch {
	case f.Name != "":
		j.Type = f.Type.String()
	case len(f.Items) > 0: // the first stands for all
		first := f.Items[0]
		j.Server, j.Type, j.Name = cmp.Or(f.Server, first.Server), first.Type.String(), first.Name
	}
	if len(f.Items) > 1 {
		j.Items = itemsOf(f.Items)
	}
	if len(f.Affected) > 1 { // else items and principals say it all
		j.Affected = affectedOf(f.Affected)
	}
	for _, x := range f.Explains {
		j.Explains = append(j.Explains, explainedJSON{x.Rule, x.Severity.String(), x.Cause, affectedOf(x.Affected)})
	}
	if len(f.Principals) > 0 {
		j.Principal = cmp.Or(f.Principal, f.Principals[0])
	}
	if len(f.Principals) > 1 {
		j.Principals = f.Principals
	}
	if w := f.Witness; w != nil {
		j.Witness = &witnessJSON{w.Principal, w.Operation.String(), w.Name, w.Arguments}
	}
	if j.Standards == nil {
		j.Standards = []string{}
	}
	for _, r := range f.Related {
		j.Related = append(j.Related, relatedJSON{r.Pos.File, r.Pos.Line, r.Pos.Col, r.Text, r.Item})
	}
	return j
}

type noteJSON struct {
	Rule    string `json:"rule,omitempty"`
	Server  string `json:"server,omitempty"`
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

func jsonNote(n Note) noteJSON {
	return noteJSON{n.Rule, n.Server, n.Message, n.Pos.File, n.Pos.Line, n.Pos.Col}
}
