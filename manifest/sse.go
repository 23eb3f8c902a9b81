package manifest

import (
	"bytes"
	"errors"
	"regexp"

	"github.com/mcpolicy/mcpolicy/source"
)

var eventField = regexp.MustCompile(`^(event|data|id|retry)?:`)

// isEventStream reports whether a text is server-sent events, as Streamable
// HTTP answers with: nothing but fields, and JSON among the data.
func isEventStream(text []byte) bool {
	data := false
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case !eventField.Match(line):
			return false
		default:
			value, ok := bytes.CutPrefix(line, []byte("data:"))
			data = data || ok && startsJSON(value)
		}
	}
	return data
}

func startsJSON(b []byte) bool {
	b = bytes.TrimSpace(b)
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}

// An event is one server-sent event. Its text keeps every character of the
// data where it stands in the file, counted from its first line.
type event struct {
	kind string // the value of its event field
	text []byte
	line int // of the file, where text begins
}

// eventValues returns the JSON values of the message events.
func eventValues(file string, data []byte) ([]*source.Node, error) {
	var nodes []*source.Node
	for _, e := range events(bytes.TrimPrefix(data, []byte(source.BOM))) {
		if e.kind != "" && e.kind != "message" || !startsJSON(e.text) || bytes.Equal(bytes.TrimSpace(e.text), []byte("[DONE]")) {
			continue // the endpoint event of 2024-11-05, keep-alives, ends of streams
		}
		n, err := source.ParseJSON(file, e.text)
		if err != nil {
			return nil, moveError(err, e.line-1)
		}
		move(n, e.line-1)
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return nil, source.Errorf(source.Pos{File: file, Line: 1, Col: 1}, "the event stream holds no message")
	}
	return nodes, nil
}

func events(data []byte) []event {
	var list []event
	var e event
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if len(bytes.TrimSpace(text)) == 0 {
			list = append(list, e)
			e = event{}
			continue
		}
		name, value, _ := bytes.Cut(text, []byte(":"))
		if string(name) == "event" {
			e.kind = string(bytes.TrimSpace(value))
		}
		isData := string(name) == "data"
		if e.text == nil && !isData {
			continue
		}
		if e.text == nil {
			e.line = line
		}
		if isData {
			e.text = append(e.text, "     "...) // as long as the field's name and colon
			e.text = append(e.text, value...)
		} else {
			e.text = append(e.text, '\n')
		}
	}
	return append(list, e)
}

// move shifts the positions of a tree by some lines.
func move(n *source.Node, lines int) {
	n.Pos.Line += lines
	for _, fields := range [][]source.Field{n.Fields, n.Duplicates} {
		for i := range fields {
			fields[i].Pos.Line += lines
			move(fields[i].Value, lines)
		}
	}
	for _, item := range n.Items {
		move(item, lines)
	}
}

func moveError(err error, lines int) error {
	var e *source.Error
	if !errors.As(err, &e) || e.Pos.Line == 0 {
		return err
	}
	pos := e.Pos
	pos.Line += lines
	return &source.Error{Pos: pos, Err: e.Err}
}
