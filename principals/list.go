package principals

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mcpolicy/mcpolicy/source"
)

// Lists are separated by foreign characters elsewhere, and no name has them.
// Doubtful ones may belong to a name.
const (
	foreign  = ",\t\r\n，、；｜"
	doubtful = " /+&"
)

// A nameColumn is a column of roles or groups, and what stands in it.
type nameColumn struct {
	lists   cache[[]string] // by cell
	names   map[string]bool
	suspect []suspect
}

// A suspect is a name that may be several.
type suspect struct {
	name string
	pos  source.Pos
}

// list reads a cell: names with ; or | between them, or a JSON list.
func (t *table) list(column int, cell string) ([]string, error) {
	c := t.columns[column].of
	if list, ok := c.lists[cell]; ok {
		return list, nil
	}
	list, err := t.split(cell)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.columns[column].name, err)
	}
	for _, name := range list {
		if c.names[name] || len(c.names) == maxCached {
			continue
		}
		c.names[name] = true
		if strings.ContainsAny(name, doubtful) && !strings.HasPrefix(cell, "[") {
			c.suspect = append(c.suspect, suspect{name, t.pos(column)})
		}
	}
	c.lists.put(cell, list)
	return list, nil
}

func (t *table) split(cell string) ([]string, error) {
	if strings.HasPrefix(cell, "[") {
		return t.jsonList(cell)
	}
	var list []string
	for s := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == ';' || r == '|' }) {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if i := strings.IndexAny(s, foreign); i >= 0 {
			separator, _ := utf8.DecodeRuneInString(s[i:])
			return nil, severalNames(s, separator)
		}
		list = append(list, t.name(s))
	}
	return list, nil
}

func (t *table) jsonList(cell string) ([]string, error) {
	n, err := source.ParseJSON("", []byte(cell))
	if err != nil {
		return nil, fmt.Errorf("a cell that begins with [ is a JSON list: %w", errors.Unwrap(source.Mistakes(err)[0]))
	}
	var list []string
	for _, item := range n.Items {
		if !item.Is(source.String) {
			return nil, fmt.Errorf("want a JSON list of texts, have %v in it", item.Kind)
		}
		list = append(list, t.name(item.Text))
	}
	return list, nil
}

// several reports the names that are others of the column with a separator
// between them. It is asked at the end.
func (c *nameColumn) several(field string) []error {
	var errs []error
	for _, s := range c.suspect {
		for _, separator := range doubtful {
			if c.joins(s.name, separator) {
				errs = append(errs, source.Errorf(s.pos, "%s: %w", field, severalNames(s.name, separator)))
			}
		}
	}
	return errs
}

func (c *nameColumn) joins(name string, separator rune) bool {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == separator })
	for _, p := range parts {
		if !c.names[strings.TrimSpace(p)] {
			return false
		}
	}
	return len(parts) > 1
}

func severalNames(text string, separator rune) error {
	return fmt.Errorf("%q looks like several names with %s between them; write ; or | there, or [%q] if it is one name", text, nameOf(separator), text)
}

func nameOf(separator rune) string {
	switch separator {
	case ' ':
		return "spaces"
	case '\t':
		return "tabs"
	case '\r', '\n':
		return "line breaks"
	}
	return fmt.Sprintf("%q", separator)
}
