package config

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// entries decodes a mapping from names, the fields of which are handed to each
// in the order of their names.
func entries(n *source.Node, what string, each func(source.Field) error) error {
	if n.Is(source.Null) {
		return nil
	}
	if !n.Is(source.Mapping) {
		return source.Errorf(n.Pos, "%s: want a mapping, have %v", what, n.Kind)
	}
	var errs []error
	for _, f := range n.Duplicates {
		errs = append(errs, source.Errorf(f.Pos, "key %q stands here twice", f.Name))
	}
	fields := slices.Clone(n.Fields)
	slices.SortStableFunc(fields, func(a, b source.Field) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range fields {
		if f.Name == "" {
			errs = append(errs, source.Errorf(f.Pos, "%s: a name is empty", what))
		}
		errs = append(errs, each(f))
	}
	return errors.Join(errs...)
}

// required reports the fields of a mapping that are missing or blank.
func required(n *source.Node, what string, names ...string) error {
	if !n.Is(source.Mapping) {
		return nil // which is a mistake already
	}
	var errs []error
	for _, name := range names {
		v := n.Get(name)
		switch {
		case v == nil:
			errs = append(errs, source.Errorf(n.Pos, "%s without %s", what, name))
		case v.Is(source.Null), v.Is(source.String) && strings.TrimSpace(v.Text) == "":
			errs = append(errs, source.Errorf(v.Pos, "%s: %s is empty", what, name))
		}
	}
	return errors.Join(errs...)
}

// Keys lists the keys of a config.
func Keys() []string { return source.Keys[file]() }
