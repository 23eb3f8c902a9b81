// Package packs holds ready-made policies for servers that many run, each a folder: a project with its
// config, policies, principals, suites and lock, and a README for who reviews it.
package packs

import (
	"embed"
	"io/fs"
)

//go:embed all:*
var files embed.FS

// Names lists the packs, which are called after their servers.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // never: it was there when this was built
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// Open returns the folder of a pack. Where there is none the error is [fs.ErrNotExist].
func Open(name string) (fs.FS, error) {
	info, err := fs.Stat(files, name)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir() || name == ".":
		return nil, fs.ErrNotExist
	}
	return fs.Sub(files, name)
}
