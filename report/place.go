package report

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// located returns text with the files of the places in it as [Options.Here] names them.
func (p *printer) located(s string) string {
	if p.here == nil {
		return s
	}
	return source.Relocate(s, p.here)
}

// place names a position.
func (p *printer) place(pos source.Pos) string {
	if p.here != nil && pos.Line == 0 && pos.File != "" {
		return p.here(pos.File)
	}
	return pos.String()
}

// standing returns what stands where a finding does, as far as the evidence cites that: the
// rule of the policy that the place is in; and the rest of the evidence.
func standing(f *lint.Finding) (what string, rest []string) {
	at, line := -1, 0
	for i, s := range f.Evidence {
		place, text := placeOf(s)
		pos, ok := parsePlace(place)
		is := ok && pos == f.Pos
		in := ok && f.Policy != "" && pos.File == f.Pos.File && pos.Line <= f.Pos.Line && pos.Line > line && strings.HasPrefix(text, "rule ")
		if is || in {
			at, line, what = i, pos.Line, text
		}
		if is {
			break
		}
	}
	if at < 0 {
		return "", f.Evidence
	}
	return what, slices.Delete(slices.Clone(f.Evidence), at, at+1)
}

// placeOf takes the place off the beginning of a line of evidence: "x.yaml:3:7  rule ...".
func placeOf(s string) (place, rest string) {
	if i := strings.Index(s, "  "); i > 0 && leadingPlace.MatchString(s[:i]) {
		return s[:i], s[i+2:]
	}
	return "", s
}

var leadingPlace = regexp.MustCompile(`^[^:]+:[0-9]+(:[0-9]+)?$`)
