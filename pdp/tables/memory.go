package tables

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// Memory is a folder of files that are in memory, by their names.
type Memory map[string][]byte

// Open opens a file, or the folder itself.
func (m Memory) Open(name string) (fs.File, error) {
	if name == "." {
		return &memoryFile{memoryInfo: memoryInfo{name: name, mode: fs.ModeDir | 0o555}}, nil
	}
	data, ok := m[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memoryFile{memoryInfo{name: name, size: len(data), mode: 0o444}, bytes.NewReader(data)}, nil
}

// ReadDir lists the folder.
func (m Memory) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	var entries []fs.DirEntry
	for _, name := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, fs.FileInfoToDirEntry(memoryInfo{name: name, size: len(m[name]), mode: 0o444}))
	}
	return entries, nil
}

// An overlay is a file system in which some files read otherwise.
type overlay struct {
	fs.FS
	files map[string][]byte
}

// Open opens a file.
func (o overlay) Open(name string) (fs.File, error) {
	if _, ok := o.files[name]; ok {
		return Memory(o.files).Open(name)
	}
	return o.FS.Open(name)
}

// ReadDir lists a folder.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(o.FS, name) }

type memoryFile struct {
	memoryInfo
	io.Reader
}

// Stat describes the file.
func (f *memoryFile) Stat() (fs.FileInfo, error) { return f.memoryInfo, nil }

// Close does nothing.
func (f *memoryFile) Close() error { return nil }

type memoryInfo struct {
	name string
	size int
	mode fs.FileMode
}

func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return int64(i.size) }
func (i memoryInfo) Mode() fs.FileMode  { return i.mode }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memoryInfo) Sys() any           { return nil }
