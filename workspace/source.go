package workspace

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// Source returns the text of a file that the config names, or of one of the policies, by
// the name that positions have. It is nil if that cannot be had: a file that is given in
// place of one of the config is read once.
func (w *Workspace) Source(file string) []byte {
	if w.in.Policies != nil {
		prefix := path.Clean(w.in.Policies.Name)
		if prefix == "." || strings.HasPrefix(file, prefix+"/") {
			return readAgain(w.policyFS, w.below(file))
		}
	}
	if w.in.Folder == nil || w.in.gives(file) {
		return nil
	}
	return readAgain(w.in.Folder, file)
}

// gives reports whether a file is given.
func (in *Inputs) gives(file string) bool {
	is := func(f File) bool { return f.Name == file }
	return in.Principals != nil && is(*in.Principals) || slices.ContainsFunc(in.Suites, is) ||
		slices.ContainsFunc(in.Inventories, func(i Inventory) bool { return is(i.File) })
}

// readAgain reads an ordinary file, or returns nil.
func readAgain(fsys fs.FS, name string) []byte {
	if !fs.ValidPath(name) {
		return nil
	}
	if info, err := fs.Stat(fsys, name); err != nil || source.CheckOrdinary(name, info) != nil {
		return nil
	}
	data, err := source.ReadFile(fsys, name)
	if err != nil {
		return nil
	}
	return data
}
