package testrunner

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/source"
)

// An index finds names in a list.
type index struct {
	names []string
	at    map[string][]int // made on first use
}

func newIndex(names []string) *index { return &index{names: names} }

// find returns the indexes of the names equal to a text or, if there are none, of
// those that match it as a glob; nil if none does.
func (x *index) find(text string) ([]int, error) {
	if x.at == nil {
		x.at = make(map[string][]int, len(x.names))
		for i, name := range x.names {
			x.at[name] = append(x.at[name], i)
		}
	}
	at := x.at[text]
	if len(at) > 0 || !glob.Is(text) {
		return at, nil
	}
	re, err := glob.Compile(text)
	if err != nil {
		return nil, err
	}
	for i, name := range x.names {
		if re.MatchString(name) {
			at = append(at, i)
		}
	}
	return at, nil
}

// expand returns which of the known names a list stands for. Each of the list
// that stands for nothing is a mistake.
func expand(list Names, what, where string, known *index) (map[string]bool, error) {
	found := map[string]bool{}
	var errs []error
	for _, name := range list {
		at, err := known.find(name.Text)
		if err == nil && len(at) == 0 {
			err = notFound(what, where, name.Text, known.names)
		}
		if err != nil {
			errs = append(errs, source.Errorf(name.Pos, "%w", err))
		}
		for _, i := range at {
			found[known.names[i]] = true
		}
	}
	return found, errors.Join(errs...)
}

// maxCandidates bounds the names that a misspelt one is compared to.
const maxCandidates = 10_000

// notFound is the mistake of a name or pattern that stands for no thing of a
// kind.
func notFound(what, where, text string, names []string) error {
	hint := ""
	if !strings.ContainsAny(text, "*?") { // a URI template looks like a pattern
		// The names of items are a stranger's: one that would not print is quoted.
		if n := source.Nearest(text, names[:min(len(names), maxCandidates)]); strings.ContainsFunc(n, notPrintable) {
			hint = fmt.Sprintf(" (did you mean %q?)", n)
		} else if n != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", n)
		}
	}
	message := fmt.Sprintf("no %s %q%s%s", what, text, where, hint)
	if glob.Is(text) {
		message = fmt.Sprintf("no %s%s matches %q%s", what, where, text, hint)
	}
	return &unmatchedError{message, hint != ""}
}

func notPrintable(r rune) bool { return !unicode.IsPrint(r) }
