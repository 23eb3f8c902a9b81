package lint

import (
	"slices"
	"strings"

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

// explanations lists which findings leave out which others: those are wrong or idle
// as long as the cause stands, so that they are left out too where the cause is turned
// off or waived.
var explanations = []explanation{
	{"no-policy-for-resource", nil, onServer, []string{"policy-never-asked", "principal-without-access", "rule-matches-nothing", "tool-unreachable", "tool-untested", "tool-without-rule"}},
	{"schema-rejects-requests", isError, onServer, []string{"principal-without-access", "rule-matches-nothing", "tool-unreachable", "tool-untested", "tool-without-rule"}},
	{"rule-matches-nothing", isPrefix, onServer, []string{"principal-without-access"}},
	{"policy-never-asked", nil, inRule, aboutRules},
	{"principal-not-declared", nil, inRule, []string{"attribute-never-supplied", "claim-never-supplied", "rule-untested"}},
	{"rule-matches-nothing", isPrefix, onItem, []string{"tool-without-rule", "tool-unreachable", "tool-untested"}},
	{"tool-without-rule", nil, onItem, []string{"tool-untested"}},
	{"list-not-filtered", nil, atEndpoint, []string{"operation-not-enforced", "listed-not-callable"}},
	{"task-call-unguarded", nil, onItem, []string{"tool-unreachable", "listed-not-callable", "callable-not-listed"}},
	{"invalid-glob", nil, atPos, []string{"rule-matches-nothing"}},
	{"attribute-never-supplied", nil, inRule, []string{"condition-never-true", "condition-always-true", "principal-without-access"}},
	{"claim-never-supplied", nil, inRule, []string{"condition-never-true", "condition-always-true", "principal-without-access"}},
	{"argument-not-in-schema", nil, inRule, []string{"condition-never-true"}},
	{"condition-never-true", nil, inRule, []string{"principal-without-access"}},
	{"condition-never-true", nil, inCondition, []string{"rule-matches-nothing"}},
}

// aboutRules are what is found of a rule that no request gets to.
var aboutRules = []string{
	"argument-at-list-time", "argument-not-in-schema", "argument-optional", "attribute-never-supplied", "claim-never-supplied",
	"condition-always-true", "condition-never-true", "principal-not-declared", "role-not-held", "rule-matches-nothing", "rule-untested",
}

// settlements lists which findings are settled with which others, and say less: they
// are left out only beside the other.
var settlements = []explanation{
	{"destructive-open-to-all", nil, onItem, []string{"agent-destructive", "powerful-tool-open"}},
	{"agent-destructive", nil, onItem, []string{"powerful-tool-open"}},
	{"destructive-open-to-all", nil, inRule, []string{"wildcard-role"}},
	{"destructive-open-to-all", nil, ofRules, []string{"rule-shadowed"}},
	{"wildcard-role", nil, ofRules, []string{"rule-shadowed"}},
	{"rule-matches-nothing", nil, atSlip, []string{"listed-not-callable", "tool-without-rule", "tool-unreachable"}},
	{"operation-not-enforced", nil, onServer, []string{"list-not-filtered"}},
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
		return d.rules
	}
	return []string{d.Policy}
}

// ofRules is the rule that a finding stands at, or those that make its rule idle.
func ofRules(d *draft) []string {
	if len(d.by) > 0 {
		return d.by
	}
	return inRule(d)
}

func atSlip(d *draft) []string {
	if d.slip == "" {
		return nil
	}
	return []string{d.slip}
}

// inCondition is inRule for what is found of a rule's condition.
func inCondition(d *draft) []string {
	if d.Rule == "rule-matches-nothing" && !strings.HasPrefix(d.Cause, otherName) {
		return nil
	}
	return inRule(d)
}

func isError(d *draft) bool { return d.Severity == authz.SeverityError }

// isPrefix reports whether a finding of rule-matches-nothing is about actions that are sent
// with another prefix.
func isPrefix(d *draft) bool { return strings.HasPrefix(d.Cause, otherActions) }

// unexplained leaves out the findings that others explain, and notes those that are wanted
// with what explains them. A finding that is left out still explains others.
func unexplained(drafts []*draft, list []explanation, wanted func(*draft) bool) []*draft {
	hidden := make([]bool, len(drafts))
	for _, e := range list {
		holds := map[string]*draft{}
		for _, d := range drafts {
			if d.Rule == e.by && (e.only == nil || e.only(d)) {
				for _, key := range e.where(d) {
					if holds[key] == nil {
						holds[key] = d
					}
				}
			}
		}
		for i, d := range drafts {
			if slices.Contains(e.hides, d.Rule) && !hidden[i] && covered(holds, e.where(d)) {
				hidden[i] = true
				if by := holds[e.where(d)[0]]; wanted(d) {
					by.explains = append(by.explains, d)
				}
			}
		}
	}
	var kept []*draft
	for i, d := range drafts {
		if !hidden[i] {
			kept = append(kept, d)
		}
	}
	return kept
}

// unsettled leaves out the findings that are settled with another one that counts.
func unsettled(drafts []*draft) []*draft {
	counts := func(d *draft) bool { return !d.Waived && !d.Known }
	var open, rest []*draft
	for _, d := range drafts {
		if counts(d) {
			open = append(open, d)
		} else {
			rest = append(rest, d)
		}
	}
	return append(unexplained(open, settlements, func(*draft) bool { return true }), rest...)
}

func covered(holds map[string]*draft, keys []string) bool {
	for _, key := range keys {
		if holds[key] == nil {
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
