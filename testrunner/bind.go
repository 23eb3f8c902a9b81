package testrunner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/source"
)

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
	claim    *boundClaim // what is said of everybody; nil otherwise
	when     *expected   // the condition that it has to have; nil for any
	basis    *Basis      // how it has to be decided; nil for whatever way

	// How it was decided: by an engine, for the principal that stands for the class, and,
	// where it is about all arguments, in a cell of a matrix.
	by  pdp.Decider
	who *authz.Principal
	in  *matrix.Matrix
	at  matrix.CellKey
}

// decided notes how a case was decided.
func (b *bound) decided(by pdp.Decider, who *authz.Principal, in *matrix.Matrix, at matrix.CellKey) {
	b.by, b.who, b.in, b.at = by, who, in, at
	b.bound = b
}

// A boundSuite is a suite whose names are found.
type boundSuite struct {
	*Suite
	server *matrix.Server
	cases  []*bound
}

// A binder finds what the names in suites stand for.
type binder struct {
	matrix  *matrix.Matrix
	people  *people
	filter  *foundFilter
	columns map[namespace][]*matrix.Column
	names   map[namespace]*index // of the items that the columns are about

	everyRole *index          // that policies name or a principal has; nil until it is asked for
	rules     *index          // the names and IDs of all rules; nil until it is asked for
	groups    map[*Group]bool // those whose mistakes are reported
}

// A namespace is the items among which a name is looked for.
type namespace struct {
	server    *matrix.Server
	types     manifest.TypeSet
	operation authz.Operation
}

func newBinder(m *matrix.Matrix, p *people, f *foundFilter) *binder {
	b := &binder{matrix: m, people: p, filter: f, columns: map[namespace][]*matrix.Column{}, names: map[namespace]*index{}, groups: map[*Group]bool{}}
	for _, col := range m.Columns {
		types := manifest.Types(col.Item.Type)
		if types&resources != 0 {
			types = resources
		}
		at := namespace{col.Server, types, col.Operation}
		b.columns[at] = append(b.columns[at], col)
	}
	for at, columns := range b.columns {
		names := make([]string, len(columns))
		for i, col := range columns {
			names[i] = col.Item.Name
		}
		b.names[at] = newIndex(names)
	}
	return b
}

// known returns the names of the items in a namespace, which may have none.
func (b *binder) known(at namespace) *index {
	if names := b.names[at]; names != nil {
		return names
	}
	return newIndex(nil)
}

