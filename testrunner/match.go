package testrunner

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/mcpolicy/mcpolicy/glob"
	"github.com/mcpolicy/mcpolicy/source"
)

// find returns the indexes of the names that a text stands for: those equal
// to it or, if there are none, those that match it as a glob. Without any it
// returns nil.
func find(text string, names []string) ([]int, error) {
	var at []int
	for i, name := range names {
		if name == text {
			at = append(at, i)
		}
	}
	if len(at) > 0 || !glob.Is(text) {
		return at, nil
	}
	re, err := glob.Compile(text)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if re.MatchString(name) {
			at = append(at, i)
		}
	}
	return at, nil
}

// expand returns which of the known names a list stands for. Each of the list
// that stands for nothing is a mistake.
func expand(list Names, what, where string, known []string) (map[string]bool, error) {
	found := map[string]bool{}
	var errs []error
	for _, name := range list {
		at, err := find(name.Text, known)
		if err == nil && len(at) == 0 {
			err = notFound(what, where, name.Text, known)
		}
		if err != nil {
			errs = append(errs, source.Errorf(name.Pos, "%w", err))
		}
		for _, i := range at {
			found[known[i]] = true
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
