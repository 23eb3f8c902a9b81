package report

import (
	"encoding/xml"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
)

// A foundSuite is a suite with a case for each thing that was found.
type foundSuite struct {
	name  string // diff, lock, drift or coverage
	list  []*lint.Finding
	fails func(*lint.Finding) bool
	none  string // the case of a suite that found nothing
}

// foundSuites returns those of a document.
func (d *Document) foundSuites(o Options) []foundSuite {
	var list []foundSuite
	if d.Diff != nil {
		list = append(list, foundSuite{"diff", d.changeFindings(), d.Diff.failsAsChange, d.Diff.words()})
	}
	if d.Lock != nil {
		list = append(list, foundSuite{"lock", d.lockFindings(), func(*lint.Finding) bool { return true }, d.Lock.words()})
	}
	if d.Drift != nil {
		list = append(list, foundSuite{"drift", d.driftFindings(), func(f *lint.Finding) bool { return failsAsDrift(f, o.FailOn) }, d.Drift.words()})
	}
	if d.Coverage != nil && len(d.Coverage.Thresholds) > 0 {
		list = append(list, foundSuite{"coverage", d.coverageFindings(), func(*lint.Finding) bool { return true }, coverageWords(d.Coverage)})
	}
	return list
}

// failsAsChange reports whether a change fails the run.
func (d *Diff) failsAsChange(f *lint.Finding) bool {
	return d.Fails() && (f.Severity == authz.SeverityError || d.FailOn == config.FailAny)
}

func (s *foundSuite) tally() tally {
	t := tally{tests: max(1, len(s.list))}
	for _, f := range s.list {
		if s.fails(f) {
			t.failures++
		}
	}
	return t
}

// found writes a suite.
func (x *junit) found(s *foundSuite) {
	class, t := "mcpolicy "+s.name, s.tally()
	x.open("testsuite", append([]xml.Attr{attr("name", class)}, t.attrs()...))
	for _, f := range s.list {
		c := lintCase(f)
		c.Classname = class + "." + visible(f.Rule)
		if s.fails(f) {
			c.Failure = &trouble{Message: visible(f.Message), Type: visible(f.Rule), Body: lintBody(f)}
		} else {
			c.Output = &output{lintBody(f)}
		}
		x.testcase(c)
	}
	if len(s.list) == 0 {
		x.testcase(&testcase{Name: visible(s.none), Classname: class})
	}
	x.close("testsuite")
}
