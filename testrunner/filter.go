package testrunner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
)

// ErrNothingSelected is the error of a filter that leaves no case to run.
var ErrNothingSelected = errors.New("no case is selected")

// A Filter limits a run to the cases that meet each of its fields; they meet a
// list by one of its elements, a name or a glob. An empty list leaves all.
type Filter struct {
	Suites     []string // the name of a suite or its file
	Tests      []string
	Principals []string // keys and @groups
	Items      []string
	Claims     bool // only what is said of everybody who could exist

	// Texts are looked for, whatever the case of letters, in the file of a suite and
	// in what cases are called: SUITE > TEST > PRINCIPAL calls ITEM. A glob stands
	// for the whole of that or of one of its parts.
	Texts []string
	Shard Shard
}

// A foundFilter is a Filter whose names are found. Nil leaves all.
type foundFilter struct {
	suites map[string]bool // names and files
	tests  map[string]bool
	items  map[string]bool
	shard  map[string]bool
	texts  []*wanted
	keys   map[string]bool // of the principals of Cerbos suites
	claims bool            // nothing else
}

// has reports whether the filter leaves a case about an item, or about nothing
// yet if that is nil.
func (f *foundFilter) has(s *Suite, t *Test, it *manifest.Item) bool {
	return (f.suites == nil || f.suites[s.Name] || f.suites[s.Pos.File]) &&
		(f.tests == nil || f.tests[t.Name]) &&
		(f.items == nil || it != nil && f.items[it.Name])
}

// find finds what the filter names. Something that is not there is an
// ErrNothingSelected. The principals are limited in place.
func (f *Filter) find(suites []*Suite, checked []*SuiteResult, m *matrix.Matrix, p *people) (*foundFilter, error) {
	var suiteNames, tests, items, dealt []string
	for _, s := range checked {
		suiteNames = append(suiteNames, s.Name, s.File)
		for _, c := range s.Cases {
			tests = append(tests, c.Test)
			dealt = append(dealt, shardName(s.Name, c.Test))
		}
	}
	for _, s := range suites {
		suiteNames = append(suiteNames, s.Name, s.Pos.File)
		for i := range s.Tests {
			tests = append(tests, s.Tests[i].Name)
			dealt = append(dealt, shardName(s.Name, s.Tests[i].Name))
		}
	}
	for _, s := range m.Servers {
		for _, it := range s.Inventory.Items {
			items = append(items, it.Name)
		}
	}
	found := &foundFilter{claims: f.Claims}
	if f.Shard.Count > 0 {
		found.shard = f.Shard.Of(dealt)
	}
	var errs []error
	for _, x := range []struct {
		list  []string
		what  string
		known []string
		into  *map[string]bool
	}{
		{f.Suites, "suite", suiteNames, &found.suites},
		{f.Tests, "test", tests, &found.tests},
		{f.Items, "tool, prompt or resource", items, &found.items},
	} {
		if len(x.list) == 0 {
			continue
		}
		var err error
		*x.into, err = expand(asNames(x.list), x.what, "", newIndex(x.known))
		errs = append(errs, err)
	}
	if len(f.Principals) > 0 {
		errs = append(errs, found.people(f.Principals, checked, p))
	}
	for _, text := range f.Texts {
		w, err := newWanted(text)
		found.texts, errs = append(found.texts, w), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNothingSelected, err)
	}
	return found, nil
}

// A wanted is a text that cases are looked for by.
type wanted struct {
	text  string
	is    func(string) bool
	found bool // in some case
}

func newWanted(text string) (*wanted, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("a text to look for cannot be empty")
	}
	w := &wanted{text: text}
	lower := strings.ToLower(text)
	within := func(part string) bool { return strings.Contains(strings.ToLower(part), lower) }
	if w.is = within; !glob.Is(text) {
		return w, nil
	}
	re, err := glob.Compile(lower)
	if err != nil {
		return nil, err
	}
	w.is = func(part string) bool { return within(part) || re.MatchString(strings.ToLower(part)) }
	return w, nil
}

// narrow leaves of a suite the cases, and of them the principals, that one of the texts
// wants, as far as they are in the shard. A text counts as found whatever the shard.
func (f *foundFilter) narrow(s *boundSuite) {
	if len(f.texts) == 0 && f.shard == nil {
		return
	}
	s.cases = slices.DeleteFunc(s.cases, func(c *bound) bool {
		wanted := len(f.texts) == 0 || f.wanted(s, c)
		return !wanted || f.shard != nil && !f.shard[shardName(s.Name, c.Test)]
	})
}

