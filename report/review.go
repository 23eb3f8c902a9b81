package report

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Review is the evidence for a review of access: who may do what, why, since when and
// who accepted that, and what it holds for.
type Review struct {
	Holds  Holds
	Grants []Grant // by principal, then in the order of servers and inventories
	// Changes is what changed since the last review; nil if that was not asked.
	Changes *Diff
	Notes   []Note
}

// Holds says what a review holds for.
type Holds struct {
	Engine   string // Cerbos v0.55.0
	Version  string // of mcpolicy
	Revision string // the commit that is checked out, or ""
	// Dirty are files that were read and are not as Revision has them.
	Dirty []string
	Clock time.Time
	Files []HeldFile // all that were read, sorted by kind and name
	// History says how far back the revisions were read, or why none were.
	History string
}

// A HeldFile is a file that was read, with the SHA-256 of its content.
type HeldFile struct {
	Kind   FileKind
	Name   string
	Digest string
}

// A FileKind says what a file is read for.
type FileKind string

// The kinds of files.
const (
	ConfigFile    FileKind = "config"
	InventoryFile FileKind = "inventories"
	PolicyFile    FileKind = "policies"
	PrincipalFile FileKind = "principals"
	OtherFile     FileKind = "others"
)

// FileKinds lists the kinds of files that access follows from.
func FileKinds() []FileKind {
	return []FileKind{ConfigFile, InventoryFile, PolicyFile, PrincipalFile}
}

// A Grant is a cell that is not denied, for one principal.
type Grant struct {
	Principal *authz.Principal
	Column    *matrix.Column
	Cell      *matrix.Cell
	// Since is when the principal got access, on whatever condition, and Unchanged since
	// when access and the words of the condition are what they are. Nil if no history was
	// read.
	Since, Unchanged *Since
	// Reviewed lists who accepted it.
	Reviewed []Reviewed
}

// A Since is the revision in which something first was so.
type Since struct {
	Commit string // "" for the working tree, which is not committed
	Time   time.Time
	Author string
	// OrBefore is set if it was so already in the oldest revision that could be read.
	OrBefore bool
}

// String returns the commit, or where it stands.
func (s *Since) String() string {
	switch {
	case s == nil:
		return ""
	case s.Commit == "" && s.OrBefore:
		return "not known"
	case s.Commit == "":
		return "not committed"
	case s.OrBefore:
		return "at or before " + s.short()
	}
	return s.short()
}

// short is as much of a commit's hash as people read.
func (s *Since) short() string { return s.Commit[:min(len(s.Commit), 12)] }

// A Reviewed is what accepts a grant.
type Reviewed struct {
	By     string // waiver, of a finding that is about the grant; lock
	Rule   string // the lint rule of a waiver
	Reason string
	Pos    source.Pos // of the waiver, or the line of the lock
}

// destructive reports whether the grant is to use a tool that may destroy something.
func (g *Grant) destructive() bool {
	return g.Column.Operation != authz.List && g.Column.Item.Type == authz.ToolItem && g.Column.Item.Destructive() != 0
}

// DigestOf returns one digest for the files of a kind: that of the lines that sha256sum
// prints for them. It is "" if there are none.
func (h *Holds) DigestOf(kind FileKind) string {
	text := ""
	for _, f := range h.Files {
		if f.Kind == kind {
			text += f.Digest + "  " + f.Name + "\n"
		}
	}
	if text == "" {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
}

// ReviewFormats lists the ways to write a review.
func ReviewFormats() []Writer[*Review] {
	return []Writer[*Review]{{"text", ReviewText}, {"json", ReviewJSON}, {"csv", ReviewCSV}, {"html", ReviewHTML}}
}

// facts are what the review holds for, in words.
func (r *Review) facts() [][2]string {
	h := &r.Holds
	list := [][2]string{{"engine", h.Engine}, {"mcpolicy", h.Version}}
	revision := firstOf(h.Revision, "none")
	switch n := len(h.Dirty); {
	case h.Revision == "":
	case n > 0:
		revision += ", with " + count(n, "file") + " that differ: " + list3(h.Dirty)
	default:
		revision += ", as committed"
	}
	list = append(list, [2]string{"revision", revision}, [2]string{"clock", h.Clock.UTC().Format(time.RFC3339)})
	for _, kind := range FileKinds() {
		if digest := h.DigestOf(kind); digest != "" {
			n := 0
			for _, f := range h.Files {
				if f.Kind == kind {
					n++
				}
			}
			list = append(list, [2]string{string(kind), count(n, "file") + ", sha256 " + digest})
		}
	}
	return append(list, [2]string{"history", h.History})
}

// list3 names a few of a list.
func list3(names []string) string {
	const most = 3
	if len(names) > most {
		return list(append(slices.Clone(names[:most]), count(len(names)-most, "other")))
	}
	return list(names)
}

// taken are the cells of declared principals that the changes took away whole.
func (r *Review) taken(emit func(x *changedCellJSON)) {
	if r.Changes == nil {
		return
	}
	r.Changes.elements(func(_ string, v any) {
		if x, ok := v.(changedCellJSON); ok && (x.To == matrix.Denied.String() || x.To == "absent") {
			emit(&x)
		}
	})
}

// cellOf names a cell of a principal.
type cellOf struct {
	principal string
	columnOfJSON
}

// changed returns the cells of declared principals that changed.
func (r *Review) changed() map[cellOf]*changedCellJSON {
	of := map[cellOf]*changedCellJSON{}
	if r.Changes != nil {
		r.Changes.elements(func(_ string, v any) {
			if x, ok := v.(changedCellJSON); ok {
				of[cellOf{x.Principal, x.columnOfJSON}] = &x
			}
		})
	}
	return of
}
