package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mcpolicy/mcpolicy/source"
)

// readOS reads a file that the command line names: an ordinary one or a pipe,
// such as the shell makes of <(command).
func readOS(name string) ([]byte, error) {
	file, err := openOS(name)
	if err != nil {
		return nil, plain(name, err)
	}
	return readOpen(filepath.ToSlash(name), file)
}

// readOrdinary reads a file that was found and not named, so it has to be an
// ordinary one.
func readOrdinary(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, plain(name, err)
	}
	if err := ordinary(filepath.ToSlash(name), info); err != nil {
		return nil, err
	}
	return readOS(name)
}

// readIn reads a file below a folder.
func readIn(fsys fs.FS, name string) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, plain(name, err)
	}
	return readOpen(name, file)
}

// readOpen reads a file whole, as far as it may be long, and closes it.
func readOpen(name string, file fs.File) ([]byte, error) {
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err == nil {
		err = readable(name, info)
	}
	if err == nil {
		err = source.CheckSize(name, info.Size())
	}
	if err != nil {
		return nil, plain(name, err)
	}
	// What is read can grow, and a pipe does not tell its size. The byte more than
	// may be is for whoever parses it to see the excess.
	data, err := io.ReadAll(io.LimitReader(file, source.MaxBytes+1))
	if err != nil {
		return nil, plain(name, err)
	}
	return data, nil
}

// maxPipeWait is how long somebody may take to begin to write to a named pipe.
const maxPipeWait = 10 * time.Second

// openOS opens a file that the command line names. It does not wait without end
// for a pipe that nobody writes to.
func openOS(name string) (fs.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if err := readable(filepath.ToSlash(name), info); err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		return os.Open(name)
	}
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		file, err := os.Open(name)
		done <- opened{file, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		return o.file, nil
	case <-time.After(maxPipeWait):
		return nil, source.Errorf(source.Pos{File: filepath.ToSlash(name)}, "nobody has written to this pipe for %v", maxPipeWait)
	}
}

// readable refuses what is neither a file nor a pipe.
func readable(name string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeNamedPipe != 0 {
		return nil
	}
	return ordinary(name, info)
}

// ordinary refuses what is no ordinary file.
func ordinary(name string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return source.Errorf(source.Pos{File: name}, "this is a folder, not a file")
	case !info.Mode().IsRegular():
		return source.Errorf(source.Pos{File: name}, "%w", errNotOrdinary)
	}
	return nil
}

var errNotOrdinary = errors.New("this is no ordinary file")

// An ordinaryFS is a folder in which only ordinary files and folders can be
// opened: to open a pipe can take for ever, and to read a device too.
type ordinaryFS struct{ fs.FS }

// Open opens an ordinary file or a folder.
func (o ordinaryFS) Open(name string) (fs.File, error) {
	info, err := fs.Stat(o.FS, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotOrdinary}
	}
	return o.FS.Open(name)
}

// Stat describes what a name leads to, without opening it.
func (o ordinaryFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(o.FS, name) }

// ReadDir lists a folder.
func (o ordinaryFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(o.FS, name) }

// A policyFS is a folder of policies. The engine reads what policies name as
// their schemas to its end, so that has to be of a size to be read at once.
type policyFS struct{ fs.FS }

// Open opens a file that is not too large, or a folder.
func (p policyFS) Open(name string) (fs.File, error) {
	if info, err := fs.Stat(p.FS, name); err == nil && !info.IsDir() {
		if err := source.CheckSize(name, info.Size()); err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: errors.Unwrap(err)}
		}
	}
	return p.FS.Open(name)
}

// Stat describes what a name leads to, without opening it.
func (p policyFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(p.FS, name) }

// ReadDir lists a folder.
func (p policyFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(p.FS, name) }

// maxCredentials is far more than certificates and keys take.
const maxCredentials = 1 << 20

// checkCredentials refuses files that whoever connects would read whole, whatever
// they are, and more than once.
func checkCredentials(names ...string) error {
	var errs []error
	for _, name := range names {
		if name == "" {
			continue
		}
		pos := source.Pos{File: filepath.ToSlash(name)}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			errs = append(errs, plain(name, err))
		case info.Mode().IsRegular() && info.Size() > maxCredentials:
			errs = append(errs, source.Errorf(pos, "the file is larger than certificates and keys are: more than %d MiB is not read", maxCredentials>>20))
		default:
			errs = append(errs, ordinary(pos.File, info))
		}
	}
	return errors.Join(errs...)
}
