package main

import (
	"errors"
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
	return source.ReadOpen(filepath.ToSlash(name), file)
}

// readOrdinary reads a file that was found and not named, so it has to be an
// ordinary one.
func readOrdinary(name string) ([]byte, error) {
	file, err := openOrdinary(name)
	if err != nil {
		return nil, plain(name, err)
	}
	return source.ReadOpen(filepath.ToSlash(name), file)
}

func openOrdinary(name string) (fs.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if err := source.CheckOrdinary(filepath.ToSlash(name), info); err != nil {
		return nil, err
	}
	return openOS(name)
}

// plain says what went wrong with a file in the words of a person.
func plain(name string, err error) *source.Error {
	return source.FileError(filepath.ToSlash(name), err)
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
	if err := source.CheckReadable(filepath.ToSlash(name), info); err != nil {
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
			errs = append(errs, source.CheckOrdinary(pos.File, info))
		}
	}
	return errors.Join(errs...)
}
