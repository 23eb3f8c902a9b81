package report

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A failure is what cases of one test came out as that did not pass, in numbers: those of the
// summary, where each principal of a case counts.
type failure struct {
	first *testrunner.Case // of the cases with that outcome
	n, of int              // how many there are, of how many cases of the test
}

// failuresOf returns the failures of a suite, in the order of its cases. What is skipped is none.
func failuresOf(s *testrunner.SuiteResult) []failure {
	type of struct {
		test    string
		outcome testrunner.Outcome
	}
	var order []of
	known, total := map[of]*failure{}, map[string]int{}
	for _, c := range casesOf(s) {
		k := len(c.About())
		total[c.Test] += k
		if c.Outcome != testrunner.Failed && c.Outcome != testrunner.Errored {
			continue
		}
		key := of{c.Test, c.Outcome}
		if known[key] == nil {
			known[key] = &failure{first: c}
			order = append(order, key)
		}
		known[key].n += k
	}
	list := make([]failure, len(order))
	for i, key := range order {
		list[i] = *known[key]
		list[i].of = total[key.test]
	}
	return list
}

// words says how many cases of which test.
func (f failure) words() string {
	text := fmt.Sprintf("%d of %s", f.n, count(f.of, "case"))
	if f.first.Test != "" {
		text += fmt.Sprintf(" of %q", f.first.Test)
	}
	return text
}
