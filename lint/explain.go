package lint

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
)

// An explanation says that a finding of one rule is the reason for findings of
// others, which are then left out.
type explanation struct {
	by    string
	only  func(*draft) bool // which of its findings; nil for all
	where extent
	hides []string
}

// explanations lists which findings leave out which others.
var explanations = []explanation{
	{"no-policy-for-resource", nil, onServer, []string{"tool-without-rule", "tool-unreachable", "tool-untested", "rule-matches-nothing"}},
	{"schema-rejects-requests", isError, onServer, []string{"tool-without-rule", "tool-unreachable", "tool-untested", "rule-matches-nothing"}},
	{"tool-without-rule", nil, onItem, []string{"tool-untested"}},
	{"list-not-filtered", nil, atEndpoint, []string{"operation-not-enforced"}},
	{"task-call-unguarded", nil, onItem, []string{"tool-unreachable", "listed-not-callable", "callable-not-listed"}},
	{"invalid-glob", nil, atPos, []string{"rule-matches-nothing"}},
	{"attribute-never-supplied", nil, inRule, []string{"condition-never-true", "condition-always-true"}},
	{"argument-not-in-schema", nil, inRule, []string{"condition-never-true"}},
}

// An extent says where a finding holds, as keys that two findings may share. A
// finding is explained where all of its keys are.
type extent func(*draft) []string

func onServer(d *draft) []string {
	if d.Server != "" {
		return []string{d.Server}
	}
	return d.servers
}

func onItem(d *draft) []string {
	return []string{d.Server + "\x00" + d.Type.String() + "\x00" + d.Name}
}

func atEndpoint(d *draft) []string { return []string{d.Server + "\x00" + d.endpoint} }

func atPos(d *draft) []string { return []string{d.Pos.String()} }

func inRule(d *draft) []string {
	if d.Policy == "" {
		return nil
	}
	return []string{d.Policy}
}

func isError(d *draft) bool { return d.Severity == authz.SeverityError }

// unexplained leaves out the findings that another one explains. A finding that is
// left out still explains others.
func unexplained(drafts []draft) []draft {
	hidden := make([]bool, len(drafts))
	for _, e := range explanations {
		holds := map[string]bool{}
		for i := range drafts {
			if d := &drafts[i]; d.Rule == e.by && (e.only == nil || e.only(d)) {
				for _, key := range e.where(d) {
					holds[key] = true
				}
			}
		}
		for i := range drafts {
			if d := &drafts[i]; slices.Contains(e.hides, d.Rule) {
				hidden[i] = hidden[i] || covered(holds, e.where(d))
			}
		}
	}
	var kept []draft
	for i, d := range drafts {
		if !hidden[i] {
			kept = append(kept, d)
		}
	}
	return kept
}

func covered(holds map[string]bool, keys []string) bool {
	for _, key := range keys {
		if !holds[key] {
			return false
		}
	}
	return len(keys) > 0
}

// withExplainers adds the rules that may explain findings of the given ones.
func withExplainers(ids []string) []string {
	all := slices.Clone(ids)
	for _, e := range explanations {
		if slices.ContainsFunc(e.hides, func(id string) bool { return slices.Contains(ids, id) }) {
			all = append(all, e.by)
		}
	}
	return all
}
