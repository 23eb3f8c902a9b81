package workspace

import (
	"errors"
	"path"
	"strings"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

func (w *Workspace) loadServers() error {
	_, end := w.o.Progress.begin("reading the inventories")
	defer end()
	if len(w.in.Inventories) > 0 {
		return w.givenServers()
	}
	if len(w.Config.Servers) == 0 {
		return wrong(source.Errorf(source.Pos{File: w.Config.File}, "no servers: declare one under servers, or give --manifest"))
	}
	var errs []error
	for _, s := range w.Config.Servers {
		server, err := w.server(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		w.Servers = append(w.Servers, server)
	}
	return errors.Join(errs...)
}

func (w *Workspace) server(s *config.Server) (*matrix.Server, error) {
	if len(s.Manifest) == 0 {
		return nil, wrong(source.Errorf(s.Pos, "server %q has no manifest", s.Name))
	}
	var parts []*manifest.Inventory
	for _, m := range s.Manifest {
		data, err := w.in.read(config.Path{Path: m.File, Pos: m.Pos})
		if err != nil {
			return nil, err
		}
		inventories, err := manifest.Parse(m.File, data)
		if err != nil {
			return nil, err
		}
		picked, err := pick(m, inventories)
		if err != nil {
			return nil, err
		}
		parts = append(parts, picked)
	}
	inventory := manifest.Merge(parts...)
	if err := w.acceptGaps(s.Name, inventory, w.o.AcceptIncomplete || s.Incomplete == config.Accept); err != nil {
		return nil, err
	}
	profile, err := w.profile(s, inventory)
	if err != nil {
		return nil, err
	}
	meta, err := metaTools(s, inventory)
	if err != nil {
		return nil, wrong(err)
	}
	return &matrix.Server{Name: s.Name, Inventory: inventory, Profile: profile, MetaTools: meta}, nil
}

// pick chooses the server of a file that FILE#SERVER names.
func pick(m config.Manifest, of []*manifest.Inventory) (*manifest.Inventory, error) {
	var names []string
	for _, i := range of {
		if i.Server == m.Pick {
			return i, nil
		}
		names = append(names, i.Server)
	}
	switch {
	case m.Pick == "" && len(of) == 1:
		return of[0], nil
	case m.Pick == "":
		return nil, source.Errorf(source.Pos{File: m.File}, "this file has the inventories of %d servers: choose one with %s#NAME, of %s", len(of), m.File, strings.Join(names, ", "))
	}
	return nil, source.Errorf(m.Pos, "%s has no server %q%s; it has %s", m.File, m.Pick, source.DidYouMean(m.Pick, names), strings.Join(names, ", "))
}

// acceptGaps refuses an inventory that may be incomplete, unless that is
// accepted: a green run over half of a server would be the worst outcome.
func (w *Workspace) acceptGaps(server string, i *manifest.Inventory, accept bool) error {
	var errs []error
	for _, g := range i.Gaps {
		if accept {
			w.accepted = append(w.accepted, acceptedGap{server, g})
			continue
		}
		errs = append(errs, source.Errorf(g.Pos, "inventory-incomplete: %s (to go on with what there is, say incomplete: accept in the config, or --accept-incomplete)", g.Message))
	}
	return errors.Join(errs...)
}

// givenServers makes a server of each inventory that is given, or several of a
// file that holds several.
func (w *Workspace) givenServers() error {
	for _, given := range w.in.Inventories {
		data, err := given.read()
		if err != nil {
			return err
		}
		inventories, err := manifest.Parse(given.Name, data)
		if err != nil {
			return err
		}
		if given.Server != "" {
			one, err := pick(config.Manifest{File: given.Name, Pick: given.Server}, inventories)
			if err != nil {
				return wrong(err)
			}
			inventories = []*manifest.Inventory{one}
		}
		for _, i := range inventories {
			name := i.Server
			if name == "" || len(inventories) == 1 && given.Server == "" {
				name = ServerName(given.Name)
			}
			if err := w.acceptGaps(name, i, w.o.AcceptIncomplete); err != nil {
				return err
			}
			p, err := w.profile(&config.Server{Name: name}, i)
			if err != nil {
				return err
			}
			w.Servers = append(w.Servers, &matrix.Server{Name: name, Inventory: i, Profile: p, MetaTools: i.MetaTools()})
		}
	}
	return nil
}

// ServerName is what the only server of a file is called that is given and not
// named: the file's name up to its first dot.
func ServerName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".")
	return name
}
