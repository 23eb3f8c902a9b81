package fix

import (
	"bytes"
	"regexp"

	"gopkg.in/yaml.v3"
)

// removal returns the bytes that go with an element of a list or an entry of a
// mapping, and the nodes; or says why it has to stay. Where nothing else is in
// the list or mapping, that goes with it.
func (f *file) removal(at *treeNode) (start, end int, gone []*yaml.Node, why string) {
	for alone(at) {
		at = at.up
		if at.up != nil && at.up.node.Kind == yaml.MappingNode {
			at = at.up.children[at.index-1] // from the value to its key
		}
	}
	up := at.up
	switch {
	case up == nil || up.node.Kind == yaml.DocumentNode:
		return 0, 0, nil, "nothing else is in the file"
	case up.node.Kind == yaml.MappingNode && at.index%2 == 1:
		return 0, 0, nil, "it is the value of something, not in a list"
	}
	last := at.index
	if up.node.Kind == yaml.MappingNode {
		last++
	}
	if up.node.Style&yaml.FlowStyle == 0 {
		start, end, why = f.lineEntry(at)
	} else {
		start, end, why = f.flowEntry(at, last)
	}
	return start, end, up.node.Content[at.index : last+1], why
}

// alone reports whether nothing else is in the list or mapping of an element
// or key, and that is not all of the file.
func alone(at *treeNode) bool {
	up := at.up
	if up == nil || up.up == nil || up.up.node.Kind == yaml.DocumentNode {
		return false
	}
	return up.node.Kind == yaml.SequenceNode && len(up.node.Content) == 1 ||
		up.node.Kind == yaml.MappingNode && len(up.node.Content) == 2 && at.index == 0
}

// flowEntry returns the bytes of an entry of a flow list or mapping, with the comma
// next to it. Its last node is the one of that index.
func (f *file) flowEntry(at *treeNode, last int) (start, end int, why string) {
	entries := at.up.node.Content
	start = f.offset(at.node)
	_, end, ok := f.span(entries[last])
	switch {
	case !ok:
		return 0, 0, "it takes several lines or has a tag"
	case last+1 < len(entries):
		next := f.offset(entries[last+1])
		if next < end || !comma.Match(f.data[end:next]) {
			return 0, 0, "something else stands after it"
		}
		return start, next, ""
	case at.index == 0:
		return 0, 0, "nothing else is in the list"
	}
	_, before, ok := f.span(entries[at.index-1])
	if !ok || before > start || !comma.Match(f.data[before:start]) {
		return 0, 0, "something else stands before it"
	}
	return before, end, ""
}

// comma is what stands between two entries of a flow list or mapping.
var comma = regexp.MustCompile(`^\s*,\s*$`)

var (
	indent = regexp.MustCompile(`^[ \t]*$`)
	dash   = regexp.MustCompile(`^[ \t]*-[ \t]+$`)
)

// lineEntry returns the lines of an entry that has them for itself: its first,
// with the comment there, and those below that are indented more.
func (f *file) lineEntry(at *treeNode) (start, end int, why string) {
	offset := f.offset(at.node)
	if offset < 0 {
		return 0, 0, "its place is not known"
	}
	start = f.lines[at.node.Line-1]
	before := f.data[start:offset]
	inMapping := at.up.node.Kind == yaml.MappingNode
	if inMapping && !indent.Match(before) || !inMapping && !dash.Match(before) {
		return 0, 0, "something else stands on its line"
	}
	depth := len(before) - len(bytes.TrimLeft(before, " \t"))
	ofList := inMapping && at.up.node.Content[at.index+1].Kind == yaml.SequenceNode
	end = f.lineEnd(at.node.Line)
	for line := at.node.Line + 1; line <= len(f.lines); line++ {
		text := f.data[f.lines[line-1]:f.lineEnd(line)]
		rest := bytes.TrimLeft(text, " \t")
		in := len(text) - len(rest)
		switch {
		case len(bytes.TrimSpace(rest)) == 0: // it depends on what comes
		case in > depth || ofList && in == depth && rest[0] == '-':
			end = f.lineEnd(line)
		default:
			return start, end, ""
		}
	}
	return start, end, ""
}

// lineEnd returns where a line ends, after its line break.
func (f *file) lineEnd(line int) int {
	if line < len(f.lines) {
		return f.lines[line]
	}
	return len(f.data)
}
