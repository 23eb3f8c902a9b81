package config

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// A Path is a file or a directory, slash-separated, relative to the config's
// folder. One that the config does not name has no position.
type Path struct {
	Path string
	Pos  source.Pos
}

// DecodeNode reads a string.
func (p *Path) DecodeNode(n *source.Node) error {
	switch {
	case n.Is(source.Null):
		return nil
	case !n.Is(source.String):
		return source.Errorf(n.Pos, "want a path, have %v", n.Kind)
	}
	*p = Path{Path: n.Text, Pos: n.Pos}
	return nil
}

// Paths are written as one string or a list of them.
type Paths []Path

// DecodeNode reads a string or a list of strings.
func (p *Paths) DecodeNode(n *source.Node) error {
	var list Paths
	err := oneOrMany(n, func(item *source.Node) error {
		var path Path
		if err := path.DecodeNode(item); err != nil {
			return err
		}
		list = append(list, path)
		return nil
	})
	*p = list
	return err
}

// A Manifest is a file with the inventory of a server, or one server of a file
// that holds several.
type Manifest struct {
	File string
	Pick string // the server's name in the file, or ""
	Pos  source.Pos
}

// ParseManifest splits file.json#server into the file and the server.
func ParseManifest(s string) (Manifest, error) {
	file, pick, isPicked := strings.Cut(s, "#")
	if isPicked && pick == "" {
		return Manifest{File: file}, fmt.Errorf("%q names no server behind the #", s)
	}
	return Manifest{File: file, Pick: pick}, nil
}

// Manifests are written as one string or a list of them. The files of a list
// are merged into one server.
type Manifests []Manifest

// DecodeNode reads a string or a list of strings.
func (m *Manifests) DecodeNode(n *source.Node) error {
	var list Manifests
	err := oneOrMany(n, func(item *source.Node) error {
		if !item.Is(source.String) {
			return source.Errorf(item.Pos, "want the path of an inventory, have %v", item.Kind)
		}
		manifest, err := ParseManifest(item.Text)
		if err != nil {
			err = source.Errorf(item.Pos, "%w", err)
		}
		manifest.Pos = item.Pos
		list = append(list, manifest)
		return err
	})
	*m = list
	return err
}

func oneOrMany(n *source.Node, each func(*source.Node) error) error {
	switch n.Kind {
	case source.Null:
		return nil
	case source.Sequence:
		var errs []error
		for _, item := range n.Items {
			if item.Is(source.Null) {
				errs = append(errs, source.Errorf(item.Pos, "want a path, have null"))
				continue
			}
			errs = append(errs, each(item))
		}
		return errors.Join(errs...)
	case source.Bool, source.Number, source.String, source.Mapping:
	}
	return each(n)
}

// drive is how an absolute path begins on Windows.
var drive = regexp.MustCompile(`^[A-Za-z]:`)

func cleanPath(p string) (string, error) {
	if p == "" {
		return "", errors.New("the path is empty")
	}
	if strings.Contains(p, `\`) {
		return p, fmt.Errorf("path %q: write / between folders, on every system", p)
	}
	cleaned := path.Clean(p)
	if path.IsAbs(p) || drive.MatchString(p) {
		return p, fmt.Errorf("path %q is absolute; paths here are relative to the config's folder", p)
	}
	if cleaned == ".." || strings.HasPrefix(cleaned, "../") {
		return p, fmt.Errorf("path %q leaves the config's folder", p)
	}
	return cleaned, nil
}
