package pep

import (
	"errors"

	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/source"
)

// The keys of a file of grants.
const (
	grantedPrincipals = "principals"
	grantedRoles      = "roles"
)

// ParseGrants reads a file of grants: names of items by the keys of principals and by roles.
// All mistakes are reported, joined, each a *source.Error.
func ParseGrants(file string, data []byte) (*Grants, error) {
	docs, err := source.ParseYAML(file, data)
	switch {
	case err != nil:
		return nil, err
	case len(docs) != 1:
		return nil, source.Errorf(source.Pos{File: file}, "want one mapping with %s and %s", grantedPrincipals, grantedRoles)
	}
	root := docs[0]
	switch {
	case root.Is(source.Mapping) && len(root.Fields) == 0:
		return nil, source.Errorf(root.Pos, "want a mapping with %s and %s, have a mapping without either", grantedPrincipals, grantedRoles)
	case !root.Is(source.Mapping):
		return nil, source.Errorf(root.Pos, "want a mapping with %s and %s, have %s", grantedPrincipals, grantedRoles, root.Describe())
	}
	g := &Grants{}
	errs := twice(root)
	for _, f := range root.Fields {
		switch f.Name {
		case grantedPrincipals:
			errs = append(errs, grantsTo(f, &g.Principals))
		case grantedRoles:
			errs = append(errs, grantsTo(f, &g.Roles))
		default:
			errs = append(errs, source.UnknownKey(f, []string{grantedPrincipals, grantedRoles}))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	g.index = make(map[string]*GrantTo, len(g.Principals))
	for _, to := range g.Principals {
		g.index[to.Whose] = to
	}
	return g, nil
}

// twice reports keys that stand in a mapping twice.
func twice(n *source.Node) []error {
	var errs []error
	for _, f := range n.Duplicates {
		errs = append(errs, source.Errorf(f.Pos, "key %q stands here twice", f.Name))
	}
	return errs
}

// grantsTo reads lists of names by whom they are granted to.
func grantsTo(of source.Field, into *[]*GrantTo) error {
	if !of.Value.Is(source.Mapping) {
		return source.Errorf(of.Value.Pos, "%s: want a mapping of lists of names, have %s", of.Name, of.Value.Describe())
	}
	errs := twice(of.Value)
	for _, f := range of.Value.Fields {
		to := &GrantTo{Whose: f.Name, Pos: f.Pos}
		*into = append(*into, to)
		if f.Name == "" {
			errs = append(errs, source.Errorf(f.Pos, "%s: a name is empty", of.Name))
		}
		if !f.Value.Is(source.Sequence) {
			errs = append(errs, source.Errorf(f.Value.Pos, "%s: want a list of names, [] for none, have %s", f.Name, f.Value.Describe()))
			continue
		}
		for _, n := range f.Value.Items {
			name, err := readName(n)
			to.Names = append(to.Names, name)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func readName(n *source.Node) (GrantedName, error) {
	name := GrantedName{Text: n.Text, Pos: n.Pos}
	if !n.Is(source.String) || n.Text == "" {
		return name, source.Errorf(n.Pos, "want the name of an item or a pattern of names, have %s", n.Describe())
	}
	if !glob.Is(n.Text) {
		return name, nil
	}
	re, err := glob.Compile(n.Text)
	if err != nil {
		return name, source.Errorf(n.Pos, "%w", err)
	}
	name.pattern = re
	return name, nil
}
