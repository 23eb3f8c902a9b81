package solver

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/solver/language"
)

// A joint is a place whose texts stand inside those of another, between constants.
type joint struct {
	outer   *place
	pattern *regexp.Regexp // finds what stands there
}

// joined is a place's text tested against constants around another place's, of which no
// other leaf speaks: path.startsWith("/home/" + P.id + "/").
func joined(a *analysis, l *leaf) bool {
	name, operands := called(l.expr)
	if len(operands) != 2 || !slices.Contains([]string{"startsWith", "endsWith", "contains", operators.Equals, operators.NotEquals}, name) {
		return false
	}
	for i, x := range operands {
		outer, ok := a.placeOf(x, l.request)
		before, inner, after, joins := a.join(operands[1-i], l.request)
		if !joins && tests[name] != nil {
			inner, joins = a.placeOf(operands[1-i], l.request)
		}
		if !ok || !joins || outer == inner || !a.isAlone(inner, l) || i > 0 && name != operators.Equals && name != operators.NotEquals {
			continue
		}
		pattern := "(?s:" + regexp.QuoteMeta(before) + fmt.Sprintf("(.{%d,}?)", inner.leastSize()) + regexp.QuoteMeta(after) + ")"
		if name != "endsWith" && name != "contains" {
			pattern = "^" + pattern
		}
		if name != "startsWith" && name != "contains" {
			pattern += "$"
		}
		set, err := language.Matches(pattern)
		if err != nil {
			return false
		}
		outer.langs = append(outer.langs, predicate{name: "matches " + pattern, of: set})
		inner.joints = append(inner.joints, joint{outer, regexp.MustCompile(pattern)})
		l.shallow = true
		return l.covered("string")
	}
	return false
}

// join takes apart constant + place + constant, one of the constants at least.
func (a *analysis) join(e ast.Expr, request int) (before string, inner *place, after string, ok bool) {
	name, operands := called(e)
	if name != operators.Add {
		return "", nil, "", false
	}
	if c, isText := a.text(operands[1], request); isText {
		if p, isPlace := a.placeOf(operands[0], request); isPlace {
			return "", p, c, true
		}
		before, inner, after, ok = a.join(operands[0], request)
		return before, inner, after + c, ok
	}
	c, isText := a.text(operands[0], request)
	p, isPlace := a.placeOf(operands[1], request)
	return c, p, "", isText && isPlace
}

func (a *analysis) text(e ast.Expr, request int) (string, bool) {
	v, ok := a.constant(e, request)
	s, isText := v.(string)
	return s, ok && isText
}

// isAlone reports whether no leaf but one reads a place, and no schema says more of its texts
// than how short they may be.
func (a *analysis) isAlone(p *place, but *leaf) bool {
	n, rough := schemaNeeds(p.schemas)
	least := slices.DeleteFunc(n.langs, func(of predicate) bool {
		return slices.ContainsFunc(p.schemas, func(s *jsonschema.Schema) bool { return s.MinLength > 0 && of.name == atMost(s.MinLength-1).name })
	})
	if len(n.texts)+len(least)+len(rough) > 0 || !p.allows("string") || p.leastSize() > mostIndex {
		return false
	}
	within := p
	for within.up != nil {
		within = within.up
	}
	if within.kind == isElement {
		return p == within && a.isOnceAsked(p)
	}
	return !slices.ContainsFunc(a.list, func(l *leaf) bool {
		return l != but && (l.foreign || l.partly || slices.ContainsFunc(l.places, p.touches))
	})
}

// isOnceAsked reports whether a list's elements are asked about at one place only.
func (a *analysis) isOnceAsked(element *place) bool {
	if a.top == nil {
		return false
	}
	of := a.allLists[slices.IndexFunc(a.allLists, func(m *lists) bool { return m.element == element })]
	if of.isUnique() {
		return false // several have to stand inside at once, and there is one text for each
	}
	names, lists := 0, 0
	var count func(e ast.Expr)
	count = func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && a.bound[e.AsIdent()] == element {
			names++
		}
		if p, ok := a.optional(e, a.top.request); ok && p.touches(of.list) {
			lists++
			return
		}
		for _, x := range expr.Children(e) {
			count(x)
		}
	}
	count(a.top.expr)
	return names == 2 && lists == 1 && !slices.ContainsFunc(a.list, func(l *leaf) bool { // once where it is named, and once where it is asked about
		return l != a.top && (l.foreign || l.partly || slices.ContainsFunc(l.places, of.list.touches))
	})
}

// leastSize is the size that all texts of a place have at least as far as its schemas say.
func (p *place) leastSize() int {
	n := 0
	if p.kind == isID {
		n = 1
	}
	for _, s := range p.schemas {
		n = max(n, s.MinLength)
	}
	return n
}

// touches reports whether two places are the same, or one is above the other.
func (p *place) touches(other *place) bool {
	for q := p; q != nil; q = q.up {
		if q == other {
			return true
		}
	}
	for q := other; q != nil; q = q.up {
		if q == p {
			return true
		}
	}
	return false
}

// insides returns what stands inside the texts of others, and one text that stands in none
// of them.
func (a *analysis) insides(p *place) []any {
	if len(p.joints) == 0 {
		return nil
	}
	var list []any
	var all []string
	for _, j := range p.joints {
		a.fill(j.outer)
		for _, v := range j.outer.domain {
			text, isText := v.(string)
			if !isText {
				continue
			}
			all = append(all, text)
			if found := j.pattern.FindStringSubmatch(text); found != nil {
				list = append(list, found[1])
			}
		}
	}
	nowhere := "nowhere"
	for len(nowhere) < p.leastSize() || slices.ContainsFunc(all, func(text string) bool { return strings.Contains(text, nowhere) }) {
		nowhere += "!"
	}
	return append(list, nowhere)
}
