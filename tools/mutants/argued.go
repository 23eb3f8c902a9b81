package main

import (
	"fmt"
	"os"
	"strings"
)

// An argument says why a mutant may survive.
type argument struct {
	file   string
	mutant string // its name, without the signs that a page needs
	why    string
	line   int
}

// readArguments reads the rows of a page's tables of four cells that are about a file of Go:
// the file, the function, the mutant, and why it may survive.
func readArguments(path string) ([]argument, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the command line names it
	if err != nil {
		return nil, err
	}
	var all []argument
	seen := map[string]int{}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		cells := cells(strings.TrimSpace(line))
		if len(cells) != 4 || !strings.HasSuffix(plain(cells[0]), ".go") {
			continue
		}
		a := argument{plain(cells[0]), plain(strings.Join(cells[:3], " ")), cells[3], number}
		if a.why == "" {
			return nil, fmt.Errorf("%s:%d: nothing says why %s may survive", path, number, a.mutant)
		}
		if seen[a.mutant] > 0 {
			return nil, fmt.Errorf("%s:%d: argued in line %d, too: %s", path, number, seen[a.mutant], a.mutant)
		}
		seen[a.mutant] = number
		all = append(all, a)
	}
	return all, nil
}

// cells are those of a row of a table, none if it is no row.
func cells(row string) []string {
	if len(row) < 2 || row[0] != '|' || row[len(row)-1] != '|' {
		return nil
	}
	const bar = "\x00"
	var all []string
	for cell := range strings.SplitSeq(strings.ReplaceAll(row[1:len(row)-1], `\|`, bar), "|") {
		all = append(all, strings.TrimSpace(strings.ReplaceAll(cell, bar, "|")))
	}
	return all
}

// plain is a text without the signs of code.
func plain(s string) string { return strings.ReplaceAll(s, "`", "") }

// row is the row of a page for a mutant, about which nothing is said yet.
func row(m *mutant) string {
	return fmt.Sprintf("| `%s` | `%s` | %s | |", m.file, m.fn, strings.ReplaceAll(m.what, "|", `\|`))
}
