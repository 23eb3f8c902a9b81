package testcoverage_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/testcoverage"
)

func TestChangedLines(t *testing.T) {
	for _, test := range []struct{ old, text, want string }{
		{"a b c", "a b c", ""},
		{"", "a b", "1 2"},
		{"a b c", "a x c", "2"},
		{"a b c", "a c", "1 2"},
		{"a b c", "b c", "1"},
		{"a b c", "a b", "2"},
		{"a b c", "a b x c", "3"},
		{"a b c d", "a x y d", "2 3"},
		{"a a a", "a a", "2"},
		{"a b c d e f", "a x c d f", "2 4 5"},
		{"a b", "", ""},
	} {
		has := testcoverage.ChangedLines([]byte(strings.ReplaceAll(test.old, " ", "\r\n")), []byte(strings.ReplaceAll(test.text, " ", "\n")))
		var got []string
		for n := 1; n <= len(strings.Fields(test.text)); n++ {
			if has(n, n) {
				got = append(got, fmt.Sprint(n))
			}
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%q to %q: %s, want %s", test.old, test.text, s, test.want)
		}
	}
	has := testcoverage.ChangedLines(nil, nil)
	if has(0, 1000) {
		t.Error("nothing is changed")
	}
	many := strings.Repeat("a\n", 5000)
	if !testcoverage.ChangedLines([]byte("x\n"+many+"y"), []byte("z\n"+strings.Repeat("b\n", 5000)+"w"))(2500, 2500) {
		t.Error("what is too much to compare is changed")
	}
}

func TestThresholds(t *testing.T) {
	got, err := testcoverage.ParseThresholds([]string{"rule=90, mcdc = 80.5", "cell=0"})
	if err != nil || fmt.Sprint(got) != "map[cell:0 mcdc:80.5 rule:90]" {
		t.Errorf("%v, %v", got, err)
	}
	for _, wrong := range []string{"", "rule", "rule=", "=3", "rul=3", "rule=100.1", "rule=-1", "rule=+1", "rule=1e1", "rule=NaN", "rule=Inf", "rule=0x10", "rule=1.2.3", "rule=1,rule=1", "rule=1,", "rule=٣"} {
		if _, err := testcoverage.ParseThresholds([]string{wrong}); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	if _, err := testcoverage.ParseThresholds([]string{"rul=1", "rule=101"}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("not all mistakes are reported: %v", err)
	}
}

func TestHold(t *testing.T) {
	points := func(covered, uncovered, impossible int) *testcoverage.Coverage {
		c := &testcoverage.Coverage{}
		for i, n := range []int{uncovered, covered, impossible} {
			for range n {
				c.Points = append(c.Points, testcoverage.Point{Kind: testcoverage.Rule, State: testcoverage.State(i)}) //nolint:gosec // three states
			}
		}
		return c
	}
	for _, test := range []struct {
		c     *testcoverage.Coverage
		since string
		least float64
		met   bool
	}{
		{points(2, 1, 5), "", 66.6, true},
		{points(2, 1, 5), "", 66.7, false},
		{points(3, 0, 0), "", 100, true},
		{points(999, 1, 0), "", 100, false},
		{points(0, 0, 3), "", 0, false},
		{points(0, 0, 3), "main", 100, true},
		{points(0, 3, 0), "", 0, true},
		{points(0, 3, 0), "main", 1, false},
	} {
		test.c.Since = test.since
		test.c.Hold(testcoverage.Thresholds{testcoverage.Rule: test.least})
		if met := len(test.c.Missed) == 0; met != test.met {
			t.Errorf("%+v: %v", test, test.c.Missed)
		}
	}
}

func Example() {
	thresholds, err := testcoverage.ParseThresholds([]string{"rule=90"})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := &testcoverage.Coverage{Points: []testcoverage.Point{
		{Kind: testcoverage.Rule, State: testcoverage.Covered},
		{Kind: testcoverage.Rule, State: testcoverage.Uncovered},
		{Kind: testcoverage.Rule, State: testcoverage.Impossible},
	}}
	c.Hold(thresholds)
	for _, m := range c.Missed {
		fmt.Println(m)
	}
	// Output: rule: 50% covered (1 of 2), want 90%
}
