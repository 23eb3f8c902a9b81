package packs_test

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/mcpolicy/mcpolicy/policies/packs"
)

// There is no pack for a server that nobody has.
func ExampleOpen() {
	_, err := packs.Open("nothing")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output: true
}
