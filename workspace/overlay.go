package workspace

import (
	"bytes"
	"io/fs"
)

// An overlay is a folder with other content in some of its files.
type overlay struct {
	fs.FS
	files map[string][]byte
}

// overlaid returns the folder of the policies with other content in some files, by the names
// that positions have.
func (w *Workspace) overlaid(files map[string][]byte) fs.FS {
	below := make(map[string][]byte, len(files))
	for name, data := range files {
		below[w.below(name)] = data
	}
	return overlay{w.policyFS, below}
}

// Open opens a file with its other content, if it has some.
func (o overlay) Open(name string) (fs.File, error) {
	file, err := o.FS.Open(name)
	data, other := o.files[name]
	if err != nil || !other {
		return file, err
	}
	return overlaid{file, bytes.NewReader(data)}, nil
}

// overlaid is an open file with other content.
type overlaid struct {
	fs.File
	content *bytes.Reader
}

// Read reads the other content.
func (o overlaid) Read(b []byte) (int, error) { return o.content.Read(b) }

// Stat describes the file with the size of the other content.
func (o overlaid) Stat() (fs.FileInfo, error) {
	info, err := o.File.Stat()
	return resized{info, o.content.Size()}, err
}

type resized struct {
	fs.FileInfo
	size int64
}

// Size returns the size of the other content.
func (r resized) Size() int64 { return r.size }
