package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/diff"
	"github.com/mcpolicy/mcpolicy/internal/revision"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// Saved is what a file says that was saved to be compared with later: the files of a
// workspace, or nothing but its matrix.
type Saved struct {
	Config string // the name of the config
	Files  fs.FS  // nil of a matrix
	Matrix diff.Saved
}

// savedVersion is the version of the files that Snapshot writes.
const savedVersion = 1

type savedFile struct {
	Version int               `json:"mcpolicySnapshot"`
	Config  string            `json:"config"`
	Files   map[string]string `json:"files"`
}

// ParseSaved reads what Snapshot wrote, or a matrix that was reported as JSON.
func ParseSaved(name string, data []byte) (*Saved, error) {
	root, err := source.ParseJSON(name, data)
	if err != nil {
		return nil, err
	}
	switch version := root.Get("mcpolicySnapshot"); {
	case version != nil && version.Text != fmt.Sprint(savedVersion):
		return nil, source.Errorf(version.Pos, "this was saved by another version of mcpolicy: want version %d, have %s", savedVersion, version.Text)
	case version != nil:
		var s savedFile
		if err := json.Unmarshal(data, &s); err != nil {
			return nil, source.Errorf(root.Pos, "%w", err)
		}
		files, err := inMemory(s.Files)
		if err != nil {
			return nil, source.Errorf(root.Pos, "%w", err)
		}
		return &Saved{Config: s.Config, Files: files}, nil
	case root.Get("matrix") != nil:
		m, err := savedMatrix(root.Get("matrix"))
		return &Saved{Matrix: m}, err
	}
	return nil, source.Errorf(root.Pos, "this is neither what mcpolicy diff --save writes nor a matrix as JSON")
}

// inMemory returns files as a folder.
func inMemory(files map[string]string) (fs.FS, error) {
	var listing bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&listing, "100644 blob %x %d\t%s\x00", name, len(files[name]), name)
	}
	return revision.New(listing.Bytes(), "", func(hash string) ([]byte, error) {
		var name []byte
		if _, err := fmt.Sscanf(hash, "%x", &name); err != nil {
			return nil, err
		}
		return []byte(files[string(name)]), nil
	})
}

// savedMatrix reads the cells of a matrix that was reported as JSON.
func savedMatrix(n *source.Node) (diff.Saved, error) {
	of := map[string][]string{} // the principals of classes
	if classes := n.Get("classes"); classes.Is(source.Sequence) {
		for i, c := range classes.Items {
			of[fmt.Sprint(i+1)] = texts(c.Get("principals"))
		}
	}
	cells := n.Get("cells")
	if !cells.Is(source.Sequence) {
		return nil, source.Errorf(n.Pos, "the matrix has no cells")
	}
	saved := diff.Saved{}
	for _, c := range cells.Items {
		access, ok := matrix.ParseAccess(c.Get("access").Str())
		operation, known := authz.ParseOperation(c.Get("operation").Str())
		itemType, typed := authz.ParseItemType(c.Get("type").Str())
		who := []string{c.Get("principal").Str()}
		if class := c.Get("class"); class != nil {
			who = of[class.Text]
		}
		if !ok || !known || !typed || len(who) == 0 || who[0] == "" {
			return nil, source.Errorf(c.Pos, "this is no cell of a matrix")
		}
		for _, p := range who {
			saved[diff.SavedKey{Principal: p, Server: c.Get("server").Str(), Type: itemType, Name: c.Get("name").Str(), Operation: operation}] = diff.SavedCell{
				Access: access, Condition: c.Get("condition").Str(),
			}
		}
	}
	return saved, nil
}

func texts(n *source.Node) []string {
	if !n.Is(source.Sequence) {
		return nil
	}
	list := make([]string, len(n.Items))
	for i, x := range n.Items {
		list[i] = x.Str()
	}
	return list
}

// DiffSaved says what changed in access since a matrix was saved.
func (w *Workspace) DiffSaved(ctx context.Context, base *Saved) (*diff.Result, error) {
	head, err := w.side(nil)
	if err != nil {
		return nil, err
	}
	return diff.CompareSaved(ctx, base.Matrix, head)
}

// A Recorder is a folder that keeps what is read of it, to save it.
type Recorder struct {
	fs.FS
	mu    sync.Mutex
	files map[string]string
}

// NewRecorder returns a folder that keeps what is read of another.
func NewRecorder(of fs.FS) *Recorder { return &Recorder{FS: of, files: map[string]string{}} }

// Open opens a file or a folder. A file is read whole.
func (r *Recorder) Open(name string) (fs.File, error) {
	info, err := fs.Stat(r.FS, name)
	if err != nil || info.IsDir() {
		if err != nil {
			return nil, err
		}
		return r.FS.Open(name)
	}
	data, err := source.ReadFile(r.FS, name)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.files[name] = string(data)
	r.mu.Unlock()
	f, err := r.FS.Open(name)
	return f, err
}

// Snapshot returns what was read of the folder and a config of it, as ParseSaved reads it.
func (r *Recorder) Snapshot(config string, data []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[config] = string(data)
	for name, text := range r.files {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("%s is no text in UTF-8, so that it cannot be saved", name)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(savedFile{savedVersion, config, r.files})
	return b.Bytes(), err
}
