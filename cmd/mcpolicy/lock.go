package main

import (
	"context"
	"os"
	"time"
)

// lock waits until no other mcpolicy changes a file, and keeps others from it
// until the function that it returns is called.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	const pause = 20 * time.Millisecond
	for {
		file, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return nil, plain(name, err)
		}
		mine, err := tryLock(file)
		if err == nil && mine && isStill(file, name) {
			return func() { _ = file.Close() }, nil // nothing was written through it
		}
		_ = file.Close() // nothing was written through it
		if err != nil {
			return nil, plain(name, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// isStill reports whether a file that was opened is the one that has the name
// now: others replace it.
func isStill(file *os.File, name string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(name)
	return err == nil && os.SameFile(opened, now)
}
