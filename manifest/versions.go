package manifest

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// compareVersions orders the versions of components as FastMCP does: none at
// all first, then those of PEP 440 (1 < 1.9 < 1.10, v1 = 1.0, 2.0rc1 < 2.0),
// then other text.
func compareVersions(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(a), len(b))
	}
	x, okX := parsePEP440(a)
	y, okY := parsePEP440(b)
	switch {
	case okX && okY:
		return x.compare(&y)
	case okX:
		return -1
	case okY:
		return 1
	}
	return strings.Compare(a, b)
}

// pep440 is a version in the notation of PEP 440, with every spelling of its
// parts. It is held against ASCII only.
var pep440 = regexp.MustCompile(`(?i)^v?(?:(\d+)!)?(\d+(?:\.\d+)*)` +
	`(?:[._-]?(alpha|a|beta|b|preview|pre|c|rc)[._-]?(\d*))?` +
	`(?:-(\d+)|[._-]?(post|rev|r)[._-]?(\d*))?` +
	`(?:[._-]?(dev)[._-]?(\d*))?` +
	`(?:\+([a-z0-9]+(?:[._-][a-z0-9]+)*))?$`)

// preReleases are the kinds of pre-releases, by their spelling.
var preReleases = map[string]phase{
	"a": alpha, "alpha": alpha, "b": beta, "beta": beta, "c": candidate, "rc": candidate, "pre": candidate, "preview": candidate,
}

// A phase is what a version is on the way to its release, in order.
type phase int

const (
	development phase = iota // of the release itself: 1.0.dev1
	alpha
	beta
	candidate
	release
)

// A pepVersion is a version of PEP 440, ready to be compared. Numbers have no
// leading zeros and may be of any size.
type pepVersion struct {
	epoch     string
	release   []string // without zeros at the end
	phase     phase
	pre       string
	post, dev *string  // nil where there is none
	local     []string // in lower case
}

func parsePEP440(version string) (pepVersion, bool) {
	text := strings.TrimFunc(strings.TrimLeft(version, "v"), func(r rune) bool {
		return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' // as Python has it
	})
	isASCII := !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
	m := pep440.FindStringSubmatch(text)
	if m == nil || !isASCII {
		return pepVersion{}, false
	}
	v := pepVersion{epoch: number(m[1]), phase: release}
	for part := range strings.SplitSeq(m[2], ".") {
		v.release = append(v.release, number(part))
	}
	for len(v.release) > 0 && v.release[len(v.release)-1] == "" {
		v.release = v.release[:len(v.release)-1]
	}
	if m[5] != "" || m[6] != "" {
		post := number(m[5] + m[7])
		v.post = &post
	}
	if m[8] != "" {
		dev := number(m[9])
		v.dev = &dev
	}
	switch {
	case m[3] != "":
		v.phase, v.pre = preReleases[strings.ToLower(m[3])], number(m[4])
	case v.dev != nil && v.post == nil:
		v.phase = development
	}
	if m[10] != "" {
		v.local = strings.FieldsFunc(strings.ToLower(m[10]), func(r rune) bool { return strings.ContainsRune("._-", r) })
	}
	return v, true
}

// number returns digits without leading zeros, so zero as nothing.
func number(digits string) string { return strings.TrimLeft(digits, "0") }

func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func (v *pepVersion) compare(w *pepVersion) int {
	return cmp.Or(
		compareNumbers(v.epoch, w.epoch),
		slices.CompareFunc(v.release, w.release, compareNumbers),
		cmp.Compare(v.phase, w.phase),
		compareNumbers(v.pre, w.pre),
		compareOptional(v.post, w.post, -1),
		compareOptional(v.dev, w.dev, 1),
		slices.CompareFunc(v.local, w.local, compareLocal),
	)
}

// compareOptional compares numbers that may be missing. None is what a missing
// one is to any other.
func compareOptional(a, b *string, none int) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return none
	case b == nil:
		return -none
	}
	return compareNumbers(*a, *b)
}

// compareLocal compares parts of local versions: text comes before numbers.
func compareLocal(a, b string) int {
	isNumber := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
	switch x, y := isNumber(a), isNumber(b); {
	case x && y:
		return compareNumbers(number(a), number(b))
	case x:
		return 1
	case y:
		return -1
	}
	return strings.Compare(a, b)
}
