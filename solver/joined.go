package solver

import (
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

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
		if !ok || !joins || outer == inner || !a.isAlone(inner, l) || i > 0 && name != operators.Equals && name != operators.NotEquals {
			continue
		}
		any := "(.*?)"
		if inner.kind == isID {
			any = "(.+?)"
		}
		pattern := "(?s:" + regexp.QuoteMeta(before) + any + regexp.QuoteMeta(after) + ")"
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

// isAlone reports whether no leaf but one reads a place, and no schema says anything of
// its texts.
func (a *analysis) isAlone(p *place, but *leaf) bool {
	n, rough := schemaNeeds(p.schemas)
	return len(n.texts)+len(n.langs)+len(rough) == 0 && p.allows("string") &&
		!slices.ContainsFunc(a.list, func(l *leaf) bool {
			return l != but && (l.foreign || l.partly || slices.ContainsFunc(l.places, p.touches))
		})
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
	for slices.ContainsFunc(all, func(text string) bool { return strings.Contains(text, nowhere) }) {
		nowhere += "!"
	}
	return append(list, nowhere)
}
