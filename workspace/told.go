package workspace

import (
	"fmt"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/policy"
)

// mostTold bounds the rules of an effect that are told with their conditions, and
// longestTold the text of each.
const mostTold, longestTold = 6, 100

// told is what is said of a condition that is not written down: which rules it hangs on,
// and on what each of them hangs. Rules of an effect stand together, those that allow
// first. It is empty where there are none to name.
func told(rules []*policy.Rule, unknown []string) string {
	var parts []string
	n := 0
	for _, effect := range []authz.Effect{authz.Allow, authz.Deny} {
		verb, named, more := map[authz.Effect][2]string{authz.Allow: {"allows", "allow"}, authz.Deny: {"denies", "deny"}}[effect], 0, 0
		for _, r := range rules {
			switch {
			case r.Effect != effect:
			case named == mostTold:
				more++
			default:
				named++
				parts = append(parts, toldRule(r, verb[0], unknown))
			}
		}
		if n += named + more; more > 0 {
			parts = append(parts, fmt.Sprintf("%d more %s", more, verb[1]))
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("(depends on %d rules: %s)", n, strings.Join(parts, "; "))
}

func toldRule(r *policy.Rule, verb string, unknown []string) string {
	text := fmt.Sprintf("%s:%d %s", r.Pos.File, r.Pos.Line, verb)
	if len(r.DerivedRoles) > 0 {
		names := make([]string, len(r.DerivedRoles))
		for i, name := range r.DerivedRoles {
			names[i] = name.Value
		}
		text += " derived role " + strings.Join(names, ", ")
	}
	if r.Condition == nil {
		return text
	}
	condition := strings.Join(strings.Fields(r.Condition.String()), " ")
	if e, err := expr.Parse(condition); err == nil {
		condition = expr.Print(expr.Shorten(e, unknown))
	}
	if short := []rune(condition); len(short) > longestTold {
		condition = string(short[:longestTold]) + "..."
	}
	return text + " if " + condition
}

// ruleSyntax lists rules of the policies that a cell may hang on.
func ruleSyntax(list []matrix.Rule) []*policy.Rule {
	var rules []*policy.Rule
	for _, r := range list {
		if r.Syntax != nil && r.Met != authz.Unmet {
			rules = append(rules, r.Syntax)
		}
	}
	return rules
}
