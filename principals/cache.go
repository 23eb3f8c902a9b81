package principals

import "strings"

// A cache holds what was made of a text, so that it is made and kept in memory
// once. It stops growing at a size that covers the departments and teams of a
// directory, but not its people.
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
