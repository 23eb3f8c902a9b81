package lint

import (
	"errors"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// destructiveOptions are the options of rules about destructive tools.
type destructiveOptions struct {
	Words []string `yaml:"words" doc:"further words that make a tool's name say that it destroys something, such as decommission"`
}

// DecodeNode reads a mapping.
func (o *destructiveOptions) DecodeNode(n *source.Node) error {
	type plain destructiveOptions
	if err := source.Decode(n, (*plain)(o)); err != nil {
		return err
	}
	var errs []error
	if words := n.Get("words"); words != nil {
		for _, w := range words.Items {
			if len(manifest.Words(w.Text)) != 1 {
				errs = append(errs, source.Errorf(w.Pos, "words: want single words, have %q", w.Text))
			}
		}
	}
	return errors.Join(errs...)
}

// nameSays reports whether a name says that the tool destroys something.
func (o *destructiveOptions) nameSays(name string) bool {
	if manifest.NameSaysDestructive(name) {
		return true
	}
	for _, word := range manifest.Words(name) {
		for _, w := range o.Words {
			if strings.EqualFold(w, word) {
				return true
			}
		}
	}
	return false
}

// ground says why a tool is taken to be destructive.
func (o *destructiveOptions) ground(i *manifest.Item) manifest.Destructive {
	d := i.Destructive()
	silent := i.Hints.Destructive == manifest.Unset && !i.ReadOnly()
	if d == manifest.None && silent && (o.nameSays(i.Name) || o.nameSays(i.OwnName)) {
		return manifest.Inferred
	}
	return d
}

// confidenceIn says how sure it is that a tool is destructive.
func confidenceIn(d manifest.Destructive) authz.Confidence {
	switch d {
	case manifest.Inferred:
		return authz.ConfidenceMedium
	case manifest.Default:
		return authz.ConfidenceLow
	case manifest.None, manifest.Declared:
	}
	return authz.ConfidenceHigh
}

// destructiveBecause says why so many tools are taken to be destructive, where
// they do not say so themselves.
func destructiveBecause(d manifest.Destructive, n int) string {
	switch d {
	case manifest.Default:
		return plural(n, ", and its hints do not say that it is harmless", ", and their hints do not say that they are harmless")
	case manifest.Inferred:
		return plural(n, ", and its name says that it destroys something", ", and their names say that they destroy something")
	case manifest.None, manifest.Declared:
	}
	return ""
}
