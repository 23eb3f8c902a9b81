package workspace

import (
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// loadPrincipals reads the principals and sorts them into classes as they come,
// so that what is kept of a large directory is small. Sorting waits for the
// policies, which say who is alike.
func (w *Workspace) loadPrincipals() error {
	name, file, err := w.in.openPrincipals()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	report, end := w.o.Progress.begin("reading the principals")
	defer end()
	metered := &meter{r: file, report: report}
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
		defer Guard(&sorting)
		<-w.compiled
		if len(w.o.PDP) == 0 && w.Engine != nil {
			w.classes = matrix.NewClasses(w.ClassOf(w.Engine))
		} else {
			w.classes = matrix.NewClasses(nil) // a remote PDP may have other policies
		}
		if w.o.ReadSuites {
			if <-w.suitesIn; lookAtPrincipals(w.suites) {
				w.classes.Keep()
			}
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
	w.Principals, err = principals.Read(name, metered, func(p *authz.Principal) {
		if batch = append(batch, p); len(batch) == batchSize {
			flush()
		}
	})
	flush()
	close(batches)
	<-sorted
	return errors.Join(err, sorting)
}

// lookAtPrincipals reports whether suites tell principals apart that policies cannot.
func lookAtPrincipals(suites []*testrunner.Suite) bool {
	return slices.ContainsFunc(suites, (*testrunner.Suite).LooksAtPrincipals)
}

// keepAttributes gives principals their own attributes back, of whom those of a class have
// those of its first, if suites tell them apart.
func (w *Workspace) keepAttributes() error {
	if !lookAtPrincipals(w.suites) {
		return nil
	}
	name, file, err := w.in.openPrincipals()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	own := map[string]*authz.Principal{}
	if _, err := principals.Read(name, file, func(p *authz.Principal) { own[p.Key] = p }); err != nil {
		return err
	}
	for p := range w.classes.Principals() {
		if of := own[p.Key]; of != nil {
			p.Attr, p.AuxData, p.JWTs = of.Attr, of.AuxData, of.JWTs
		}
	}
	return nil
}

// openPrincipals opens the file of principals that is given or that the config
// names.
func (in *Inputs) openPrincipals() (string, fs.File, error) {
	path := in.config().Principals
	given := in.Principals
	mistake := func(err error) error { return source.FileError(given.Name, err) }
	if given == nil {
		if path.Path == "" {
			return "", nil, wrong(source.Errorf(source.Pos{File: in.config().File}, "no principals: name a file of them under principals, or give --principals"))
		}
		given = &File{Name: path.Path, Open: func() (fs.File, error) { return in.Folder.Open(path.Path) }}
		mistake = func(err error) error { return in.named(path, aFile, err) }
	}
	file, err := given.Open()
	if err != nil {
		return "", nil, mistake(err)
	}
	info, err := file.Stat()
	if err == nil {
		err = source.CheckReadable(given.Name, info)
	}
	if err != nil {
		_ = file.Close()
		return "", nil, mistake(err)
	}
	return given.Name, file, nil
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
