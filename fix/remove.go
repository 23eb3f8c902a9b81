package fix

import (
	"regexp"

	"gopkg.in/yaml.v3"
)

// removal returns the bytes that go with an element of a list, or says why it
// has to stay.
func (f *file) removal(at *place, start, end int) (from, to int, why string) {
	list := at.parent
	switch {
	case list.Kind != yaml.SequenceNode:
		return 0, 0, "it is not in a list"
	case len(list.Content) == 1:
		return 0, 0, "nothing else is in the list"
	case list.Style&yaml.FlowStyle == 0:
		return f.line(start, end)
	}
	if at.index+1 < len(list.Content) {
		next := f.offset(list.Content[at.index+1])
		if next < end || !comma.Match(f.data[end:next]) {
			return 0, 0, "something else stands after it"
		}
		return start, next, ""
	}
	_, before, ok := f.span(list.Content[at.index-1])
	if !ok || before > start || !comma.Match(f.data[before:start]) {
		return 0, 0, "something else stands before it"
	}
	return before, end, ""
}

// comma is what stands between two elements of a flow list.
var comma = regexp.MustCompile(`^\s*,\s*$`)

var (
	dash = regexp.MustCompile(`^[ \t]*-[ \t]+$`)
	rest = regexp.MustCompile(`^[ \t]*(?:#[^\n]*)?\r?(?:\n|$)`)
)

// line returns the line of an element that has one for itself, with its
// comment.
func (f *file) line(start, end int) (from, to int, why string) {
	from = start
	for from > 0 && f.data[from-1] != '\n' {
		from--
	}
	after := rest.Find(f.data[end:])
	if !dash.Match(f.data[from:start]) || after == nil {
		return 0, 0, "something else stands on its line"
	}
	return from, end + len(after), ""
}
