package probe_test

import (
	"slices"
	"strings"
	"testing"
)

// TestSidesOfConditions calls a tool with arguments on both sides of conditions that trying
// the constants does not meet, or not within the inputSchema; and without a solver with
// those that trying shows.
func TestSidesOfConditions(t *testing.T) {
	for _, expr := range []string{
		`R.attr.arguments.region.startsWith("E") && R.attr.arguments.region.endsWith("ia") && size(R.attr.arguments.region) > 9`,
		`R.attr.arguments.region.matches("^[A-Z]{2}-[0-9]{3}$") && R.attr.arguments.region != "AA-000"`,
		`timestamp(R.attr.arguments.region) > timestamp("2029-02-01T00:00:00Z") && timestamp(R.attr.arguments.region) < timestamp("2029-02-01T00:00:07Z")`,
	} {
		w := newWorld(t, strings.Replace(policies, "R.attr.arguments.region == P.attr.region", "'"+expr+"'", 1), nil)
		d := &desk{deployed: w, runs: map[string]int{}}
		result, err := probed(t, w, d, nil)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(result.Skipped, func(s string) bool { return strings.Contains(s, "none were found") }); i >= 0 {
			t.Errorf("%s: %v", expr, result.Skipped[i])
		}
		if n := len(slices.DeleteFunc(slices.Clone(d.said), func(s string) bool { return !strings.HasPrefix(s, "sally report ") })); n < 2 {
			t.Errorf("%s: sally calls report %d times: %v", expr, n, d.said)
		}
		if len(result.Drifts) > 0 {
			t.Errorf("%s: %v", expr, result.Drifts)
		}
	}
}
