package main

import (
	"os"

	_ "github.com/mcpolicy/mcpolicy/cmd/mcpolicy/heap" // sets the garbage collector up, before all others
)

// tuneEngine turns off that the engine collects often while it loads, as a server
// should. It yields to the environment.
func tuneEngine() error {
	const pacing = "CERBOS_RULE_TABLE_GC_PERCENT"
	if os.Getenv(pacing) == "" {
		return os.Setenv(pacing, "1000") // anything above 100 is "off"
	}
	return nil
}
