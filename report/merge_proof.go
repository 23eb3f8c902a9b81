package report

import (
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/prove"
)

// proof returns what is known of a sentence.
func (x *mergedCase) proof() *prove.Proof {
	j := x.Proof
	if j == nil {
		return nil
	}
	p := &prove.Proof{
		Open: j.Open,
		Over: prove.Over{Roles: j.Over.Roles, Sets: j.Over.Sets, Attributes: j.Over.Attributes, Arguments: j.Over.Arguments, Clock: instantOf(j.Over.Now)},
	}
	for _, v := range []prove.Verdict{prove.Proved, prove.Refuted} {
		if v.String() == j.Verdict {
			p.Verdict = v
		}
	}
	if e := j.Counterexample; e != nil {
		p.Counterexample = &prove.Counterexample{
			Principal: principalOf(e.Principal), Arguments: e.Arguments, Then: e.Then, Now: instantOf(e.Now), Cell: shown(x.Sentence, e.Rules),
		}
	}
	return p
}

// shown returns the cell that an example shows: of its access it says no more than which
// rules decided it.
func shown(sentence string, rules []jsonRule) *matrix.Cell {
	c := mergedCase{caseJSON: caseJSON{Rules: rules}}
	allows, denies := false, false
	for _, r := range rules {
		if r.Effect == authz.Allow.String() {
			allows = true
		} else {
			denies = true
		}
	}
	switch {
	case allows && denies:
		return c.cell(matrix.Conditional)
	case allows:
		return c.cell(matrix.Allowed)
	case denies, strings.HasPrefix(sentence, "everybody"):
		return c.cell(matrix.Denied)
	}
	return c.cell(matrix.Unguarded)
}

func instantOf(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// principalOf reads what principalFields wrote.
func principalOf(fields map[string]any) *authz.Principal {
	p := &authz.Principal{}
	p.ID, _ = fields["id"].(string)
	p.Key = p.ID
	if roles, ok := fields["roles"].([]any); ok {
		for _, r := range roles {
			if name, ok := r.(string); ok {
				p.Roles = append(p.Roles, name)
			}
		}
	}
	p.Attr, _ = fields["attr"].(map[string]any)
	if kind, ok := fields["kind"].(string); ok {
		p.Kind, _ = authz.ParseKind(kind)
	}
	aux, _ := fields["auxData"].(map[string]any)
	p.AuxData, _ = aux["jwt"].(map[string]any)
	if tokens, ok := aux["jwts"].(map[string]any); ok {
		p.JWTs = map[string]map[string]any{}
		for name, claims := range tokens {
			p.JWTs[name], _ = claims.(map[string]any)
		}
	}
	return p
}
