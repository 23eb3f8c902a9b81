package report

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// The rules that differences between production and the checkout are problems
// of, in the formats that know nothing but problems. Lint rules have other IDs.
const (
	productionDrift   = "production-drift"
	productionUnknown = "production-drift-unknown"
)

// A Drift is what a comparison of the matrix of the checkout with something
// that runs in production found.
type Drift struct {
	Against string // what runs in production: "PDP pdp:3593"
	Cells   int    // how many cells were compared
	List    []drift.Difference
}

// side says what one of the two decides.
func side(c *matrix.Cell) string {
	if c.Access == matrix.Conditional {
		return "conditional: " + c.Condition.String()
	}
	if reason := c.Reason(); reason != "" {
		return c.Access.String() + ": " + reason
	}
	return c.Access.String()
}

// counts returns how many cells differ, and of how many that is not known.
func (d *Drift) counts() (differ, unknown int) {
	for i := range d.List {
		if x := &d.List[i]; x.Unknown != "" {
			unknown += len(x.Principals)
		} else {
			differ += len(x.Principals)
		}
	}
	return differ, unknown
}

// words says how a comparison went: 3 of 40 cells differ from PDP pdp:3593.
func (d *Drift) words() string {
	differ, unknown := d.counts()
	text := count(d.Cells, "cell")
	switch {
	case differ > 0:
		text = fmt.Sprintf("%d of %s decided differently by %s", differ, text, d.Against)
	case unknown > 0:
		text += ": no difference from " + d.Against + " found"
	default:
		text += " decided alike by " + d.Against
	}
	if unknown > 0 {
		text += fmt.Sprintf(", %d unknown", unknown)
	}
	return text
}

// driftFindings returns the differences in the form of findings, the most severe first.
func (d *Document) driftFindings() []*lint.Finding {
	if d.Drift == nil {
		return nil
	}
	var list []*lint.Finding
	for i := range d.Drift.List {
		f := d.Drift.finding(&d.Drift.List[i])
		list = append(list, &f)
	}
	slices.SortStableFunc(list, func(a, b *lint.Finding) int { return int(b.Severity) - int(a.Severity) })
	return list
}

func (d *Drift) finding(x *drift.Difference) lint.Finding {
	item := x.Column.Item
	f := lint.Finding{
		Rule: productionDrift, Family: "drift", Severity: authz.SeverityError,
		Server: x.Column.Server.Name, Type: item.Type, Name: item.Name, Pos: item.Pos, Principal: x.Principals[0].Key,
	}
	what := x.Column.Operation.String() + " " + item.Name
	who := people(x.Principals)
	switch {
	case x.Unknown != "":
		f.Rule, f.Severity = productionUnknown, authz.SeverityNote
		f.Message = "it is not known whether production lets " + who + " " + what + " as the checkout does"
	case x.More:
		f.Message = "production lets " + who + " " + what + ", and the checkout does not"
	default:
		f.Message = "the checkout lets " + who + " " + what + ", and production does not"
	}
	cite(&f, x)
	if x.Arguments != nil {
		f.Evidence = append(f.Evidence, "Called with "+jsonText(x.Arguments)+".")
	}
	f.Evidence = append(f.Evidence, "production: "+side(x.Production), "checkout: "+side(x.Checkout))
	if x.Unknown != "" {
		f.Evidence = append(f.Evidence, x.Unknown)
	}
	return f
}

// failsAsDrift reports whether a difference fails the run: one that is not
// certain does so only if notes do.
func failsAsDrift(f *lint.Finding, failOn authz.Severity) bool {
	return f.Rule == productionDrift || fails(f, failOn)
}

// citedRules is how many rules of the checkout a difference names.
const citedRules = 3

// cite names the rules of the checkout, the first as the place of the finding.
func cite(f *lint.Finding, x *drift.Difference) {
	for _, r := range x.Rules[:min(citedRules, len(x.Rules))] {
		switch {
		case r.Pos.File == "":
		case f.Policy == "":
			f.Policy, f.Pos = r.ID, r.Pos
			f.Evidence = append(f.Evidence, r.Pos.String()+"  "+ruleWords(r))
		default:
			f.Related = append(f.Related, lint.Related{Pos: r.Pos, Text: ruleWords(r)})
		}
	}
	if f.Policy == "" && x.Unknown == "" && x.More {
		f.Evidence = append(f.Evidence, "No rule of the checkout is about it.")
	}
}

// ruleWords says what a rule did.
func ruleWords(r matrix.Rule) string {
	name := fmt.Sprintf("rule %q ", r.Name)
	switch {
	case r.Met == authz.Unmet && r.Effect == authz.Deny:
		return name + "would deny it, but its condition is not met"
	case r.Met == authz.Unmet:
		return name + "would allow it, but its condition is not met"
	case r.Effect == authz.Deny:
		return name + "denies it"
	}
	return name + "allows it"
}

// people names principals: sally and 3 others.
func people(list []*authz.Principal) string {
	return subject(&testrunner.Case{Principals: list})
}
