package report

import (
	"io"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/mutation"
)

type mutantsJSON struct {
	Version int            `json:"version"`
	Score   *float64       `json:"score"` // in percent; null where no mutant counts
	Min     *float64       `json:"min,omitempty"`
	Counts  map[string]int `json:"counts"` // by status
	Of      int            `json:"of"`     // that count to the score
	Made    int            `json:"made"`
	Taken   int            `json:"taken"`
	Seed    uint64         `json:"seed"`
	Since   string         `json:"changedSince,omitempty"`
	Mutants []mutantJSON   `json:"mutants"`
}

type mutantJSON struct {
	ID       string           `json:"id"`
	Status   string           `json:"status"`
	Operator string           `json:"operator"`
	Of       string           `json:"of"`
	File     string           `json:"file"`
	Line     int              `json:"line"`
	Column   int              `json:"column"`
	Before   string           `json:"before"`
	After    string           `json:"after"`
	KilledBy []killerJSON     `json:"killedBy,omitempty"`
	Witness  *tellingJSON     `json:"witness,omitempty"`
	Request  *bareRequestJSON `json:"request,omitempty"` // of bare
	Test     string           `json:"test,omitempty"`    // that would kill it, in YAML
	Open     []string         `json:"open,omitempty"`
	Why      string           `json:"why,omitempty"`
}

type killerJSON struct {
	Test      string `json:"test"`
	Principal string `json:"principal,omitempty"`
	Operation string `json:"operation"`
	Name      string `json:"name"`
	Arguments any    `json:"arguments,omitempty"`
	Expect    string `json:"expect"`
	File      string `json:"file"`
	Line      int    `json:"line"`

	Check *checkJSON `json:"check,omitempty"` // of a Cerbos suite; operation is then check
}

type tellingJSON struct {
	Principal string         `json:"principal,omitempty"` // the key of one that is declared
	Roles     []string       `json:"roles"`
	Attr      map[string]any `json:"attr,omitempty"` // of one that is not
	Server    string         `json:"server"`
	Type      string         `json:"type"`
	Name      string         `json:"name"`
	Operation string         `json:"operation"`
	Arguments any            `json:"arguments,omitempty"` // absent for none
	Refused   bool           `json:"refused,omitempty"`   // by the inputSchema
	Is        string         `json:"is"`                  // by the policies
	Becomes   string         `json:"becomes"`             // by the mutant
}

type bareRequestJSON struct {
	Roles  []string       `json:"roles"`
	Attr   map[string]any `json:"attr,omitempty"`
	Kind   string         `json:"kind"`
	Action string         `json:"action"`
}

// MutationJSON writes what suites say to mutants for programs.
func MutationJSON(w io.Writer, m *Mutation, _ Options) error {
	n := m.Counts()
	doc := mutantsJSON{Version: jsonVersion, Counts: map[string]int{}, Of: n.Of(), Made: m.Made, Taken: len(m.Outcomes), Seed: m.Seed, Since: m.Since, Mutants: []mutantJSON{}}
	for s, name := range mutation.Statuses() {
		doc.Counts[name] = n[s]
	}
	if score, ok := n.Score(); ok {
		doc.Score = &score
	}
	if m.Min >= 0 {
		doc.Min = &m.Min
	}
	for i := range m.Outcomes {
		doc.Mutants = append(doc.Mutants, jsonMutant(&m.Outcomes[i]))
	}
	return indented(w, doc)
}

func jsonMutant(x *mutation.Outcome) mutantJSON {
	j := mutantJSON{
		ID: x.ID, Status: x.Status.String(), Operator: string(x.Operator), Of: x.Of, File: x.Pos.File, Line: x.Pos.Line, Column: x.Pos.Col,
		Before: x.Before, After: x.After, Test: killing(x), Open: x.Difference.Open,
	}
	for _, c := range x.By {
		k := killerJSON{Test: c.Test, Operation: c.Operation.String(), Expect: c.Want, File: c.Pos.File, Line: c.Pos.Line}
		if c.Check != nil {
			k.Operation, k.Check = checkOperation, jsonCheck(c)
		}
		if c.Item != nil {
			k.Name = c.Item.Name
		}
		if len(c.Principals) > 0 {
			k.Principal = c.Principals[0].Key
		}
		if c.Arguments != nil {
			k.Arguments = c.Arguments
		}
		j.KilledBy = append(j.KilledBy, k)
	}
	d := &x.Difference
	switch x.Status {
	case mutation.Survived, mutation.Outside:
		j.Witness = jsonTold(d.Principal, d.Column, x.Status == mutation.Survived)
		j.Witness.Refused, j.Witness.Is, j.Witness.Becomes = d.Refused, d.A.Access.String(), d.B.Access.String()
		if d.Arguments != nil {
			j.Witness.Arguments = d.Arguments
		}
	case mutation.Bare:
		j.Request = &bareRequestJSON{d.Raw.Principal.Roles, d.Raw.Resource.Attr, d.Raw.Resource.Kind, d.Raw.Action}
	case mutation.Invalid:
		j.Why = x.Err.Error()
	case mutation.Killed, mutation.Equivalent, mutation.Unknown:
	}
	return j
}

func jsonTold(p *authz.Principal, col *matrix.Column, declared bool) *tellingJSON {
	w := &tellingJSON{Roles: p.Roles, Server: col.Server.Name, Type: col.Item.Type.String(), Name: col.Item.Name, Operation: col.Operation.String()}
	if declared {
		w.Principal = p.Key
	} else {
		w.Attr = p.Attr
	}
	return w
}
