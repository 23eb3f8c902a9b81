package workspace

import (
	"errors"
	"strings"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/pep"
)

// grantFiles are the grants of the files that a config names, by path.
type grantFiles map[string]*pep.Grants

// loadGrants reads the files of grants.
func (w *Workspace) loadGrants() error {
	var errs []error
	w.grants = grantFiles{}
	for g := range w.Config.Grants() {
		if g.File.Path == "" || w.grants[g.File.Path] != nil {
			continue
		}
		data, err := w.in.read(g.File)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		grants, err := pep.ParseGrants(g.File.Path, data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		w.grants[g.File.Path] = grants
	}
	return errors.Join(errs...)
}

// of returns the grant that a config declares, with its names if they were read; nil for nil.
func (f grantFiles) of(declared *config.Grant) *pep.Grant {
	if declared == nil {
		return nil
	}
	g := &pep.Grant{File: declared.File.Path, Names: f[declared.File.Path], Missing: declared.Missing, Pos: declared.Pos}
	if declared.Attr != "" {
		g.Attr = strings.Split(declared.Attr, ".")
	}
	return g
}
