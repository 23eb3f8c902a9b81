package testrunner

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReferences(t *testing.T) {
	for expr, want := range map[string][]string{
		`R.attr.arguments.region == P.attr.region`:              {"R.attr.arguments.region", "P.attr.region"},
		`P.attr.regions.exists(r, r == R.attr.x)`:               {"P.attr.regions", "R.attr.x"},
		`R.attr["a b"]['c'].d > 1`:                              {`R.attr["a b"].c.d`},
		`R.attr["arguments"]["y"] == "P.attr.no"`:               {"R.attr.arguments.y"},
		`R.attr.list[0].x == 1`:                                 {"R.attr.list"},
		`R.attr[P.attr.key] == 1`:                               {"R.attr", "P.attr.key"},
		`R.attr.?arguments.?x.orValue(1) == 1`:                  {"R.attr.arguments.x"},
		`R.attr[?"x"].orValue(1) == 1`:                          {"R.attr.x"},
		`V.a && variables.b || C.c == constants.d`:              {"V.a", "variables.b", "C.c", "constants.d"},
		`request.principal.id == request.aux_data.jwt.sub`:      {"request.principal.id", "request.aux_data.jwt.sub"},
		`now() > timestamp(R.attr.until) && G.now == globals.x`: {"now", "R.attr.until", "G.now", "globals.x"},
		`x.P.attr.y == 1 && y.?P.attr.z == 1`:                   nil,
		`a ? P.attr.b : P . attr . c`:                           {"P.attr.b", "P.attr.c"},
		"R.attr.a // and P.attr.b\n || 'it\\'s P.attr.c' == \"\"\"R.attr.d\n\"\"\" || r\"\\\" == P.attr.e": {"R.attr.a", "P.attr.e"},
		`[P.id, "x"].hasIntersection(P.roles)`: {"P.id", "P.roles"},
		`P == R`:                               nil,
		`"`:                                    nil,
		``:                                     nil,
	} {
		var got []string
		for _, path := range references(expr) {
			got = append(got, spell(path))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expr, diff)
		}
	}
}
