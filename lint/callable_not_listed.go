package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// callableNotListed flags items that somebody may use who does not see them. It reports
// once for what hides them: a list that is refused as a whole, or a rule.
var callableNotListed = &Rule{
	ID:       "callable-not-listed",
	Family:   overExposed,
	Severity: authz.SeverityWarning,
	ofEach:   true,
	Doc: Doc{
		Summary: "A principal may call a tool that is hidden from it",
		Rationale: `Hiding is not denying: a client calls by name, and names are guessed, leaked or remembered. Who
reads the list to see what somebody may do is misled. Often the two rules have drifted apart, or the rule for the
list reads arguments, which a list does not have.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_payroll"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list"], effect: EFFECT_ALLOW, roles: ["*"]}
    - {actions: ["tools/list::get_payroll"], effect: EFFECT_ALLOW, roles: [HR]}
    - {actions: ["tools/call::get_payroll"], effect: EFFECT_ALLOW, roles: [HR, SALES]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_payroll"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/list"], effect: EFFECT_ALLOW, roles: ["*"]}
    - {actions: ["tools/list::get_payroll", "tools/call::get_payroll"], effect: EFFECT_ALLOW, roles: [HR]}
`,
		Fix:       "Deny the call as well, or show the tool.",
		Standards: []string{"CWE-425", "OWASP MCP07:2025", "ASI02", "NHI5:2025", "NIST SP 800-207 2.1"},
	},
	Check: func(p *Pass) {
		for use := range p.twins() {
			for _, h := range hiddenFrom(p, use) {
				p.report(h.draft(p, use))
			}
		}
	},
}

// A hiding is a reason why an item is hidden from principals who may use it: that a whole
// list is refused to them, that a rule denies it, or that no rule allows it.
type hiding struct {
	gate string       // the action that is refused, or ""
	rule *matrix.Rule // the DENY, or what lets them use the item; nil where that is not known
	deny bool
	who  []*matrix.Class
}

// hiddenFrom says by reason from whom an item is hidden who may use it.
func hiddenFrom(p *Pass, use *matrix.Column) []*hiding {
	var list []*hiding
	hidden := func(c *matrix.Cell) bool { return denied(c) && (c.Grant == nil || !c.Grant.None) }
	for _, c := range p.among(p.where(use, possible), use.Twin, hidden) {
		h := &hiding{gate: closedGate(p, c, use.Twin)}
		one := []*matrix.Class{c}
		rules := p.widest(p.decisive(one, use.Twin))
		if h.deny = len(rules) > 0; !h.deny {
			rules = p.widest(p.decisive(one, use))
		}
		if h.gate == "" && len(rules) > 0 {
			h.rule = &rules[0]
		}
		i := slices.IndexFunc(list, func(o *hiding) bool { return o.cause() == h.cause() })
		if i < 0 {
			i = len(list)
			list = append(list, h)
		}
		list[i].who = append(list[i].who, c)
	}
	return list
}

func (h *hiding) cause() string {
	switch {
	case h.gate != "":
		return causeOf("gate", h.gate)
	case h.rule != nil:
		return causeOf("rule", keyOfMain([]matrix.Rule{*h.rule}))
	}
	return ""
}

func (h *hiding) draft(p *Pass, use *matrix.Column) draft {
	f := about(use)
	f.Cause = causeOf(use.Server.Name, verb(use.Operation), h.cause())
	d := draft{who: wholly(h.who), endpoint: pep.Endpoint(use.Item.Type, authz.List)}
	switch {
	case h.gate != "":
		p.openGate(&f, h, use)
		d.say = func(e *effects) string {
			form := "%s is refused to %s: %s, which %s may %s, %s hidden"
			if len(e.items) > ItemsNamed {
				form = "%s is refused to %s: %s that %s may %s %s hidden"
			}
			they := plural(e.who.size(), "it", "they")
			if e.mixed {
				they = "one of them"
			}
			return fmt.Sprintf(form, h.gate, p.namesIn(e.who), e.listed(), they, verb(use.Operation), plural(len(e.items), "is", "are"))
		}
	default:
		f.blame(p.widest(p.decisive(h.who, use)))
		if h.rule != nil && h.rule.Syntax != nil {
			f.Pos, f.Policy = h.rule.Pos, h.rule.ID
			f.Fix = h.advice(p, use)
		}
		d.say = func(e *effects) string {
			return fmt.Sprintf("%s %s hidden from %s, who may %s %s", e.listed(), plural(len(e.items), "is", "are"), p.namesIn(e.who),
				verb(use.Operation), e.them())
		}
	}
	d.because = func(who crowd) []string {
		if h.gate != "" {
			return nil // the message says it
		}
		lines, _ := barriers(p, who, use.Twin)
		return slices.Concat(conditionsOf(p, who.classes(), use), lines)
	}
	d.why = noneFor(p, use.Twin)
	if g := use.Twin.Question.Grant; g != nil {
		d.because = func(who crowd) []string { return conditionsOf(p, who.classes(), use) }
		d.why = nil
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s grants it to none of them: no policy is asked.", g.Grant))
		f.Fix = fmt.Sprintf("Name it in %s, or deny the %s as well.", g.Grant, use.Operation)
	}
	d.Finding = f
	return d
}

// openGate makes the finding be about the rule that grants a gate, which is what has to
// let more roles through: the one that lets most through.
func (p *Pass) openGate(f *Finding, h *hiding, use *matrix.Column) {
	whom := rolesOf(h.who)
	roles, them := listing(whom, named), plural(len(whom), "it", "them")
	f.Fix = fmt.Sprintf("Allow %s to %s, or deny %s the calls.", h.gate, roles, them)
	var gate *policy.Rule
	for _, a := range p.index.Asked(use.Twin) {
		if a.Action != h.gate {
			continue
		}
		for _, r := range a.Target.Rules(h.gate) {
			if r.Effect == authz.Allow && len(r.Roles) > 0 && r.Policy.Kind == policy.ResourcePolicy && (gate == nil || len(r.Roles) > len(gate.Roles)) {
				gate = r
			}
		}
	}
	if gate == nil {
		return
	}
	f.standAt(gate.Roles[0].Pos, gate.ID)
	f.Evidence = append(f.Evidence, cite(gate))
	f.Fix = fmt.Sprintf("Add %s to the roles of %s (%s), or deny %s the calls.", roles, called(gate), gate.Pos, them)
	if len(gate.Roles) == 1 && gate.Roles[0].Value != "*" {
		f.Fix = fmt.Sprintf("Allow %s to %s as %s (%s) does to %s, or deny %s the calls.", h.gate, roles, called(gate), gate.Pos, gate.Roles[0].Value, them)
	}
}

// advice names the line that shows what is hidden.
func (h *hiding) advice(p *Pass, use *matrix.Column) string {
	r := h.rule.Syntax
	if h.deny {
		return fmt.Sprintf("Let %s deny the calls as well, or show the %s.", called(r), noun(use.Item.Type))
	}
	for _, a := range p.index.Asked(use.Twin) {
		if !a.Gate {
			return fmt.Sprintf("Allow the list beside the call in %s, as in %s, or deny the call as well.", called(r), a.Action)
		}
	}
	return ""
}
