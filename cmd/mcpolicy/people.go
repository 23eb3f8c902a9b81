package main

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
)

// loadPrincipals reads the principals and sorts them into classes as they come,
// so that what is kept of a large directory is small. Sorting waits for the
// policies, which say who is alike.
func (w *workspace) loadPrincipals(in *input) error {
	name, file, err := w.openPrincipals(in)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	bar := newProgress(in.stderr(), "reading principals")
	defer bar.done()
	metered := &meter{r: file, report: bar.report}
	if info, err := file.Stat(); err == nil {
		metered.total = int(info.Size())
	}

	const batchSize, ahead = 512, 32 // enough to read on while others are sorted
	batches := make(chan []*authz.Principal, ahead)
	sorted := make(chan struct{})
	var sorting error
	go func() {
		defer close(sorted)
		defer func() {
			for range batches { // if sorting panicked, reading goes on all the same
			}
		}()
		defer guard(&sorting)
		<-w.compiled
		if len(in.pdp) == 0 && w.engine != nil {
			w.classes = matrix.NewClasses(w.engine.Class)
		} else {
			w.classes = matrix.NewClasses(nil) // a remote PDP may have other policies
		}
		for batch := range batches {
			for _, p := range batch {
				w.classes.Add(p)
			}
		}
	}()
	batch := make([]*authz.Principal, 0, batchSize)
	flush := func() {
		batches <- batch
		batch = make([]*authz.Principal, 0, batchSize)
	}
	w.principals, err = principals.Read(filepath.ToSlash(name), metered, func(p *authz.Principal) {
		if batch = append(batch, p); len(batch) == batchSize {
			flush()
		}
	})
	flush()
	close(batches)
	<-sorted
	return errors.Join(err, sorting)
}

// openPrincipals opens the file of principals that the command line or else
// the config names.
func (w *workspace) openPrincipals(in *input) (string, fs.File, error) {
	name := in.principals
	open := func() (fs.File, error) { return openOS(name) }
	wrong := func(err error) error { return plain(name, err) }
	if name == "" {
		if name = w.config.Principals.Path; name == "" {
			return "", nil, usageError{source.Errorf(source.Pos{File: w.config.File}, "no principals: name a file of them under principals, or give --principals")}
		}
		open = func() (fs.File, error) { return w.folder.Open(name) }
		wrong = func(err error) error { return w.named(w.config.Principals, aFile, err) }
	}
	file, err := open()
	if err != nil {
		return "", nil, wrong(err)
	}
	info, err := file.Stat()
	if err == nil {
		err = readable(filepath.ToSlash(name), info)
	}
	if err != nil {
		_ = file.Close()
		return "", nil, wrong(err)
	}
	return name, file, nil
}

// A meter reports how much of a file is read.
type meter struct {
	r           io.Reader
	done, total int
	report      func(done, total int)
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	m.done += n
	m.report(m.done, m.total)
	return n, err
}
