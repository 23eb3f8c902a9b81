package report

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// reported is what stands for the enforcement point of a server in a merged matrix: reports
// do not name it.
var reported = &pep.Profile{Name: "as reported"}

// A mergedWorld has the servers, items and columns of what was merged, each once.
type mergedWorld struct {
	servers []*matrix.Server
	items   map[columnOfJSON]*manifest.Item // without an operation
	risks   map[columnOfJSON]*matrixItemJSON
	columns map[columnOfJSON]*matrix.Column
}

func (m *Merged) world() *mergedWorld {
	x := &mergedWorld{items: map[columnOfJSON]*manifest.Item{}, risks: map[columnOfJSON]*matrixItemJSON{}, columns: map[columnOfJSON]*matrix.Column{}}
	for _, e := range m.lists["matrixItem"] {
		j := e.told.(*matrixItemJSON)
		of := columnOfJSON{Server: j.Server, Type: j.Type, Name: j.Name}
		x.risks[of] = j
		x.item(of)
	}
	return x
}

func (x *mergedWorld) server(name string) *matrix.Server {
	i := slices.IndexFunc(x.servers, func(s *matrix.Server) bool { return s.Name == name })
	if i < 0 {
		i = len(x.servers)
		x.servers = append(x.servers, &matrix.Server{Name: name, Inventory: &manifest.Inventory{Server: name}, Profile: reported})
	}
	return x.servers[i]
}

// item returns an item, with the hints that its risk says it has.
func (x *mergedWorld) item(of columnOfJSON) *manifest.Item {
	of.Operation = ""
	if known := x.items[of]; known != nil {
		return known
	}
	i := &manifest.Item{Name: of.Name}
	i.Type, _ = authz.ParseItemType(of.Type)
	if r := x.risks[of]; r != nil {
		switch r.Risk + " by " + r.RiskSource {
		case "destructive by hint":
			i.Hints.Destructive = manifest.True
		case "destructive by schema default":
			i.Hints.ReadOnly = manifest.False
		case "changes by hint":
			i.Hints.Destructive = manifest.False
		case "reads by hint":
			i.Hints.ReadOnly = manifest.True
		}
	}
	x.items[of] = i
	s := x.server(of.Server)
	s.Inventory.Items = append(s.Inventory.Items, i)
	return i
}

// column returns a column that stands alone.
func (x *mergedWorld) column(of columnOfJSON) *matrix.Column {
	if known := x.columns[of]; known != nil {
		return known
	}
	c := &matrix.Column{Index: len(x.columns), Item: x.item(of), Server: x.server(of.Server)}
	c.Operation, _ = authz.ParseOperation(of.Operation)
	x.columns[of] = c
	return c
}

// risky returns a column of an item of which a change tells the risk.
func (x *mergedWorld) risky(of columnOfJSON, risk string) *matrix.Column {
	item := columnOfJSON{Server: of.Server, Type: of.Type, Name: of.Name}
	if x.risks[item] == nil && x.items[item] == nil {
		x.risks[item] = &matrixItemJSON{Risk: risk, RiskSource: manifest.ByHint.String()}
	}
	return x.column(of)
}

// matrixOf returns the cells as a matrix. It is an error if some principal's are missing of
// an item that others have: what is not told is no denial.
func (m *Merged) matrixOf() (*matrix.Matrix, error) {
	x := m.world()
	cells := map[string]map[columnOfJSON]*matrix.Cell{}
	var people []*authz.Principal
	for _, e := range m.lists["cell"] {
		c := e.told.(*mergedCell)
		if cells[c.Principal] == nil {
			cells[c.Principal] = map[columnOfJSON]*matrix.Cell{}
			people = append(people, principalOfKey(c.Principal))
		}
		x.item(c.columnOfJSON)
		access, _ := matrix.ParseAccess(c.Access)
		cells[c.Principal][c.columnOfJSON] = (&mergedCase{caseJSON: caseJSON{Condition: c.Condition, Reason: c.Reason, Refusal: c.Refusal, Rules: c.Rules}}).cell(access)
	}
	var missing error
	told := matrix.Told(x.servers, people, func(p *authz.Principal, col *matrix.Column) *matrix.Cell {
		if cell := cells[p.Key][jsonColumnOf(col)]; cell != nil {
			return cell
		}
		if missing == nil {
			missing = fmt.Errorf("the reports do not tell whether %s may %s %s of %s: a matrix as a table takes all cells, which json, lines and csv do not", p.Key, col.Operation, col.Item.Name, col.Server.Name)
		}
		return &matrix.Cell{}
	})
	return told, missing
}

// toldCell returns a cell of which the words are known, nil for an absent one.
func toldCell(access, condition string) *matrix.Cell {
	a, ok := matrix.ParseAccess(access)
	if !ok {
		return nil
	}
	cell := &matrix.Cell{Access: a}
	if condition != "" {
		cell.Condition = authz.Unwritten(condition)
	}
	return cell
}

func placeOfJSON(file string, line, column int) source.Pos {
	return source.Pos{File: file, Line: line, Col: column}
}
