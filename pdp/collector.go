package pdp

import (
	"math"
	"runtime/debug"
	"sync"
)

// A collector is a hold on Go's garbage collector. A text that doubles is copied
// for long, and a collection waits for that with everything else stopped: then
// nobody would look at the memory.
type collector struct{ paused bool }

var collections struct {
	sync.Mutex
	holds   int
	percent int
	limit   int64
}

// pause keeps collections from starting by themselves until resume.
func (c *collector) pause() {
	if c.paused {
		return
	}
	c.paused = true
	collections.Lock()
	defer collections.Unlock()
	if collections.holds++; collections.holds == 1 {
		collections.percent = debug.SetGCPercent(-1)
		collections.limit = debug.SetMemoryLimit(math.MaxInt64)
	}
}

func (c *collector) resume() {
	if !c.paused {
		return
	}
	c.paused = false
	collections.Lock()
	defer collections.Unlock()
	if collections.holds--; collections.holds == 0 {
		debug.SetGCPercent(collections.percent)
		debug.SetMemoryLimit(collections.limit)
	}
}
