package workspace

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
)

// A Reviewing is a review that is being put together: its grants, and which of them the
// revisions that were read so far have as well.
type Reviewing struct {
	*report.Review
	matrix *matrix.Matrix
	words  map[*matrix.Cell]string // of conditions, before they are simplified
	held   []int                   // the grants that every revision so far has
	same   []bool                  // and with the same words, by grant
	last   *report.Since
}

// Review says who may do what, by the embedded engine, and which waivers accept a finding
// about it, or which line of the lock does.
func (w *Workspace) Review(ctx context.Context) (*Reviewing, error) {
	m, err := w.stableMatrix(ctx)
	if err != nil {
		return nil, err
	}
	findings, err := w.Lint(ctx, m, nil, Rules{})
	if err != nil {
		return nil, err
	}
	r := &Reviewing{Review: &report.Review{Notes: append(w.Notes(), w.Uncovered(m.Columns)...)}, matrix: m, words: map[*matrix.Cell]string{}}
	waived := newWaivedBy(m, findings)
	locked, err := w.lockedBy(ctx)
	if err != nil {
		return nil, err
	}
	people := slices.SortedFunc(m.Principals(), func(a, b *authz.Principal) int { return cmp.Compare(a.Key, b.Key) })
	for _, p := range people {
		class := m.ClassOf(p.Key)
		for _, col := range m.Columns {
			cell := m.Cell(class, col)
			if !cell.Access.Possible() {
				continue
			}
			r.words[cell] = wordsOf(cell)
			r.held = append(r.held, len(r.Grants))
			r.same = append(r.same, true)
			r.Grants = append(r.Grants, report.Grant{Principal: p, Column: col, Cell: cell, Reviewed: append(waived.of(class, col, cell), locked.of(p, col)...)})
		}
	}
	r.Holds.Clock = w.Now
	return r, w.Simplify(ctx, m)
}

func wordsOf(cell *matrix.Cell) string { return cell.Access.String() + " " + cell.Condition.Key() }

// stableMatrix decides everything, and refuses what cannot be relied on.
func (w *Workspace) stableMatrix(ctx context.Context) (*matrix.Matrix, error) {
	m, err := w.decided(ctx, w.Servers, w.Engine)
	if err != nil {
		return nil, err
	}
	return m, Stable(m, m.Columns)
}

// Before is told what an older revision has, the newest first, and since when that was so:
// nil if the revision has no config. It reports whether older ones matter.
func (r *Reviewing) Before(ctx context.Context, w *Workspace, since *report.Since) (more bool, err error) {
	if w == nil {
		r.held = nil
		return false, nil
	}
	m, err := w.stableMatrix(ctx)
	if err != nil {
		return false, err
	}
	r.hold(m, since)
	return len(r.held) > 0, nil
}

// Now says since when what the working tree has is so.
func (r *Reviewing) Now(since *report.Since) { r.hold(r.matrix, since) }

// A columnName names a column in any revision.
type columnName struct {
	server    string
	itemType  authz.ItemType
	item      string
	operation authz.Operation
}

func nameOf(c *matrix.Column) columnName {
	return columnName{c.Server.Name, c.Item.Type, c.Item.Name, c.Operation}
}

// hold keeps the grants that a matrix has as well.
func (r *Reviewing) hold(m *matrix.Matrix, since *report.Since) {
	columns := map[columnName]*matrix.Column{}
	for _, col := range m.Columns {
		columns[nameOf(col)] = col
	}
	words := map[*matrix.Cell]string{}
	r.last = since
	r.held = slices.DeleteFunc(r.held, func(i int) bool {
		g := &r.Grants[i]
		class, col := m.ClassOf(g.Principal.Key), columns[nameOf(g.Column)]
		if class == nil || col == nil {
			return true
		}
		cell := m.Cell(class, col)
		if !cell.Access.Possible() {
			return true
		}
		text, known := words[cell]
		if !known {
			text = wordsOf(cell)
			words[cell] = text
		}
		g.Since = since
		if r.same[i] = r.same[i] && (m == r.matrix || text == r.words[g.Cell]); r.same[i] {
			g.Unchanged = since
		}
		return false
	})
}

