package testrunner

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// A Group is principals that suites name together, as @NAME, besides the groups that the
// principals are in.
type Group struct {
	Name string
	Pos  source.Pos // of its name
	Of   *Principals
}

// ErrOnlyGroups is the error of a file that holds groups for suites to include, and no
// suite.
var ErrOnlyGroups = errors.New("the file holds groups, and no suite")

// A groupFile is a document with groups and no tests.
type groupFile struct {
	include Names
	groups  []*Group
}

// onlyGroups reports whether a document is no suite, but groups for suites to include.
func onlyGroups(n *source.Node) bool {
	return n.Is(source.Mapping) && n.Get("groups") != nil && absent(n, "tests", "name")
}

// read reads the groups of a document, and what it includes. Other keys are for others to
// report.
func (g *groupFile) read(n *source.Node) error {
	var errs []error
	if include := n.Get("include"); include.Is(source.Sequence) {
		errs = append(errs, g.include.DecodeNode(include), notEmpty(source.Field{Name: "include", Value: include}), namedTwice(g.include, "file"))
	} else if include != nil && !include.Is(source.Null) {
		g.include = make(Names, 1)
		if err := g.include[0].DecodeNode(include); err != nil {
			errs, g.include = append(errs, wantAs(include, "include", "a file or a list of files")), nil
		}
	}
	for i := range g.include {
		if g.include[i].Text == "" { // reported
			continue
		}
		errs = append(errs, insideFolder(&g.include[i]))
	}
	groups := n.Get("groups")
	switch {
	case groups == nil, groups.Is(source.Null): // reported
		return errors.Join(errs...)
	case !groups.Is(source.Mapping):
		return errors.Join(append(errs, wantAs(groups, "groups", "a mapping of names to principals"))...)
	case len(groups.Fields) == 0:
		errs = append(errs, source.Errorf(groups.Pos, "groups: there are none"))
	}
	errs = append(errs, twice(groups))
	for _, f := range groups.Fields {
		one := &Group{Name: f.Name, Pos: f.Pos, Of: &Principals{}}
		switch {
		case strings.TrimSpace(f.Name) == "":
			errs = append(errs, source.Errorf(f.Pos, "groups: a name is empty"))
		case strings.HasPrefix(f.Name, "@"):
			errs = append(errs, source.Errorf(f.Pos, "groups: %q: the @ is for those who name the group: call it %s", f.Name, strings.TrimLeft(f.Name, "@")))
		}
		if f.Value.Is(source.Null) {
			errs = append(errs, source.Errorf(f.Pos, "groups: %s: the value is missing", f.Name))
		} else {
			errs = append(errs, one.Of.DecodeNode(f.Value))
		}
		g.groups = append(g.groups, one)
	}
	return errors.Join(errs...)
}

