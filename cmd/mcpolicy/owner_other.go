//go:build !unix

package main

import (
	"io/fs"
	"os"
)

// keepOwner does nothing: a new file gets its owner from its folder.
func keepOwner(*os.File, fs.FileInfo) {}

// isForeign reports nothing: owners are not compared here.
func isForeign(fs.FileInfo) bool { return false }