func (b *binder) suite(s *Suite) (*boundSuite, error) {
	server, err := b.server(s)
	if err != nil {
		return nil, err
	}
	if s.Options.Claims != nil && !server.Profile.ReadsTokens() {
		return nil, source.Errorf(s.Options.Pos, "claims: %s, in front of %s, reads no token: only coaz does", server.Profile.Name, server.Name)
	}
	into := &boundSuite{Suite: s, server: server}
	people, err := b.people.with(s.Groups)
	if err != nil {
		return into, b.once(s.Groups, err)
	}
	if people != b.people {
		seen := *b
		seen.people = people
		b = &seen
	}
	var errs []error
	for i := range s.Tests {
		start := len(into.cases)
		errs = append(errs, b.test(into, &s.Tests[i]))
		slices.SortStableFunc(into.cases[start:], func(a, b *bound) int { return a.Pos.Compare(b.Pos) })
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
	if b.filter.claims {
		return b.claims(into, t)
	}
	var errs []error
	if len(t.Operations) > 0 {
		e := expander{binder: b, suite: into, test: t, leniency: lenient(t.AllowEmpty)}
		errs = append(errs, e.cast(t.Principals))
		for _, o := range t.Operations {
			e.missing(o.Operation, "", e.absent)
			e.operation(o)
		}
		errs = append(errs, e.errs...)
	}
	for _, p := range []struct {
		*Property
		accepts accepts
	}{{t.Never, denied | refused}, {t.Always, allowed}} {
		if p.Property == nil {
			continue
		}
		e := expander{binder: b, suite: into, test: t, leniency: lenient(t.AllowEmpty || p.AllowEmpty)}
		errs = append(errs, e.cast(p.Principals))
		for _, s := range p.Operations {
			e.missing(s.Operation, p.accepts.String(), e.absent)
			e.selection(s, p.accepts)
		}
		errs = append(errs, e.errs...)
	}
	return errors.Join(append(errs, b.claims(into, t))...)
}

// An expander turns what a test expects into cases.
type expander struct {
	*binder
	leniency
	suite  *boundSuite
	test   *Test
	casts  []cast
	absent []*source.Error // of the principals, what is not there yet
	errs   []error
}

// cast finds whom the cases are about.
func (e *expander) cast(of *Principals) error {
	l := lenient(e.allowed)
	var err error
	e.casts, err = e.people.find(of, l)
	e.absent = *l.gaps
	return err
}

// missing adds a case for each thing that is not there yet.
func (e *expander) missing(op authz.Operation, want string, gaps []*source.Error) {
	if e.people.only != nil || !e.filter.has(e.suite.Suite, e.test, nil) {
		return
	}
	for _, gap := range gaps {
		x := &Case{
			Test: e.test.Name, Empty: true, Server: e.suite.server.Name, Operation: op, Want: want, Pos: gap.Pos,
			Outcome: Skipped, Message: gap.Err.Error(),
		}
		for _, reason := range []string{e.test.Skip, e.suite.Skip} {
			if reason != "" {
				x.Message = reason
			}
		}
		e.suite.cases = append(e.suite.cases, &bound{Case: x, options: &e.suite.Options})
	}
}

// excused excuses mistakes, adds cases for them, and keeps the others.
func (e *expander) excused(op authz.Operation, want string, l leniency, err error) {
	from := len(*l.gaps)
	e.errs = append(e.errs, l.excuse(err))
	e.missing(op, want, (*l.gaps)[from:])
}

// A mention is a column that an expectation names, and where.
type mention struct {
	column *matrix.Column
	pos    source.Pos
}

func (e *expander) operation(o *Operation) {
	at := namespace{e.suite.server, o.Types, o.Operation}
	for _, list := range []struct {
		names   Names
		accepts accepts
	}{{o.Allow, allowed}, {o.Deny, denied}, {o.Conditional, conditional}, {o.Refuse, refused}} {
		mentions, err := e.mentions(at, list.names)
		e.excused(o.Operation, list.accepts.String(), e.leniency, err)
		for _, m := range mentions {
			e.add(m, list.accepts, false)
		}
	}
	for i := range o.When {
		w := &o.When[i]
		e.errs = append(e.errs, e.basis(&w.Basis))
		mentions, err := e.mentions(at, Names{w.Item})
		e.excused(o.Operation, conditional.String(), e.leniency, err)
		for _, m := range mentions {
			e.when(mention{m.column, w.Pos}, w)
		}
	}
	if o.Exactly != nil {
		e.exactly(at, o.Exactly)
	}
	for i := range o.Cases {
		s := &o.Cases[i]
		mentions, err := e.mentions(at, Names{s.Item})
		e.excused(o.Operation, s.expects().String(), e.leniency, err)
		e.errs = append(e.errs, e.basis(&s.Basis), s.unsent(mentions))
		for _, m := range mentions {
			e.sample(mention{m.column, s.Pos}, s)
		}
	}
}

// unsent reports arguments of a read that the enforcement point does not send, and what it does
// not look up.
func (s *Sample) unsent(mentions []mention) error {
	if _, lookedUp := authz.SplitArguments(s.Arguments); lookedUp != nil {
		for _, m := range mentions {
			if err := m.column.Question.LooksUp(lookedUp); err != nil {
				return source.Errorf(s.Pos, "lookedUp: %s, %s: %w", m.column.Server.Profile.Name, m.column.Item.Name, err)
			}
		}
	}
	i := slices.IndexFunc(mentions, func(m mention) bool {
		return m.column.Operation == authz.Read && m.column.Question.Guarded() && !m.column.TakesArguments()
	})
	if s.Arguments == nil || i < 0 {
		return nil
	}
	return source.Errorf(s.Pos, "arguments: %s sends none when %s is read, so no policy can look at them", mentions[i].column.Server.Profile.Name, mentions[i].column.Item.Name)
}

func (e *expander) exactly(at namespace, x *Exactly) {
	columns := e.columns[at]
	want := (allowed | conditional).String()
	if len(columns) == 0 {
		err := source.Errorf(x.Pos, "%w", &unmatchedError{message: fmt.Sprintf("%s has no %ss", at.server.Name, noun(at.types))})
		e.excused(at.operation, want, e.leniency, err)
		return
	}
	listed := map[*matrix.Column]bool{}
	mentions, err := e.mentions(at, x.Names)
	e.excused(at.operation, want, e.leniency, err)
	for _, m := range mentions {
		listed[m.column] = true
		e.add(m, allowed|conditional, false)
	}
	for _, col := range columns {
		if !listed[col] {
			e.add(mention{col, x.Pos}, denied|refused, true)
		}
	}
}

// mentions returns the columns that a list names, each once: where it is
// named itself, or else by the first pattern that matches it. What it does find
// counts though there are mistakes.
func (e *expander) mentions(at namespace, list Names) ([]mention, error) {
	var errs []error
	columns, known := e.columns[at], e.known(at)
	found := make([][]int, len(list))
	for i, name := range list {
		var err error
		found[i], err = known.find(name.Text)
		if err == nil && len(found[i]) == 0 {
			err = e.noItem(at, name.Text, known.names)
		}
		if err != nil {
			errs = append(errs, source.Errorf(name.Pos, "%w", err))
		}
	}
	var mentions []mention
	seen := map[int]bool{}
	for _, exact := range []bool{true, false} {
		for i, name := range list {
			for _, j := range found[i] {
				if !seen[j] && (known.names[j] == name.Text) == exact {
					seen[j] = true
					mentions = append(mentions, mention{columns[j], name.Pos})
				}
			}
		}
	}
	return mentions, errors.Join(errs...)
}

// noItem is the mistake of a name that stands for no item. It says so if there
// is one elsewhere.
func (e *expander) noItem(at namespace, text string, names []string) error {
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
	l := lenient(e.allowed || s.Items.AllowEmpty)
	chosen, err := e.choose(s, l)
	for _, m := range chosen {
		e.add(m, want, false)
	}
	e.errs = append(e.errs, err)
	e.missing(s.Operation, want.String(), *l.gaps)
}

// selected returns what is selected, and adds a case for what is not there yet.
func (e *expander) selected(s Selection) ([]mention, error) {
	l := lenient(e.allowed || s.Items.AllowEmpty)
	chosen, err := e.choose(s, l)
	e.missing(s.Operation, prove.Proved.String(), *l.gaps)
	return chosen, err
}

// choose returns the columns that are selected.
func (e *expander) choose(s Selection, l leniency) ([]mention, error) {
	at := namespace{e.suite.server, s.Types, s.Operation}
	columns := e.columns[at]
	parts, err := e.parts(at, s.Items, l)
	if err != nil {
		return nil, err
	}
	meets := meetsAll(parts)
	var chosen []mention
	for _, col := range columns {
		if meets(col.Item) {
			chosen = append(chosen, mention{col, s.Pos})
		}
	}
	if len(chosen) == 0 && !l.said() {
		items := make([]*manifest.Item, len(columns))
		for i, col := range columns {
			items[i] = col.Item
		}
		err = l.excuse(nothing(s.Items.Pos, noun(at.types)+" on "+at.server.Name, parts, items))
	}
	return chosen, err
}

// parts returns what each field of the selector asks for. They are of no use if
// there is an error.
func (e *expander) parts(at namespace, s *ItemSelector, l leniency) ([]part[*manifest.Item], error) {
	var errs []error
	var parts []part[*manifest.Item]
	add := func(key, none string, meets func(*manifest.Item) bool) {
		parts = append(parts, part[*manifest.Item]{key, meets, none})
	}
	if len(s.Names) > 0 {
		items := map[*manifest.Item]bool{}
		mentions, err := e.mentions(at, s.Names)
		errs = append(errs, l.excuse(err))
		for _, m := range mentions {
			items[m.column.Item] = true
		}
		add("names", "none is called "+listed(s.Names), func(it *manifest.Item) bool { return items[it] })
	}
	if len(s.Tags) > 0 {
		var known []string
		for _, col := range e.columns[at] {
			known = append(known, col.Item.Tags...)
		}
		slices.Sort(known)
		tags, err := expand(s.Tags, "tag", " of a "+noun(at.types)+" on "+at.server.Name, newIndex(slices.Compact(known)))
		errs = append(errs, l.excuse(err))
		add("tags", "none has a tag of "+listed(s.Tags), func(it *manifest.Item) bool {
			return slices.ContainsFunc(it.Tags, func(tag string) bool { return tags[tag] })
		})
	}
	if s.Destructive != nil {
		add("destructive", isOrAre(*s.Destructive, "destructive"), func(it *manifest.Item) bool { return (it.Destructive() != manifest.None) == *s.Destructive })
	}
	if s.ReadOnly != nil {
		add("readOnly", isOrAre(*s.ReadOnly, "read-only"), func(it *manifest.Item) bool { return it.ReadOnly() == *s.ReadOnly })
	}
	if s.Not != nil {
		not, err := e.parts(at, s.Not, l.or(s.Not.AllowEmpty))
		errs = append(errs, err)
		meets := meetsAll(not)
		add("not", "not excludes them all", func(it *manifest.Item) bool { return !meets(it) })
	}
	return parts, errors.Join(errs...)
}

// isOrAre says why nothing has, or lacks, a property.
func isOrAre(wanted bool, property string) string {
	if wanted {
		return "none is " + property
	}
	return "all are " + property
}

// add adds a case for each class of the test's principals.
func (e *expander) add(m mention, want accepts, unlisted bool) {
	e.addFor(e.casts, m, want, "", nil, unlisted)
}

// addFor adds a case for each of some casts, and returns them.
func (e *expander) addFor(casts []cast, m mention, want accepts, skipped string, arguments map[string]any, unlisted bool) []bound {
	if !e.filter.has(e.suite.Suite, e.test, m.column.Item) {
		return nil
	}
	for _, reason := range []string{e.test.Skip, e.suite.Skip} { // the outermost counts
		if reason != "" {
			skipped = reason
		}
	}
	cases, bounds := make([]Case, len(casts)), make([]bound, len(casts))
	wants := want.String()
	for i, c := range casts {
		// A case that is not decided, for whatever reason, has not passed.
		x := &cases[i]
		*x = Case{
			Test: e.test.Name, Principals: c.principals, Server: e.suite.server.Name, Item: m.column.Item,
			Operation: m.column.Operation, Arguments: arguments, Want: wants, Pos: m.pos, Outcome: Errored,
		}
		if skipped != "" {
			x.Outcome, x.Message = Skipped, skipped
		}
		bounds[i] = bound{
			Case: x, class: c.class, column: m.column, mention: &m, accepts: want, unlisted: unlisted,
			whatever: arguments == nil, options: &e.suite.Options,
		}
		e.suite.cases = append(e.suite.cases, &bounds[i])
	}
	return bounds
}