// Open says that what was before the oldest revision that was read is not known.
func (r *Reviewing) Open() {
	if r.last == nil {
		return
	}
	open := *r.last
	open.OrBefore = true
	for _, i := range r.held {
		r.Grants[i].Since = &open
		if r.same[i] {
			r.Grants[i].Unchanged = &open
		}
	}
}

// A waivedBy finds the waived findings that are about a cell.
type waivedBy struct {
	matrix *matrix.Matrix
	items  map[lint.Item][]*lint.Finding
	rules  map[string][]*lint.Finding // of those about no item, by the policy rule
}

func newWaivedBy(m *matrix.Matrix, findings []lint.Finding) *waivedBy {
	w := &waivedBy{m, map[lint.Item][]*lint.Finding{}, map[string][]*lint.Finding{}}
	for i := range findings {
		f := &findings[i]
		if !f.Waived {
			continue
		}
		items := f.Items
		if f.Name != "" && len(items) == 0 {
			items = []lint.Item{{Server: f.Server, Type: f.Type, Name: f.Name}}
		}
		for _, item := range items {
			w.items[item] = append(w.items[item], f)
		}
		if len(items) == 0 && f.Policy != "" {
			w.rules[f.Policy] = append(w.rules[f.Policy], f)
		}
	}
	return w
}

// of returns who accepted a cell: the waivers of findings about its item or about a rule
// that made it, and about its principals, if they name any.
func (w *waivedBy) of(class *matrix.Class, col *matrix.Column, cell *matrix.Cell) []report.Reviewed {
	if len(w.items)+len(w.rules) == 0 {
		return nil
	}
	about := slices.Clone(w.items[lint.Item{Server: col.Server.Name, Type: col.Item.Type, Name: col.Item.Name}])
	for _, r := range cell.Decisive() {
		about = append(about, w.rules[r.ID]...)
	}
	var list []report.Reviewed
	for _, f := range about {
		one := report.Reviewed{By: "waiver", Rule: f.Rule, Reason: f.Reason, Pos: f.WaivedAt}
		if w.concerns(f, class) && !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

// concerns reports whether a finding is about a class. It names one principal of each
// where there are very many.
func (w *waivedBy) concerns(f *lint.Finding, class *matrix.Class) bool {
	keys := f.Principals
	if f.Principal != "" && len(keys) == 0 {
		keys = []string{f.Principal}
	}
	return len(keys) == 0 || slices.ContainsFunc(keys, func(key string) bool { return w.matrix.ClassOf(key) == class })
}

// Digests returns the files that were read of the folder, and what a config names each for.
func (r *Recorder) Digests(c *config.Config) []report.HeldFile {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []report.HeldFile
	for name, text := range r.files {
		list = append(list, report.HeldFile{Kind: kindOf(c, name), Name: name, Digest: fmt.Sprintf("%x", sha256.Sum256([]byte(text)))})
	}
	slices.SortFunc(list, func(a, b report.HeldFile) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// Text returns a file that was read.
func (r *Recorder) Text(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.files[name]
}

// kindOf says what a file is read for.
func kindOf(c *config.Config, name string) report.FileKind {
	switch {
	case name == c.File:
		return report.ConfigFile
	case name == path.Clean(c.Principals.Path):
		return report.PrincipalFile
	}
	for _, s := range c.Servers {
		for _, m := range s.Manifest {
			if path.Clean(m.File) == name {
				return report.InventoryFile
			}
		}
	}
	if dir := path.Clean(c.Policies.Path); dir == "." || strings.HasPrefix(name, dir+"/") {
		return report.PolicyFile
	}
	return report.OtherFile
}

// Paths lists what a config names that access follows from: files and folders.
func Paths(c *config.Config) []string {
	list := []string{c.File, c.Policies.Path, c.Principals.Path}
	for _, s := range c.Servers {
		for _, m := range s.Manifest {
			list = append(list, m.File)
		}
	}
	for g := range c.Grants() {
		list = append(list, g.File.Path)
	}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(p string) bool { return p == "" })
}
