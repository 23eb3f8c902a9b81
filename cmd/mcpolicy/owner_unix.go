//go:build unix

package main

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// keepOwner gives a file the owner and the group of another, if that is allowed.
func keepOwner(file *os.File, of fs.FileInfo) {
	if stat, ok := of.Sys().(*syscall.Stat_t); ok {
		_ = file.Chown(int(stat.Uid), int(stat.Gid)) // only root may give files away
	}
}

// isForeign reports whether a file belongs to somebody else: neither the user nor
// root, nor, under sudo, whoever called that.
func isForeign(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	return foreign(int(stat.Uid), os.Geteuid(), os.Getenv("SUDO_UID"))
}

func foreign(owner, user int, sudo string) bool {
	caller, err := strconv.Atoi(sudo)
	return owner != user && owner != 0 && (user != 0 || err != nil || owner != caller)
}
