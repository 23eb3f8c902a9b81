package principals

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mcpolicy/mcpolicy/source"
)

// columnNames are the columns besides attr.NAME.
var columnNames = []string{"id", "key", "roles", "kind", "onBehalfOf", "scope", "policyVersion", "groups"}

// columnTypes are the types of an attribute's column.
var columnTypes = []string{"string", "number", "bool", "json"}

// A column says what the cells of a table's column are.
type column struct {
	name   string // of the field, or of the attribute
	isAttr bool
	typ    string      // of an attribute: one of columnTypes
	of     *nameColumn // of roles and groups
}

// header reads the names of the columns.
func (t *table) header(cells []string) error {
	var errs []error
	fail := func(i int, format string, args ...any) {
		errs = append(errs, source.Errorf(t.pos(i), format, args...))
	}
	for i, cell := range cells {
		if !utf8.ValidString(cell) {
			fail(i, "the header is not valid UTF-8")
		}
		c, err := parseColumn(t.name(strings.TrimSpace(cell)))
		switch {
		case err != nil:
			fail(i, "%w", err)
		case slices.ContainsFunc(t.columns, func(o column) bool { return o.name == c.name && o.isAttr == c.isAttr }):
			fail(i, "column %q stands here twice", strings.TrimSpace(cell))
		}
		t.columns = append(t.columns, c)
	}
	for _, name := range []string{"id", "roles"} {
		if !slices.ContainsFunc(t.columns, func(c column) bool { return c.name == name && !c.isAttr }) {
			fail(0, "the header has no column %q", name)
		}
	}
	return errors.Join(errs...)
}

func parseColumn(header string) (column, error) {
	attr, isAttr := strings.CutPrefix(header, "attr.")
	if !isAttr {
		if !slices.Contains(columnNames, header) {
			known := append(slices.Clone(columnNames), "attr.NAME")
			hint := source.DidYouMean(header, known)
			if hint == "" {
				hint = "; known are " + strings.Join(known, ", ")
			}
			return column{name: header}, fmt.Errorf("unknown column %q%s", header, hint)
		}
		c := column{name: header}
		if header == "roles" || header == "groups" {
			c.of = &nameColumn{lists: cache[[]string]{}, names: map[string]bool{}}
		}
		return c, nil
	}
	c := column{name: attr, isAttr: true, typ: "string"}
	if i := strings.LastIndexByte(attr, ':'); i >= 0 {
		c.name, c.typ = attr[:i], attr[i+1:]
	}
	switch {
	case !slices.Contains(columnTypes, c.typ):
		hint := source.DidYouMean(c.typ, columnTypes)
		if hint == "" {
			hint = "; known are " + strings.Join(columnTypes, ", ")
		}
		return c, fmt.Errorf("column %q: unknown type %q%s", header, c.typ, hint)
	case c.name == "":
		return c, fmt.Errorf("column %q: the attribute has no name", header)
	case strings.Contains(c.name, "."):
		top, _, _ := strings.Cut(c.name, ".")
		return c, fmt.Errorf("column %q: a value inside of a value comes from a column attr.%s:json", header, top)
	}
	return c, nil
}

// value reads a cell that is not empty.
func (c *column) value(t *table, cell string) (any, error) {
	if c.typ == "string" {
		return t.name(cell), nil
	}
	cell = strings.TrimSpace(cell)
	switch c.typ {
	case "number":
		f, err := strconv.ParseFloat(cell, 64)
		if err != nil || math.IsInf(f, 0) || strings.Trim(cell, "+-.0123456789eE") != "" {
			return nil, fmt.Errorf("want a number, have %q", cell)
		}
		return f, nil
	case "bool":
		switch strings.ToLower(cell) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, fmt.Errorf("want true or false, have %q", cell)
	default: // json
		n, err := source.ParseJSON("", []byte(cell))
		if err == nil {
			err = errors.Join(checkValue(n)...)
		}
		if err != nil {
			// Positions within the cell are left out: they would read as positions in
			// the file.
			return nil, errors.Unwrap(source.Mistakes(err)[0])
		}
		return n.Value(), nil
	}
}
