package pdp_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

func TestArgumentTests(t *testing.T) {
	test := func(path, op string, values ...any) pdp.ArgumentTest {
		return pdp.ArgumentTest{Path: []string{path}, Op: op, Values: values}
	}
	when := func(allows, denies string) authz.Condition {
		return authz.AnyOf(authz.Alternative{Allows: expr.Clause(allows), Denies: expr.Clause(denies)})
	}
	tests := []struct {
		condition authz.Condition
		want      []pdp.ArgumentTest
		all       bool
	}{
		{authz.Condition{}, nil, true},
		{when(`arguments.region == "EMEA"`, ""), []pdp.ArgumentTest{test("region", "==", "EMEA")}, true},
		{when(`500 >= arguments.amount`, ""), []pdp.ArgumentTest{test("amount", "<", 500.0)}, true},
		{when(`arguments["my-arg"] in ["a", "b"] || !(arguments.n != -1)`, ""), []pdp.ArgumentTest{test("my-arg", "in", "a", "b"), test("n", "==", -1.0)}, true},
		{when(`arguments.a == 1`, `arguments.b == 2`), []pdp.ArgumentTest{test("a", "==", 1.0), test("b", "==", 2.0)}, true},
		{when("", `arguments.b == null`), []pdp.ArgumentTest{test("b", "==", nil)}, true},
		{authz.AllOf(when(`arguments.s == "x unless y"`, ""), when("", "arguments.b")), []pdp.ArgumentTest{test("s", "==", "x unless y"), test("b", "is")}, true},
		{
			authz.AnyOf(authz.Alternative{Allows: expr.Clause("arguments.a == 1"), Denies: expr.Clause("arguments.b")}, authz.Alternative{Allows: expr.Clause("arguments.c")}),
			[]pdp.ArgumentTest{test("a", "==", 1.0), test("b", "is"), test("c", "is")},
			true,
		},
		{when(`arguments.p.startsWith("/home") && has(arguments.q)`, ""), []pdp.ArgumentTest{test("p", "startsWith", "/home"), test("q", "has")}, true},
		{when(`arguments.a == arguments.b || arguments.c == true`, ""), []pdp.ArgumentTest{test("c", "==", true)}, false},
		{when(`size(arguments.list) > 2`, ""), nil, false},
		{when(`principal.level == 2 && arguments.a == 1`, ""), []pdp.ArgumentTest{test("a", "==", 1.0)}, true},
		{when(`"x" in arguments`, ""), nil, false},
		{authz.Unwritten("(depends on which role decides)"), nil, false},
		{authz.AllOf(authz.Unwritten("(depends on more)", expr.Clause("arguments.z")), when("arguments.a == 1", "")), []pdp.ArgumentTest{test("a", "==", 1.0)}, false},
		{when(`valid(arguments)`, ""), nil, false},
		{when(`arguments.list.exists(x, x == "EMEA")`, ""), nil, false},
	}
	for _, tt := range tests {
		got, all := pdp.ArgumentTests(tt.condition)
		if diff := cmp.Diff(tt.want, got); diff != "" || all != tt.all {
			t.Errorf("%s: all %v, want %v (-want +got):\n%s", tt.condition, all, tt.all, diff)
		}
	}
}

// TestArgumentTestsChangeNothing holds that an expression reads the same afterwards: all
// who ask for its tree get the same one.
func TestArgumentTestsChangeNothing(t *testing.T) {
	for _, text := range []string{"500 < arguments.amount", "3 == arguments.n && !(2 >= arguments.m)", "size(arguments.list) >= 2", "arguments.n + 1.0 > -1", `"a" < arguments.name`, "true == arguments.f"} {
		pdp.ArgumentTests(authz.AnyOf(authz.Alternative{Allows: expr.Clause(text)}))
		e, err := expr.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := expr.Print(e); got != text {
			t.Errorf("%s reads %s", text, got)
		}
	}
}
