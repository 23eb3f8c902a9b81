package fix_test

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/source"
)

func Example() {
	text := "roles: ['SALSE', \"HR\"]   # for now\n"
	after, _ := fix.Apply([]byte(text), []fix.Edit{{Pos: source.Pos{Line: 1, Col: 9}, Old: "SALSE", New: "SALES"}})
	fmt.Print(string(after))
	// Output: roles: ['SALES', "HR"]   # for now
}
