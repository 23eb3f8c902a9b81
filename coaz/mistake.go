package coaz

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/source"
)

// A Mistake is one thing that is wrong with a mapping. The errors of [Parse] are
// source.Errors with a Mistake in each.
type Mistake struct {
	Kind    MistakeKind
	Message string // what is wrong, and what to write
}

// Error returns the message.
func (m *Mistake) Error() string { return m.Message }

// A MistakeKind says what comes of a mistake.
type MistakeKind uint8

// The kinds of a mistake.
const (
	// Malformed: every call is refused with [CodeMapping], and nothing is asked.
	Malformed MistakeKind = iota
	// Invalid: Cerbos takes no such evaluation (status 400), so every call is refused.
	Invalid
	// Mistyped: an expression fails for all arguments that the inputSchema allows,
	// wherever it is evaluated.
	Mistyped
	// Earlier: a spelling of an earlier draft, which is not read any more.
	Earlier
	// Unclear: implementations differ in what they make of it, or it is beyond what is
	// read here.
	Unclear
)

// String returns the kind in one word.
func (k MistakeKind) String() string {
	return [...]string{"malformed", "invalid", "mistyped", "earlier", "unclear"}[k]
}

func wrong(kind MistakeKind, pos source.Pos, format string, args ...any) error {
	return source.Errorf(pos, "%w", &Mistake{kind, fmt.Sprintf(format, args...)})
}
