package main

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// inRepository returns a function that says where a file of a position stands
// below the root of the repository. Files that the command line gives are
// relative to the working directory, all others to the config's folder.
func (s *session) inRepository(given []string) func(string) string {
	here := absolute("")
	root, there := repository(here), here
	if s.folder != nil {
		there = absolute(s.folder.dir)
	}
	return func(file string) string {
		full := filepath.FromSlash(file)
		switch {
		case filepath.IsAbs(full):
		case isGiven(file, given):
			full = filepath.Join(here, full)
		default:
			full = filepath.Join(there, full)
		}
		below, err := filepath.Rel(root, full)
		if err != nil {
			return file
		}
		return filepath.ToSlash(below)
	}
}

// given returns the files and folders that the command line gives.
func (in *input) given() []string {
	list := append([]string{in.policies, in.principals}, in.suites...)
	for _, m := range in.manifests {
		file, _, _ := strings.Cut(m, "#")
		list = append(list, file)
	}
	return list
}

// isGiven reports whether a file is one that the command line gives, or is in
// such a folder.
func isGiven(file string, given []string) bool {
	return slices.ContainsFunc(given, func(name string) bool {
		clean := path.Clean(filepath.ToSlash(name))
		return name != "" && (file == filepath.ToSlash(name) || file == clean || clean == "." || strings.HasPrefix(file, clean+"/"))
	})
}

// repository returns the root of the repository that a folder is in: where the
// CI system checked it out, or the folder with .git at or above it, or else the
// folder itself.
func repository(here string) string {
	for _, name := range []string{"GITHUB_WORKSPACE", "CI_PROJECT_DIR"} {
		if root := os.Getenv(name); root != "" {
			root = absolute(root)
			if below, err := filepath.Rel(root, here); err == nil && filepath.IsLocal(below) {
				return root
			}
		}
	}
	for dir := here; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
	}
	return here
}

// absolute returns the absolute path of a folder, without symbolic links if it
// is there.
func absolute(dir string) string {
	full, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	if real, err := filepath.EvalSymlinks(full); err == nil {
		return real
	}
	return full
}