// wanted leaves of a case the principals that one of the texts wants, and reports whether
// there are any.
func (f *foundFilter) wanted(s *boundSuite, c *bound) bool {
	about := c.About()
	left := make([]*authz.Principal, 0, len(about))
	for _, p := range about {
		if f.wants(s.Name, s.Pos.File, c.Case, p) {
			left = append(left, p)
		}
	}
	if len(left) > 0 && len(c.Principals) > 0 {
		c.Principals = left
	}
	return len(left) > 0
}

// wants reports whether one of the texts is found in a case for a principal.
func (f *foundFilter) wants(suite, file string, c *Case, p *authz.Principal) bool {
	what := c.Sentence
	if what == "" {
		what = c.Operation.String() + "s"
		if p != nil {
			what = p.Key + " " + what
		}
		if c.Item != nil {
			what += " " + c.Item.Name
		}
		if c.Check != nil {
			what += " " + c.Check.Action + " " + c.Check.Resource
		}
	}
	parts := []string{strings.Join([]string{suite, c.Test, what}, " > "), file, suite, c.Test, what}
	if p != nil {
		parts = append(parts, p.Key)
	}
	if c.Item != nil {
		parts = append(parts, c.Item.Name)
	}
	some := false
	for _, w := range f.texts {
		if slices.ContainsFunc(parts, w.is) {
			w.found, some = true, true
		}
	}
	return some
}

// missing returns the mistakes of texts that no case was found by.
func (f *foundFilter) missing(suites []*boundSuite, m *matrix.Matrix, p *people) error {
	var errs []error
	var names []string
	for _, w := range f.texts {
		if w.found {
			continue
		}
		if names == nil {
			names = namesIn(suites, m, p)
		}
		if slices.ContainsFunc(names, w.is) {
			errs = append(errs, fmt.Errorf("no case is about %q, of those that are not filtered out otherwise", w.text))
			continue
		}
		errs = append(errs, notFound("case", "", w.text, names))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrNothingSelected, err)
	}
	return nil
}

// namesIn returns the names that cases are called by.
func namesIn(suites []*boundSuite, m *matrix.Matrix, p *people) []string {
	var names []string
	for _, s := range suites {
		names = append(names, s.Name, s.Pos.File)
		for i := range s.Tests {
			names = append(names, s.Tests[i].Name)
		}
	}
	for _, s := range m.Servers {
		for _, it := range s.Inventory.Items {
			names = append(names, it.Name)
		}
	}
	return append(names, p.keys.names...)
}

// nothing returns the error of a filter that leaves nothing.
func (f *Filter) nothing(suites []*Suite, checked []*SuiteResult) error {
	if f.Shard.Count == 0 {
		return ErrNothingSelected
	}
	tests := map[string]bool{}
	for _, s := range checked {
		for _, c := range s.Cases {
			tests[shardName(s.Name, c.Test)] = true
		}
	}
	for _, s := range suites {
		for i := range s.Tests {
			tests[shardName(s.Name, s.Tests[i].Name)] = true
		}
	}
	if len(tests) < f.Shard.Count {
		return fmt.Errorf("%w: shard %v has no test: all tests together are %d, so ask for %d shards at most", ErrNothingSelected, f.Shard, len(tests), len(tests))
	}
	return fmt.Errorf("%w: of the tests in shard %v the filter leaves no case: ask for fewer shards", ErrNothingSelected, f.Shard)
}

// people finds the principals of a filter: those of the matrix, which are limited in
// place, and those of Cerbos suites.
func (f *foundFilter) people(names []string, checked []*SuiteResult, p *people) error {
	p.only, f.keys = map[*authz.Principal]bool{}, map[string]bool{}
	keys := newIndex(checkedKeys(checked))
	var errs []error
	for _, name := range asNames(names) {
		list, err := p.named(Names{name})
		at, _ := keys.find(name.Text) // what is wrong with the pattern is in err
		for _, i := range at {
			f.keys[keys.names[i]] = true
		}
		if len(at) == 0 {
			errs = append(errs, err)
		}
		for _, one := range list {
			p.only[one] = true
		}
	}
	return errors.Join(errs...)
}

// IsSet reports whether the filter may leave something out.
func (f *Filter) IsSet() bool {
	return f.Claims || f.Shard.Count > 0 || len(f.Suites)+len(f.Tests)+len(f.Principals)+len(f.Items)+len(f.Texts) > 0
}

func asNames(list []string) Names {
	names := make(Names, len(list))
	for i, text := range list {
		names[i].Text = text
	}
	return names
}
