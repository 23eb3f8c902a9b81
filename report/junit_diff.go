package report

import (
	"encoding/xml"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
)

// failsAsChange reports whether a change fails the run.
func (d *Diff) failsAsChange(f *lint.Finding) bool {
	return d.Fails() && (f.Severity == authz.SeverityError || d.FailOn == config.FailAny)
}

func diffTally(d *Diff, list []*lint.Finding) tally {
	t := tally{tests: max(1, len(list))}
	for _, f := range list {
		if d.failsAsChange(f) {
			t.failures++
		}
	}
	return t
}

// diff writes a suite with a case for each change.
func (x *junit) diff(d *Diff, list []*lint.Finding, t tally) {
	x.open("testsuite", append([]xml.Attr{attr("name", "mcpolicy diff")}, t.attrs()...))
	for _, f := range list {
		c := lintCase(f)
		c.Classname = "mcpolicy diff." + visible(f.Rule)
		if d.failsAsChange(f) {
			c.Failure = &trouble{Message: visible(f.Message), Type: visible(f.Rule), Body: lintBody(f)}
		} else {
			c.Output = &output{lintBody(f)}
		}
		x.testcase(c)
	}
	if len(list) == 0 {
		x.testcase(&testcase{Name: visible(d.words()), Classname: "mcpolicy diff"})
	}
	x.close("testsuite")
}
