package workspace

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A Proposal is an edit of the policies that a finding brings along.
type Proposal struct {
	fix.Edit
	Rule   string // the ID of the lint rule
	Widens string // how it can give somebody more access, or "" if it cannot
}

// A Correction is a file of the policies with edits made.
type Correction struct {
	File     string // as positions have it
	Name     string // below the policies
	Old, New []byte
}

// Proposals returns the edits of findings, each once, in the order of the files.
// A proposal that does not say how it can give somebody more access gives none to
// anybody declared: the engine has confirmed it.
func (w *Workspace) Proposals(ctx context.Context, findings []lint.Finding) ([]Proposal, error) {
	_, end := w.o.Progress.begin("trying the edits out")
	defer end()
	list := w.proposals(findings)
	return list, w.confirm(ctx, list)
}

// Safe returns the proposals that cannot give anybody more access.
func Safe(list []Proposal) []Proposal {
	return slices.DeleteFunc(slices.Clone(list), func(p Proposal) bool { return p.Widens != "" })
}

// Correct makes the edits that are proposed, in memory, and says why it refuses some.
func (w *Workspace) Correct(proposed []Proposal) ([]*Correction, map[fix.Edit]string) {
	edits := map[string][]fix.Edit{}
	for _, p := range proposed {
		edits[p.Pos.File] = append(edits[p.Pos.File], p.Edit)
	}
	var list []*Correction
	refused := map[fix.Edit]string{}
	for _, file := range slices.Sorted(maps.Keys(edits)) {
		c, err := w.readCorrection(file)
		if err != nil {
			for _, e := range edits[file] {
				refused[e] = err.Error()
			}
			continue
		}
		var refusals []fix.Refusal
		c.New, refusals = fix.Apply(c.Old, edits[file])
		for _, r := range refusals {
			refused[r.Edit] = r.Why
		}
		if !bytes.Equal(c.Old, c.New) {
			list = append(list, c)
		}
	}
	return list, refused
}

// Besides returns what corrections change in files that others have changed already.
func Besides(first, all []*Correction) []*Correction {
	var list []*Correction
	for _, c := range all {
		rest := *c
		if i := slices.IndexFunc(first, func(f *Correction) bool { return f.File == c.File }); i >= 0 {
			rest.Old = first[i].New
		}
		if !bytes.Equal(rest.Old, rest.New) {
			list = append(list, &rest)
		}
	}
	return list
}

// readCorrection reads a file of the policies that may be replaced.
func (w *Workspace) readCorrection(file string) (*Correction, error) {
	name := file
	if prefix := w.engine.Prefix; prefix != "." {
		below, ok := strings.CutPrefix(file, strings.TrimSuffix(prefix, "/")+"/")
		if !ok {
			return nil, errors.New("it is not below the policies")
		}
		name = below
	}
	for part := name; part != "."; part = path.Dir(part) {
		info, err := fs.Lstat(w.policyFS, part)
		switch {
		case err != nil:
			return nil, withoutPath(err)
		case info.Mode()&fs.ModeSymlink != 0:
			return nil, errors.New("symbolic links are not written through")
		case part == name && !info.Mode().IsRegular():
			return nil, errors.New("it is no ordinary file")
		}
	}
	data, err := fs.ReadFile(w.policyFS, name)
	if err != nil {
		return nil, withoutPath(err)
	}
	return &Correction{File: file, Name: name, Old: data}, nil
}

// withoutPath returns what went wrong without the name of the file.
func withoutPath(err error) error {
	var inFile *fs.PathError
	if errors.As(err, &inFile) {
		return inFile.Err
	}
	return err
}

// TryOut loads the policies as they would be after corrections. It fails if the
// engine does not take them.
func (w *Workspace) TryOut(ctx context.Context, list []*Correction) (*embedded.Engine, error) {
	files := map[string][]byte{}
	for _, c := range list {
		files[c.Name] = c.New
	}
	fsys := overlay{w.policyFS, files}
	var engine *embedded.Engine
	_, err := policy.Load(fsys, w.engine.Prefix)
	if err == nil {
		engine, err = embedded.Open(ctx, fsys, w.engine)
	}
	if err != nil {
		return nil, errors.Join(errors.New("nothing is fixed: with the changes the policies would not load"), err)
	}
	return engine, nil
}

// confirm has the engine decide everything as it is and with the proposals that
// are safe by their form, and marks those after which somebody may do more.
func (w *Workspace) confirm(ctx context.Context, list []Proposal) error {
	widened, err := w.widened(ctx, Safe(list))
	if err != nil || !widened {
		return err
	}
	for i := range list {
		p := &list[i]
		if p.Widens != "" {
			continue
		}
		if widened, err = w.widened(ctx, []Proposal{*p}); err != nil {
			return err
		}
		if widened {
			p.Widens = "more is allowed with it"
		}
	}
	if widened, err = w.widened(ctx, Safe(list)); err != nil || !widened {
		return err
	}
	for i := range list {
		if list[i].Widens == "" {
			list[i].Widens = "more is allowed with it and others"
		}
	}
	return nil
}

// widened reports whether somebody may do more with the edits made. A conditional cell
// whose condition changes does not count: the form of the edits rules that out.
func (w *Workspace) widened(ctx context.Context, list []Proposal) (bool, error) {
	made, _ := w.Correct(list)
	if len(made) == 0 {
		return false, nil
	}
	engine, err := w.TryOut(ctx, made)
	if err != nil {
		return false, err
	}
	is, becomes := w.ClassOf(w.Engine), w.ClassOf(engine)
	classes := matrix.NewClasses(func(p *authz.Principal) string { return is(p) + "\x00" + becomes(p) })
	for _, p := range w.Principals.Principals {
		classes.Add(p)
	}
	before, err := matrix.Build(ctx, &matrix.Input{Servers: w.Servers, Classes: classes, Decider: w.Engine})
	if err != nil {
		return false, err
	}
	after, err := matrix.Build(ctx, &matrix.Input{Servers: w.Servers, Classes: classes, Decider: engine})
	if err != nil {
		return false, err
	}
	for ref := range before.All() {
		was, is := ref.Access, after.Cell(ref.Class, ref.Column).Access
		if !was.Possible() && is.Possible() || was == matrix.Conditional && is == matrix.Allowed {
			return true, nil
		}
	}
	return false, nil
}
