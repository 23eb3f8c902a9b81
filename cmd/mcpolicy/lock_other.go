//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package main

import "os"

// tryLock locks nothing: a file that is locked here could not be replaced. What
// is replaced is compared all the same.
func tryLock(*os.File) (bool, error) { return true, nil }
