// Package schema holds the JSON Schemas of the files that mcpolicy reads, for editors, and of
// what it writes for programs. They are made from the types that read and write these; tests
// hold them to what is taken and written.
package schema

import (
	"embed"
	"regexp"
)

//go:embed *.json
var files embed.FS

// Text returns the schema in a file of this folder, such as config.json, or nil.
func Text(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}

// release is the version of a release, by which its tag is called.
var release = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-(alpha|beta|rc)\.?[0-9]+)?$`)

// IsRelease reports whether a version is that of a release.
func IsRelease(version string) bool { return release.MatchString(version) }

// URL returns where an editor finds a schema, such as config.json: that of a release, or of the
// branch main if the version is that of no release.
func URL(name, version string) string {
	if !IsRelease(version) {
		version = "main"
	}
	return "https://raw.githubusercontent.com/mcpolicy/mcpolicy/" + version + "/docs/schema/" + name
}
