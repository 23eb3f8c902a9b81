package report

import (
	"encoding/xml"

	"github.com/mcpolicy/mcpolicy/lint"
)

func driftTally(list []*lint.Finding, o Options) tally {
	t := tally{tests: max(1, len(list))}
	for _, f := range list {
		if failsAsDrift(f, o.FailOn) {
			t.failures++
		}
	}
	return t
}

// drift writes a suite with a case for each difference from production.
func (x *junit) drift(d *Drift, list []*lint.Finding, o Options, t tally) {
	x.open("testsuite", append([]xml.Attr{attr("name", "mcpolicy drift")}, t.attrs()...))
	for _, f := range list {
		c := lintCase(f)
		c.Classname = "mcpolicy drift." + visible(f.Rule)
		if failsAsDrift(f, o.FailOn) {
			c.Failure = &trouble{Message: visible(f.Message), Type: visible(f.Rule), Body: lintBody(f)}
		} else {
			c.Output = &output{lintBody(f)}
		}
		x.testcase(c)
	}
	if len(list) == 0 {
		x.testcase(&testcase{Name: visible(d.words()), Classname: "mcpolicy drift"})
	}
	x.close("testsuite")
}
