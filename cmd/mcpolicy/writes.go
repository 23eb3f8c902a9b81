package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A place is where a name leads to, through whatever links and spellings.
type place struct {
	path string      // of the file, without links; it need not be there
	info fs.FileInfo // nil if it is not there
}

func placeOf(name string) place {
	path, err := leadsTo(name)
	if err != nil {
		path = name
	}
	dir, base := filepath.Split(path)
	p := place{path: filepath.Join(absolute(dir), base)}
	if info, err := os.Stat(name); err == nil {
		p.info = info
	}
	return p
}

// is reports whether two places are one file.
func (p place) is(q place) bool {
	return p.path == q.path || p.info != nil && q.info != nil && os.SameFile(p.info, q.info)
}

// below returns the path of a place below a folder, and whether it is there.
func (p place) below(dir place) (string, bool) {
	rel, err := filepath.Rel(absolute(dir.path), p.path)
	return rel, err == nil && filepath.IsLocal(rel)
}

// isDevice reports whether what is written there is kept by nobody, so that
// nothing is lost.
func (p place) isDevice() bool { return p.info != nil && p.info.Mode()&fs.ModeDevice != 0 }

// apart refuses two reports that go to one place.
func apart(targets []target) error {
	var errs []error
	var seen []place
	for _, t := range targets {
		at := placeOf(t.file)
		if t.file == "" {
			at = place{}
			if info, err := os.Stdout.Stat(); err == nil {
				at.info = info
			}
		}
		if at.isDevice() {
			continue
		}
		if i := slices.IndexFunc(seen, at.is); i >= 0 && (t.file != "" || seen[i].path != "") {
			errs = append(errs, usageError{fmt.Errorf("--format: two reports would go to one file, %s; give each a file of its own", t.name())})
		}
		seen = append(seen, at)
	}
	return errors.Join(errs...)
}

// name says where a report goes.
func (t target) name() string {
	if t.file == "" {
		return "standard output"
	}
	return t.file
}

// An ingredient is a file or folder that is read.
type ingredient struct {
	what, name string
	place
}

// spare refuses reports that would replace what is read, before anything is.
func (in *input) spare(cfg *config.Config, dir *folder) error {
	var errs []error
	var read []ingredient
	for _, t := range in.writes {
		if t.file == "" {
			continue
		}
		if read == nil {
			read = in.ingredients(cfg, dir)
		}
		at := placeOf(t.file)
		for _, o := range read {
			if o.holds(at) {
				errs = append(errs, usageError{fmt.Errorf("--format: %s is or would be read as %s (%s); give the report another file", t.file, o.what, o.name)})
				break
			}
		}
	}
	return errors.Join(errs...)
}

// What a baseline and a suite are called among what is read.
const (
	baselineWhat = "the baseline"
	suiteWhat    = "a suite"
)

// baselineFile returns the baseline beside the config, as the system has it.
func (f *folder) baselineFile() string {
	return filepath.Join(filepath.Dir(f.config), workspace.BaselineName(filepath.Base(f.config)))
}

// ingredients returns what the command line and the config name to be read.
func (in *input) ingredients(cfg *config.Config, dir *folder) []ingredient {
	var list []ingredient
	add := func(what, name string) {
		if name != "" {
			list = append(list, ingredient{what, name, placeOf(name)})
		}
	}
	named := func(what, name string) {
		if dir != nil && name != "" {
			list = append(list, ingredient{what, name, placeOf(filepath.Join(dir.dir, filepath.FromSlash(name)))})
		}
	}
	if dir != nil {
		add("the config", dir.config)
		if dir.config != "" {
			add("the lock", dir.lockFile())
			if in.baseline == "" && cfg.Lint.Baseline.Path == "" {
				add(baselineWhat, dir.baselineFile())
			}
		}
	}
	for _, m := range in.manifests {
		file, _, _ := strings.Cut(m, "#")
		add("an inventory", file)
	}
	add("the policies", in.policies)
	add(baselineWhat, in.baseline)
	add("the principals", in.principals)
	for _, s := range in.suites {
		add(suiteWhat, s)
	}
	for _, file := range []string{in.remote.CAFile, in.remote.CertFile, in.remote.KeyFile} {
		add("a certificate or its key", file)
	}
	for _, s := range cfg.Servers {
		for _, m := range s.Manifest {
			named("an inventory", m.File)
		}
	}
	for g := range cfg.Grants() {
		named("a file of grants", g.File.Path)
	}
	named("the policies", cfg.Policies.Path)
	named("the principals", cfg.Principals.Path)
	named(baselineWhat, cfg.Lint.Baseline.Path)
	for _, p := range cfg.Tests {
		named(suiteWhat, p.Path)
	}
	return list
}

// holds reports whether a place is what is read: the file, or in the folder a
// file that is read, or would be if it were there.
func (o ingredient) holds(at place) bool {
	if o.info == nil || !o.info.IsDir() {
		return at.is(o.place)
	}
	if rel, ok := at.below(o.place); ok && isRead(rel) {
		return true
	}
	if at.info == nil || !at.info.Mode().IsRegular() {
		return false
	}
	found := false
	_ = filepath.WalkDir(o.path, func(name string, _ fs.DirEntry, err error) error { // what cannot be walked is not read
		rel, relErr := filepath.Rel(o.path, name)
		if err == nil && relErr == nil && isRead(rel) {
			info, err := os.Stat(name)
			found = err == nil && os.SameFile(info, at.info)
		}
		if found {
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// isRead reports whether files of that name are read in folders of policies and
// suites, where hidden ones are not.
func isRead(below string) bool {
	for part := range strings.SplitSeq(filepath.ToSlash(below), "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(below)))
}
