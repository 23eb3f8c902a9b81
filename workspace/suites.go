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
// decided, and those of Cerbos's own. Without suites the result is nil. A filter that
// leaves nothing is a [UsageError].
func (w *Workspace) Test(ctx context.Context, m *matrix.Matrix, filter testrunner.Filter) (*testrunner.Result, error) {
	return w.test(ctx, m, filter, !filter.Claims)
}

// test is Test, with or without the suites of Cerbos's own.
func (w *Workspace) test(ctx context.Context, m *matrix.Matrix, filter testrunner.Filter, cerbos bool) (*testrunner.Result, error) {
	progress, end := w.o.Progress.begin("running the suites")
	defer end()
	suites, err := w.Suites()
	if err != nil {
		return nil, err
	}
	var checked []*testrunner.SuiteResult
	if cerbos {
		checked, err = w.verify(ctx)
	}
	if err != nil || len(suites)+len(checked) == 0 {
		return nil, err
	}
	result, err := w.run(ctx, m, checked, filter, progress)
	if err != nil {
		return nil, err
	}
	return result, w.explainChecks(ctx, m, result)
}

// run runs the suites over a matrix, and takes along what others came to.
func (w *Workspace) run(ctx context.Context, m *matrix.Matrix, checked []*testrunner.SuiteResult, filter testrunner.Filter, progress func(done, total int)) (*testrunner.Result, error) {
	result, err := testrunner.Run(ctx, &testrunner.Input{
		Suites: w.suites, Checked: checked, Matrix: m, Groups: w.Principals.Groups, Filter: filter,
		Prover: w.Prover, Progress: progress,
		Reopen: func(now time.Time, globals map[string]any) (pdp.Decider, error) { return w.Reopen(ctx, now, globals) },
	})
	if errors.Is(err, testrunner.ErrNothingSelected) {
		return nil, wrong(err)
	}
	return result, err
}

// ReadSuites reads the suites of inputs, and the groups that they include. All mistakes of
// all files are reported, and what can be read is returned beside them.
func ReadSuites(in *Inputs) ([]*testrunner.Suite, error) {
	r := suiteReader{in: in}
	any := false
	for _, given := range in.Suites {
		data, err := given.read()
		any = r.add(given.Name, data, err) || any
	}
	if len(in.Suites) > 0 && !any {
		r.errs = append(r.errs, source.Errorf(source.Pos{File: in.Suites[0].Name}, "%w", testrunner.ErrOnlyGroups))
	}
	if len(in.Suites) == 0 && in.Config != nil {
		for _, p := range in.Config.Tests {
			r.path(p)
		}
	}
	r.errs = append(r.errs, testrunner.Include(r.list, func(name string, pos source.Pos) ([]byte, error) {
		if in.Folder == nil {
			return nil, source.Errorf(pos, "include: %s is looked for in the folder of the config, and there is none", name)
		}
		return in.read(config.Path{Path: name, Pos: pos})
	}))
	return r.list, errors.Join(r.errs...)
}

// A suiteReader reads the files of suites.
type suiteReader struct {
	in   *Inputs
	list []*testrunner.Suite
	errs []error
}

// add adds the suites of a file, and reports whether that has any. One with nothing but
// groups is there for suites to include.
func (r *suiteReader) add(name string, data []byte, err error) bool {
	if err == nil {
		var parsed []*testrunner.Suite
		parsed, err = testrunner.Parse(name, data)
		r.list = append(r.list, parsed...)
	}
	if errors.Is(err, testrunner.ErrOnlyGroups) {
		return false
	}
	r.errs = append(r.errs, err)
	return true
}

// path reads a file or folder that the config names.
func (r *suiteReader) path(p config.Path) {
	files, err := r.in.suitesAt(p)
	if err != nil {
		r.errs = append(r.errs, err)
		if files == nil {
			return
		}
	}
	none := "the file holds groups for suites to include, and no suite"
	switch {
	case len(files) == 0:
		none = "no suites below " + p.Path + ": it holds no .yaml file"
	case files[0] != p.Path:
		none = "no suites below " + p.Path + ": its files hold groups for suites to include"
	}
	any := false
	for _, f := range files {
		data, err := r.in.read(config.Path{Path: f, Pos: p.Pos})
		any = r.add(f, data, err) || any
	}
	if !any {
		r.errs = append(r.errs, source.Errorf(p.Pos, "%s", none))
	}
}

// suitesAt lists the files of suites at a path that the config names: the file, or those in
// the folder.
func (in *Inputs) suitesAt(p config.Path) ([]string, error) {
	info, err := fs.Stat(in.Folder, p.Path)
	switch {
	case err != nil:
		return nil, in.named(p, either, err)
	case !info.IsDir():
		return []string{p.Path}, nil
	}
	sub, err := fs.Sub(in.Folder, p.Path)
	if err != nil {
		return nil, err
	}
	files, err := SuiteFiles(sub)
	for i, f := range files {
		files[i] = path.Join(p.Path, f)
	}
	return files, err
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
