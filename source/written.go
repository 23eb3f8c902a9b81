package source

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrOtherVersion says that a file is of a version that is not the one that is read.
var ErrOtherVersion = errors.New("another version")

// A Written is a kind of file that a command writes and that is committed: YAML, with a
// version.
type Written struct {
	Noun     string // what it is called: lock
	Command  string // what writes it: mcpolicy lock
	Version  int
	Conflict string // what to do about a merge conflict
	End      string // the last line, by which a file that was cut short is noticed; "" for any
}

// Parse returns the document of such a file. It is refused if it has the markers of a merge
// conflict, was cut short, is empty, has several documents, or is of another version ([ErrOtherVersion]).
func (w *Written) Parse(name string, data []byte) (*Node, error) {
	if err := w.whole(name, data); err != nil {
		return nil, err
	}
	docs, err := ParseYAML(name, data)
	switch {
	case err != nil:
		return nil, err
	case len(docs) == 0 || docs[0].Is(Null):
		return nil, Errorf(Pos{File: name}, "the %s is empty; remove it and write it with %s", w.Noun, w.Command)
	case len(docs) > 1:
		return nil, Errorf(docs[1].Pos, "a %s is one YAML document, this is another", w.Noun)
	}
	root := docs[0]
	switch version := root.Get("version"); {
	case !root.Is(Mapping) || version == nil:
		return nil, Errorf(root.Pos, "this is no %s: it does not say its version; write it with %s", w.Noun, w.Command)
	case version.Text != fmt.Sprint(w.Version):
		return nil, Errorf(version.Pos, "%w of the %s: want version %d, have %s; use the mcpolicy that wrote it, or remove the file and write it with %s",
			ErrOtherVersion, w.Noun, w.Version, version.Describe(), w.Command)
	}
	return root, nil
}

// whole reports the first marker of a merge conflict, and a file that was cut short.
func (w *Written) whole(name string, data []byte) error {
	n, last := 0, ""
	for text := range bytes.Lines(data) {
		n++
		for _, marker := range []string{"<<<<<<<", "|||||||", "=======", ">>>>>>>"} {
			if rest, ok := bytes.CutPrefix(text, []byte(marker)); ok && (len(bytes.TrimSpace(rest)) == 0 || rest[0] == ' ') {
				return Errorf(Pos{File: name, Line: n, Col: 1}, "merge conflict: %s", w.Conflict)
			}
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			last = string(text)
		}
	}
	if w.End != "" && n > 0 && last != w.End {
		return Errorf(Pos{File: name, Line: n, Col: 1}, "the %s is cut short: its last line is not %q; take it from the last commit, or remove it and write it with %s", w.Noun, w.End, w.Command)
	}
	return nil
}
