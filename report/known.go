package report

import "github.com/mcpolicy/mcpolicy/lint"

// MarkKnown marks the findings that a base has, too, as often as it has them.
func MarkKnown(findings, base []lint.Finding) {
	had := map[string]int{}
	for i := range base {
		if !base[i].Waived {
			had[findingProblem(&base[i]).fingerprint]++
		}
	}
	for i := range findings {
		if key := findingProblem(&findings[i]).fingerprint; !findings[i].Waived && had[key] > 0 {
			had[key]--
			findings[i].Known = true
		}
	}
}
