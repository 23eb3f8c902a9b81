package testrunner

import (
	"errors"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// A table is cases of one item, a row each.
type table struct {
	item    Name
	types   manifest.TypeSet
	op      authz.Operation
	columns []tableColumn
}

// A tableColumn says what stands in the cells below it: an argument, by its path, or what
// one of the other keys of a case has.
type tableColumn struct {
	path []string // of an argument; nil otherwise
	key  string   // of a case; "" for an argument
	pos  source.Pos
}

// rowKeys are the keys of a case that are columns. An argument of such a name is written
// as a path: [expect].
var rowKeys = []string{"expect", "by", "because", "why", "skip"}

// absentArgument in a cell leaves the argument out.
const absentArgument = "${absent}"

// tables reads a table, or a list of them.
func (o *Operation) tables(n *source.Node) error {
	list := []*source.Node{n}
	switch {
	case n.Is(source.Null): // reported
		return nil
	case n.Is(source.Sequence):
		list = n.Items
	}
	var errs []error
	for _, one := range list {
		t := &table{types: o.Types, op: o.Operation}
		samples, err := t.read(one)
		o.Cases, errs = append(o.Cases, samples...), append(errs, err)
	}
	return errors.Join(errs...)
}

func (t *table) read(n *source.Node) ([]Sample, error) {
	item := noun(t.types)
	known := append([]string{item}, source.Keys[writtenTable]()...)
	if !n.Is(source.Mapping) {
		return nil, wantAs(n, "table", "a mapping with "+strings.Join(known, ", "))
	}
	errs := []error{blank(n), twice(n)}
	for _, f := range n.Fields {
		var err error
		switch {
		case !slices.Contains(known, f.Name):
			err = source.UnknownKey(f, slices.Clone(known))
		case f.Value.Is(source.Null): // reported
		case f.Name == item:
			err = t.item.DecodeNode(f.Value)
		case !f.Value.Is(source.Sequence):
			err = wantAs(f.Value, f.Name, "a list")
		default:
			err = notEmpty(f)
		}
		errs = append(errs, err)
	}
	for _, required := range known {
		if absent(n, required) {
			errs = append(errs, source.Errorf(n.Pos, "table without %s", required))
		}
	}
	columns, rows := n.Get("columns"), n.Get("rows")
	if !columns.Is(source.Sequence) || len(columns.Items) == 0 {
		return nil, errors.Join(errs...)
	}
	if err := t.head(columns); err != nil || !rows.Is(source.Sequence) { // the rows would say the same once more
		return nil, errors.Join(append(errs, err)...)
	}
	samples := make([]Sample, 0, len(rows.Items))
	for _, row := range rows.Items {
		s, err := t.row(row)
		samples, errs = append(samples, s), append(errs, err)
	}
	return samples, errors.Join(errs...)
}

// head reads the columns.
func (t *table) head(n *source.Node) error {
	var errs []error
	for _, item := range n.Items {
		c := tableColumn{pos: item.Pos}
		var err error
		switch {
		case item.Is(source.Sequence):
			c.path, err = argumentPath(item)
		case item.Is(source.Null):
			err = want(item, "a column")
		default:
			var name Name
			if err = name.DecodeNode(item); slices.Contains(rowKeys, name.Text) {
				c.key = name.Text
			} else {
				c.path = []string{name.Text}
			}
		}
		if err == nil {
			err = t.fits(&c)
		}
		t.columns, errs = append(t.columns, c), append(errs, err)
	}
	if !slices.ContainsFunc(t.columns, func(c tableColumn) bool { return c.key == "expect" }) && errors.Join(errs...) == nil {
		errs = append(errs, source.Errorf(n.Pos, "columns: expect is missing"))
	}
	return errors.Join(errs...)
}

func argumentPath(n *source.Node) ([]string, error) {
	var names Names
	if err := names.DecodeNode(n); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, source.Errorf(n.Pos, "columns: the path of an argument is empty")
	}
	path := make([]string, len(names))
	for i, name := range names {
		path[i] = name.Text
	}
	return path, nil
}

// fits reports a column that the table cannot have, or has already.
func (t *table) fits(c *tableColumn) error {
	if c.path != nil && !t.op.TakesArguments() {
		return source.Errorf(c.pos, "columns: %s: a %s has no arguments%s", c, t.op, source.DidYouMean(c.path[0], rowKeys))
	}
	for i := range t.columns {
		other := &t.columns[i]
		switch n := min(len(c.path), len(other.path)); {
		case c.key != other.key || c.key == "" && !slices.Equal(c.path[:n], other.path[:n]):
		case len(c.path) == len(other.path):
			return source.Errorf(c.pos, "columns: %s stands here twice", c)
		case n > 0:
			return source.Errorf(c.pos, "columns: one of %s and %s is a part of the other", other, c)
		}
	}
	return nil
}

// String names a column as it is written.
func (c *tableColumn) String() string {
	switch {
	case c.path == nil:
		return c.key
	case len(c.path) == 1 && !slices.Contains(rowKeys, c.path[0]):
		return c.path[0]
	}
	return "[" + strings.Join(c.path, ", ") + "]"
}

// row reads a case.
func (t *table) row(n *source.Node) (Sample, error) {
	s := Sample{Pos: n.Pos, Item: t.item}
	if !n.Is(source.Sequence) {
		return s, want(n, "a row, a list of cells")
	}
	if len(n.Items) != len(t.columns) {
		names := make([]string, len(t.columns))
		for i := range t.columns {
			names[i] = t.columns[i].String()
		}
		return s, source.Errorf(n.Pos, "the row has %s, and the table %s: %s; an argument is left out with %q",
			count(len(n.Items), "cell"), count(len(names), "column"), strings.Join(names, ", "), absentArgument)
	}
	var errs []error
	var because *source.Node
	for i, cell := range n.Items {
		c := &t.columns[i]
		var err error
		switch {
		case c.path != nil:
			err = s.argument(c.path, cell)
		case c.key == "expect":
			if err = s.expect(cell); cell.Is(source.Null) {
				err = wantAs(cell, "expect", "allow, deny or refuse")
			}
		case cell.Is(source.Null): // nothing is said
		case c.key == "why":
			s.Why, err = why(cell)
		case c.key == "skip":
			if s.Skip, err = skip(cell, nil); cell.Is(source.Bool) {
				err = wantAs(cell, "skip", "the reason")
			}
		default:
			because = cell
			err = s.Basis.field(source.Field{Name: c.key, Pos: cell.Pos, Value: cell})
		}
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if err == nil && because != nil {
		err = s.fits(because.Pos)
	}
	return s, err
}

// argument puts the value of a cell where its column says.
func (s *Sample) argument(path []string, cell *source.Node) error {
	if s.Arguments == nil {
		s.Arguments = map[string]any{}
	}
	if isAbsent(cell) {
		return nil
	}
	at := s.Arguments
	for _, name := range path[:len(path)-1] {
		below, ok := at[name].(map[string]any)
		if !ok {
			below = map[string]any{}
			at[name] = below
		}
		at = below
	}
	at[path[len(path)-1]] = cell.Value()
	return checkValue(cell)
}
