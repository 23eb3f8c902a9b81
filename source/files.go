package source

import (
	"errors"
	"io"
	"io/fs"
)

// FileError says what went wrong with a file in the words of a person. What has a
// position already stays as it is.
func FileError(name string, err error) *Error {
	pos := Pos{File: name}
	var pathError *fs.PathError
	var said *Error
	switch {
	case errors.As(err, &said):
		return said
	case errors.Is(err, fs.ErrNotExist):
		return Errorf(pos, "no such file")
	case errors.As(err, &pathError):
		return Errorf(pos, "%w", pathError.Err)
	}
	return Errorf(pos, "%w", err)
}

// ReadFile reads a file of a folder whole, as [ReadOpen] does.
func ReadFile(fsys fs.FS, name string) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, FileError(name, err)
	}
	return ReadOpen(name, file)
}

// ReadOpen reads a file or pipe whole, as far as it may be long, and closes it. An
// error has the name.
func ReadOpen(name string, file fs.File) ([]byte, error) {
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err == nil {
		err = CheckReadable(name, info)
	}
	if err == nil {
		err = CheckSize(name, info.Size())
	}
	if err != nil {
		return nil, FileError(name, err)
	}
	// The file can grow while it is read, and a pipe does not tell its size. One byte
	// more than the limit is read, so that the parser sees the excess.
	data, err := io.ReadAll(io.LimitReader(file, MaxBytes+1))
	if err != nil {
		return nil, FileError(name, err)
	}
	return data, nil
}

// CheckReadable refuses what is neither an ordinary file nor a pipe.
func CheckReadable(name string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeNamedPipe != 0 {
		return nil
	}
	return CheckOrdinary(name, info)
}

// CheckOrdinary refuses what is no ordinary file.
func CheckOrdinary(name string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return Errorf(Pos{File: name}, "this is a folder, not a file")
	case !info.Mode().IsRegular():
		return Errorf(Pos{File: name}, "%w", errNotOrdinary)
	}
	return nil
}

var errNotOrdinary = errors.New("this is no ordinary file")

// An OrdinaryFS is a folder in which only ordinary files and folders can be
// opened: to open a pipe can take for ever, and to read a device too.
type OrdinaryFS struct{ fs.FS }

// Open opens an ordinary file or a folder.
func (o OrdinaryFS) Open(name string) (fs.File, error) {
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
func (o OrdinaryFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(o.FS, name) }

// Lstat describes a name without following it, as far as the folder can.
func (o OrdinaryFS) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(o.FS, name) }

// ReadLink says where a symbolic link leads.
func (o OrdinaryFS) ReadLink(name string) (string, error) { return fs.ReadLink(o.FS, name) }

// ReadDir lists a folder.
func (o OrdinaryFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(o.FS, name) }
