package principals

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// readLines reads JSON Lines. A line that looks as lines do is read by a
// lineReader; whatever is unusual or wrong goes through package source, which
// is slower and says what is wrong where.
func readLines(file string, br *bufio.Reader) iter.Seq[row] {
	return func(yield func(row) bool) {
		fast := newLineReader()
		var long []byte
		for number := 1; ; number++ {
			pos := source.Pos{File: file, Line: number}
			line, err := nextLine(br, &long)
			switch {
			case errors.Is(err, errTooLong):
				yield(row{err: source.Errorf(pos, "the line is longer than %d MiB", maxRecord>>20)})
				return
			case err != nil && !errors.Is(err, io.EOF):
				yield(row{err: source.Errorf(pos, "read principals: %w", err)})
				return
			}
			if line = bytes.TrimSpace(line); len(line) > 0 {
				if !yield(readLine(fast, pos, line)) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

var errTooLong = errors.New("line too long")

// nextLine returns the next line, which is valid until the next call, and an
// error beside the last one. Long is a buffer for lines that do not fit into
// that of br.
func nextLine(br *bufio.Reader, long *[]byte) ([]byte, error) {
	line, err := br.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	*long = append((*long)[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(*long) > maxRecord {
			return nil, errTooLong
		}
		line, err = br.ReadSlice('\n')
		*long = append(*long, line...)
	}
	return *long, err
}

func readLine(fast *lineReader, pos source.Pos, line []byte) row {
	p := &authz.Principal{Pos: pos}
	if utf8.Valid(line) && fast.read(line, p) {
		return row{p: p, delegation: pos}
	}
	n, err := source.ParseJSON(pos.File, line)
	if err != nil {
		return row{err: onLine(err, pos.Line)}
	}
	shift(n, pos.Line-1)
	e := readEntry(n, lineEntry, "", pos)
	e.p.ID, e.p.Key = strings.Clone(e.p.ID), strings.Clone(e.p.Key) // names are kept, and the line is not to be
	return row{p: e.p, delegation: e.delegation, err: errors.Join(e.errs...)}
}

// onLine moves an error on the first line to another one.
func onLine(err error, line int) error {
	var at *source.Error
	if !errors.As(err, &at) {
		return err
	}
	pos := at.Pos
	pos.Line = line
	return &source.Error{Pos: pos, Err: at.Err}
}

// shift moves a node down by a number of lines.
func shift(n *source.Node, by int) {
	n.Pos.Line += by
	for _, item := range n.Items {
		shift(item, by)
	}
	for _, fields := range [][]source.Field{n.Fields, n.Duplicates} {
		for i := range fields {
			fields[i].Pos.Line += by
			shift(fields[i].Value, by)
		}
	}
}
