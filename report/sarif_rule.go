package report

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/probe"
)

// ownRules document the rules that cases and differences from production are
// problems of.
var ownRules = map[string]lint.Doc{
	caseFailed: {
		Summary:   "A case of a suite failed",
		Rationale: "The engine decides otherwise than the suite expects: the policies do not do what was written down, or the expectation is out of date.",
		Fix:       "Correct the policy that decided, or the expectation.",
	},
	caseErrored: {
		Summary:   "A case of a suite could not be decided",
		Rationale: "What cannot be decided is neither a pass nor a denial: nobody knows whether the policies do what was written down.",
		Fix:       "Correct what the message names.",
	},
	coverageBelow: {
		Summary:   "The suites cover less of the policies than they have to",
		Rationale: "What no case rests on can change without a test that fails.",
		Fix:       "mcpolicy test --coverage shows cases that would cover what is not; add them, or lower the threshold.",
	},
	accessWidened: {
		Summary:   "Somebody may do more than at the base",
		Rationale: "The change lets somebody list or use what they could not before, or with arguments that were refused before.",
		Fix:       "Take it back, or accept it: merge, or raise the budget under diff in mcpolicy.yaml.",
	},
	accessChanged: {
		Summary:   "Somebody may do other things than at the base",
		Rationale: "The change lets somebody make calls that were refused before, and refuses others that were not.",
		Fix:       "See that the calls that are only allowed now are meant.",
	},
	accessUnknown: {
		Summary:   "It is not known whether somebody may do more than at the base",
		Rationale: "The conditions on both sides say more than can be compared.",
		Fix:       "Compare the rules themselves.",
	},
	accessNarrowed: {
		Summary:   "Somebody may do less than at the base",
		Rationale: "The change takes away what somebody could list or use before.",
		Fix:       "See that it is meant.",
	},
	inventoryChange: {
		Summary:   "A server offers something else than at the base",
		Rationale: "An item came, went, or is described otherwise under the same name: what was reviewed is not what is offered.",
		Fix:       "Read what the server offers now as you would read a new tool.",
	},
	accessLater: {
		Summary:   "Patterns of names give other access to items that do not exist yet",
		Rationale: "Nothing that exists is concerned today; an item whose name matches will be, without another change of the policies.",
		Fix:       "See that the pattern is meant, or name the items.",
	},
	overBudget: {
		Summary:   "Access widens beyond the budget",
		Rationale: "More opens than a change may open without somebody's decision.",
		Fix:       "Open less, or raise the budget under diff in mcpolicy.yaml.",
	},
	productionDrift: {
		Summary:   "Production decides a cell differently from the checkout",
		Rationale: "What was reviewed is not what runs: policies were deployed that the checkout does not have, or those of the checkout were not deployed.",
		Fix:       "Deploy the policies of the checkout, or bring them up to what production has.",
	},
	productionUnknown: {
		Summary:   "It is not known whether production decides a cell as the checkout does",
		Rationale: "All calls that were tried are decided alike, but the conditions may tell others apart.",
		Fix:       "Compare the policies themselves.",
	},
}

// rule returns the index of a problem's rule, and adds the rule if it is new.
func (b *sarifBuilder) rule(p *problem) int {
	if i, ok := b.rules[p.rule]; ok {
		return i
	}
	driver := b.Tool.Driver
	b.rules[p.rule] = len(driver.Rules)
	driver.Rules = append(driver.Rules, b.describe(p))
	return b.rules[p.rule]
}

// describe returns a rule with its documentation. A rule that is not in the
// catalogue has none but its name.
func (b *sarifBuilder) describe(p *problem) sarifDescriptor {
	doc, known := ownRules[p.rule]
	severity, precision, tags := p.severity, "very-high", []string{"test"}
	switch p.rule {
	case accessWidened, accessChanged, accessNarrowed, inventoryChange, accessLater, overBudget, accessUnknown:
		tags = []string{"diff"}
	case productionDrift:
		tags = []string{"drift"}
	case productionUnknown:
		precision, tags = "low", []string{"drift"}
	}
	for _, k := range probe.Kinds() {
		if string(k.Kind) == p.rule {
			doc, known, tags = lint.Doc{Summary: k.Summary, Rationale: k.Rationale, Fix: k.Fix}, true, []string{"probe"}
		}
	}
	if !known {
		doc = lint.Doc{Summary: visible(p.rule), Rationale: visible(p.rule)}
	}
	page := doc.Rationale + "\n\n" + doc.Fix + "\n"
	if r, err := lint.Find(p.rule); err == nil {
		doc, severity, page, tags = r.Doc, r.Severity, r.Markdown(), []string{r.Family}
		precision = r.Confidence.String()
	}
	rationale := strings.Join(strings.Fields(doc.Rationale), " ")
	d := sarifDescriptor{
		ID:                   visible(p.rule),
		ShortDescription:     &sarifText{Text: doc.Summary + "."},
		FullDescription:      &sarifText{Text: rationale},
		Help:                 &sarifText{Text: rationale + "\n\n" + doc.Fix, Markdown: page},
		DefaultConfiguration: &sarifConfiguration{sarifLevels[severity]},
		Properties:           &sarifProperties{ProblemSeverity: problemSeverities[severity], Precision: precision},
	}
	if len(doc.Standards) > 0 {
		tags = append(tags, "security")
		d.Properties.SecuritySeverity = securitySeverities[severity]
	}
	for _, id := range doc.Standards {
		if n, ok := strings.CutPrefix(id, "CWE-"); ok {
			tags = append(tags, "external/cwe/cwe-"+n)
		}
		d.Relationships = append(d.Relationships, b.relate(id)...)
	}
	d.Properties.Tags = tags
	return d
}

