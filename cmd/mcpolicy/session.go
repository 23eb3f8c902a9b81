package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A session is a workspace and the folder of its config.
type session struct {
	*workspace.Workspace
	folder *folder // nil without a config
}

func (s *session) close() {
	s.Close()
	if s.folder != nil {
		_ = s.folder.close() // nothing was written through it
	}
}

// load reads everything that the config and the command line name. Suites are read
// along where they are what the command is for.
func (in *input) load(ctx context.Context, readSuites bool) (*session, error) {
	if err := in.checkRemote(); err != nil {
		return nil, err
	}
	now, err := in.clock()
	if err != nil {
		return nil, err
	}
	in.pane = courseOf(ctx).pane
	cfg, dir, err := in.readConfig()
	if err != nil {
		return nil, err
	}
	return in.loadFrom(ctx, cfg, dir, now, readSuites)
}

// loadFrom reads everything that a config in a folder and the command line name.
func (in *input) loadFrom(ctx context.Context, cfg *config.Config, dir *folder, now time.Time, readSuites bool) (*session, error) {
	if err := in.spare(cfg, dir); err != nil {
		return nil, err
	}
	inputs, err := in.inputs(cfg, dir, openOS)
	if err != nil {
		return nil, err
	}
	w, err := workspace.Load(ctx, inputs, workspace.Options{
		Now: now, Start: in.started, AcceptIncomplete: in.acceptIncomplete, Enforcement: in.enforcement, ResourceKind: in.resourceKind,
		PDP: in.pdp, Remote: in.remote, ReadSuites: readSuites, NoCerbosTests: in.noCerbosTests,
		Bounds: courseOf(ctx).read,
		Progress: func(work string) (report func(done, total int), end func()) {
			return show(ctx, work)
		},
	})
	if err != nil {
		return nil, err
	}
	return &session{w, dir}, nil
}

// An opener opens a file that the command line names.
type opener func(name string) (fs.File, error)

// inputs are what the command line names in place of the config. With an error they are
// those that it does not spoil.
func (in *input) inputs(cfg *config.Config, dir *folder, open opener) (*workspace.Inputs, error) {
	var errs []error
	list := &workspace.Inputs{Config: cfg, Suites: suiteFiles(in.suites, open)}
	if dir != nil {
		list.Folder = dir.FS
	}
	for _, flag := range in.manifests {
		m, err := config.ParseManifest(flag)
		if err != nil {
			errs = append(errs, usageError{fmt.Errorf("--manifest: %w", err)})
			continue
		}
		list.Inventories = append(list.Inventories, workspace.Inventory{File: open.file(m.File), Server: m.Pick})
	}
	if in.policies != "" {
		list.Policies = &workspace.Folder{Name: filepath.ToSlash(in.policies), Open: func() (fs.FS, error) {
			root, err := os.OpenRoot(in.policies)
			if err != nil {
				return nil, err
			}
			return root.FS(), nil
		}}
	}
	if in.principals != "" {
		file := open.file(in.principals)
		list.Principals = &file
	}
	return list, errors.Join(errs...)
}

// file is a file that the command line names.
func (open opener) file(name string) workspace.File {
	return workspace.File{Name: filepath.ToSlash(name), Open: func() (fs.File, error) { return open(name) }}
}

// suiteFiles are the suites that the command line names, or those in the folders
// that it names.
func suiteFiles(names []string, open opener) []workspace.File {
	var list []workspace.File
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			list = append(list, open.file(name))
			continue
		}
		below, err := workspace.SuiteFiles(os.DirFS(name))
		if err == nil && len(below) == 0 {
			err = errors.New("no suites below this folder: it holds no .yaml file")
		}
		if err != nil {
			list = append(list, workspace.File{Name: filepath.ToSlash(name), Open: func() (fs.File, error) { return nil, err }})
		}
		for _, file := range below {
			found := filepath.Join(name, filepath.FromSlash(file))
			list = append(list, workspace.File{Name: filepath.ToSlash(found), Open: func() (fs.File, error) { return openOrdinary(found) }})
		}
	}
	return list
}
