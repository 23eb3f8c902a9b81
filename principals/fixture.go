package principals

import (
	"errors"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// fixtureKeys are the keys of a fixture file, suiteKeys those that a test suite
// of Cerbos has besides. Cerbos takes the names of its protobuf fields too.
var (
	fixtureKeys = source.Keys[writtenFixture]()
	suiteKeys   = []string{
		"name", "description", "skip", "skipReason", "skip_reason", "tests", "resources", "resourceGroups", "resource_groups",
		"auxData", "aux_data", "options", "json_schema",
	}
)

func parseFixture(file string, data []byte) (*Set, error) {
	if len(data) > source.MaxBytes {
		return nil, source.Errorf(source.Pos{File: file},
			"a fixture file of more than %d MiB is not read; CSV and JSON Lines may have any size", source.MaxBytes>>20)
	}
	docs, err := source.ParseYAML(file, data)
	switch {
	case err != nil:
		return nil, err
	case len(docs) == 0 || docs[0].Is(source.Null):
		return nil, &source.Error{Pos: source.Pos{File: file}, Err: ErrEmpty}
	case len(docs) > 1:
		return nil, source.Errorf(docs[1].Pos, "a fixture file is one YAML document, this is another")
	}
	root := docs[0]
	if !root.Is(source.Mapping) {
		return nil, source.Errorf(root.Pos, "want a mapping with the key principals, have %v", root.Kind)
	}
	left := maxValues
	if n := excess(root, &left); n != nil {
		return nil, source.Errorf(n.Pos, "a fixture file of more than %d values and names of fields is not read; CSV and JSON Lines may have any number", maxValues)
	}
	f := fixtureReader{set: &Set{Groups: map[string][]string{}, index: &Index{}}}
	if !plainJSON(data, root) {
		f.errs = readAsCerbos(file, data, root, "principals", "principalGroups", "principal_groups")
	}
	f.read(root)
	if err := errors.Join(f.errs...); err != nil {
		return nil, err
	}
	return f.set, nil
}

// maxValues bounds a fixture file beyond what package source does: it is parsed
// twice, and Cerbos's parser takes the more memory.
const maxValues = source.MaxValues / 2

// excess returns the first value beyond the limit, or nil.
func excess(n *source.Node, left *int) *source.Node {
	if *left--; *left < 0 {
		return n
	}
	for _, item := range n.Items {
		if over := excess(item, left); over != nil {
			return over
		}
	}
	for _, f := range n.Fields {
		*left--
		if over := excess(f.Value, left); over != nil {
			return over
		}
	}
	return nil
}

type fixtureReader struct {
	set   *Set
	suite bool // the file is a test suite
	errs  []error
}

func (f *fixtureReader) fail(pos source.Pos, format string, args ...any) {
	f.errs = append(f.errs, source.Errorf(pos, format, args...))
}

func (f *fixtureReader) read(root *source.Node) {
	f.errs = append(f.errs, duplicates(root)...)
	f.suite = root.Get("tests") != nil
	var people, groups *source.Node
	for _, field := range root.Fields {
		switch field.Name {
		case "principals":
			people = field.Value
		case "principalGroups", "principal_groups":
			groups = field.Value
		case "$schema":
		default:
			known := slices.Clone(fixtureKeys)
			if f.suite {
				known = append(known, suiteKeys...)
			}
			if !slices.Contains(known, field.Name) {
				f.errs = append(f.errs, source.UnknownKey(field, known))
			}
		}
	}
	switch {
	case people == nil && len(f.errs) > 0: // the key is there, but misspelt
		return
	case people == nil && f.suite:
		f.errs = append(f.errs, source.Errorf(root.Pos, "%w in this test suite itself; name the file that has them, such as testdata/principals.yaml", ErrEmpty))
		return
	case people == nil || people.Is(source.Null) || people.Is(source.Mapping) && len(people.Fields) == 0:
		f.errs = append(f.errs, &source.Error{Pos: root.Pos, Err: ErrEmpty})
		return
	}
	f.people(people)
	f.groups(groups)
	f.errs = append(f.errs, f.set.index.Check())
}

func (f *fixtureReader) people(n *source.Node) {
	if !n.Is(source.Mapping) {
		f.fail(n.Pos, "principals: want a mapping from keys to principals, have %v", n.Kind)
		return
	}
	for _, d := range n.Duplicates {
		f.fail(d.Pos, "principal %q stands here twice", d.Name)
	}
	for _, field := range n.Fields {
		e := readEntry(field.Value, fixtureEntry, field.Name, field.Pos)
		if field.Name == "" {
			f.fail(field.Pos, "a principal without a key")
		}
		f.errs = append(f.errs, e.errs...)
		f.set.Principals = append(f.set.Principals, e.p)
		f.errs = append(f.errs, f.set.index.add(e.p, e.delegation))
	}
}

func (f *fixtureReader) groups(n *source.Node) {
	if n == nil || n.Is(source.Null) {
		return
	}
	if !n.Is(source.Mapping) {
		f.fail(n.Pos, "principalGroups: want a mapping from names to groups, have %v", n.Kind)
		return
	}
	for _, d := range n.Duplicates {
		f.fail(d.Pos, "group %q stands here twice", d.Name)
	}
	for _, field := range n.Fields {
		f.group(field)
	}
}

func (f *fixtureReader) group(g source.Field) {
	if !g.Value.Is(source.Mapping) {
		f.fail(g.Value.Pos, "group %q: want a mapping with the key principals, have %v", g.Name, g.Value.Kind)
		return
	}
	f.errs = append(f.errs, duplicates(g.Value)...)
	for _, field := range g.Value.Fields {
		if field.Name != "principals" {
			f.errs = append(f.errs, source.UnknownKey(field, source.Keys[writtenGroup]()))
		}
	}
	members := g.Value.Get("principals")
	switch {
	case members == nil || members.Is(source.Null) || members.Is(source.Sequence) && len(members.Items) == 0:
		f.fail(g.Pos, "group %q has no principals", g.Name)
		return
	case !members.Is(source.Sequence):
		f.fail(members.Pos, "group %q: principals: want a list, have %v", g.Name, members.Kind)
		return
	}
	for _, item := range members.Items {
		f.member(g.Name, item)
	}
}

func (f *fixtureReader) member(group string, item *source.Node) {
	key, ok := text(item)
	if !ok {
		f.fail(item.Pos, "group %q: want the key of a principal, have %v", group, item.Kind)
		return
	}
	p := f.set.Get(key)
	switch {
	case p == nil:
		hint := f.set.index.didYouMean(key)
		if hint == "" && f.suite {
			hint = " in this test suite; those of its testdata are not read with it"
		}
		f.fail(item.Pos, "group %q: no principal %q%s", group, key, hint)
	case slices.Contains(p.Groups, group):
		f.fail(item.Pos, "group %q names %q twice", group, key)
	default:
		f.add(p, group)
	}
}

func (f *fixtureReader) add(p *authz.Principal, group string) {
	p.Groups = append(p.Groups, group)
	f.set.Groups[group] = append(f.set.Groups[group], p.Key)
}
