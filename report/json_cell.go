package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// cells hands each cell that the filter chooses to emit, in pieces that make
// up an object: whose it is, which it is, and what it says. The latter two are
// encoded once for all cells that share them. It stops when emit says false.
func cells(m *matrix.Matrix, o Options, emit func(...[]byte) bool) {
	f := o.filter()
	columns := make([][]byte, len(m.Columns))
	for i, c := range m.Columns {
		if f.column(c) {
			columns[i] = columnJSON(c)
		}
	}
	said := map[*matrix.Cell][]byte{}
	row := func(who []byte, c *matrix.Class) bool {
		for i, col := range m.Columns {
			if columns[i] == nil {
				continue
			}
			cell := m.Cell(c, col)
			if !f.Only.has(cell.Access) {
				continue
			}
			through := m.Through(c, col)
			text, ok := said[cell]
			switch {
			case len(through) > 0:
				text = cellJSON(cell, through)
			case !ok:
				text = cellJSON(cell, nil)
				said[cell] = text
			}
			if !emit(who, columns[i], text) {
				return false
			}
		}
		return true
	}
	if o.ByClass {
		for i, c := range sortedClasses(m, f) {
			if !row(fmt.Appendf(nil, `{"class":%d,`, i+1), c.class) {
				return
			}
		}
		return
	}
	for _, p := range sortedPrincipals(m, f) {
		who := append(append([]byte(`{"principal":`), jsonOf(p.Key)...), ',')
		if !row(who, m.ClassOf(p.Key)) {
			return
		}
	}
}

func sortedPrincipals(m *matrix.Matrix, f *Filter) []*authz.Principal {
	var list []*authz.Principal
	for _, c := range m.Classes {
		list = append(list, f.principals(c)...)
	}
	slices.SortFunc(list, func(a, b *authz.Principal) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

func columnJSON(c *matrix.Column) []byte {
	text := jsonOf(struct {
		Server    string `json:"server"`
		Type      string `json:"type"`
		Name      string `json:"name"`
		Operation string `json:"operation"`
	}{c.Server.Name, c.Item.Type.String(), c.Item.Name, c.Operation.String()})
	return append(text[1:len(text)-1], ',')
}

func cellJSON(c *matrix.Cell, through []*manifest.Item) []byte {
	return jsonOf(struct {
		Access    string       `json:"access"`
		Condition string       `json:"condition,omitempty"`
		Reason    string       `json:"reason,omitempty"`   // of a condition that comes to nothing else
		NoPolicy  bool         `json:"noPolicy,omitempty"` // none covers what is asked about
		Through   []string     `json:"through,omitempty"`  // tools that call this one without a question
		Refusal   *refusalJSON `json:"refusal,omitempty"`  // of what is refused
		Grant     *grantedJSON `json:"grant,omitempty"`    // that decides, and no policy
		Rules     []jsonRule   `json:"rules"`
	}{c.Access.String(), c.Condition.String(), c.Reason(), c.NoPolicy, calledBy(through), jsonRefusal(c), jsonGranted(c), jsonRules(c.Decisive())})[1:]
}

// refusalJSON says why the enforcement point refuses by itself.
type refusalJSON struct {
	Code    int    `json:"code"` // of the JSON-RPC error
	Because string `json:"because"`
}

// jsonRefusal returns why a cell is refused; nil for other cells.
func jsonRefusal(c *matrix.Cell) *refusalJSON {
	if c.Refusal == nil {
		return nil
	}
	return &refusalJSON{c.Refusal.Code, c.Refusal.Because}
}

func (r *refusalJSON) refusal() *authz.Refusal {
	if r == nil {
		return nil
	}
	return &authz.Refusal{Code: r.Code, Because: r.Because}
}

// grantedJSON is what grants say of an item to a principal.
type grantedJSON struct {
	Whose string `json:"whose,omitempty"` // a role, an attribute, or itself; none where no grant names the item
	Name  string `json:"name,omitempty"`  // a name or a pattern
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	None  bool   `json:"missing,omitempty"` // there is no grant for the principal
}

// jsonGranted returns what decides of a list that is filtered by a grant; nil for other cells.
func jsonGranted(c *matrix.Cell) *grantedJSON {
	g := c.Grant
	if g == nil {
		return nil
	}
	return &grantedJSON{g.Whose, g.Name, g.Pos.File, g.Pos.Line, g.None}
}

func calledBy(list []*manifest.Item) []string {
	var names []string
	for _, i := range list {
		names = append(names, i.Name)
	}
	return names
}

// A classTable is a class and those of its principals that a filter chose.
type classTable struct {
	class *matrix.Class
	keys  []string
}

// sortedClasses returns the classes by their first key, so that their numbers
// do not depend on the order of principals.
func sortedClasses(m *matrix.Matrix, f *Filter) []classTable {
	var list []classTable
	for _, c := range m.Classes {
		t := classTable{class: c}
		for _, p := range f.principals(c) {
			t.keys = append(t.keys, p.Key)
		}
		if len(t.keys) > 0 {
			slices.Sort(t.keys)
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b classTable) int { return cmp.Compare(a.keys[0], b.keys[0]) })
	return list
}

// classes hands the table of classes to emit.
func classes(m *matrix.Matrix, f *Filter, emit func(any)) {
	for i, c := range sortedClasses(m, f) {
		emit(struct {
			Class      int      `json:"class"`
			Principals []string `json:"principals"`
		}{i + 1, c.keys})
	}
}

type matrixItemJSON struct {
	Server     string `json:"server"`
	Type       string `json:"type"`
	Name       string `json:"name"`
	Risk       string `json:"risk"`                 // destructive, changes, reads or unknown
	RiskSource string `json:"riskSource,omitempty"` // hint, name or schema default; none of what is no tool or unknown
}

// items hands the items that the filter chooses to emit, with what using them does.
func items(m *matrix.Matrix, f *Filter, emit func(any)) {
	for _, col := range m.Columns {
		if col.Operation != authz.List || !f.column(col) && !f.column(col.Twin) {
			continue
		}
		risk, source := col.Item.Risk()
		emit(matrixItemJSON{col.Server.Name, col.Item.Type.String(), col.Item.Name, risk.String(), source.String()})
	}
}
