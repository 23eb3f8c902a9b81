package pdp_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

func TestTextTests(t *testing.T) {
	test := func(function, constant string, path ...string) pdp.TextTest {
		return pdp.TextTest{Path: path, Function: function, Constant: constant}
	}
	for text, want := range map[string][]pdp.TextTest{
		`arguments.path.startsWith("/srv/") && !arguments.path.contains("..")`:  {test("startsWith", "/srv/", "path"), test("contains", "..", "path")},
		`arguments["to-host"].lowerAscii().endsWith("corp.example") || true`:    {test("endsWith", "corp.example", "to-host")},
		`arguments.to.all(r, r.endsWith("@a") || r.endsWith("@a"))`:             {test("endsWith", "@a", "to", pdp.Element)},
		`arguments.to.exists(r, r.mail.matches("^x$"))`:                         {test("matches", "^x$", "to", pdp.Element, "mail")},
		`arguments.to.exists(arguments, arguments.x.matches("y"))`:              {test("matches", "y", "to", pdp.Element, "x")},
		`arguments.a.b.c.contains("x") ? false : arguments.q.startsWith("y")`:   {test("contains", "x", "a", "b", "c"), test("startsWith", "y", "q")},
		`principal.home.startsWith("/") || arguments.a.startsWith(arguments.b)`: nil,
		`"abc".startsWith(arguments.a) || arguments.startsWith("x")`:            nil,
		`["x"].exists(r, r.startsWith("y"))`:                                    nil,
	} {
		c := authz.AnyOf(authz.Alternative{Allows: expr.Clause(text)})
		if diff := cmp.Diff(want, pdp.TextTests(c)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	text, ok := test("contains", "x", "a b", "c").Text([]string{"arguments"}, "endsWith", `"\`)
	if want := `R.attr.arguments["a b"].c.endsWith("\"\\")`; !ok || text != want {
		t.Errorf("have %s, want %s", text, want)
	}
	if _, ok := test("contains", "x", "to", pdp.Element).Text(nil, "contains", "x"); ok {
		t.Error("elements have a place of their own")
	}
}
