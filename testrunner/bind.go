package testrunner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// accepts is a set of accesses that meet an expectation. Unguarded is never
// one of them.
type accepts uint8

const (
	denied      accepts = 1 << matrix.Denied
	allowed     accepts = 1 << matrix.Allowed
	conditional accepts = 1 << matrix.Conditional
)

func (a accepts) has(access matrix.Access) bool { return a&(1<<access) != 0 }

// String returns "allowed or conditional" and the like.
func (a accepts) String() string {
	var list []string
	for _, access := range []matrix.Access{matrix.Denied, matrix.Allowed, matrix.Conditional} {
		if a.has(access) {
			list = append(list, access.String())
		}
	}
	return strings.Join(list, " or ")
}

// A bound case is one whose names are found, ready to be decided.
type bound struct {
	*Case
	class    *matrix.Class
	column   *matrix.Column
	mention  *mention // the same for the cases of an expectation about one item
	accepts  accepts
	unlisted bool // exactly does not name it
	whatever bool // other arguments are known to change nothing
	options  *Options
}

// A boundSuite is a suite whose names are found.
type boundSuite struct {
	*Suite
	server *matrix.Server
	cases  []bound
}

// A binder finds what the names in suites stand for.
type binder struct {
	matrix  *matrix.Matrix
	people  *people
	filter  *filter
	columns map[place][]*matrix.Column
}

// A place is what a name is looked for in.
type place struct {
	server    *matrix.Server
	types     manifest.TypeSet
	operation authz.Operation
}

func newBinder(m *matrix.Matrix, p *people, f *filter) *binder {
	b := &binder{matrix: m, people: p, filter: f, columns: map[place][]*matrix.Column{}}
	for _, col := range m.Columns {
		types := manifest.Types(col.Item.Type)
		if types&resources != 0 {
			types = resources
		}
		at := place{col.Server, types, col.Operation}
		b.columns[at] = append(b.columns[at], col)
	}
	return b
}

func (b *binder) suite(s *Suite) (*boundSuite, error) {
	server, err := b.server(s)
	if err != nil {
		return nil, err
	}
	into := &boundSuite{Suite: s, server: server}
	var errs []error
	for i := range s.Tests {
		start := len(into.cases)
		errs = append(errs, b.test(into, &s.Tests[i]))
		slices.SortStableFunc(into.cases[start:], func(a, b bound) int { return a.Pos.Compare(b.Pos) })
	}
	return into, errors.Join(errs...)
}

func (b *binder) server(s *Suite) (*matrix.Server, error) {
	names := make([]string, len(b.matrix.Servers))
	for i, server := range b.matrix.Servers {
		names[i] = server.Name
	}
	switch server := b.matrix.Server(s.Server.Text); {
	case server != nil:
		return server, nil
	case s.Server.Text != "":
		return nil, source.Errorf(s.Server.Pos, "no server %q%s", s.Server.Text, source.DidYouMean(s.Server.Text, names))
	case len(names) == 1:
		return b.matrix.Servers[0], nil
	}
	return nil, source.Errorf(s.Pos, "suite without server; there are %s", strings.Join(names, ", "))
}

func (b *binder) test(into *boundSuite, t *Test) error {
	var errs []error
	if len(t.Operations) > 0 {
		casts, err := b.people.find(t.Principals)
		errs = append(errs, err)
		for _, o := range t.Operations {
			e := expander{binder: b, suite: into, test: t, casts: casts}
			e.operation(o)
			errs = append(errs, e.errs...)
		}
	}
	for _, p := range []struct {
		*Property
		accepts accepts
	}{{t.Never, denied}, {t.Always, allowed}} {
		if p.Property == nil {
			continue
		}
		casts, err := b.people.find(p.Principals)
		errs = append(errs, err)
		e := expander{binder: b, suite: into, test: t, casts: casts}
		for _, s := range p.Operations {
			e.selection(s, p.accepts)
		}
		errs = append(errs, e.errs...)
	}
	return errors.Join(errs...)
}

// An expander turns what a test expects into cases.
type expander struct {
	*binder
	suite *boundSuite
	test  *Test
	casts []cast
	errs  []error
}

// A mention is a column that an expectation names, and where.
type mention struct {
	column *matrix.Column
	pos    source.Pos
}

func (e *expander) operation(o *Operation) {
	at := place{e.suite.server, o.Types, o.Operation}
	for _, list := range []struct {
		names   Names
		accepts accepts
	}{{o.Allow, allowed}, {o.Deny, denied}, {o.Conditional, conditional}} {
		for _, m := range e.mentions(at, list.names) {
			e.add(m, list.accepts, "", nil, false)
		}
	}
	if o.Exactly != nil {
		e.exactly(at, o.Exactly)
	}
	for i := range o.Cases {
		s := &o.Cases[i]
		want := denied
		if s.Expect == authz.Allow {
			want = allowed
		}
		for _, m := range e.mentions(at, Names{s.Item}) {
			e.add(mention{m.column, s.Pos}, want, s.Skip, s.Arguments, false)
		}
	}
}

func (e *expander) exactly(at place, x *Exactly) {
	columns := e.columns[at]
	if len(columns) == 0 {
		e.errs = append(e.errs, source.Errorf(x.Pos, "%s has no %ss", at.server.Name, noun(at.types)))
		return
	}
	listed := map[*matrix.Column]bool{}
	for _, m := range e.mentions(at, x.Names) {
		listed[m.column] = true
		e.add(m, allowed|conditional, "", nil, false)
	}
	for _, col := range columns {
		if !listed[col] {
			e.add(mention{col, x.Pos}, denied, "", nil, true)
		}
	}
}

