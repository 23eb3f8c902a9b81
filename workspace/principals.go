package workspace

import (
	"errors"
	"io"
	"io/fs"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
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
			w.classes = matrix.NewClasses(w.Engine.Class)
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
