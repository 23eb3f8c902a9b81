package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A past reads older revisions of what a config names, the newest first, along the first
// parents.
type past struct {
	in     *input
	repo   *repo
	config string // its name in the folder
	limit  int    // of revisions
	now    time.Time
	read   int
}

// trace tells a review since when its grants are so, and returns how far it looked. What
// cannot be read ends it, and leaves open what was before.
func (p *past) trace(ctx context.Context, r *workspace.Reviewing, commit string) (string, error) {
	for commit != "" {
		if p.read == p.limit {
			r.Open()
			return fmt.Sprintf("%s read, back from %s; --history reads more", revisions(p.read), shortCommit(commit)), nil
		}
		origin, next, more, err := p.step(ctx, r, commit)
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err != nil:
			r.Open()
			return fmt.Sprintf("%s read; what was before is not known: %s", revisions(p.read), firstMistake(err)), nil
		case !more:
			return revisions(p.read) + " read, as far as the oldest grant", nil
		}
		if next == "" && origin.shallow {
			r.Open()
			return fmt.Sprintf("%s read, back to %s, where this shallow clone ends: clone with more history to see further", revisions(p.read), shortCommit(origin.commit)), nil
		}
		commit = next
	}
	return revisions(p.read) + " read, which are all", nil
}

func revisions(n int) string {
	if n == 1 {
		return "1 revision"
	}
	return fmt.Sprintf("%d revisions", n)
}

func firstMistake(err error) string { return source.Mistakes(err)[0].Error() }

// step reads one revision. It returns the commit since when that is so, the one before it,
// and whether older ones matter.
func (p *past) step(ctx context.Context, r *workspace.Reviewing, commit string) (origin origin, next string, more bool, err error) {
	t, err := p.repo.open(ctx, commit)
	if err != nil {
		return origin, "", false, err
	}
	defer func() { _ = t.close() }() // it was only read
	p.read++
	files := source.OrdinaryFS{FS: t}
	if _, err := t.Stat(p.config); errors.Is(err, fs.ErrNotExist) {
		more, err = r.Before(ctx, nil, nil)
		return origin, "", more, err
	}
	s := &side{name: shortCommit(commit)}
	data, err := source.ReadFile(files, p.config)
	if err != nil {
		return origin, "", false, at(s.name, err)
	}
	if err := s.parse(p.config, data, files, p.repo.dir); err != nil {
		return origin, "", false, err
	}
	paths := workspace.Paths(s.config)
	if linked(t, paths) {
		paths = []string{"."}
	}
	if origin, err = p.repo.origin(ctx, commit, paths); err != nil {
		return origin, "", false, err
	}
	session, err := p.in.loadFrom(ctx, s.config, s.folder, p.now, false)
	if err != nil {
		return origin, "", false, at(s.name, err)
	}
	defer session.Close()
	more, err = r.Before(ctx, session.Workspace, &report.Since{Commit: origin.commit, Time: origin.time, Author: origin.author})
	return origin, origin.parent, more, err
}

// linked reports whether some of the paths, or what is below them, is a symbolic link, so
// that what is read may stand elsewhere.
func linked(t *tree, paths []string) bool {
	for _, p := range paths {
		parts := strings.Split(path.Clean(p), "/")
		for i := range parts {
			info, err := t.Lstat(path.Join(parts[:i+1]...))
			if err == nil && info.Mode()&fs.ModeSymlink != 0 {
				return true
			}
		}
		found := false
		_ = fs.WalkDir(t, path.Clean(p), func(_ string, d fs.DirEntry, err error) error { // what cannot be listed is not read either
			if err == nil && d.Type()&fs.ModeSymlink != 0 {
				found = true
				return fs.SkipAll
			}
			return nil
		})
		if found {
			return true
		}
	}
	return false
}

// An origin is the commit that made some files what they are.
type origin struct {
	commit, author string
	time           time.Time
	parent         string // the first; "" if there is none, or it is not here
	shallow        bool   // it has a parent that is not here
}

// origin returns the newest commit, from one on, that changed some of the files: they are
// the same in all between.
func (r *repo) origin(ctx context.Context, commit string, paths []string) (origin, error) {
	args := []string{"log", "-1", "--first-parent", "--format=%H%x00%cI%x00%aN", "--no-show-signature", commit, "--"}
	out, err := r.git(ctx, append(args, paths...)...)
	if err != nil {
		return origin{}, err
	}
	fields := strings.Split(strings.TrimSuffix(string(out), "\n"), "\x00")
	if len(fields) != 3 {
		return origin{}, fmt.Errorf("git log names no commit that made %s what it is", shortCommit(commit))
	}
	o := origin{commit: fields[0], author: fields[2]}
	if o.time, err = time.Parse(time.RFC3339, fields[1]); err != nil {
		return origin{}, err
	}
	parent, err := r.parent(ctx, o.commit)
	if err != nil || parent == "" {
		return o, err
	}
	if _, err := r.git(ctx, "cat-file", "-e", parent+"^{commit}"); err != nil {
		o.shallow = true
		return o, ctx.Err()
	}
	o.parent = parent
	return o, nil
}

// parent returns the first parent that a commit names, here or not.
func (r *repo) parent(ctx context.Context, commit string) (string, error) {
	out, err := r.git(ctx, "cat-file", "commit", commit)
	if err != nil {
		return "", err
	}
	head, _, _ := strings.Cut(string(out), "\n\n")
	for line := range strings.Lines(head) {
		if parent, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "parent "); ok {
			return parent, nil
		}
	}
	return "", nil
}

// dirty lists the files that were read and are not as a commit has them.
func (r *repo) dirty(ctx context.Context, commit string, read *workspace.Recorder, files []report.HeldFile) ([]string, error) {
	t, err := r.open(ctx, commit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.close() }() // it was only read
	var list []string
	for _, f := range files {
		data, err := source.ReadFile(t, f.Name)
		if err != nil || string(data) != read.Text(f.Name) {
			list = append(list, filepath.ToSlash(f.Name))
		}
	}
	return list, ctx.Err()
}
