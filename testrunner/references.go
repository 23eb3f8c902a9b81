package testrunner

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// token splits CEL into the parts that matter for finding references.
var token = regexp.MustCompile(`(?s)` +
	`//[^\n]*` + // a comment
	`|(?:[rR][bB]?|[bB][rR]?)?(?:"""(?:\\.|.)*?"""|'''(?:\\.|.)*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')` +
	`|[A-Za-z_][A-Za-z0-9_]*` +
	`|\s+` +
	`|.`)

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// roots are the names that references begin with.
	roots = []string{"P", "R", "V", "C", "G", "request", "variables", "constants", "globals", "now"}
)

// references returns the paths below Cerbos's names that a CEL expression
// refers to, such as R.attr.arguments.region, in its order. A path ends where
// a method is called or an index is computed. The function now is one too.
func references(expr string) [][]string {
	tokens := token.FindAllString(expr, -1)
	tokens = slices.DeleteFunc(tokens, func(s string) bool {
		return strings.TrimSpace(s) == "" || strings.HasPrefix(s, "//")
	})
	at := func(i int) string {
		if i < len(tokens) {
			return tokens[i]
		}
		return ""
	}
	var paths [][]string
	for i := 0; i < len(tokens); i++ {
		if !slices.Contains(roots, tokens[i]) || i > 0 && (tokens[i-1] == "." || tokens[i-1] == "?") && isSelect(tokens[:i]) {
			continue
		}
		path := []string{tokens[i]}
		for {
			j := i + 1
			if at(j) == "." {
				if j++; at(j) == "?" {
					j++
				}
				if !identifier.MatchString(at(j)) || at(j+1) == "(" {
					break
				}
				path = append(path, at(j))
				i = j
				continue
			}
			if at(j) != "[" {
				break
			}
			if j++; at(j) == "?" {
				j++
			}
			name, err := unquote(at(j))
			if err != nil || at(j+1) != "]" {
				break
			}
			path = append(path, name)
			i = j + 1
		}
		if len(path) > 1 || path[0] == "now" && at(i+1) == "(" {
			paths = append(paths, path)
		}
	}
	return paths
}

// isSelect reports whether an identifier after these tokens is a field: it
// follows "." or ".?", not the "?" of a conditional.
func isSelect(before []string) bool {
	n := len(before)
	return before[n-1] == "." || n > 1 && before[n-2] == "."
}

// unquote returns the text of a plain string literal.
func unquote(literal string) (string, error) {
	if len(literal) > 1 && literal[0] == '\'' && !strings.ContainsAny(literal, `"\`) {
		literal = `"` + literal[1:len(literal)-1] + `"`
	}
	return strconv.Unquote(literal)
}

// spell writes a path as CEL.
func spell(path []string) string {
	var b strings.Builder
	b.WriteString(path[0])
	for _, name := range path[1:] {
		if identifier.MatchString(name) {
			b.WriteString("." + name)
		} else {
			b.WriteString("[" + strconv.Quote(name) + "]")
		}
	}
	return b.String()
}
