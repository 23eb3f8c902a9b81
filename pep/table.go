package pep

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/source"
)

// A table has the value of an attribute by something of the item or of the call.
type table struct {
	by      piece
	values  map[string]any
	globs   []entry // those of values that are patterns, by length, the longest first
	orElse  any
	hasElse bool
}

type entry struct {
	pattern string
	is      *regexp.Regexp
}

// The keys of a table.
const (
	tableBy     = "by"
	tableValues = "values"
	tableElse   = "default"
)

// isTable reports whether a mapping is a table, or meant to be one: it has values by name.
func isTable(m map[string]any) bool {
	_, values := m[tableValues].(map[string]any)
	return values
}

// tablesBy are the placeholders that a table may go by.
func tablesBy() []string { return []string{itemName, serverName, itemType} }

func compileTable(m map[string]any) *table {
	t := &table{}
	name, _ := m[tableBy].(string)
	t.by = piece{strings.Trim(name, "{}"), true}
	t.values, _ = m[tableValues].(map[string]any)
	t.orElse, t.hasElse = m[tableElse]
	for key := range t.values {
		if strings.ContainsAny(key, "*?[{") {
			if re, err := glob.Compile(key); err == nil {
				t.globs = append(t.globs, entry{key, re})
			}
		}
	}
	slices.SortFunc(t.globs, func(a, b entry) int {
		if len(a.pattern) != len(b.pattern) {
			return len(b.pattern) - len(a.pattern)
		}
		return strings.Compare(a.pattern, b.pattern)
	})
	return t
}

// of returns the value for a name, and whether there is one.
func (t *table) of(name string) (v any, ok bool) {
	if key, ok := t.key(name); ok {
		return t.values[key], true
	}
	return t.orElse, t.hasElse
}

// key returns the entry that a name has: its own, or the longest pattern that it matches.
func (t *table) key(name string) (string, bool) {
	if _, ok := t.values[name]; ok {
		return name, true
	}
	for _, g := range t.globs {
		if g.is.MatchString(name) {
			return g.pattern, true
		}
	}
	return "", false
}

// table checks a table, which n is written as.
func (c *checker) table(m map[string]any, n *source.Node, pos source.Pos) {
	at := func(key string) source.Pos {
		if p, _ := field(n, key); !p.IsZero() {
			return p
		}
		return pos
	}
	for key := range m {
		if known := []string{tableBy, tableValues, tableElse}; !slices.Contains(known, key) {
			c.errorf(at(key), "a table has by, values and default, and no %s%s", key, source.DidYouMean(key, known))
		}
	}
	by, isText := m[tableBy].(string)
	p := piece{strings.Trim(by, "{}"), true}
	ofCall := strings.HasPrefix(p.text, ofArguments) || strings.HasPrefix(p.text, ofAttributes)
	switch {
	case m[tableBy] == nil:
		c.errorf(pos, "a table of values says what it goes by: by: name, and one of the values for each")
	case !isText || !p.known() || !ofCall && !slices.Contains(tablesBy(), p.text):
		c.errorf(at(tableBy), "a table cannot go by %q%s; there are %s and arguments.NAME", by, source.DidYouMean(by, tablesBy()), strings.Join(tablesBy(), ", "))
	case c.gate && (p.ofItem() || strings.HasPrefix(p.text, arguments)):
		c.errorf(at(tableBy), "a gate is asked about once for the list, so there is no %s", by)
	}
	values, _ := m[tableValues].(map[string]any)
	if len(values) == 0 {
		c.errorf(at(tableValues), "no values, of which a table has one for each name: {%s: {NAME: value}}", tableValues)
	}
	for key := range values {
		if !strings.ContainsAny(key, "*?[{") {
			continue
		}
		if _, err := glob.Compile(key); err != nil {
			c.errorf(at(tableValues), "%v", err)
		} else if ofCall {
			c.errorf(at(tableValues), "%q: a table that goes by %s has no patterns", key, by)
		}
	}
}