var (
	problemSeverities = [...]string{authz.SeverityNote: "recommendation", authz.SeverityWarning: "warning", authz.SeverityError: "error"}
	// securitySeverities are what GitHub shows as low, medium and high, in the
	// middle of each.
	securitySeverities = [...]string{authz.SeverityNote: "2.0", authz.SeverityWarning: "5.5", authz.SeverityError: "8.0"}
)

// A taxonomy is a catalogue of weaknesses or requirements that rules refer to.
type taxonomy struct {
	prefix       string // of its entries as rules write them
	name         string
	organization string
	about        string
	page         string // of an entry, before its ID; or ""
}

var taxonomies = []taxonomy{
	{"CWE-", "CWE", "MITRE", "Common Weakness Enumeration", "https://cwe.mitre.org/data/definitions/"},
	{"OWASP MCP", "OWASP MCP Top 10", "OWASP", "The ten most critical risks of the Model Context Protocol", ""},
	{"ASI", "OWASP Top 10 for Agentic Applications", "OWASP", "The ten most critical risks of agentic applications", ""},
	{"NHI", "OWASP Non-Human Identities Top 10", "OWASP", "The ten most critical risks of non-human identities", ""},
	{"NIST CSF 2.0 ", "NIST CSF 2.0", "NIST", "The Cybersecurity Framework", ""},
	{"NIST SP 800-207 ", "NIST SP 800-207", "NIST", "Zero Trust Architecture", ""},
	{"NIST SP 800-53r5 ", "NIST SP 800-53r5", "NIST", "Security and Privacy Controls for Information Systems and Organizations", ""},
}

// entry returns the ID of a standard in its taxonomy: 862 for CWE-862, MCP07:2025
// for OWASP MCP07:2025.
func (t *taxonomy) entry(standard string) string {
	if strings.HasSuffix(t.prefix, " ") || t.page != "" {
		return strings.TrimPrefix(standard, t.prefix)
	}
	return strings.TrimPrefix(standard, t.organization+" ")
}

// relate returns the relationship of a rule to an entry of a taxonomy, and adds
// both to the run where they are new.
func (b *sarifBuilder) relate(standard string) []sarifRelationship {
	i := slices.IndexFunc(taxonomies, func(t taxonomy) bool { return strings.HasPrefix(standard, t.prefix) })
	if i < 0 {
		return nil
	}
	t := &taxonomies[i]
	index := slices.IndexFunc(b.Taxonomies, func(c *sarifComponent) bool { return c.Name == t.name })
	if index < 0 {
		index = len(b.Taxonomies)
		b.Taxonomies = append(b.Taxonomies, &sarifComponent{Name: t.name, Organization: t.organization, ShortDescription: &sarifText{Text: t.about + "."}})
		b.Tool.Driver.SupportedTaxonomies = append(b.Tool.Driver.SupportedTaxonomies, sarifRef{Name: t.name, Index: index})
	}
	component, id := b.Taxonomies[index], t.entry(standard)
	entry := slices.IndexFunc(component.Taxa, func(d sarifDescriptor) bool { return d.ID == id })
	if entry < 0 {
		entry = len(component.Taxa)
		taxon := sarifDescriptor{ID: id, ShortDescription: &sarifText{Text: lint.StandardTitle(standard) + "."}}
		if t.page != "" {
			taxon.HelpURI = t.page + id + ".html"
		}
		component.Taxa = append(component.Taxa, taxon)
	}
	return []sarifRelationship{{
		Target: sarifRef{ID: id, Index: entry, ToolComponent: &sarifRef{Name: t.name, Index: index}}, Kinds: []string{"relevant"},
	}}
}
