package explain

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/solver"
)

// note says what of a change is not known, or why none would do.
func (s *search) note() string {
	r := &s.result
	switch {
	case r.Verdict == solver.Impossible:
		return s.impossible()
	case r.Verdict == solver.Unknown:
		text := fmt.Sprintf("it is not known whether another value of %s would allow it", s.values())
		if text += untreated(r.Open); len(r.Tried) > 0 {
			text += "; changes of " + strings.Join(r.Tried, ", ") + " were tried"
		}
		return text
	case !r.Least:
		return "whether fewer values would do is not known" + untreated(r.Open)
	}
	return ""
}

func (s *search) impossible() string {
	text := "no value of " + s.values() + " would allow it"
	if s.result.WithinSchema {
		text += " within the inputSchema"
	}
	switch rules := s.result.InTheWay; {
	case len(rules) == 0 && s.because != "":
		return text + ": " + s.because
	case len(rules) == 1:
		return text + fmt.Sprintf(": rule %q at %s:%d denies it", rules[0].Name, rules[0].Pos.File, rules[0].Pos.Line)
	case len(rules) > 1:
		var names []string
		for _, rule := range rules {
			names = append(names, fmt.Sprintf("%q at %s:%d", rule.Name, rule.Pos.File, rule.Pos.Line))
		}
		return text + ": rules " + enumerated(names) + " deny it"
	}
	return text
}

// values names what may have other values.
func (s *search) values() string {
	var kinds []string
	if s.Column.Operation != authz.List {
		kinds = append(kinds, "arguments")
	}
	kinds = append(kinds, "attributes")
	if len(s.Principal.AuxData) > 0 {
		kinds = append(kinds, "claims")
	}
	if n := len(kinds) - 1; n > 0 {
		return strings.Join(kinds[:n], ", ") + " or " + kinds[n]
	}
	return kinds[0]
}

// mostUntreated is how many of the parts that could not be treated are named.
const mostUntreated = 3

func untreated(open []string) string {
	open = ordered.Distinct(open)
	switch n := len(open); {
	case n == 0:
		return ""
	case n > mostUntreated:
		return fmt.Sprintf(": %s and %d more could not be treated", strings.Join(open[:mostUntreated], "; "), n-mostUntreated)
	}
	return ": " + strings.Join(open, "; ") + " could not be treated"
}
