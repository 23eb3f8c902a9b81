package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// replaceFile writes a file beside its place and moves it there when it is
// whole, so that nobody finds half of one. A symbolic link stays one: what it
// leads to is replaced. A file that is there keeps its mode and, where that is
// allowed, its owner; a new one has the mode that the umask leaves. Another hard
// link to the file keeps what it has. At the last moment checks may say that it
// must not be replaced after all.
func replaceFile(name string, write func(io.Writer) error, checks ...func() error) error {
	if err := replaceAt(name, write, checks); err != nil {
		var inFile *fs.PathError
		if errors.As(err, &inFile) {
			err = inFile.Err // the path may be one that nobody named
		}
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func replaceAt(name string, write func(io.Writer) error, checks []func() error) (err error) {
	place, err := leadsTo(name)
	if err != nil {
		return err
	}
	before, err := os.Stat(place)
	mode := fs.FileMode(0o666) // less what the umask says
	switch {
	case err == nil && !before.Mode().IsRegular():
		return errors.New("this is no ordinary file")
	case err == nil:
		if err := writable(place); err != nil {
			return err
		}
		mode = 0o600 // until it has that of the one before
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	temp, err := os.OpenFile(filepath.Join(filepath.Dir(place), ".mcpolicy-"+rand.Text()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer drafts.add(temp.Name())()
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	err = write(temp)
	if err == nil && before != nil {
		keepOwner(temp, before)
		err = temp.Chmod(before.Mode().Perm())
	}
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return os.Rename(temp.Name(), place)
}

// writable reports a file that may not be written to. Its folder may allow to
// replace it all the same, which nobody expects of a file that is read-only.
func writable(name string) error {
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return file.Close()
}

// leadsTo follows symbolic links, also to where there is no file yet.
func leadsTo(name string) (string, error) {
	const most = 40 // as Linux has it
	for range most {
		target, err := os.Readlink(name)
		if err != nil {
			return name, nil // it is no link, or not there
		}
		if !filepath.IsAbs(target) {
			dir, _ := filepath.Split(name)
			if dir, err = filepath.EvalSymlinks(filepath.Clean(dir)); err != nil {
				return "", err
			}
			target = dir + string(filepath.Separator) + target
		}
		name = target
	}
	return "", errors.New("too many symbolic links")
}

// drafts are the files that are being written beside their places. A run that is
// ended in the middle takes them away.
var drafts draftFiles

type draftFiles struct {
	mu    sync.Mutex
	names map[string]bool
}

func (d *draftFiles) add(name string) (done func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names == nil {
		d.names = map[string]bool{}
	}
	d.names[name] = true
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.names, name)
	}
}

func (d *draftFiles) remove() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.names {
		_ = os.RemoveAll(name) // it may have moved to its place just now, or be a folder of files
	}
}
