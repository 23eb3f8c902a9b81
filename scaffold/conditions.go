package scaffold

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// cel writes a text as CEL has it.
func cel(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < 0x20 || c == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String() + `"`
}

// below writes an argument of something.
func below(of, name string) string {
	if expr.IsIdentifier(name) {
		return of + "." + name
	}
	return of + "[" + cel(name) + "]"
}

// holds writes what a part asks of arguments and of a principal, as they are called.
func (x *part) holds(arguments, principal string) string {
	a, attr := below(arguments, x.name), principal+"."+x.class.attribute
	text := a + " == " + attr
	switch x.class {
	case limit:
		text = a + " <= " + attr
	case root:
		text = fmt.Sprintf(`%s.startsWith(%s + "/") && !%s.contains("..")`, a, attr, a)
	}
	if !x.ifAny {
		return text
	}
	missing := "!has(" + a + ")"
	if strings.HasSuffix(a, "]") {
		missing = "!(" + cel(x.name) + " in " + arguments + ")"
	}
	if x.class == root {
		text = "(" + text + ")"
	}
	return missing + " || " + text
}

// label is what a part is called in names of rules and variables.
func (x *part) label() string {
	text := "own_" + slug(x.name)
	if x.class == limit {
		text = "within_limit_of_" + slug(x.name)
	}
	if x.ifAny {
		text += "_if_any"
	}
	return text
}

// holds writes what a part asks in policies. A mapping of COAZ-MCP has arguments for attributes.
func (s *guarded) holds(x *part) string {
	if s.ids {
		return x.holds("R.attr", "P.attr")
	}
	return x.holds("R.attr.arguments", "P.attr")
}

// variables are the conditions of a server by what they say, each with a name.
type variables struct {
	server *guarded
	names  map[string]string // by expression
	taken  map[string]bool
	list   []variable // in the order of their names
}

type variable struct {
	name string
	part part
}

func (s *guarded) variables() *variables {
	v := &variables{s, map[string]string{}, map[string]bool{}, nil}
	for _, t := range s.tools {
		for _, x := range t.parts {
			text := s.holds(&x)
			if v.names[text] == "" {
				v.names[text] = unique(x.label(), v.taken)
				v.list = append(v.list, variable{v.names[text], x})
			}
		}
	}
	slices.SortFunc(v.list, func(a, b variable) int { return strings.Compare(a.name, b.name) })
	return v
}

// of returns the names of the variables that a tool's calls have to meet.
func (v *variables) of(t *tool) []string {
	var names []string
	for _, x := range t.parts {
		names = append(names, v.names[v.server.holds(&x)])
	}
	return names
}
