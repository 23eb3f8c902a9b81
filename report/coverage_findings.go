package report

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// coverageBelow is what thresholds that are not met are problems of, in the formats that
// know nothing but problems.
const coverageBelow = "coverage-below-threshold"

// coverageFindings returns the thresholds that are not met, in the form of findings.
func (d *Document) coverageFindings() []*lint.Finding {
	if d.Coverage == nil {
		return nil
	}
	var list []*lint.Finding
	for _, m := range d.Coverage.Missed {
		list = append(list, missFinding(m.String()))
	}
	return list
}

func missFinding(message string) *lint.Finding {
	return &lint.Finding{
		Rule: coverageBelow, Family: "coverage", Severity: authz.SeverityError, Message: "coverage: " + message,
		Fix: "mcpolicy test --coverage shows the cases that would cover what is not",
	}
}

// readCoverage reads what a run covers, and joins it with what others do.
func (r *reading) readCoverage(x *mergedFile, n *source.Node) {
	c := x.Coverage
	if c == nil {
		return
	}
	err := c.check()
	if err == nil {
		c.label(r.label)
		var joined *coverageJSON
		if joined, err = r.coverage.plus(c); err == nil {
			r.coverage = joined
		}
	}
	if err != nil {
		r.errs = append(r.errs, source.Errorf(n.Pos, "coverage: %w", err))
	}
}
