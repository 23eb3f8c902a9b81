package main

import (
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/cespare/xxhash/v2"
)

const (
	// coarse is how little the time of a file may tell: two writes within it can have the
	// same.
	coarse = 2 * time.Second
	// mostHashed is how large a file may be whose content is looked at, too.
	mostHashed = 8 << 20
)

// A seen is how a file was when it was looked at.
type seen struct {
	info fs.FileInfo
	hash uint64
	// fresh is set if the time of the file does not tell that it is the same as before, so
	// that its content counts.
	fresh bool
}

// see looks at a file. What it was at a time that is not zero may be compared with what it
// is later. It is false if there is no file.
func see(path string, at time.Time) (seen, bool) {
	info, err := os.Stat(path)
	if err != nil { // a link that leads nowhere is read, too, and reported
		info, err = os.Lstat(path)
	}
	if err != nil || info.IsDir() {
		return seen{}, false
	}
	s := seen{info: info, fresh: !at.IsZero() && info.Mode().IsRegular() && info.Size() <= mostHashed && info.ModTime().After(at.Add(-coarse))}
	if s.fresh {
		s.hash = hashOf(path)
	}
	return s, true
}

// same reports whether a file is as it was.
func (s seen) same(path string, is seen) bool {
	if s.info.Size() != is.info.Size() || s.info.Mode() != is.info.Mode() || !s.info.ModTime().Equal(is.info.ModTime()) || !os.SameFile(s.info, is.info) {
		return false
	}
	return !s.fresh || s.hash == hashOf(path)
}

// hashOf returns a hash of an ordinary file's content, or 0 if it cannot be read.
func hashOf(path string) uint64 {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // it is a file that the command reads
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }() // it was only read
	h := xxhash.New()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() { // it may have become a pipe just now
		return 0
	}
	if _, err := io.Copy(h, io.LimitReader(file, mostHashed)); err != nil {
		return 0
	}
	return h.Sum64()
}
