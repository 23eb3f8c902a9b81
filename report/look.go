package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// A look is what a cell shows of itself: its access and condition.
type look struct {
	id        uint32 // from 1
	access    matrix.Access
	condition string       // or why it is settled
	places    []source.Pos // of the rules that the condition comes from, in any order
	rules     []string     // the IDs of those whose place is not known
	note      int          // of its footnote, 0 before it has one
}

// looks keeps one look for all cells that look the same.
type looks struct {
	byCell map[lookAt]*look
	byText map[string]*look
}

// A lookAt is a cell, and what is said of tools through which it is reached.
type lookAt struct {
	*matrix.Cell
	through string
}

func newLooks() *looks {
	return &looks{byCell: map[lookAt]*look{}, byText: map[string]*look{}}
}

func (ls *looks) of(c *matrix.Cell, through string) *look {
	if l := ls.byCell[lookAt{c, through}]; l != nil {
		return l
	}
	condition := cmp.Or(c.Reason(), c.Condition.Key())
	if through != "" {
		condition = strings.Join(slices.DeleteFunc([]string{condition, through}, func(s string) bool { return s == "" }), "; ")
	}
	key := c.Access.String() + "\x00" + condition
	l := ls.byText[key]
	if l == nil {
		l = &look{id: uint32(len(ls.byText) + 1), access: c.Access, condition: condition} //nolint:gosec // fewer than four billion
		ls.byText[key] = l
	}
	ls.byCell[lookAt{c, through}] = l
	if cmp.Or(c.Reason(), c.Condition.Key()) != "" {
		for _, r := range conditional(c) {
			if r.Pos.Line > 0 {
				l.places = append(l.places, source.Pos{File: r.Pos.File, Line: r.Pos.Line})
			} else {
				l.rules = append(l.rules, r.ID)
			}
		}
	}
	return l
}

// through says through which tools a class reaches a call all the same, or nothing.
func through(m *matrix.Matrix, c *matrix.Class, col *matrix.Column) string {
	names := calledBy(m.Through(c, col))
	if len(names) == 0 {
		return ""
	}
	return "reached through " + someOf(names, false) + ", unasked"
}

// conditional returns the rules that a conditional cell's condition comes
// from.
func conditional(c *matrix.Cell) []matrix.Rule {
	decisive := c.Decisive()
	depends := slices.DeleteFunc(slices.Clone(decisive), func(r matrix.Rule) bool { return r.Met != authz.Depends })
	if len(depends) == 0 {
		return decisive
	}
	return depends
}

// manyPlaces is how many lines of a file are told of one condition.
const manyPlaces = 8

// where says where the rules of a look's condition stand, a file an element:
// policies/crm.yaml:12,34.
func (l *look) where() []string {
	places := slices.Clone(l.places)
	slices.SortFunc(places, source.Pos.Compare)
	places = slices.Compact(places)
	var texts []string
	for len(places) > 0 {
		file := places[0].File
		n := 0
		for n < len(places) && places[n].File == file {
			n++
		}
		text := places[0].String()
		for _, p := range places[1:min(n, manyPlaces)] {
			text += "," + strconv.Itoa(p.Line)
		}
		if n > manyPlaces {
			text += " +" + strconv.Itoa(n-manyPlaces)
		}
		texts = append(texts, text)
		places = places[n:]
	}
	rules := slices.Clone(l.rules)
	slices.Sort(rules)
	return append(texts, slices.Compact(rules)...)
}
