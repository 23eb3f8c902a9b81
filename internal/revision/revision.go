// Package revision reads the files of a git revision as a folder, without a working tree:
// from what git ls-tree lists, and the blobs as they are asked for.
package revision

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Blobs returns the content of a blob by its hash.
type Blobs func(hash string) ([]byte, error)

// A Tree is a folder of a revision. It is read-only, and may be used from several
// goroutines if its blobs may. Symbolic links are followed as long as they stay within.
type Tree struct {
	root  *node
	blobs Blobs
}

type node struct {
	name     string
	mode     fs.FileMode
	hash     string
	size     int64
	children map[string]*node // of a folder
	broken   error            // why it cannot be read
}

// New reads what git ls-tree -r -z -l --full-tree lists, of which what is below a folder
// makes the tree: "" for all.
func New(listing []byte, below string, blobs Blobs) (*Tree, error) {
	t := &Tree{root: folder("."), blobs: blobs}
	for entry := range bytes.SplitSeq(listing, []byte{0}) {
		if len(entry) == 0 {
			continue
		}
		// <mode> SP <type> SP <hash> SP+ <size> TAB <path>
		head, name, ok := strings.Cut(string(entry), "\t")
		fields := strings.Fields(head)
		if !ok || len(fields) != 4 {
			return nil, fmt.Errorf("git lists %q, which is no entry of a tree", entry)
		}
		if below != "" {
			if name, ok = strings.CutPrefix(name, below+"/"); !ok {
				continue
			}
		}
		if err := t.add(name, fields); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func folder(name string) *node {
	return &node{name: name, mode: fs.ModeDir | 0o755, children: map[string]*node{}}
}

func (t *Tree) add(name string, fields []string) error {
	if !fs.ValidPath(name) {
		return fmt.Errorf("git lists %q, which is no path", name)
	}
	at := t.root
	parts := strings.Split(name, "/")
	for _, part := range parts[:len(parts)-1] {
		next := at.children[part]
		if next == nil {
			next = folder(part)
			at.children[part] = next
		}
		if next.children == nil {
			return fmt.Errorf("git lists %q, of which a part is a file", name)
		}
		at = next
	}
	n := &node{name: parts[len(parts)-1], mode: 0o644, hash: fields[2]}
	switch fields[0] {
	case "120000":
		n.mode = fs.ModeSymlink | 0o777
	case "160000":
		n.mode, n.broken = fs.ModeIrregular, errors.New("it is in a submodule, which is not read")
	}
	n.size, _ = strconv.ParseInt(fields[3], 10, 64) // "-" of what is no blob
	at.children[n.name] = n
	return nil
}

// Len returns how many files and folders stand directly in the tree.
func (t *Tree) Len() int { return len(t.root.children) }

const maxLinks = 40

// find returns what a name leads to; the last part is followed if it is a link, if so wished.
func (t *Tree) find(op, name string, follow bool) (*node, error) {
	fail := func(err error) (*node, error) { return nil, &fs.PathError{Op: op, Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	rest, links := strings.Split(name, "/"), 0
	at, where := t.root, "."
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == "." {
			continue
		}
		if at.children == nil {
			if at.broken != nil {
				return fail(at.broken)
			}
			return fail(fs.ErrNotExist)
		}
		next := at.children[part]
		if next == nil {
			return fail(fs.ErrNotExist)
		}
		if next.mode&fs.ModeSymlink == 0 || len(rest) == 0 && !follow {
			at, where = next, path.Join(where, part)
			continue
		}
		if links++; links > maxLinks {
			return fail(errors.New("too many symbolic links"))
		}
		target, err := t.blobs(next.hash)
		if err != nil {
			return fail(err)
		}
		to := path.Join(where, string(target))
		if path.IsAbs(string(target)) || !fs.ValidPath(to) {
			return fail(errors.New("a symbolic link leads out of the folder"))
		}
		at, where, rest = t.root, ".", append(strings.Split(to, "/"), rest...)
	}
	return at, nil
}

// Open opens a file or a folder.
func (t *Tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if n.broken != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: n.broken}
	}
	if n.children != nil {
		return &file{info: info{n}, entries: n.entries()}, nil
	}
	data, err := t.blobs(n.hash)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &file{info: info{n}, Reader: bytes.NewReader(data)}, nil
}

// Stat describes what a name leads to.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name, true) }

// Lstat describes a name without following it.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) { return t.stat("lstat", name, false) }

func (t *Tree) stat(op, name string, follow bool) (fs.FileInfo, error) {
	n, err := t.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	return info{n}, nil
}

// ReadLink says where a symbolic link leads.
func (t *Tree) ReadLink(name string) (string, error) {
	n, err := t.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if n.mode&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, err := t.blobs(n.hash)
	return string(target), err
}

// ReadDir lists a folder, sorted by name.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if n.children == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a folder")}
	}
	return n.entries(), nil
}

func (n *node) entries() []fs.DirEntry {
	list := make([]fs.DirEntry, 0, len(n.children))
	for _, child := range n.children {
		list = append(list, fs.FileInfoToDirEntry(info{child}))
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list
}

type info struct{ *node }

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

// A file is an open file or folder.
type file struct {
	*bytes.Reader // nil of a folder
	info          info
	entries       []fs.DirEntry
}

// Stat describes the file.
func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close does nothing.
func (f *file) Close() error { return nil }

// Read reads a file.
func (f *file) Read(b []byte) (int, error) {
	if f.Reader == nil {
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: errors.New("is a folder")}
	}
	return f.Reader.Read(b)
}

// ReadDir lists a folder.
func (f *file) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		list := f.entries
		f.entries = nil
		return list, nil
	}
	if len(f.entries) == 0 {
		return nil, io.EOF
	}
	list := f.entries[:min(n, len(f.entries))]
	f.entries = f.entries[len(list):]
	return list, nil
}
