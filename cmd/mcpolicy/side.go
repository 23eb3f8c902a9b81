package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A side is one of the two revisions that diff compares.
type side struct {
	name    string // in reports
	config  *config.Config
	folder  *folder
	session *session         // once it is loaded
	saved   *workspace.Saved // of a saved matrix, which has no policies
	missing string           // why there is nothing: the revision has no config
	ends    []func() error
}

func (s *side) close() {
	if s.session != nil {
		s.session.Close()
	}
	if s.folder != nil && s.folder.close != nil {
		_ = s.folder.close() // it was only read
	}
	for _, end := range s.ends {
		_ = end() // it was only read
	}
}

// revision finds what an argument names: the working tree if it is empty, a folder, a
// file that was saved, or a git revision.
func (in *input) revision(ctx context.Context, name string) (*side, error) {
	if name == "" {
		cfg, dir, err := in.readConfig()
		if err == nil && dir == nil {
			err = usageError{errors.New("diff goes by an mcpolicy.yaml; there is none here")}
		}
		return &side{name: workingTree, config: cfg, folder: dir}, err
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && in.isRevision(ctx, name):
		what := "file"
		if info.IsDir() {
			what = "folder"
		}
		return nil, usageError{fmt.Errorf("%s is a %s and a revision: say .%c%s for the %s, or the commit's hash or refs/heads/%s for the revision", name, what, filepath.Separator, name, what, name)}
	case err == nil && info.IsDir():
		return in.folderSide(name)
	case err == nil:
		return savedSide(name)
	}
	return in.revisionSide(ctx, name)
}

// savedSide is a file that was saved to be compared with.
func savedSide(name string) (*side, error) {
	data, err := readOS(name)
	if err != nil {
		return nil, usageError{err}
	}
	saved, err := workspace.ParseSaved(filepath.ToSlash(name), data)
	if err != nil {
		return nil, err
	}
	s := &side{name: filepath.ToSlash(name)}
	if saved.Files == nil {
		s.saved = saved
		return s, nil
	}
	config, err := source.ReadFile(saved.Files, saved.Config)
	if err != nil {
		return nil, at(s.name, err)
	}
	return s, s.parse(saved.Config, config, source.OrdinaryFS{FS: saved.Files}, ".")
}

// isRevision reports whether a name that is there as a file names a revision, too. One that
// says where it is, like ./main, does not. Whoever proposes a change chooses the names of
// files, and none may stand in for the base.
func (in *input) isRevision(ctx context.Context, name string) bool {
	file, err := in.findConfig()
	if err != nil || file == "" || filepath.IsAbs(name) || strings.HasPrefix(name, ".") {
		return false
	}
	r, err := openRepo(ctx, filepath.Dir(file))
	if err != nil {
		return false
	}
	_, err = r.resolve(ctx, name)
	return err == nil
}

// folderSide is a folder with a config.
func (in *input) folderSide(name string) (*side, error) {
	one := *in
	one.config = filepath.Join(name, config.Name)
	if _, err := os.Stat(one.config); err != nil {
		return nil, usageError{fmt.Errorf("%s has no %s", name, config.Name)}
	}
	cfg, dir, err := one.readConfig()
	return &side{name: filepath.ToSlash(name), config: cfg, folder: dir}, err
}

// revisionSide is the folder of the config as a revision has it.
func (in *input) revisionSide(ctx context.Context, name string) (*side, error) {
	file, err := in.findConfig()
	switch {
	case err != nil:
		return nil, err
	case file == "":
		return nil, usageError{errors.New("diff goes by an mcpolicy.yaml; there is none here")}
	}
	r, err := openRepo(ctx, filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	commit, err := r.resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	t, err := r.open(ctx, commit)
	if err != nil {
		return nil, err
	}
	s := &side{name: name + " @ " + shortCommit(commit), ends: []func() error{t.close}}
	if strings.HasPrefix(commit, name) {
		s.name = shortCommit(commit)
	}
	read := source.OrdinaryFS{FS: t}
	if _, err := fs.Stat(t, filepath.Base(file)); errors.Is(err, fs.ErrNotExist) {
		s.missing = fmt.Sprintf("%s has no %s, so that everything is new", s.name, strings.TrimPrefix(r.prefix+"/"+filepath.Base(file), "/"))
		return s, nil
	}
	data, err := source.ReadFile(read, filepath.Base(file))
	if err != nil {
		return nil, at(s.name, err)
	}
	return s, s.parse(filepath.Base(file), data, read, filepath.Dir(file))
}

func (s *side) parse(name string, data []byte, read fs.FS, dir string) (err error) {
	if s.config, err = workspace.ParseConfig(name, data); err != nil {
		return at(s.name, err)
	}
	s.folder = &folder{FS: read, dir: dir}
	return nil
}

// An elsewhereError is a mistake in a revision, whose files are called as it has them.
type elsewhereError struct{ error }

// at says of mistakes in which revision they are. They are not those of the command line.
func at(name string, err error) error {
	var list []error
	for _, m := range source.Mistakes(err) {
		list = append(list, elsewhereError{fmt.Errorf("at %s: %s", name, m.Error())}) //nolint:errorlint // it is no mistake of usage
	}
	return errors.Join(list...)
}

// loadBoth loads both sides, as far as they are not, at the same time.
func (in *input) loadBoth(ctx context.Context, base, head *side) error {
	now, err := in.clock()
	if err != nil {
		return err
	}
	if now.IsZero() {
		in.started = time.Now() // the same for both
	}
	var g errgroup.Group
	errs := make([]error, 2)
	for i, s := range []*side{head, base} {
		if s.session != nil || s.config == nil {
			continue
		}
		g.Go(func() error {
			defer workspace.Guard(&errs[i])
			s.session, errs[i] = in.loadFrom(ctx, s.config, s.folder, now, false)
			if errs[i] != nil && s.name != workingTree {
				errs[i] = at(s.name, errs[i])
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	return errors.Join(errs...)
}

// workingTree is what the files are called as they are now.
const workingTree = "the working tree"

// completeRevisions completes branches and tags; the shell adds files.
func completeRevisions(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	file, err := inputOf(cmd).findConfig()
	if err != nil || file == "" {
		return nil, cobra.ShellCompDirectiveDefault
	}
	r := &repo{dir: filepath.Dir(file)}
	out, err := r.git(cmd.Context(), "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return strings.Fields(string(out)), cobra.ShellCompDirectiveDefault
}
