package source

import (
	"errors"
	"fmt"
	"slices"
)

// An Error is one mistake in an input file.
type Error struct {
	Pos Pos
	Err error
}

// Errorf returns an [Error] at pos. It takes the verbs of [fmt.Errorf].
func Errorf(pos Pos, format string, args ...any) *Error {
	return &Error{Pos: pos, Err: fmt.Errorf(format, args...)}
}

// Error returns the position and the message.
func (e *Error) Error() string {
	if e.Pos.IsZero() {
		return e.Err.Error()
	}
	return e.Pos.String() + ": " + e.Err.Error()
}

// Unwrap returns the message without its position.
func (e *Error) Unwrap() error { return e.Err }

// Mistakes lists the leaves of a tree of joined errors, those with a position
// sorted by it and before the others, without repetitions.
func Mistakes(err error) []error {
	var list []error
	collect(err, &list)
	slices.SortStableFunc(list, func(a, b error) int {
		var x, y *Error
		okX, okY := errors.As(a, &x), errors.As(b, &y)
		switch {
		case okX && okY:
			return x.Pos.Compare(y.Pos)
		case okX:
			return -1
		case okY:
			return 1
		}
		return 0
	})
	return slices.CompactFunc(list, func(a, b error) bool { return a.Error() == b.Error() })
}

func collect(err error, list *[]error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the tree itself is walked
		for _, e := range joined.Unwrap() {
			collect(e, list)
		}
		return
	}
	*list = append(*list, err)
}
