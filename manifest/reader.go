package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/mcpolicy/mcpolicy/source"
)

const (
	maxMistakes = 50 // that are reported of one file
	maxNotes    = 50 // that are kept of one file
	maxQuoted   = 60 // runes of a stranger's text in a message
	maxListed   = 5  // names in a message
)

// A reader collects what is wrong and what is odd while a file is read, so
// that all of it can be reported at once.
type reader struct {
	file  string
	errs  []error
	more  int // mistakes beyond maxMistakes
	notes []Note

	moreNotes int // notes beyond maxNotes

	// read are the lists and items that were taken up, or knowingly left out.
	// The rest of the file may hold more.
	read map[*source.Node]bool

	refused bool // the file turned out to be something else
	answer  bool // what is read is what a server answered, not what somebody wrote about it
}

func (r *reader) errorf(pos source.Pos, format string, args ...any) {
	if len(r.errs) == maxMistakes {
		r.more++
		return
	}
	r.errs = append(r.errs, source.Errorf(pos, format, args...))
}

// want reports a value of the wrong kind. Key is what holds it, or "".
func (r *reader) want(n *source.Node, key, want string) {
	if key != "" {
		key += ": "
	}
	r.errorf(n.Pos, "%swant %s, have %s", key, want, describe(n))
}

func (r *reader) note(pos source.Pos, format string, args ...any) {
	if len(r.notes) == maxNotes {
		r.moreNotes++
		return
	}
	r.notes = append(r.notes, Note{Pos: pos, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) err() error {
	errs := r.errs
	if r.more > 0 {
		errs = append(slices.Clip(errs), source.Errorf(position(errs[len(errs)-1]), "%d more mistakes behind this one", r.more))
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// str returns the string under key. Absent and null are "".
func (r *reader) str(n *source.Node, key string) string {
	v := n.Get(key)
	if v == nil || v.Is(source.Null) {
		return ""
	}
	if !v.Is(source.String) {
		r.want(v, key, "a string")
	}
	return v.Str()
}

// boolean returns the boolean under key. Absent and null are false.
func (r *reader) boolean(n *source.Node, key string) bool {
	v := n.Get(key)
	if v == nil || v.Is(source.Null) {
		return false
	}
	if !v.Is(source.Bool) {
		r.want(v, key, "true or false")
	}
	return v.Text == "true"
}

// mapping returns the mapping under the first of the keys that is there and
// not null, or nil.
func (r *reader) mapping(n *source.Node, keys ...string) *source.Node {
	return r.child(n, source.Mapping, "a mapping", keys)
}

// list returns the list under the first of the keys that is there and not
// null, or nil.
func (r *reader) list(n *source.Node, keys ...string) *source.Node {
	return r.child(n, source.Sequence, "a list", keys)
}

func (r *reader) child(n *source.Node, kind source.Kind, want string, keys []string) *source.Node {
	for _, key := range keys {
		switch v := n.Get(key); {
		case v == nil || v.Is(source.Null):
		case v.Is(kind):
			return v
		default:
			r.want(v, key, want)
			return nil
		}
	}
	return nil
}

// describe returns a value in the words of a message.
func describe(n *source.Node) string {
	switch n.Kind {
	case source.String:
		return quote(n.Text)
	case source.Number, source.Bool:
		return n.Text
	case source.Null, source.Sequence, source.Mapping:
	}
	return n.Kind.String()
}

// quote makes a stranger's text fit for a message.
func quote(s string) string {
	runes := 0
	for i := range s {
		if runes == maxQuoted {
			return strconv.Quote(s[:i] + "…")
		}
		runes++
	}
	return strconv.Quote(s)
}
