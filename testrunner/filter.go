package testrunner

import (
	"errors"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
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
}

// A foundFilter is a Filter whose names are found. Nil leaves all.
type foundFilter struct {
	suites map[string]bool // names and files
	tests  map[string]bool
	items  map[string]bool
	claims bool // nothing else
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
func (f *Filter) find(suites []*Suite, m *matrix.Matrix, p *people) (*foundFilter, error) {
	var suiteNames, tests, items []string
	for _, s := range suites {
		suiteNames = append(suiteNames, s.Name, s.Pos.File)
		for i := range s.Tests {
			tests = append(tests, s.Tests[i].Name)
		}
	}
	for _, s := range m.Servers {
		for _, it := range s.Inventory.Items {
			items = append(items, it.Name)
		}
	}
	found := &foundFilter{claims: f.Claims}
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
		list, err := p.named(asNames(f.Principals))
		errs = append(errs, err)
		p.only = map[*authz.Principal]bool{}
		for _, one := range list {
			p.only[one] = true
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNothingSelected, err)
	}
	return found, nil
}

func (f *Filter) isSet() bool {
	return f.Claims || len(f.Suites)+len(f.Tests)+len(f.Principals)+len(f.Items) > 0
}

func asNames(list []string) Names {
	names := make(Names, len(list))
	for i, text := range list {
		names[i].Text = text
	}
	return names
}
