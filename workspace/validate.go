package workspace

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A FileKind is a kind of file that people write for mcpolicy.
type FileKind string

// The kinds.
const (
	ConfigFile     FileKind = "config"
	SuiteFile      FileKind = "suite" // or groups that suites include
	PrincipalsFile FileKind = "principals"
)

// FileKinds lists the names of the kinds.
func FileKinds() []string {
	return []string{string(ConfigFile), string(SuiteFile), string(PrincipalsFile)}
}

// Validate reads a file by itself, strictly, and returns what kind of file it is: the given
// one or, if that is "", what its name and content say. No other file is opened, and nothing
// is decided. All mistakes are reported, joined.
func Validate(kind FileKind, name string, data []byte) (FileKind, error) {
	if kind == "" {
		var err error
		if kind, err = fileKindOf(name, data); err != nil {
			return "", err
		}
	}
	var err error
	switch kind {
	case ConfigFile:
		err = validateConfig(name, data)
	case SuiteFile:
		if _, err = testrunner.Parse(name, data); errors.Is(err, testrunner.ErrOnlyGroups) {
			err = nil
		}
	case PrincipalsFile:
		_, err = principals.Parse(name, data)
	default:
		return "", fmt.Errorf("unknown kind %q; want %s", kind, source.OneOf(FileKinds()))
	}
	return kind, err
}

// validateConfig reports the mistakes of a config, with those that its lint rules have.
func validateConfig(name string, data []byte) error {
	c, err := ParseConfig(name, data)
	if err != nil {
		return err
	}
	return CheckSettings(c)
}

// CheckSettings reports the mistakes in what a config says of lint rules, as far as they can
// be told without anything else.
func CheckSettings(c *config.Config) error {
	o, err := (&Workspace{Config: c}).LintOptions(Rules{})
	return errors.Join(err, o.CheckSettings())
}

// ReadNamed hands each the principals and suites that a config names, and the groups that suites
// include, each file once, or why they cannot be read.
func ReadNamed(in *Inputs, each func(kind FileKind, name string, data []byte, err error)) {
	seen := map[string]bool{}
	var read func(kind FileKind, p config.Path)
	read = func(kind FileKind, p config.Path) {
		if at := path.Clean(p.Path); !seen[at] {
			seen[at] = true
			data, err := in.read(p)
			each(kind, p.Path, data, err)
			if err != nil || kind != SuiteFile {
				return
			}
			for _, name := range testrunner.Includes(p.Path, data) {
				read(SuiteFile, config.Path{Path: name.Text, Pos: name.Pos})
			}
		}
	}
	if p := in.Config.Principals; p.Path != "" {
		read(PrincipalsFile, p)
	}
	for _, p := range in.Config.Tests {
		files, err := in.suitesAt(p)
		if err != nil {
			each(SuiteFile, p.Path, nil, err)
		}
		for _, file := range files {
			read(SuiteFile, config.Path{Path: file, Pos: p.Pos})
		}
	}
}

// fileKindOf returns what kind of file it is. A mistake in it does not make it another.
func fileKindOf(name string, data []byte) (FileKind, error) {
	base := path.Base(name)
	switch strings.ToLower(path.Ext(base)) {
	case ".csv", ".tsv", ".jsonl", ".ndjson":
		return PrincipalsFile, nil
	}
	if base == config.Name {
		return ConfigFile, nil
	}
	docs, err := source.ParseYAML(name, data)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(docs, func(n *source.Node) bool { return !n.Is(source.Null) })
	if i < 0 {
		return "", source.Errorf(source.Pos{File: name}, "the file is empty")
	}
	root := docs[i]
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return root.Get(key) != nil })
	}
	suites := root.Get("tests").Is(source.Sequence) && slices.ContainsFunc(root.Get("tests").Items, func(n *source.Node) bool { return n.Is(source.Mapping) })
	people := root.Get("principals").Is(source.Mapping)
	switch {
	case root.Get("apiVersion").Is(source.String):
		return "", source.Errorf(root.Get("apiVersion").Pos, "this is a policy of Cerbos, which cerbos compile and mcpolicy check read, not one of mcpolicy's own files")
	case people:
		return PrincipalsFile, nil
	case suites, has("groups", "include", "name"):
		return SuiteFile, nil
	case has(config.Keys()...):
		return ConfigFile, nil
	}
	return "", source.Errorf(root.Pos, "this looks like none of mcpolicy's own files: a config has servers, a suite tests, a file of principals the mapping principals; --kind says which it is meant to be")
}
