//go:build !unix

package main

import "time"

// processorTime goes by the clock.
func processorTime() time.Duration { return time.Since(started) }

var started = time.Now()
