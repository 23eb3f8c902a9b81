package principals

import "strings"

// A cache keeps values by the text that they were parsed from, so that equal texts
// share a value. Its size is limited: enough for the departments and teams of a
// directory, but not for its people.
type cache[T any] map[string]T

const (
	maxCached     = 1 << 14 // texts
	maxCachedText = 1 << 8  // bytes
)

func (c cache[T]) put(text string, value T) {
	if len(c) < maxCached && len(text) <= maxCachedText {
		c[strings.Clone(text)] = value
	}
}
