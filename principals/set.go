package principals

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// ErrEmpty is the mistake of a file that names nobody.
var ErrEmpty = errors.New("no principals")

// maxMistakes bounds what a file that is no list of principals at all can
// cost: it may have a mistake on each of a million lines.
const maxMistakes = 10_000

// A Set is the principals of a file.
type Set struct {
	Principals []*authz.Principal  // in the order of the file
	Groups     map[string][]string // the keys of each group's principals

	index *Index
}

// Get returns the principal with that key, or nil.
func (s *Set) Get(key string) *authz.Principal {
	if s.index != nil {
		if at, ok := s.index.keys[key]; ok {
			return s.Principals[at.number]
		}
		return nil
	}
	for _, p := range s.Principals {
		if p.Key == key {
			return p
		}
	}
	return nil
}

// Parse reads a file of principals. Its format follows from the extension
// where that says it (.csv, .tsv, .jsonl, .ndjson, .yaml, .yml), otherwise
// from the content. All mistakes are reported, joined, each with its position;
// one of a file without any principal is [ErrEmpty].
func Parse(file string, data []byte) (*Set, error) {
	return Read(file, bytes.NewReader(data), func(*authz.Principal) {})
}

// Read is Parse for a file of any length. It calls each with every principal,
// in order, while it reads on; each may put shared values in place of the
// principal's own, so that the set takes less memory. There may be mistakes
// still to come, in which case there will be no set.
func Read(file string, r io.Reader, each func(*authz.Principal)) (*Set, error) {
	br := bufio.NewReaderSize(r, headSize)
	head, err := br.Peek(headSize)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, source.Errorf(source.Pos{File: file}, "read principals: %w", err)
	case formatOf(file, head) != fixture:
		return readRows(file, br, each)
	}
	data, err := readFixture(file, br)
	if err != nil {
		return nil, err
	}
	s, err := parseFixture(file, data)
	if err != nil {
		return nil, err
	}
	for _, p := range s.Principals {
		each(p)
	}
	return s, nil
}

func readRows(file string, br *bufio.Reader, each func(*authz.Principal)) (*Set, error) {
	s := &Set{Groups: map[string][]string{}, index: &Index{}}
	var errs []error
	keys := true // the keys of all rows could be read
	for r := range rows(file, br) {
		err := r.err
		if r.p == nil || r.p.Key == "" {
			keys = false
		} else {
			err = errors.Join(err, s.index.add(r.p, r.delegation))
			s.Principals = append(s.Principals, r.p)
			for _, g := range r.p.Groups {
				s.Groups[g] = append(s.Groups[g], r.p.Key)
			}
		}
		if err == nil {
			each(r.p)
			continue
		}
		errs = append(errs, err)
		if len(errs) == maxMistakes {
			keys = false
			errs = append(errs, source.Errorf(source.Pos{File: file}, "more than %d mistakes; the rest is not read", maxMistakes))
			break
		}
	}
	if keys {
		errs = append(errs, s.index.Check())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}