// mentions returns the columns that a list names, each once: where it is
// named itself, or else by the first pattern that matches it.
func (e *expander) mentions(at place, list Names) []mention {
	columns := e.columns[at]
	names := itemNames(columns)
	found := make([][]int, len(list))
	for i, name := range list {
		var err error
		found[i], err = find(name.Text, names)
		if err == nil && len(found[i]) == 0 {
			err = e.noItem(at, name.Text, names)
		}
		if err != nil {
			e.errs = append(e.errs, source.Errorf(name.Pos, "%w", err))
		}
	}
	var mentions []mention
	seen := map[int]bool{}
	for _, exact := range []bool{true, false} {
		for i, name := range list {
			for _, j := range found[i] {
				if !seen[j] && (names[j] == name.Text) == exact {
					seen[j] = true
					mentions = append(mentions, mention{columns[j], name.Pos})
				}
			}
		}
	}
	return mentions
}

func itemNames(columns []*matrix.Column) []string {
	names := make([]string, len(columns))
	for i, col := range columns {
		names[i] = col.Item.Name
	}
	return names
}

// noItem is the mistake of a name that stands for no item. It says so if there
// is one elsewhere.
func (e *expander) noItem(at place, text string, names []string) error {
	what, where := noun(at.types), " on "+at.server.Name
	for _, col := range e.matrix.Columns {
		if col.Operation != authz.List || col.Item.Name != text {
			continue
		}
		types := manifest.Types(col.Item.Type)
		switch {
		case types&at.types != 0:
			return fmt.Errorf("no %s %q%s; it is on %s", what, text, where, col.Server.Name)
		case col.Server == at.server:
			return fmt.Errorf("no %s %q%s; it is a %s", what, text, where, noun(types))
		}
	}
	return notFound(what, where, text, names)
}

// selection adds a case for everything selected.
func (e *expander) selection(s Selection, want accepts) {
	at := place{e.suite.server, s.Types, s.Operation}
	columns := e.columns[at]
	meets, err := e.predicate(at, s.Items)
	if err != nil {
		e.errs = append(e.errs, err)
		return
	}
	found := false
	for _, col := range columns {
		if meets(col.Item) {
			found = true
			e.add(mention{col, s.Pos}, want, "", nil, false)
		}
	}
	if !found {
		e.errs = append(e.errs, source.Errorf(s.Items.Pos, "the selector selects no %s on %s", noun(at.types), at.server.Name))
	}
}

// predicate returns what tells whether an item meets the selector. It is of no
// use if there is an error.
func (e *expander) predicate(at place, s *ItemSelector) (func(*manifest.Item) bool, error) {
	var errs []error
	var all []func(*manifest.Item) bool
	columns := e.columns[at]
	if len(s.Names) > 0 {
		before := len(e.errs)
		items := map[*manifest.Item]bool{}
		for _, m := range e.mentions(at, s.Names) {
			items[m.column.Item] = true
		}
		errs = append(errs, e.errs[before:]...)
		e.errs = e.errs[:before]
		all = append(all, func(it *manifest.Item) bool { return items[it] })
	}
	if len(s.Tags) > 0 {
		var known []string
		for _, col := range columns {
			known = append(known, col.Item.Tags...)
		}
		slices.Sort(known)
		tags, err := expand(s.Tags, "tag", " of a "+noun(at.types)+" on "+at.server.Name, slices.Compact(known))
		errs = append(errs, err)
		all = append(all, func(it *manifest.Item) bool {
			return slices.ContainsFunc(it.Tags, func(tag string) bool { return tags[tag] })
		})
	}
	if s.Destructive != nil {
		all = append(all, func(it *manifest.Item) bool { return (it.Destructive() != manifest.None) == *s.Destructive })
	}
	if s.ReadOnly != nil {
		all = append(all, func(it *manifest.Item) bool { return it.ReadOnly() == *s.ReadOnly })
	}
	if s.Not != nil {
		not, err := e.predicate(at, s.Not)
		errs = append(errs, err)
		all = append(all, func(it *manifest.Item) bool { return !not(it) })
	}
	return func(it *manifest.Item) bool {
		for _, meets := range all {
			if !meets(it) {
				return false
			}
		}
		return true
	}, errors.Join(errs...)
}

// add adds a case for each class of the test's principals.
func (e *expander) add(m mention, want accepts, skipped string, arguments map[string]any, unlisted bool) {
	if !e.filter.has(e.suite.Suite, e.test, m.column.Item) {
		return
	}
	for _, reason := range []string{e.test.Skip, e.suite.Skip} { // the outermost counts
		if reason != "" {
			skipped = reason
		}
	}
	for _, c := range e.casts {
		// A case that is not decided, for whatever reason, has not passed.
		x := &Case{
			Test: e.test.Name, Principals: c.principals, Server: e.suite.server.Name, Item: m.column.Item,
			Operation: m.column.Operation, Arguments: arguments, Want: want.String(), Pos: m.pos, Outcome: Errored,
		}
		if skipped != "" {
			x.Outcome, x.Message = Skipped, skipped
		}
		e.suite.cases = append(e.suite.cases, bound{
			Case: x, class: c.class, column: m.column, mention: &m, accepts: want, unlisted: unlisted,
			whatever: arguments == nil, options: &e.suite.Options,
		})
	}
}
