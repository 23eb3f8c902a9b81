package pdp_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/pdp"
)

func TestArgumentTests(t *testing.T) {
	test := func(path, op string, values ...any) pdp.ArgumentTest {
		return pdp.ArgumentTest{Path: []string{path}, Op: op, Values: values}
	}
	tests := []struct {
		condition string
		want      []pdp.ArgumentTest
		all       bool
	}{
		{`arguments.region == "EMEA"`, []pdp.ArgumentTest{test("region", "==", "EMEA")}, true},
		{`500 >= arguments.amount`, []pdp.ArgumentTest{test("amount", "<", 500.0)}, true},
		{`arguments["my-arg"] in ["a", "b"] || !(arguments.n != -1)`, []pdp.ArgumentTest{test("my-arg", "in", "a", "b"), test("n", "==", -1.0)}, true},
		{`arguments.a == 1 unless arguments.b == 2`, []pdp.ArgumentTest{test("a", "==", 1.0), test("b", "==", 2.0)}, true},
		{`unless arguments.b == null`, []pdp.ArgumentTest{test("b", "==", nil)}, true},
		{`(unless arguments.b) && (arguments.s == "x unless y")`, []pdp.ArgumentTest{test("b", "is"), test("s", "==", "x unless y")}, true},
		{`arguments.p.startsWith("/home") && has(arguments.q)`, []pdp.ArgumentTest{test("p", "startsWith", "/home"), test("q", "has")}, true},
		{`arguments.a == arguments.b || arguments.c == true`, []pdp.ArgumentTest{test("c", "==", true)}, false},
		{`size(arguments.list) > 2`, nil, false},
		{`principal.level == 2 && arguments.a == 1`, []pdp.ArgumentTest{test("a", "==", 1.0)}, true},
		{`"x" in arguments`, nil, false},
		{`(depends on which role decides)`, nil, false},
		{`valid(arguments)`, nil, false},
		{`arguments.list.exists(x, x == "EMEA")`, nil, false},
	}
	for _, tt := range tests {
		got, all := pdp.ArgumentTests(tt.condition)
		if diff := cmp.Diff(tt.want, got); diff != "" || all != tt.all {
			t.Errorf("%s: all %v, want %v (-want +got):\n%s", tt.condition, all, tt.all, diff)
		}
	}
}
