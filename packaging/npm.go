package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
)

//go:embed npm/mcpolicy.js
var npmCommand []byte

//go:embed npm/README.md
var npmReadme []byte

// A packageJSON is what npm has to know.
type packageJSON struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Description  string            `json:"description"`
	License      string            `json:"license"`
	Homepage     string            `json:"homepage"`
	Repository   map[string]string `json:"repository"` // provenance is held to it
	OS           []string          `json:"os,omitempty"`
	CPU          []string          `json:"cpu,omitempty"`
	Engines      map[string]string `json:"engines,omitempty"`
	Bin          map[string]string `json:"bin,omitempty"`
	Files        []string          `json:"files"`
	Optional     map[string]string `json:"optionalDependencies,omitempty"`
	PreferUnplug bool              `json:"preferUnplugged,omitempty"` // a binary cannot run out of a zip
}

const (
	homepage    = "https://github.com/mcpolicy/mcpolicy"
	description = "Who can see and use which MCP tool, and who wrote that down?"
)

func (r *release) packageJSON(name string) packageJSON {
	return packageJSON{
		Name: name, Version: r.version, Description: description, License: "Apache-2.0", Homepage: homepage,
		Repository: map[string]string{"type": "git", "url": "git+" + homepage + ".git"},
	}
}

// npm makes a package for each platform, which npm installs where it fits, and the one that
// people ask for, which starts the binary of the other. Nothing runs when they are installed.
func (r *release) npm() ([]file, error) {
	main := r.packageJSON("mcpolicy")
	main.Engines = map[string]string{"node": ">=18"}
	main.Bin = map[string]string{"mcpolicy": "mcpolicy.js"}
	main.Files = []string{"mcpolicy.js"}
	main.Optional = map[string]string{}
	var packages []file
	var texts []file
	for _, p := range platforms {
		c := r.of[p]
		if c == nil {
			continue
		}
		one := r.packageJSON("@mcpolicy/" + p.node)
		one.Description = fmt.Sprintf("The binary of mcpolicy for %s on %s", p.os, p.arch)
		one.OS, one.CPU, one.PreferUnplug = []string{p.npmOS}, []string{p.npmCPU}, true
		one.Files = []string{c.binary.name, "THIRD_PARTY_LICENSES.txt"}
		main.Optional[one.Name] = r.version
		texts = c.texts
		packed, err := tarball(one, append([]file{c.binary}, c.texts...))
		if err != nil {
			return nil, err
		}
		packages = append(packages, file{name: fmt.Sprintf("mcpolicy-%s-%s.tgz", p.node, r.version), data: packed})
	}
	packed, err := tarball(main, append([]file{{"mcpolicy.js", npmCommand, 0o755}, {"README.md", npmReadme, 0o644}}, texts...))
	if err != nil {
		return nil, err
	}
	return append(packages, file{name: "mcpolicy-" + r.version + ".tgz", data: packed}), nil
}

// packed is the time of all that is packed, which says nothing.
var packed = time.Date(1985, 10, 26, 8, 15, 0, 0, time.UTC)

// tarball packs files as npm does, below package/.
func tarball(manifest packageJSON, files []file) ([]byte, error) {
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, f := range append([]file{{"package.json", append(text, '\n'), 0o644}}, files...) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "package/" + f.name, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: packed}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := gz.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
