package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/source"
)

// here returns a function that says how a file of a position is called from the working
// directory, so that an editor opens it. Files that the command line gives are called so
// already; all others stand in the config's folder. It is nil if that is the working
// directory.
func here(there string, given []string) func(string) string {
	from := absolute("")
	if from == there {
		return nil
	}
	known := map[string]string{}
	return func(file string) string {
		name, ok := known[file]
		if !ok {
			name = nameFrom(from, there, file, given)
			known[file] = name
		}
		return name
	}
}

// nameFrom returns the name of a file as it is called from a folder, or the name as it
// is if it is that of no file in the other.
func nameFrom(from, there, file string, given []string) string {
	local := filepath.FromSlash(file)
	if !filepath.IsLocal(local) || isGiven(file, given) {
		return file
	}
	full := filepath.Join(there, local)
	if info, err := os.Lstat(full); err != nil || info.IsDir() { //nolint:gosec // it is below that folder, and only looked at
		return file
	}
	name, err := filepath.Rel(from, full)
	if err != nil {
		name = full
	}
	return filepath.ToSlash(name)
}

// here is that of the config's folder.
func (s *session) here(given []string) func(string) string {
	if s.folder == nil {
		return nil
	}
	return here(absolute(s.folder.dir), given)
}

// source returns a function that reads a file of a position again, as far as it is an
// ordinary one.
func (s *session) source(given []string) func(string) []byte {
	return func(file string) []byte {
		if !isGiven(file, given) {
			return s.Source(file)
		}
		data, err := readOrdinary(filepath.FromSlash(file))
		if err != nil {
			return nil
		}
		return data
	}
}

// hereOf is that of the folder of the config that a command goes by.
func hereOf(cmd *cobra.Command) func(string) string {
	in := inputOf(cmd)
	file, err := in.findConfig()
	if err != nil || file == "" {
		return nil
	}
	return here(absolute(filepath.Dir(file)), in.given())
}

// mistake returns the words of a mistake, with its places as they are called from the
// working directory.
func mistake(err error, here func(string) string) string {
	var elsewhere elsewhereError
	if here == nil || errors.As(err, &elsewhere) {
		return err.Error()
	}
	var at *source.Error
	if errors.As(err, &at) && at.Error() == err.Error() && at.Pos.File != "" {
		pos := at.Pos
		pos.File = here(pos.File)
		return pos.String() + ": " + source.Relocate(at.Err.Error(), here)
	}
	return source.Relocate(err.Error(), here)
}
