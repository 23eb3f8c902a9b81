package testrunner

import (
	"errors"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// sameNames reports suites of the same name, and tests of a suite of the same name: neither
// a report nor --suite and --run could tell them apart.
func sameNames(suites []*Suite) error {
	first := map[string]*Suite{}
	var errs []error
	for _, s := range suites {
		switch other, ok := first[s.Name]; {
		case s.Name == "": // reported
		case !ok:
			first[s.Name] = s
		case other.Pos == s.Pos:
			errs = append(errs, source.Errorf(s.Pos, "suite %q is read twice: name its file once", s.Name))
		default:
			errs = append(errs, source.Errorf(s.Pos, "a suite is called %q already, at %s: give one of them another name", s.Name, other.Pos))
		}
	}
	return errors.Join(errs...)
}

// sameTests reports tests of a suite whose names are the same.
func (s *Suite) sameTests() error {
	first := map[string]source.Pos{}
	var errs []error
	for i := range s.Tests {
		t := &s.Tests[i]
		if at, ok := first[t.Name]; ok && t.Name != "" {
			errs = append(errs, source.Errorf(t.Pos, "a test of suite %q is called %q already, at %s: give one of them another name", s.Name, t.Name, at))
			continue
		}
		first[t.Name] = t.Pos
	}
	return errors.Join(errs...)
}

// namedTwice reports what stands twice in a list in the same words. A name beside a
// pattern that matches it is no mistake.
func namedTwice(list Names, what string) error {
	first := map[string]source.Pos{}
	var errs []error
	for _, name := range list {
		if name.Text == "" { // reported
			continue
		}
		if at, ok := first[name.Text]; ok {
			errs = append(errs, source.Errorf(name.Pos, "%s %q stands here twice, at %s already", what, name.Text, at))
			continue
		}
		first[name.Text] = name.Pos
	}
	return errors.Join(errs...)
}

// sameCases reports cases of an operation that are about the same by the same name: the
// item, and the arguments or all of them. Lists that contradict each other are none: one
// of the two fails.
func (o *Operation) sameCases() error {
	all := o.named()
	slices.SortStableFunc(all, func(a, b namedCase) int { return a.pos.Compare(b.pos) })
	first := map[string]*namedCase{}
	var errs []error
	for i := range all {
		one := &all[i]
		key := one.item + "\x00" + one.about
		switch other := first[key]; {
		case other == nil:
			first[key] = one
		case other.expect == one.expect:
			errs = append(errs, source.Errorf(one.pos, "the case of %q stands here twice, at %s already", one.item, other.pos))
		case !one.listed && !other.listed:
			errs = append(errs, source.Errorf(one.pos, "the case of %q is %s here, and %s at %s", one.item, one.expect, other.expect, other.pos))
		}
	}
	if o.Exactly != nil {
		errs = append(errs, namedTwice(o.Exactly.Names, noun(o.Types)))
	}
	return errors.Join(errs...)
}

// A namedCase is what an operation expects of something by its name.
type namedCase struct {
	pos    source.Pos
	item   string
	about  string // its arguments as JSON, the condition that is expected, or "" for all arguments
	expect accepts
	listed bool // in allow, deny or conditional
}

// named lists the cases of an operation.
func (o *Operation) named() []namedCase {
	var all []namedCase
	for _, list := range []struct {
		names   Names
		accepts accepts
	}{{o.Allow, allowed}, {o.Deny, denied}, {o.Conditional, conditional}, {o.Refuse, refused}} {
		for _, name := range list.names {
			all = append(all, namedCase{name.Pos, name.Text, "", list.accepts, true})
		}
	}
	for i := range o.When {
		w := &o.When[i]
		about := ""
		if w.Condition.Text != "" {
			about = "when " + w.Condition.Text
		}
		all = append(all, namedCase{w.Pos, w.Item.Text, about, conditional, true})
	}
	for i := range o.Cases {
		s := &o.Cases[i]
		about := ""
		if s.Arguments != nil {
			about = asJSON(s.Arguments)
		}
		all = append(all, namedCase{s.Pos, s.Item.Text, about, s.expects(), false})
	}
	return all
}

// expects returns what a case accepts.
func (s *Sample) expects() accepts {
	switch {
	case s.Refused:
		return refused
	case s.Expect == authz.Allow:
		return allowed
	}
	return denied
}