// insideFolder brings a path into its shortest form. It must not lead out of the folder of
// the config.
func insideFolder(name *Name) error {
	cleaned := path.Clean(name.Text)
	switch {
	case strings.Contains(name.Text, `\`):
		return source.Errorf(name.Pos, "include: %q: the parts of a path are divided by /", name.Text)
	case path.IsAbs(cleaned), cleaned == "..", strings.HasPrefix(cleaned, "../"):
		return source.Errorf(name.Pos, "include: %q leads out of the folder of the config, and nothing there is read", name.Text)
	}
	name.Text = cleaned
	return nil
}

// parseGroups reads a file that suites include, strictly.
func parseGroups(file string, data []byte) (*groupFile, error) {
	docs, err := source.ParseYAML(file, data)
	switch {
	case err != nil:
		return nil, err
	case len(docs) == 0 || docs[0].Is(source.Null):
		return nil, source.Errorf(source.Pos{File: file}, "the file holds no groups")
	case docs[0].Get("tests") != nil:
		return nil, source.Errorf(docs[0].Pos, "this is a suite, and what suites include are files with groups alone")
	case len(docs) > 1:
		return nil, source.Errorf(docs[1].Pos, "a file of groups is one YAML document, this is another")
	}
	return readGroups(docs[0])
}

func readGroups(n *source.Node) (*groupFile, error) {
	if !n.Is(source.Mapping) {
		return nil, wantAs(n, "groups", "a mapping with groups")
	}
	errs := []error{blank(n), twice(n)}
	for _, f := range n.Fields {
		if known := []string{"$schema", "groups", "include"}; !slices.Contains(known, f.Name) {
			errs = append(errs, source.UnknownKey(f, known))
		}
	}
	if absent(n, "groups", "include") {
		errs = append(errs, source.Errorf(n.Pos, "the file holds no groups"))
	}
	g := &groupFile{}
	return g, errors.Join(append(errs, g.read(n))...)
}

// Includes lists the files that a suite or a file of groups names for its groups, each once, in their
// shortest form, and without those that are not to be read. What is wrong in the file is for [Parse] to say.
func Includes(file string, data []byte) Names {
	docs, err := source.ParseYAML(file, data)
	if err != nil {
		return nil
	}
	var list Names
	for _, n := range docs {
		g := &groupFile{}
		_ = g.read(n)
		for _, name := range g.include {
			known := slices.ContainsFunc(list, func(x Name) bool { return x.Text == name.Text })
			if name.Text != "" && !known && insideFolder(&name) == nil {
				list = append(list, name)
			}
		}
	}
	return list
}

// An includer reads the files that suites include, each once.
type includer struct {
	read  func(path string, pos source.Pos) ([]byte, error)
	files map[string]*groupFile // nil where there are mistakes, which are reported
	errs  []error
}

// Include gives suites the groups of the files that they include, and of those that these
// include. Paths are those of the suites, in their shortest form, and lead nowhere out of
// the folder that they are relative to. All mistakes are reported, joined.
func Include(suites []*Suite, read func(path string, pos source.Pos) ([]byte, error)) error {
	x := &includer{read: read, files: map[string]*groupFile{}}
	for _, s := range suites {
		seen := map[string]bool{}
		for _, name := range s.Include {
			s.Groups = append(s.Groups, x.follow(name, nil, seen)...)
		}
		x.errs = append(x.errs, s.sameGroups())
	}
	return errors.Join(x.errs...)
}

// follow returns the groups of a file and of what it includes, each file once.
func (x *includer) follow(name Name, above []string, seen map[string]bool) []*Group {
	if slices.Contains(above, name.Text) {
		x.errs = append(x.errs, source.Errorf(name.Pos, "include: %s includes itself: %s", name.Text, strings.Join(append(above[slices.Index(above, name.Text):], name.Text), " -> ")))
		return nil
	}
	if seen[name.Text] {
		return nil
	}
	seen[name.Text] = true
	file, known := x.files[name.Text]
	if !known {
		data, err := x.read(name.Text, name.Pos)
		if err == nil {
			file, err = parseGroups(name.Text, data)
		}
		if err != nil {
			file = nil
			x.errs = append(x.errs, err)
		}
		x.files[name.Text] = file
	}
	if file == nil {
		return nil
	}
	list := slices.Clone(file.groups)
	for _, more := range file.include {
		list = append(list, x.follow(more, append(slices.Clone(above), name.Text), seen)...)
	}
	return list
}

// sameGroups reports groups of a suite that have the name of another.
func (s *Suite) sameGroups() error {
	first := map[string]source.Pos{}
	var errs []error
	for _, g := range s.Groups {
		if at, ok := first[g.Name]; ok && at != g.Pos {
			errs = append(errs, source.Errorf(g.Pos, "suite %q has a group %q already, at %s: give one of them another name", s.Name, g.Name, at))
			continue
		}
		first[g.Name] = g.Pos
	}
	return errors.Join(errs...)
}

// with returns the principals as a suite sees them: with the groups that it includes.
func (p *people) with(groups []*Group) (*people, error) {
	if len(groups) == 0 {
		return p, nil
	}
	more := *p
	more.groups = maps.Clone(p.groups)
	names := slices.Clone(p.names.names)
	for _, g := range groups {
		names = append(names, g.Name)
	}
	slices.Sort(names)
	more.names = newIndex(slices.Compact(names))
	m := &members{people: &more, declared: map[string]*Group{}, state: map[string]workedOut{}}
	for _, g := range groups {
		if p.groups[g.Name] != nil {
			m.errs = append(m.errs, source.Errorf(g.Pos, "the principals have a group %q already: give this one another name", g.Name))
		}
		m.declared[g.Name] = g
	}
	for _, g := range groups {
		m.of(g)
	}
	return &more, errors.Join(m.errs...)
}

// members works out who is in groups that name each other.
type members struct {
	people   *people
	declared map[string]*Group
	state    map[string]workedOut
	errs     []error
}

// workedOut says how far a group is.
type workedOut uint8

const (
	untouched workedOut = iota
	begun
	done
	broken // there is a mistake, which is reported
)

// of works out who is in a group.
func (m *members) of(g *Group) {
	if m.state[g.Name] != untouched {
		return
	}
	m.state[g.Name] = begun
	m.people.groups[g.Name] = map[string]bool{}
	end := done
	for _, name := range g.Of.groups() {
		at, err := m.people.names.find(strings.TrimPrefix(name.Text, "@"))
		if err != nil {
			continue // find reports it
		}
		for _, i := range at {
			other := m.declared[m.people.names.names[i]]
			if other == nil {
				continue
			}
			if m.of(other); m.state[other.Name] == begun {
				m.errs = append(m.errs, source.Errorf(name.Pos, "group %q is made of itself: %q leads back to it", other.Name, name.Text))
			}
			if m.state[other.Name] != done {
				end = broken
			}
		}
	}
	if end == done {
		casts, err := m.people.everybody().find(g.Of, lenient(false))
		if err != nil {
			m.errs, end = append(m.errs, err), broken
		}
		for _, c := range casts {
			for _, one := range c.principals {
				m.people.groups[g.Name][one.Key] = true
			}
		}
	}
	m.state[g.Name] = end
}

// groups returns the groups that principals are named by.
func (p *Principals) groups() Names {
	var list Names
	for _, name := range p.Names {
		if strings.HasPrefix(name.Text, "@") {
			list = append(list, name)
		}
	}
	for s := p.Selector; s != nil; s = s.Not {
		list = append(list, s.Groups...)
	}
	return list
}

// everybody returns the principals as if no filter left any out.
func (p *people) everybody() *people {
	all := *p
	all.only = nil
	return &all
}
