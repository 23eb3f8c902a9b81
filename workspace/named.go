package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/source"
)

// A wanted is what a path of the config should lead to: a file, a folder, or either.
type wanted uint8

const (
	aFile wanted = iota
	aFolder
	either
)

// named returns an error that the config names a file or folder that cannot be read,
// at its position, with the nearest name that exists.
func (in *Inputs) named(p config.Path, want wanted, err error) error {
	var problem *source.Error
	hint := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what := [...]string{aFile: "file", aFolder: "folder", either: "file or folder"}[want]
		problem = source.Errorf(source.Pos{File: p.Path}, "no such %s", what)
		if near := nearPath(in.Folder, p.Path, want); near != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", near)
		}
	case strings.Contains(err.Error(), "path escapes from parent"): // an error of os.Root without a name
		problem = source.Errorf(source.Pos{File: p.Path}, "this leads out of the config's folder")
	default:
		problem = source.FileError(p.Path, err)
	}
	return source.Errorf(p.Pos, "%w%s", problem, hint)
}

// nearSchemas adds the nearest names that exist to the engine's errors about missing
// schemas.
func (w *Workspace) nearSchemas(err error) error {
	var errs []error
	for _, mistake := range source.Mistakes(err) {
		var at *source.Error
		if errors.As(mistake, &at) {
			if near := w.Policies.NearSchema(at.Pos.File, at.Pos.Line); near != "" {
				mistake = source.Errorf(at.Pos, "%w (did you mean %s?)", at.Err, near)
			}
		}
		errs = append(errs, mistake)
	}
	return errors.Join(errs...)
}

// read returns a file that the config names.
func (in *Inputs) read(p config.Path) ([]byte, error) {
	if in.Folder == nil {
		return nil, fmt.Errorf("%s: there is no config", p.Path)
	}
	info, err := fs.Stat(in.Folder, p.Path)
	if err == nil {
		err = source.CheckOrdinary(p.Path, info)
	}
	if err != nil {
		return nil, in.named(p, aFile, err)
	}
	return source.ReadFile(in.Folder, p.Path)
}

// nearPath returns the existing path that a path is most likely a misspelling of, or
// "". It may differ in one element or in the file's extension.
func nearPath(fsys fs.FS, name string, want wanted) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		dir := path.Join(parts[:i]...)
		entries, err := fs.ReadDir(fsys, path.Clean(path.Join(".", dir)))
		if err != nil {
			return ""
		}
		if i < len(parts)-1 && hasFolder(entries, part) {
			continue
		}
		var names []string
		for _, e := range entries {
			isFolder := i < len(parts)-1 || want == aFolder
			if e.IsDir() == isFolder || want == either && i == len(parts)-1 {
				names = append(names, e.Name())
			}
		}
		near := source.NearestFile(part, names)
		if near == "" {
			return ""
		}
		found := path.Join(append([]string{dir, near}, parts[i+1:]...)...)
		if _, err := fs.Stat(fsys, found); err != nil {
			return ""
		}
		return found
	}
	return ""
}

func hasFolder(entries []fs.DirEntry, name string) bool {
	for _, e := range entries {
		if e.Name() == name && e.IsDir() {
			return true
		}
	}
	return false
}

// read reads a file that is given.
func (f *File) read() ([]byte, error) {
	file, err := f.Open()
	if err != nil {
		return nil, source.FileError(f.Name, err)
	}
	return source.ReadOpen(f.Name, file)
}
