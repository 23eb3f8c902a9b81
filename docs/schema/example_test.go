package schema_test

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/docs/schema"
)

func ExampleURL() {
	fmt.Println("# yaml-language-server: $schema=" + schema.URL("config.json", "v0.2.0"))
	// Output:
	// # yaml-language-server: $schema=https://raw.githubusercontent.com/mcpolicy/mcpolicy/v0.2.0/docs/schema/config.json
}
