package policy

import (
	"bytes"
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
)

// parseFile returns the one document of a file, or nil if it has none.
func parseFile(file string, data []byte) (*source.Node, error) {
	text := bytes.TrimSpace(data)
	if len(text) == 0 {
		return nil, nil
	}
	isJSON := text[0] == '{'
	var jsonErr error
	if isJSON {
		// JSON is YAML too, but for surrogate pairs, and its own parser has
		// the better messages.
		var root *source.Node
		if root, jsonErr = source.ParseJSON(file, data); jsonErr == nil {
			return root, nil
		}
	}
	if line := emptyDocument(data); line > 0 {
		return nil, source.Errorf(source.Pos{File: file, Line: line, Col: 1}, `the YAML document that begins here is empty, which Cerbos cannot read: remove the "---"`)
	}
	docs, err := source.ParseYAML(file, data)
	if err != nil {
		if isJSON && extension(file) == ".json" {
			return nil, jsonErr
		}
		return nil, err
	}
	// A document of nothing but comments is none to Cerbos.
	docs = slices.DeleteFunc(docs, func(n *source.Node) bool { return n.Kind == source.Null })
	switch len(docs) {
	case 0:
		return nil, nil
	case 1:
		return docs[0], nil
	}
	return nil, source.Errorf(docs[1].Pos, "a second YAML document: Cerbos reads one policy a file")
}

// emptyDocument returns the line of a document marker that nothing follows,
// not even a comment on a line of its own, or 0. Cerbos v0.55 panics there.
func emptyDocument(data []byte) int {
	line, empty := 0, 0
	for text := range bytes.Lines(data) {
		line++
		text = bytes.TrimRight(text, " \t\r\n")
		rest, isMarker := bytes.CutPrefix(text, []byte("---"))
		isMarker = isMarker && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t')
		rest = bytes.TrimLeft(rest, " \t")
		switch {
		case isMarker && empty > 0:
			return empty
		case isMarker && (len(rest) == 0 || rest[0] == '#'):
			empty = line
		case len(bytes.TrimSpace(text)) > 0:
			empty = 0
		}
	}
	return empty
}
