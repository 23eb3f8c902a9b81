package fix

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/mcpolicy/mcpolicy/source"
)

// An Edit changes a scalar of a file, or takes it out: an element out of its
// list, a key with its value out of its mapping.
type Edit struct {
	Pos    source.Pos // where the scalar starts
	Old    string     // its value: without it there, the edit is refused
	New    string
	Remove bool // take it out; New is meaningless
}

// A Refusal is an edit that was not made, and why.
type Refusal struct {
	Edit Edit
	Why  string
}

// Apply returns the content of a file with the edits made, and the edits that it
// refuses. The result parses to the same tree as the content, except for the edits.
func Apply(data []byte, edits []Edit) ([]byte, []Refusal) {
	edits = slices.Compact(slices.SortedFunc(slices.Values(edits), compare))
	f, err := parse(data)
	if err != nil {
		return data, refuseAll(edits, "the file cannot be read: "+err.Error())
	}
	var refusals []Refusal
	var made []change
	for i, e := range edits {
		c, why := f.change(e)
		if conflicts(edits, i) {
			why = "another finding wants another change there"
		}
		if why != "" {
			refusals = append(refusals, Refusal{e, why})
			continue
		}
		made = append(made, c)
	}
	slices.SortFunc(made, func(a, b change) int { return cmp.Compare(a.start, b.start) })
	var out []byte
	at := 0
	var done []change
	for _, c := range made {
		if c.start < at {
			refusals = append(refusals, Refusal{c.edit, "another change is too close; run once more"})
			continue
		}
		out = append(append(out, data[at:c.start]...), c.text...)
		at = c.end
		done = append(done, c)
	}
	out = append(out, data[at:]...)
	if !f.becomes(out, done) {
		return data, append(refusals, refuseAll(editsOf(done), "the change would not read as meant")...)
	}
	return out, refusals
}

func compare(a, b Edit) int {
	return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.Old, b.Old), cmp.Compare(a.New, b.New), compareBool(a.Remove, b.Remove))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// conflicts reports whether another of the sorted edits is about the same
// scalar.
func conflicts(edits []Edit, i int) bool {
	return i > 0 && edits[i-1].Pos == edits[i].Pos || i+1 < len(edits) && edits[i+1].Pos == edits[i].Pos
}

func refuseAll(edits []Edit, why string) []Refusal {
	var list []Refusal
	for _, e := range edits {
		list = append(list, Refusal{e, why})
	}
	return list
}

func editsOf(changes []change) []Edit {
	var list []Edit
	for _, c := range changes {
		list = append(list, c.edit)
	}
	return list
}

// A change is an edit as bytes: what is between start and end becomes text.
type change struct {
	edit       Edit
	start, end int
	text       string
	node       *yaml.Node   // whose value is replaced
	gone       []*yaml.Node // those taken out
}

// A file is what edits are about.
type file struct {
	data  []byte
	docs  []*yaml.Node
	lines []int // the offsets where they start
	nodes []*treeNode
}

// A treeNode is a node and where it is in the tree.
type treeNode struct {
	node     *yaml.Node
	up       *treeNode // its parent, or nil
	index    int       // among the children of its parent
	children []*treeNode
	aliased  bool // it is part of what an anchor names
}

func parse(data []byte) (*file, error) {
	f := &file{data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	var err error
	if f.docs, err = documents(data); err != nil {
		return nil, err
	}
	for _, doc := range f.docs {
		f.walk(&treeNode{node: doc})
	}
	return f, nil
}

func documents(data []byte) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var doc yaml.Node
		switch err := d.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		}
		docs = append(docs, &doc)
	}
}

func (f *file) walk(p *treeNode) {
	p.aliased = p.node.Anchor != "" || p.up != nil && p.up.aliased
	f.nodes = append(f.nodes, p)
	for i, child := range p.node.Content {
		c := &treeNode{node: child, up: p, index: i}
		p.children = append(p.children, c)
		f.walk(c)
	}
}

// change finds the scalar that an edit is about and the bytes that it takes,
// or says why there are none.
func (f *file) change(e Edit) (change, string) {
	var at *treeNode
	for _, p := range f.nodes {
		if p.node.Kind != yaml.ScalarNode || p.node.Line != e.Pos.Line || p.node.Value != e.Old || e.Pos.Col != p.node.Column && e.Pos.Col != f.column(p.node) {
			continue
		}
		if at != nil {
			return change{}, "it is not certain which text is meant"
		}
		at = p
	}
	switch {
	case at == nil:
		return change{}, fmt.Sprintf("the file does not say %q there", e.Old)
	case at.aliased:
		return change{}, "it has an anchor, so other places may use it"
	case !e.Remove && source.Printable(e.New) != e.New:
		return change{}, "the name has characters that do not show"
	}
	if e.Remove {
		start, end, gone, why := f.removal(at)
		return change{edit: e, start: start, end: end, gone: gone}, why
	}
	start, end, ok := f.span(at.node)
	if !ok {
		return change{}, "it takes several lines or has a tag"
	}
	c := change{edit: e, start: start, end: end, text: quoted(e.New, at.node.Style), node: at.node}
	if at.node.Style == 0 && !ambiguous(e.New) {
		plain := c
		plain.text = e.New
		if f.becomes(f.with(plain), []change{plain}) {
			return plain, ""
		}
	}
	return c, ""
}

// with returns the content with one change made.
func (f *file) with(c change) []byte {
	return slices.Concat(f.data[:c.start], []byte(c.text), f.data[c.end:])
}

// becomes reports whether the new content reads as the old with the changes
// made to it.
func (f *file) becomes(data []byte, changes []change) bool {
	docs, err := documents(data)
	if err != nil || len(docs) != len(f.docs) {
		return false
	}
	x := expected{gone: map[*yaml.Node]bool{}, values: map[*yaml.Node]string{}}
	for _, c := range changes {
		for _, n := range c.gone {
			x.gone[n] = true
		}
		if c.node != nil {
			x.values[c.node] = c.edit.New
		}
	}
	for i := range docs {
		if !x.same(f.docs[i], docs[i]) {
			return false
		}
	}
	return true
}

// expected is how a tree is to differ from another: nodes that are gone, and
// the new values of some.
type expected struct {
	gone   map[*yaml.Node]bool
	values map[*yaml.Node]string
}

func (x *expected) same(a, b *yaml.Node) bool {
	value, tag := a.Value, a.ShortTag()
	if v, ok := x.values[a]; ok {
		value, tag = v, "!!str"
	}
	left := slices.DeleteFunc(slices.Clone(a.Content), func(n *yaml.Node) bool { return x.gone[n] })
	if a.Kind != b.Kind || tag != b.ShortTag() || value != b.Value || a.Anchor != b.Anchor || len(left) != len(b.Content) {
		return false
	}
	for i := range left {
		if !x.same(left[i], b.Content[i]) {
			return false
		}
	}
	return true
}
