package expr_test

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// What a rule asks for, in the words of reports, and when it is not met.
func Example() {
	e, err := expr.Parse(`request.resource.attr.arguments.region == P.attr.region`)
	if err != nil {
		panic(err)
	}
	short := expr.Shorten(e, []string{"arguments"})
	fmt.Println(expr.Print(short))
	fmt.Println(expr.Print(expr.Negate(short)))
	// Output:
	// arguments.region == principal.region
	// arguments.region != principal.region
}
