package source

import (
	"fmt"
	"path"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the candidate that name is most likely a slip of, or "" when
// none is close.
func Nearest(name string, candidates []string) string {
	return NearestWithin(name, candidates, len(name)/3+1)
}

// NearestWithin is [Nearest], but that no more than so many letters may be amiss.
func NearestWithin(name string, candidates []string, most int) string {
	best, bestDistance := "", most+1
	for _, c := range candidates {
		if c == name {
			continue
		}
		d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(c), nil)
		if d < min(bestDistance, len(name), len(c)) {
			best, bestDistance = c, d
		}
	}
	return best
}

// DidYouMean returns " (did you mean x?)" for the nearest candidate, or "".
func DidYouMean(name string, candidates []string) string {
	if n := Nearest(name, candidates); n != "" {
		return fmt.Sprintf(" (did you mean %s?)", n)
	}
	return ""
}

// NearestFile is [Nearest] for the names of files. That two have the same ending
// does not make them alike; one that differs in its ending alone is near.
func NearestFile(name string, candidates []string) string {
	ending := path.Ext(name)
	stem := strings.TrimSuffix(name, ending)
	var stems []string
	other := ""
	for _, c := range candidates {
		switch e := path.Ext(c); {
		case e == ending:
			stems = append(stems, strings.TrimSuffix(c, e))
		case other == "" && strings.EqualFold(strings.TrimSuffix(c, e), stem):
			other = c
		}
	}
	if near := Nearest(stem, stems); near != "" {
		return near + ending
	}
	return other
}
