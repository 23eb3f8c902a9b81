package workspace

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Suites returns the suites that are given or that the config names. There may
// be none.
func (w *Workspace) Suites() ([]*testrunner.Suite, error) {
	if !w.suitesRead {
		if err := w.loadSuites(); err != nil {
			return nil, err
		}
		if err := w.keepAttributes(); err != nil {
			return nil, err
		}
	}
	return w.suites, nil
}

func (w *Workspace) loadSuites() (err error) {
	w.suites, err = ReadSuites(w.in)
	w.suitesRead = err == nil
	return err
}

// Test runs the suites over a matrix, of which what they are about need not be
// decided. Without suites the result is nil. A filter that leaves nothing is a
// [UsageError].
func (w *Workspace) Test(ctx context.Context, m *matrix.Matrix, filter testrunner.Filter) (*testrunner.Result, error) {
	_, end := w.o.Progress.begin("running the suites")
	defer end()
	suites, err := w.Suites()
	if err != nil || len(suites) == 0 {
		return nil, err
	}
	result, err := testrunner.Run(ctx, &testrunner.Input{
		Suites: suites, Matrix: m, Groups: w.Principals.Groups, Filter: filter,
		Prover: w.Prover,
		Reopen: func(now time.Time, globals map[string]any) (pdp.Decider, error) { return w.Reopen(ctx, now, globals) },
	})
	if errors.Is(err, testrunner.ErrNothingSelected) {
		return nil, wrong(err)
	}
	return result, err
}

// ReadSuites reads the suites of inputs. All mistakes of all files are reported,
// and what can be read is returned beside them.
func ReadSuites(in *Inputs) ([]*testrunner.Suite, error) {
	var list []*testrunner.Suite
	var errs []error
	add := func(name string, data []byte, err error) {
		if err == nil {
			var parsed []*testrunner.Suite
			parsed, err = testrunner.Parse(name, data)
			list = append(list, parsed...)
		}
		errs = append(errs, err)
	}
	for _, given := range in.Suites {
		data, err := given.read()
		add(given.Name, data, err)
	}
	if len(in.Suites) > 0 || in.Config == nil {
		return list, errors.Join(errs...)
	}
	for _, p := range in.Config.Tests {
		files := []string{p.Path}
		info, err := fs.Stat(in.Folder, p.Path)
		if err != nil {
			errs = append(errs, in.named(p, either, err))
			continue
		}
		if info.IsDir() {
			sub, err := fs.Sub(in.Folder, p.Path)
			errs = append(errs, err)
			below, err := SuiteFiles(sub)
			errs = append(errs, err)
			files = nil
			for _, f := range below {
				files = append(files, path.Join(p.Path, f))
			}
			if len(below) == 0 {
				errs = append(errs, source.Errorf(p.Pos, "no suites below %s: it holds no .yaml file", p.Path))
			}
		}
		for _, f := range files {
			data, err := in.read(config.Path{Path: f, Pos: p.Pos})
			add(f, data, err)
		}
	}
	return list, errors.Join(errs...)
}

// SuiteFiles lists the files of a folder that are suites.
func SuiteFiles(fsys fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != ".":
			return fs.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name))):
			files = append(files, name)
		}
		return nil
	})
	return files, err
}
