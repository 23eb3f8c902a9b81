package testrunner

import (
	"errors"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// DecodeNode reads a list of names or a selector.
func (p *Principals) DecodeNode(n *source.Node) error {
	p.Pos = n.Pos
	switch n.Kind {
	case source.Sequence:
		if len(n.Items) == 0 {
			return source.Errorf(n.Pos, "principals: the list is empty; {} selects everybody")
		}
		return errors.Join(p.Names.DecodeNode(n), namedTwice(p.Names, "principal"))
	case source.Mapping:
		p.Selector = &PrincipalSelector{}
		return source.Decode(n, p.Selector)
	case source.Null, source.Bool, source.Number, source.String:
	}
	return wantAs(n, "principals", "a list of keys and @groups, or a selector ("+strings.Join(principalKeys, ", ")+")")
}

// principalKeys are the keys of a selector of principals.
var principalKeys = source.Keys[writtenSelector]()

// DecodeNode reads a mapping.
func (s *PrincipalSelector) DecodeNode(n *source.Node) error {
	var plain writtenSelector
	known := *n
	known.Fields = slices.DeleteFunc(slices.Clone(n.Fields), func(f source.Field) bool { return !slices.Contains(principalKeys, f.Name) })
	errs := []error{source.Decode(&known, &plain), blank(n), nothingExcluded(n)}
	*s = PrincipalSelector{Pos: n.Pos, Keys: plain.Keys, Roles: plain.Roles, Groups: plain.Groups, Not: plain.Not, AllowEmpty: plain.AllowEmpty}
	for _, f := range n.Fields {
		if !slices.Contains(principalKeys, f.Name) {
			errs = append(errs, unknownIn(f, principalKeys))
		}
		errs = append(errs, notEmpty(f))
	}
	if plain.Kind != nil && !plain.Kind.Is(source.Null) {
		var err error
		s.Kinds, err = principalKinds(plain.Kind)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// principalKinds reads a kind or a list of kinds.
func principalKinds(n *source.Node) ([]authz.Kind, error) {
	list := []*source.Node{n}
	if n.Is(source.Sequence) {
		list = n.Items
	}
	var kinds []authz.Kind
	var errs []error
	for _, item := range list {
		kind, err := principalKind(item)
		kinds, errs = append(kinds, kind), append(errs, err)
	}
	return kinds, errors.Join(errs...)
}

func principalKind(n *source.Node) (authz.Kind, error) {
	if k, ok := authz.ParseKind(n.Str()); ok {
		return k, nil
	}
	if hint := source.DidYouMean(n.Str(), authz.Kinds()); hint != "" {
		return 0, source.Errorf(n.Pos, "unknown kind %q%s", n.Text, hint)
	}
	return 0, wantAs(n, "kind", strings.Join(authz.Kinds(), ", "))
}

// readProperty reads never or always.
func readProperty(f source.Field) (*Property, error) {
	n := f.Value
	switch {
	case n.Is(source.Null): // reported
		return nil, nil
	case !n.Is(source.Mapping):
		return nil, wantAs(n, f.Name, "a mapping with principals and list, call, get or read")
	}
	var plain writtenProperty
	errs := []error{source.Decode(n, &plain), blank(n)}
	p := &Property{Pos: f.Pos, AllowEmpty: plain.AllowEmpty, Principals: plain.Principals}
	if absent(n, "principals") {
		errs = append(errs, source.Errorf(n.Pos, "%s without principals; {} selects everybody", f.Name))
	}
	for _, below := range n.Fields {
		if op, ok := authz.ParseOperation(below.Name); ok {
			errs = append(errs, p.operation(below, op))
		}
	}
	if absent(n, "list", "call", "get", "read") {
		errs = append(errs, source.Errorf(n.Pos, "%s: nothing is said: want list, call, get or read", f.Name))
	}
	return p, errors.Join(errs...)
}

func (p *Property) operation(f source.Field, op authz.Operation) error {
	n := f.Value
	if n.Is(source.Null) { // reported
		return nil
	}
	known := map[authz.Operation][]manifest.TypeSet{
		authz.List: {tools, prompts, resources}, authz.Call: {tools}, authz.Get: {prompts}, authz.Read: {resources},
	}[op]
	names := make([]string, len(known))
	for i, types := range known {
		names[i] = noun(types) + "s"
	}
	switch {
	case !n.Is(source.Mapping):
		return wantAs(n, f.Name, "a mapping with "+strings.Join(names, ", "))
	case len(n.Fields) == 0:
		return source.Errorf(n.Pos, "%s: nothing is selected: want %s", f.Name, strings.Join(names, ", "))
	}
	errs := []error{blank(n), twice(n)}
	for _, below := range n.Fields {
		i := slices.Index(names, below.Name)
		if i < 0 {
			errs = append(errs, source.UnknownKey(below, slices.Clone(names)))
			continue
		}
		items, err := readItemSelector(below, known[i])
		errs = append(errs, err)
		p.Operations = append(p.Operations, Selection{Pos: below.Pos, Operation: op, Types: known[i], Items: items})
	}
	return errors.Join(errs...)
}

// itemKeys are the keys of a selector of items. The hints are about tools alone.
func itemKeys(types manifest.TypeSet) []string {
	if types == tools {
		return source.Keys[writtenTools]()
	}
	return source.Keys[writtenItems]()
}

// unknownIn is the mistake of a key that no selector of a kind has: it says
// which was meant and which there are.
func unknownIn(f source.Field, known []string) error {
	return source.Errorf(f.Pos, "unknown key %q%s; a selector has %s", f.Name, source.DidYouMean(f.Name, known), strings.Join(known, ", "))
}

func readItemSelector(f source.Field, types manifest.TypeSet) (*ItemSelector, error) {
	n := f.Value
	s := &ItemSelector{Pos: n.Pos}
	known := itemKeys(types)
	switch {
	case n.Is(source.Null): // reported
		return s, nil
	case !n.Is(source.Mapping):
		return s, wantAs(n, f.Name, "a selector ("+strings.Join(known, ", ")+"; {} selects all)")
	}
	errs := []error{blank(n), twice(n), nothingExcluded(n)}
	for _, below := range n.Fields {
		var err error
		switch {
		case !slices.Contains(known, below.Name):
			err = unknownIn(below, known)
		case below.Name == "names":
			err = errors.Join(source.Decode(below.Value, &s.Names), notEmpty(below))
		case below.Name == "tags":
			err = errors.Join(source.Decode(below.Value, &s.Tags), notEmpty(below))
		case below.Name == "destructive":
			s.Destructive, err = boolean(below)
		case below.Name == "readOnly":
			s.ReadOnly, err = boolean(below)
		case below.Name == "allowEmpty":
			var allow *bool
			allow, err = boolean(below)
			s.AllowEmpty = allow != nil && *allow
		case !below.Value.Is(source.Null):
			s.Not, err = readItemSelector(below, types)
		}
		errs = append(errs, err)
	}
	return s, errors.Join(errs...)
}

// nothingExcluded reports a not that leaves nothing over.
func nothingExcluded(n *source.Node) error {
	said := func(f source.Field) bool { return f.Name != "allowEmpty" }
	if not := n.Get("not"); not.Is(source.Mapping) && !slices.ContainsFunc(not.Fields, said) {
		return source.Errorf(not.Pos, "not: {} excludes everything")
	}
	return nil
}
