package testgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/matrix"
)

// access makes the suite of who sees and uses what on a server: a test for each group.
func (g *generator) access(s *matrix.Server, columns []*matrix.Column, groups []*group) *suite {
	result := &suite{name: g.title(s, "who sees and uses what"), server: s.Name, now: g.Now}
	result.notes = unguarded(columns)
	for _, of := range groups {
		t := &test{name: of.label}
		var note string
		if t.principals, note = g.whom(of.principals); note != "" {
			t.notes = append(t.notes, note)
		}
		if g.Intent != nil {
			t.notes = append(t.notes, g.Intent(of.principals)...)
		}
		possible := 0
		for _, n := range namespaces {
			possible += g.section(t, n, of.classes[0], columns)
		}
		if possible == 0 {
			t.name += " may do nothing here"
		}
		if len(t.sections) > 0 {
			result.tests = append(result.tests, t)
		}
	}
	result.unique()
	return result
}

// section adds what a class may do in a namespace to a test, and returns of how much.
func (g *generator) section(t *test, n namespace, c *matrix.Class, columns []*matrix.Column) (possible int) {
	var some, denied, conditional []string
	all := true
	seen := map[string]matrix.Access{}
	differ := map[string]bool{} // items of one name
	for _, col := range columns {
		if namespaceOf(col) == n {
			access := g.Matrix.Cell(c, col).Access
			if other, twice := seen[col.Item.Name]; twice && other != access {
				differ[col.Item.Name] = true
			}
			seen[col.Item.Name] = access
		}
	}
	for _, col := range columns {
		if namespaceOf(col) != n || slices.Contains(some, col.Item.Name) || slices.Contains(denied, col.Item.Name) {
			continue
		}
		switch cell := g.Matrix.Cell(c, col); {
		case cell.Access == matrix.Unguarded || differ[col.Item.Name]:
			all = false
		case !cell.Access.Possible():
			denied = append(denied, col.Item.Name)
		default:
			some = append(some, col.Item.Name)
			if cell.Access == matrix.Conditional {
				conditional = append(conditional, col.Item.Name)
			}
		}
	}
	if len(some)+len(denied) == 0 {
		return 0
	}
	x := t.section(n)
	x.conditional = conditional
	switch {
	case all:
		x.hasExactly, x.exactly = true, some
	default:
		x.allow = slices.DeleteFunc(slices.Clone(some), func(name string) bool { return slices.Contains(conditional, name) })
		x.deny = denied
	}
	return len(some)
}

// unguarded says which operations cannot be tested.
func unguarded(columns []*matrix.Column) []string {
	var notes []string
	for _, n := range namespaces {
		var names []string
		all := true
		for _, col := range columns {
			if namespaceOf(col) != n {
				continue
			}
			if col.Question.Guarded() {
				all = false
			} else {
				names = append(names, col.Item.Name)
			}
		}
		switch what := strings.Join(n.keys(), " "); {
		case len(names) == 0:
		case all:
			notes = append(notes, fmt.Sprintf("%s: no policy is asked, so there is nothing to test.", what))
		default:
			notes = append(notes, fmt.Sprintf("%s of %s: no policy is asked, so there is nothing to test.", what, strings.Join(names, ", ")))
		}
	}
	return notes
}
