package testrunner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// An unmatchedError is the mistake of a name, pattern or selector that stands
// for nothing.
type unmatchedError struct {
	message string
	slip    bool // it looks like a slip of something that is there
}

func (e *unmatchedError) Error() string { return e.message }

// A leniency collects, under allowEmpty, the names and selectors that stand for
// nothing yet, in place of reporting them. What looks misspelt remains a mistake.
type leniency struct {
	allowed bool
	gaps    *[]*source.Error // what was excused
}

// lenient returns a leniency that has collected nothing yet. Unless allowed, it excuses
// nothing.
func lenient(allowed bool) leniency { return leniency{allowed, &[]*source.Error{}} }

// or returns the leniency of a part, which may say allowEmpty itself.
func (l leniency) or(allowed bool) leniency { return leniency{l.allowed || allowed, l.gaps} }

// excuse collects the mistakes that it excuses, and returns the others.
func (l leniency) excuse(err error) error {
	if !l.allowed {
		return err
	}
	var left []error
	for _, mistake := range source.Mistakes(err) {
		var at *source.Error
		var nothing *unmatchedError
		if errors.As(mistake, &at) && errors.As(mistake, &nothing) && !nothing.slip {
			*l.gaps = append(*l.gaps, at)
			continue
		}
		left = append(left, mistake)
	}
	return errors.Join(left...)
}

// said reports whether something was collected already.
func (l leniency) said() bool { return l.allowed && len(*l.gaps) > 0 }

// A part is one field of a selector: it is met or not.
type part[T any] struct {
	key   string
	meets func(T) bool
	none  string // what to say if nothing meets it
}

// meetsAll returns what meets each of the parts.
func meetsAll[T any](parts []part[T]) func(T) bool {
	return func(x T) bool {
		return !slices.ContainsFunc(parts, func(p part[T]) bool { return !p.meets(x) })
	}
}

// nothing is the mistake of a selector that selects nothing: it names the part that
// nothing meets, or says how many meet each part.
func nothing[T any](pos source.Pos, what string, parts []part[T], all []T) error {
	var counts []string
	for _, p := range parts {
		n := 0
		for _, x := range all {
			if p.meets(x) {
				n++
			}
		}
		if n == 0 {
			return source.Errorf(pos, "%w", &unmatchedError{message: fmt.Sprintf("the selector selects no %s: %s", what, p.none)})
		}
		counts = append(counts, fmt.Sprintf("%d by %s", n, p.key))
	}
	message := fmt.Sprintf("the selector selects no %s: there is none", what)
	if len(all) > 0 {
		message = fmt.Sprintf("the selector selects no %s: %s, none by all of them", what, strings.Join(counts, ", "))
	}
	return source.Errorf(pos, "%w", &unmatchedError{message: message})
}
