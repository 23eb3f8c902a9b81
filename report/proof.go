package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// refutation says why a sentence about everybody is not proved: what a principal
// did, by which rules, and how to keep it as a case.
func refutation(c *testrunner.Case) []reason {
	reasons := []reason{{"", c.Proof.Verdict.String() + ": " + c.Message}}
	x := c.Proof.Counterexample
	if x == nil {
		return append(reasons, reason{"", "over " + over(&c.Proof.Over)})
	}
	for _, cell := range []*matrix.Cell{x.Cell, x.ThenCell} {
		if cell == nil {
			continue
		}
		for _, r := range cell.Decisive() {
			reasons = append(reasons, reason{r.Pos.String(), fmt.Sprintf("rule %q %s", firstOf(r.Name, r.ID), verbOf(r.Effect))})
		}
	}
	if x.Principal.Pos.IsZero() {
		reasons = append(reasons, reason{"", "to keep it, in principals.yaml: somebody: " + flow(principalPairs(x.Principal))})
	}
	return append(reasons, reason{"", "in a suite: " + suiteCaseText(c)})
}

func verbOf(e authz.Effect) string {
	if e == authz.Allow {
		return "allows it"
	}
	return "denies it"
}

// suiteCaseText is a case of a suite that fails as long as the sentence is refuted.
func suiteCaseText(c *testrunner.Case) string {
	x := c.Proof.Counterexample
	who := "somebody"
	if !x.Principal.Pos.IsZero() {
		who = x.Principal.Key
	}
	wanted := authz.Deny
	if !x.Cell.Access.Possible() {
		wanted = authz.Allow
	}
	noun, section := "tool", ""
	switch c.Item.Type {
	case authz.PromptItem:
		noun, section = "prompt", "prompts"
	case authz.ResourceItem, authz.TemplateItem:
		noun, section = "resource", "resources"
	case authz.ToolItem:
	}
	sample := []pair{{noun, jsonText(c.Item.Name)}}
	arguments, lookedUp := authz.SplitArguments(x.Arguments)
	if arguments != nil {
		sample = append(sample, pair{"arguments", jsonText(arguments)})
	}
	if lookedUp != nil {
		sample = append(sample, pair{"lookedUp", jsonText(lookedUp)})
	}
	sample = append(sample, pair{"expect", wanted.String()})
	operation := pair{c.Operation.String(), flow([]pair{{"cases", "[" + flow(sample) + "]"}})}
	if section != "" {
		operation = pair{section, flow([]pair{operation})}
	}
	return flow([]pair{{"principals", "[" + who + "]"}, operation})
}

// A pair is a key and a value as YAML writes it on a line.
type pair struct{ key, value string }

func flow(pairs []pair) string {
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = p.key + ": " + p.value
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// principalPairs writes a principal as principals.yaml has it.
func principalPairs(p *authz.Principal) []pair {
	pairs := []pair{{"id", jsonText(p.ID)}, {"roles", jsonText(p.Roles)}}
	if p.Kind != authz.Human {
		pairs = append(pairs, pair{"kind", p.Kind.String()})
	}
	fields := principalFields(p)
	for _, key := range []string{"attr", "auxData"} {
		if v, there := fields[key]; there {
			pairs = append(pairs, pair{key, jsonText(v)})
		}
	}
	return pairs
}

func principalFields(p *authz.Principal) map[string]any {
	fields := map[string]any{"id": p.ID, "roles": p.Roles}
	if len(p.Attr) > 0 {
		fields["attr"] = p.Attr
	}
	if p.Kind != authz.Human {
		fields["kind"] = p.Kind.String()
	}
	switch {
	case len(p.AuxData) > 0:
		fields["auxData"] = map[string]any{"jwt": p.AuxData}
	case len(p.JWTs) > 0:
		fields["auxData"] = map[string]any{"jwts": p.JWTs}
	}
	return fields
}

// over says what a proof holds over: "10 roles in 12 combinations, any attributes,
// arguments within the inputSchema, at any time".
func over(o *prove.Over) string {
	parts := []string{
		fmt.Sprintf("%s in %s", count(o.Roles, "role"), count(o.Sets, "combination")),
		o.Attributes + " attributes",
	}
	if strings.HasPrefix(o.Attributes, "within") {
		parts[1] = "attributes " + o.Attributes
	}
	switch o.Arguments {
	case "none":
	case "any":
		parts = append(parts, "any arguments")
	default:
		parts = append(parts, "arguments "+o.Arguments)
	}
	when := "any time"
	if !o.Clock.IsZero() {
		when = "the time " + o.Clock.UTC().Format(time.RFC3339)
	}
	return strings.Join(append(parts, when), ", ")
}

// A proofJSON is what is known of a sentence about everybody.
type proofJSON struct {
	Verdict        string       `json:"verdict"`
	Over           overJSON     `json:"over"`
	Counterexample *exampleJSON `json:"counterexample,omitempty"` // of somebody: who shows it
	Open           []string     `json:"open,omitempty"`
}

type overJSON struct {
	Roles      int    `json:"roles"`
	Sets       int    `json:"sets"`
	Attributes string `json:"attributes"`
	Arguments  string `json:"arguments"`
	Now        string `json:"now,omitempty"`
}

type exampleJSON struct {
	Principal map[string]any `json:"principal"`
	Arguments map[string]any `json:"arguments,omitzero"`
	Then      map[string]any `json:"then,omitzero"`
	Now       string         `json:"now,omitempty"`
	Rules     []jsonRule     `json:"rules,omitempty"`
}

func jsonProof(p *prove.Proof) *proofJSON {
	if p == nil {
		return nil
	}
	j := &proofJSON{
		Verdict: p.Verdict.String(), Open: p.Open,
		Over: overJSON{p.Over.Roles, p.Over.Sets, p.Over.Attributes, p.Over.Arguments, instant(p.Over.Clock)},
	}
	if x := p.Counterexample; x != nil {
		j.Counterexample = &exampleJSON{principalFields(x.Principal), x.Arguments, x.Then, instant(x.Now), jsonRules(x.Cell.Decisive())}
	}
	return j
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// writeProved lists the tests of which all that they say of everybody is proved, or
// left out.
func (p *printer) writeProved(d *Document) {
	for _, s := range d.Tests.Suites {
		for from := 0; from < len(s.Cases); {
			to := from
			for to < len(s.Cases) && s.Cases[to].Test == s.Cases[from].Test {
				to++
			}
			p.writeProvedTest(s.Cases[from:to])
			from = to
		}
	}
}

func (p *printer) writeProvedTest(cases []*testrunner.Case) {
	var proved []*testrunner.Case
	for _, c := range cases {
		if c.Outcome == testrunner.Passed {
			proved = append(proved, c)
		}
	}
	if len(proved) == 0 {
		return
	}
	e := p.entry(good, "proved")
	e.placed(cases[0].Pos.String(), cases[0].Test)
	text := proved[0].Sentence
	if n := len(proved) - 1; n > 0 {
		text += ", and " + count(n, "sentence") + " like it"
	}
	e.text(plain, text)
	if o := proved[0].Proof; o != nil {
		e.text(faint, "over "+over(&o.Over))
	}
	e.end()
}
