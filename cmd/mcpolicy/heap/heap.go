// Package heap makes the garbage collector fit a process that lives for a fraction
// of a second. It imports so little, and its path is such, that it is initialised
// before the packages of the engine, half of whose start-up would be spent on
// collecting what they keep.
package heap

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// percent is how much the heap may grow by between collections.
	percent = 200
	// first is percent until the first collection, of the 4 MiB that Go takes to be
	// in use at the start: that comes when it would with percent, but none before, to
	// find out what is in use.
	first = 1000
	// floor is memory that nobody touches, so that it costs none, but that counts
	// as heap: the rest may grow by percent of it, too, and is small at first.
	floor = 12 << 20
	// softLimit is the heap in bytes from which on memory counts more than time.
	softLimit = 512 << 20
)

// Untouched keeps the memory that counts as heap.
var Untouched = tune()

// tune leaves alone what the environment says.
func tune() []byte {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
	if os.Getenv("GOGC") != "" {
		return nil
	}
	debug.SetGCPercent(first)
	runtime.AddCleanup(new(*byte), func(percent int) { debug.SetGCPercent(percent) }, percent)
	return make([]byte, floor)
}
