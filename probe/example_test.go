package probe_test

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/probe"
)

func ExampleKinds() {
	for _, k := range probe.Kinds()[:2] {
		fmt.Printf("%s: %s\n", k.Kind, k.Summary)
	}
	// Output:
	// shown-but-denied: A running server lists what the matrix denies
	// hidden-but-allowed: A running server hides what the matrix allows
}
