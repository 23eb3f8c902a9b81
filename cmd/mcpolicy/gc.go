package main

import (
	"os"
	"runtime/debug"
)

// softLimit is the heap in bytes from which on memory counts more than time.
const softLimit = 512 << 20

// tuneGC makes the garbage collector fit a process that lives for a fraction
// of a second: it starts late, unless memory gets scarce. The engine would
// collect often while it loads, as a server should; its own setting turns that
// off. Both yield to the environment.
func tuneGC() error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
	const pacing = "CERBOS_RULE_TABLE_GC_PERCENT"
	if os.Getenv(pacing) == "" {
		return os.Setenv(pacing, "1000") // anything above 100 is "off"
	}
	return nil
}
