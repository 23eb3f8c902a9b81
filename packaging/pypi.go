package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

//go:embed pypi/README.md
var pypiReadme []byte

var candidate = regexp.MustCompile(`^-(alpha|beta|rc)\.?(\d+)$`)

// pep440 is the version in the words of Python: a release, a candidate for one, or a
// development release, which no index takes.
func (r *release) pep440() string {
	m := versionForm.FindStringSubmatch(r.version)
	if m[2] == "" {
		return m[1]
	}
	if c := candidate.FindStringSubmatch(m[2]); c != nil {
		return m[1] + map[string]string{"alpha": "a", "beta": "b", "rc": "rc"}[c[1]] + c[2]
	}
	return m[1] + ".dev0+" + strings.Trim(regexp.MustCompile(`[^0-9A-Za-z]+`).ReplaceAllString(m[2], "."), ".")
}

// wheels makes a wheel for each platform. It is the binary, as a script: there is no Python
// in it, and nothing runs when it is installed.
func (r *release) wheels() ([]file, error) {
	var list []file
	for _, p := range platforms {
		c := r.of[p]
		if c == nil {
			continue
		}
		w, err := r.wheel(p, c)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, nil
}

func (r *release) wheel(p platform, c *content) (file, error) {
	base := "mcpolicy-" + r.pep440()
	info := base + ".dist-info/"
	var tags strings.Builder
	for tag := range strings.SplitSeq(p.wheel, ".") {
		fmt.Fprintf(&tags, "Tag: py3-none-%s\n", tag)
	}
	var metadata strings.Builder
	fmt.Fprintf(&metadata, "Metadata-Version: 2.4\nName: mcpolicy\nVersion: %s\nSummary: %s\nLicense-Expression: Apache-2.0\n", r.pep440(), description)
	for _, t := range c.texts {
		fmt.Fprintf(&metadata, "License-File: %s\n", t.name)
	}
	fmt.Fprintf(&metadata, "Project-URL: Homepage, %s\nRequires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n%s", homepage, pypiReadme)
	files := []file{
		{base + ".data/scripts/" + c.binary.name, c.binary.data, 0o755},
		{info + "METADATA", []byte(metadata.String()), 0o644},
		{info + "WHEEL", []byte("Wheel-Version: 1.0\nGenerator: mcpolicy\nRoot-Is-Purelib: false\n" + tags.String()), 0o644},
	}
	for _, t := range c.texts {
		files = append(files, file{info + "licenses/" + t.name, t.data, 0o644})
	}
	var record bytes.Buffer
	for _, f := range files {
		sum := sha256.Sum256(f.data)
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.data))
	}
	fmt.Fprintf(&record, "%sRECORD,,\n", info)
	files = append(files, file{info + "RECORD", record.Bytes(), 0o644})

	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: packed}
		h.SetMode(f.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			return file{}, err
		}
		if _, err := w.Write(f.data); err != nil {
			return file{}, err
		}
	}
	if err := z.Close(); err != nil {
		return file{}, err
	}
	return file{name: base + "-py3-none-" + p.wheel + ".whl", data: b.Bytes()}, nil
}
