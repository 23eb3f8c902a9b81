package testcoverage

import "strings"

// mostCompared bounds the comparison of lines; whatever is too much for it is changed.
const mostCompared = 1 << 24

// ChangedLines returns whether some line of a range, counted from 1, is not in an older
// text, or stands beside lines that were taken out.
func ChangedLines(old, text []byte) func(first, last int) bool {
	a, b := lines(old), lines(text)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	changed := make([]bool, len(b)+2) // by number, from 1
	mark(changed, a[head:len(a)-tail], b[head:len(b)-tail], head)
	return func(first, last int) bool {
		for i := max(first, 0); i <= last && i < len(changed); i++ {
			if changed[i] {
				return true
			}
		}
		return false
	}
}

func lines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	list := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i := range list {
		list[i] = strings.TrimSuffix(list[i], "\r")
	}
	return list
}

// mark marks the lines of b, which stand behind some others, that are not in a longest
// common subsequence with a, and those on both sides of what is gone with nothing in its place.
func mark(changed []bool, a, b []string, before int) {
	added, gone := 0, 0
	end := func(j int) { // of a piece that differs, before line j+1 of b
		for k := j - added; k < j; k++ {
			changed[before+k+1] = true
		}
		if gone > 0 && added == 0 {
			changed[before+j], changed[before+j+1] = true, true
		}
		added, gone = 0, 0
	}
	if len(a)*len(b) > mostCompared {
		added = len(b)
		end(len(b))
		return
	}
	longest := common(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			end(j)
			i, j = i+1, j+1
		case i == len(a) || j < len(b) && longest[i][j+1] >= longest[i+1][j]:
			j, added = j+1, added+1
		default:
			i, gone = i+1, gone+1
		}
	}
	end(j)
}

// common returns how long a common subsequence of the ends of two lists can be.
func common(a, b []string) [][]int32 {
	longest := make([][]int32, len(a)+1)
	for i := range longest {
		longest[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	return longest
}
