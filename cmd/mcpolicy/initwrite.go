package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/scaffold"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A destination is the folder that a project is written to.
type destination struct {
	dir   string
	force bool
	had   map[string]bool // files of the project that were there
}

// check refuses a folder that has a project already, before anything is read or asked.
func (t *destination) check() error {
	if t.force {
		return nil
	}
	for _, name := range []string{config.Name, workspace.LockName(config.Name), "policies", "tests", "suites", "principals.yaml"} {
		if file := filepath.Join(t.dir, name); !absent(file) {
			return usageError{fmt.Errorf("%s is there, and init writes a project of its own: name another folder with -C, or replace what it writes with --force", filepath.ToSlash(file))}
		}
	}
	return nil
}

// compare finds what is there of the files, and refuses what would be read along with them: the
// project was checked without it.
func (t *destination) compare(files []scaffold.File) error {
	t.had = map[string]bool{}
	var errs []error
	ours := map[string]bool{}
	for _, f := range files {
		ours[f.Name] = true
		name := filepath.Join(t.dir, filepath.FromSlash(f.Name))
		info, err := os.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, plain(name, err))
		case !info.Mode().IsRegular():
			errs = append(errs, usageError{fmt.Errorf("%s: this is no ordinary file, and is not replaced", filepath.ToSlash(name))})
		case !t.force:
			errs = append(errs, usageError{fmt.Errorf("%s is there: replace it with --force, or name another folder with -C", filepath.ToSlash(name))})
		default:
			t.had[f.Name] = true
		}
	}
	for _, folder := range []string{"policies", "tests", "suites"} {
		errs = append(errs, t.strangers(folder, ours))
	}
	return errors.Join(errs...)
}

// strangers reports files that are read with the project and are not of it.
func (t *destination) strangers(folder string, ours map[string]bool) error {
	var errs []error
	err := fs.WalkDir(os.DirFS(t.dir), folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !ours[name] && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name))) {
			errs = append(errs, usageError{fmt.Errorf("%s would be read along with what init writes: move it away, or name another folder with -C", filepath.ToSlash(filepath.Join(t.dir, name)))})
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, plain(filepath.Join(t.dir, folder), err))
	}
	return errors.Join(errs...)
}

// write writes all files, or none: they are written beside their places, and moved when all are whole.
// What is replaced keeps its place until then, and has it back if anything fails.
func (t *destination) write(files []scaffold.File) (err error) {
	var undo []func()
	defer func() {
		for _, f := range slices.Backward(undo) {
			if err != nil {
				f()
			}
		}
	}()
	made, err := makeFolders(t.dir)
	undo = append(undo, made...)
	if err != nil {
		return err
	}
	if err := t.compare(files); err != nil {
		return err
	}
	staged := filepath.Join(t.dir, ".mcpolicy-"+rand.Text())
	if err := os.Mkdir(staged, 0o700); err != nil {
		return plain(t.dir, err)
	}
	defer drafts.add(staged)()
	discard := func() { _ = os.RemoveAll(staged) } // what is left of it is of nobody's
	undo = append(undo, discard)                   // only after what was replaced is taken out of it
	for i, f := range files {
		if t.had[f.Name] {
			continue // it is replaced where it is
		}
		if err := writeWhole(filepath.Join(staged, fmt.Sprint(i)), f.Data); err != nil {
			return err
		}
	}
	for i, f := range files {
		name := filepath.Join(t.dir, filepath.FromSlash(f.Name))
		made, err := makeFolders(filepath.Dir(name))
		undo = append(undo, made...)
		if err != nil {
			return err
		}
		if !t.had[f.Name] {
			if err := moveNew(filepath.Join(staged, fmt.Sprint(i)), name); err != nil {
				return plain(name, err)
			}
			undo = append(undo, func() { _ = os.Remove(name) })
			continue
		}
		before := filepath.Join(staged, fmt.Sprint("before-", i))
		if err := keep(name, before); err != nil {
			return plain(name, err)
		}
		undo = append(undo, func() { _ = os.Rename(before, name) })
		if err := replaceFile(name, func(w io.Writer) error { _, err := w.Write(f.Data); return err }); err != nil {
			return err
		}
	}
	discard()
	return nil
}

// keep gives a file a second name. Where there are no links, it is copied.
func keep(name, as string) error {
	if os.Link(name, as) == nil {
		return nil
	}
	data, err := os.ReadFile(name) //nolint:gosec // it is to be replaced
	if err != nil {
		return err
	}
	return writeWhole(as, data)
}

// makeFolders makes a folder and those above it, and returns what takes away those that were not there.
func makeFolders(dir string) (undo []func(), err error) {
	var missing []string
	for d := filepath.Clean(dir); absent(d); d = filepath.Dir(d) {
		missing = append(missing, d)
	}
	for _, d := range slices.Backward(missing) {
		if err := os.Mkdir(d, 0o777); err != nil { //nolint:gosec // less what the umask says
			return undo, plain(d, err)
		}
		undo = append(undo, func() { _ = os.Remove(d) })
	}
	return undo, nil
}

// writeWhole writes a new file to the disk.
func writeWhole(name string, data []byte) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) //nolint:gosec // less what the umask says
	if err != nil {
		return plain(name, err)
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// moveNew gives a file its place, where none may be: a link fails if somebody has put one there in the
// meantime. Where there are no links, it is moved.
func moveNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(from, to)
}
