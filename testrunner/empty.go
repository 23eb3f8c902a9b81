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

// A leniency takes mistakes for what is to come, where allowEmpty says that
// nothing need be there yet. What looks like a slip remains a mistake.
type leniency struct {
	allowed bool
	gaps    *[]*source.Error // what was excused
}

// lenient returns a leniency of its own gaps.
func lenient(allowed bool) leniency { return leniency{allowed, &[]*source.Error{}} }

// or returns the leniency of a part, which may say allowEmpty itself.
func (l leniency) or(allowed bool) leniency { return leniency{l.allowed || allowed, l.gaps} }

// excuse returns the mistakes that are none to come.
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

// said reports whether it is said already what is not there yet.
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

// nothing is the mistake of a selector that selects none of all: it names the
// part that nothing meets, or how many meet each.
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
