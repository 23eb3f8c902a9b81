package source

import (
	"regexp"
	"strings"
)

// fileInText is what may be the file of a place in a text: what stands before a line's
// number, or has a folder and an ending.
var fileInText = regexp.MustCompile("[^\\s\"'`()\\[\\]{},;=:]+(:[0-9])?")

// Relocate returns a text with other names for the files of the places in it. Name returns
// what is no file's name as it is.
func Relocate(text string, name func(file string) string) string {
	if !strings.ContainsAny(text, ":/") {
		return text
	}
	if i := strings.IndexByte(text, ':'); i > 0 && strings.Contains(text[:i], " ") { // a name may have spaces where a text begins with it
		if file := name(text[:i]); file != text[:i] {
			return file + text[i:]
		}
	}
	return fileInText.ReplaceAllStringFunc(text, func(m string) string {
		if i := strings.IndexByte(m, ':'); i > 0 {
			return name(m[:i]) + m[i:]
		}
		if i := strings.LastIndexByte(m, '/'); i > 0 && strings.Contains(m[i:], ".") {
			return name(m)
		}
		return m
	})
}
