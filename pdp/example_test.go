package pdp_test

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

func ExampleArgumentTests() {
	c := authz.AnyOf(authz.Alternative{Allows: expr.Clause(`arguments.amount <= 500 && arguments.region == "EMEA"`)})
	tests, all := pdp.ArgumentTests(c)
	for _, t := range tests {
		fmt.Println(t.Path, t.Values)
	}
	fmt.Println("nothing else is asked:", all)
	// Output:
	// [amount] [500]
	// [region] [EMEA]
	// nothing else is asked: true
}
