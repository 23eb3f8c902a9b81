package principals

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// maxRecord bounds a line of JSON Lines and a record of CSV. It is the memory
// that a hostile stream can take.
const maxRecord = 1 << 20

// headSize is how much of a file is looked at to tell its format.
const headSize = 1 << 16

// Stream reads principals one after the other, in bounded memory, from CSV and
// JSON Lines; a fixture file is read whole first. It yields either a principal
// or a mistake, and goes on after a mistake where it can. What is wrong between
// principals is for an [Index] to find.
func Stream(file string, r io.Reader) iter.Seq2[*authz.Principal, error] {
	return func(yield func(*authz.Principal, error) bool) {
		br := bufio.NewReaderSize(r, headSize)
		head, err := br.Peek(headSize)
		if err != nil && !errors.Is(err, io.EOF) {
			yield(nil, source.Errorf(source.Pos{File: file}, "read principals: %w", err))
			return
		}
		if formatOf(file, head) == fixture {
			streamFixture(file, br, yield)
			return
		}
		for r := range rows(file, br) {
			if r.err != nil {
				r.p = nil
			}
			if !yield(r.p, r.err) {
				return
			}
		}
	}
}

// readFixture reads a fixture file whole, as far as it may be long.
func readFixture(file string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, source.MaxBytes+1))
	if err != nil {
		return nil, source.Errorf(source.Pos{File: file}, "read principals: %w", err)
	}
	return data, nil
}

func streamFixture(file string, r io.Reader, yield func(*authz.Principal, error) bool) {
	data, err := readFixture(file, r)
	if err != nil {
		yield(nil, err)
		return
	}
	s, err := parseFixture(file, data)
	if err != nil {
		for _, mistake := range source.Mistakes(err) {
			if !yield(nil, mistake) {
				return
			}
		}
		return
	}
	for _, p := range s.Principals {
		if !yield(p, nil) {
			return
		}
	}
}

// A row is a principal, a mistake, or a principal with a mistake, whose key
// can be trusted if it is there.
type row struct {
	p          *authz.Principal
	delegation source.Pos // of onBehalfOf
	err        error
}

// rows reads a file of one of the formats that have rows.
func rows(file string, r io.Reader) iter.Seq[row] {
	return func(yield func(row) bool) {
		br := bufio.NewReaderSize(r, headSize)
		if head, err := br.Peek(3); err == nil && bytes.Equal(head, []byte(source.BOM)) {
			_, _ = br.Discard(len([]byte(source.BOM))) // they are in the buffer
		}
		read := readLines
		if head, _ := br.Peek(headSize); formatOf(file, head) == csvFormat {
			read = readCSV
		}
		found := false
		for r := range read(file, br) {
			found = true
			if !yield(r) {
				return
			}
		}
		if !found {
			yield(row{err: &source.Error{Pos: source.Pos{File: file}, Err: ErrEmpty}})
		}
	}
}

type format uint8

const (
	fixture format = iota
	csvFormat
	jsonLines
)

// firstKey finds the first key of a JSON object.
var firstKey = regexp.MustCompile(`^\{\s*"([^"]*)"`)

// formatOf tells the format of a file from its name and how it begins.
func formatOf(file string, head []byte) format {
	switch strings.ToLower(path.Ext(file)) {
	case ".csv", ".tsv":
		return csvFormat
	case ".jsonl", ".ndjson":
		return jsonLines
	case ".yaml", ".yml":
		return fixture
	}
	head = head[:min(len(head), headSize)]
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte(source.BOM)))
	first, _, _ := bytes.Cut(head, []byte("\n"))
	if m := firstKey.FindSubmatch(first); m != nil {
		if key := string(m[1]); json.Valid(first) && !slices.Contains(fixtureKeys, key) && !slices.Contains(suiteKeys, key) {
			return jsonLines
		}
		return fixture
	}
	for name := range strings.SplitSeq(string(first), string(separator(first))) {
		if name = strings.Trim(name, " \t\r\""); name == "id" || name == "roles" {
			return csvFormat
		}
	}
	return fixture
}
