package principals

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// readCSV reads a table with a header.
func readCSV(file string, br *bufio.Reader) iter.Seq[row] {
	return func(yield func(row) bool) {
		head, _ := br.Peek(headSize)
		first, _, _ := bytes.Cut(head, []byte("\n"))
		t := newTable(file, br, separator(first))
		cells, err := t.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = t.header(cells)
		}
		if err != nil {
			yield(row{err: err})
			return
		}
		for {
			cells, err := t.next()
			switch {
			case errors.Is(err, io.EOF):
				t.end(yield)
				return
			case err != nil:
				if !yield(row{err: err}) || !errors.Is(err, csv.ErrBareQuote) {
					return // a quote that does not end swallows the lines after it
				}
			case slices.ContainsFunc(cells, func(s string) bool { return s != "" }):
				if !yield(t.row(cells)) {
					return
				}
			}
		}
	}
}

// end yields the mistakes that can be found only when all has been read.
func (t *table) end(yield func(row) bool) {
	for _, c := range t.columns {
		if c.of == nil {
			continue
		}
		for _, err := range c.of.several(c.name) {
			if !yield(row{err: err}) {
				return
			}
		}
	}
}

// separator tells what separates the columns of a header.
func separator(header []byte) rune {
	best, most := ',', bytes.Count(header, []byte(","))
	for _, c := range ";\t" {
		if n := bytes.Count(header, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

// A table is a CSV file being read.
type table struct {
	file    string
	csv     *csv.Reader
	in      *meter
	columns []column

	names  cache[string]
	attrs  cache[map[string]any]
	attrID []byte // of the record, for attrs
}

func newTable(file string, r io.Reader, comma rune) *table {
	in := &meter{r: r}
	t := &table{
		file: file, csv: csv.NewReader(in), in: in,
		names: cache[string]{}, attrs: cache[map[string]any]{},
	}
	t.csv.Comma = comma
	t.csv.FieldsPerRecord = -1
	t.csv.TrimLeadingSpace = comma != '\t'
	t.csv.ReuseRecord = true
	return t
}

// next reads a record. Its cells are valid until the next one.
func (t *table) next() ([]string, error) {
	t.in.left = maxRecord
	cells, err := t.csv.Read()
	var syntax *csv.ParseError
	switch {
	case err == nil:
		t.in.lines, _ = t.csv.FieldPos(len(cells) - 1)
		return cells, nil
	case errors.Is(err, io.EOF):
		return nil, err
	case errors.As(err, &syntax):
		pos := source.Pos{File: t.file, Line: syntax.StartLine}
		if syntax.Line == syntax.StartLine {
			pos.Col = syntax.Column
		}
		return nil, source.Errorf(pos, "not valid CSV: %w", syntax.Err)
	}
	pos := source.Pos{File: t.file}
	if errors.Is(err, errTooLong) {
		pos.Line = t.in.lines + 1
		return nil, source.Errorf(pos, "the record is longer than %d MiB", maxRecord>>20)
	}
	return nil, source.Errorf(pos, "read principals: %w", err)
}

func (t *table) pos(cell int) source.Pos {
	line, col := t.csv.FieldPos(cell)
	return source.Pos{File: t.file, Line: line, Col: col}
}

// row makes a principal of a record.
func (t *table) row(cells []string) row {
	line, _ := t.csv.FieldPos(0)
	pos := source.Pos{File: t.file, Line: line}
	if len(cells) != len(t.columns) {
		return row{err: source.Errorf(pos, "%d cells, the header has %d", len(cells), len(t.columns))}
	}
	r := row{p: &authz.Principal{Pos: pos}, delegation: pos}
	var errs []error
	unreadable := map[int]bool{}
	for i, cell := range cells {
		if err := t.cell(&r, i, cell); err != nil {
			unreadable[i] = t.columns[i].of != nil
			errs = append(errs, source.Errorf(t.pos(i), "%w", err))
		}
	}
	if r.p.Key == "" {
		r.p.Key = r.p.ID
	}
	attr, err := t.attr(cells)
	r.p.Attr = attr
	errs = append(errs, err)
	check(r.p, func(field, message string) {
		i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == field && !c.isAttr })
		if !unreadable[i] {
			errs = append(errs, source.Errorf(t.pos(i), "%s", message))
		}
	})
	r.err = errors.Join(errs...)
	return r
}

// cell puts a cell where it belongs, unless it is an attribute's.
func (t *table) cell(r *row, i int, cell string) error {
	c := &t.columns[i]
	if !utf8.ValidString(cell) {
		return fmt.Errorf("%s: not valid UTF-8", c.name)
	}
	if c.isAttr {
		return nil
	}
	cell = strings.TrimSpace(cell)
	switch p := r.p; c.name {
	case "id":
		p.ID = strings.Clone(cell)
	case "key":
		p.Key = strings.Clone(cell)
	case "roles":
		list, err := t.list(i, cell)
		p.Roles = list
		return err
	case "groups":
		list, err := t.list(i, cell)
		p.Groups = list
		return err
	case "onBehalfOf":
		p.OnBehalfOf = t.name(cell)
		r.delegation = t.pos(i)
	case "scope":
		p.Scope = t.name(cell)
	case "policyVersion":
		p.PolicyVersion = t.name(cell)
	case "kind":
		if cell == "" {
			return nil
		}
		kind, err := parseKind(cell)
		p.Kind, p.KindDeclared = kind, true
		return err
	}
	return nil
}

// attr returns the attributes of a record. Records with the same cells share a map.
func (t *table) attr(cells []string) (map[string]any, error) {
	t.attrID = t.attrID[:0]
	for i := range t.columns {
		if t.columns[i].isAttr {
			t.attrID = strconv.AppendInt(t.attrID, int64(len(cells[i])), 10)
			t.attrID = append(append(t.attrID, ' '), cells[i]...)
		}
	}
	if attr, ok := t.attrs[string(t.attrID)]; ok {
		return attr, nil
	}
	var attr map[string]any
	var errs []error
	for i := range t.columns {
		c := &t.columns[i]
		if !c.isAttr || cells[i] == "" {
			continue
		}
		v, err := c.value(t, cells[i])
		if err != nil {
			errs = append(errs, source.Errorf(t.pos(i), "attr.%s: %w", c.name, err))
			continue
		}
		if attr == nil {
			attr = map[string]any{}
		}
		attr[c.name] = v
	}
	if len(errs) == 0 {
		t.attrs.put(string(t.attrID), attr)
	}
	return attr, errors.Join(errs...)
}

// name returns a copy of s that does not hold on to its record.
func (t *table) name(s string) string {
	if s == "" {
		return ""
	}
	if n, ok := t.names[s]; ok {
		return n
	}
	n := strings.Clone(s)
	t.names.put(n, n)
	return n
}

// A meter stops the reading of a record that has no end.
type meter struct {
	r     io.Reader
	left  int // bytes that the record may still take
	lines int // before the record
}

func (m *meter) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, errTooLong
	}
	n, err := m.r.Read(b)
	m.left -= n
	return n, err
}
