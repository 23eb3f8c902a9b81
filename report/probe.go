package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/probe"
)

// probeFindings returns the drifts of a probe in the form of findings, the most
// severe first.
func (d *Document) probeFindings() []*lint.Finding {
	if d.Probe == nil {
		return nil
	}
	var list []*lint.Finding
	for i := range d.Probe.Drifts {
		list = append(list, driftFinding(&d.Probe.Drifts[i]))
	}
	slices.SortStableFunc(list, func(a, b *lint.Finding) int { return int(b.Severity) - int(a.Severity) })
	return list
}

func driftSeverity(k probe.Kind) authz.Severity {
	if k.Explain().Grave {
		return authz.SeverityError
	}
	return authz.SeverityWarning
}

func driftFinding(x *probe.Drift) *lint.Finding {
	f := &lint.Finding{
		Rule: string(x.Kind), Family: "probe", Severity: driftSeverity(x.Kind), Message: x.Message, Fix: x.Kind.Explain().Fix, Pos: x.Pos,
		Server: x.Server, Type: x.Type, Name: x.Name, Principal: x.Principal,
	}
	if x.Arguments != nil {
		f.Evidence = append(f.Evidence, "called with "+jsonText(x.Arguments))
	}
	if x.Kind != probe.NotProbed { // its message says it all
		f.Evidence = append(f.Evidence, "expected "+x.Expected+", answered "+x.Answered)
	}
	if !x.Condition.IsZero() {
		f.Evidence = append(f.Evidence, "the matrix says: when "+x.Condition.String())
	}
	for i, r := range x.Rules {
		switch text := calledRule(r); {
		case i == 0:
			f.Policy = r.ID
			f.Evidence = append([]string{strings.TrimSpace(r.Pos.String() + "  " + text)}, f.Evidence...)
		case r.Pos.File != "":
			f.Related = append(f.Related, lint.Related{Pos: r.Pos, Text: text})
		}
	}
	if len(x.Rules) == 0 && x.Expected == matrix.Denied.String() && x.Principal != "" {
		f.Evidence = append(f.Evidence, "no rule allows it")
	}
	return f
}

func calledRule(r matrix.Rule) string {
	text := fmt.Sprintf("rule %q", firstOf(r.Name, r.ID))
	if r.Met == authz.Unmet {
		text += ", whose condition is not met"
	}
	return text
}

// shortly leaves out how to mend findings of a rule that was there before.
func shortly(list []*lint.Finding) []*lint.Finding {
	seen := map[string]bool{}
	for _, f := range list {
		if seen[f.Rule] {
			f.Fix = ""
		}
		seen[f.Rule] = true
	}
	return list
}

// probeWords says how a probe went: 45 answers compared, 12 of them to calls; 2
// errors, 1 warning.
func (d *Document) probeWords() string {
	r := d.Probe
	words := count(r.Answers, "answer") + " compared"
	if r.Calls > 0 {
		words += fmt.Sprintf(", %d of them to calls", r.Calls)
	}
	var n [authz.SeverityError + 1]int
	for i := range r.Drifts {
		n[driftSeverity(r.Drifts[i].Kind)]++
	}
	var parts []string
	for s := authz.SeverityError; s > authz.SeverityOff; s-- {
		if n[s] > 0 {
			parts = append(parts, count(n[s], s.String()))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no drift"}
	}
	return words + "; " + strings.Join(parts, ", ")
}

type probeJSON struct {
	Answers  int `json:"answers"`
	Admitted int `json:"admitted"`
	Calls    int `json:"calls"`
}

func jsonProbe(r *probe.Result) probeJSON { return probeJSON{r.Answers, r.Admitted, r.Calls} }

type probedJSON struct {
	Kind      string         `json:"kind"`
	Severity  string         `json:"severity"`
	Message   string         `json:"message"`
	Server    string         `json:"server"`
	Principal string         `json:"principal,omitempty"`
	Type      string         `json:"type,omitempty"`
	Name      string         `json:"name,omitempty"`
	Operation string         `json:"operation"`
	Task      bool           `json:"task,omitempty"`
	Arguments map[string]any `json:"arguments,omitzero"`
	Expected  string         `json:"expected"`
	Answered  string         `json:"answered"`
	Condition string         `json:"condition,omitempty"`
	Rules     []jsonRule     `json:"rules,omitempty"`
	File      string         `json:"file,omitempty"`
	Line      int            `json:"line,omitempty"`
	Fix       string         `json:"fix"`
}

func jsonProbed(x *probe.Drift) probedJSON {
	j := probedJSON{
		Kind: string(x.Kind), Severity: driftSeverity(x.Kind).String(), Message: x.Message, Server: x.Server, Principal: x.Principal,
		Name: x.Name, Operation: x.Operation.String(), Task: x.Task, Arguments: x.Arguments, Expected: x.Expected, Answered: x.Answered,
		Condition: x.Condition.String(), Rules: jsonRules(x.Rules), File: x.Pos.File, Line: x.Pos.Line, Fix: x.Kind.Explain().Fix,
	}
	if x.Name != "" {
		j.Type = x.Type.String()
	}
	return j
}
