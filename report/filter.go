package report

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Filter chooses cells of a matrix: those that all of its fields choose. The
// zero value of a field chooses everything.
type Filter struct {
	Only       Accesses
	Servers    Globs // names
	Principals Globs // keys
	Roles      Globs // a principal needs one that matches
	Items      Globs // names, URIs and URI templates
	Operations Globs // list, call, get, read
}

// Accesses is a set of kinds of access. The empty one chooses all.
type Accesses uint8

// ParseAccesses returns the set of the kinds with those names. Mistakes are
// joined.
func ParseAccesses(names []string) (Accesses, error) {
	var set Accesses
	var errs []error
	for _, name := range names {
		a, ok := matrix.ParseAccess(name)
		if !ok {
			errs = append(errs, fmt.Errorf("no access is called %q%s; there are %s",
				name, source.DidYouMean(name, matrix.Accesses()), strings.Join(matrix.Accesses(), ", ")))
			continue
		}
		set |= 1 << a
	}
	return set, errors.Join(errs...)
}

func (s Accesses) has(a matrix.Access) bool { return s == 0 || s&(1<<a) != 0 }

// Globs is a list of patterns, of which one must match. The empty one matches
// everything.
type Globs []pattern

type pattern struct {
	text string
	glob *regexp.Regexp
}

// matches takes a name as it is, too: a URI template has braces of its own.
func (p pattern) matches(name string) bool { return p.text == name || p.glob.MatchString(name) }

// ParseGlobs compiles patterns as package glob has them. Mistakes are joined.
func ParseGlobs(patterns []string) (Globs, error) {
	var list Globs
	var errs []error
	for _, text := range patterns {
		g, err := glob.Compile(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, pattern{text, g})
	}
	return list, errors.Join(errs...)
}

func (g Globs) match(names ...string) bool {
	return len(g) == 0 || slices.ContainsFunc(g, func(p pattern) bool { return slices.ContainsFunc(names, p.matches) })
}

// Match reports whether one of the patterns matches a name.
func (g Globs) Match(name string) bool { return g.match(name) }

func (f *Filter) isZero() bool {
	return f.Only == 0 && len(f.Servers)+len(f.Principals)+len(f.Roles)+len(f.Items)+len(f.Operations) == 0
}

func (f *Filter) server(s *matrix.Server) bool { return f.Servers.match(s.Name) }

func (f *Filter) principal(p *authz.Principal) bool {
	return f.Principals.match(p.Key) && f.Roles.match(p.Roles...)
}

func (f *Filter) column(c *matrix.Column) bool {
	return f.server(c.Server) && f.Items.match(c.Item.Name) && f.Operations.match(c.Operation.String())
}

// principals returns those of a class that the filter chooses.
func (f *Filter) principals(c *matrix.Class) []*authz.Principal {
	if len(f.Principals) == 0 && len(f.Roles) == 0 {
		return c.Principals
	}
	var list []*authz.Principal
	for _, p := range c.Principals {
		if f.principal(p) {
			list = append(list, p)
		}
	}
	return list
}

// Check reports each pattern that matches nothing of a matrix, joined. A
// report that is empty because of a slip looks like good news.
func (f *Filter) Check(m *matrix.Matrix) error {
	var servers, keys, roles, items []string
	for _, s := range m.Servers {
		servers = append(servers, s.Name)
		for _, item := range s.Inventory.Items {
			items = append(items, item.Name)
		}
	}
	if len(f.Principals)+len(f.Roles) > 0 {
		for p := range m.Principals() {
			keys, roles = append(keys, p.Key), append(roles, p.Roles...)
		}
		slices.Sort(roles)
		roles = slices.Compact(roles)
	}
	var operations []string
	for op := authz.List; op <= authz.Read; op++ {
		operations = append(operations, op.String())
	}
	return errors.Join(
		f.Servers.check("server", servers), f.Principals.check("principal", keys), f.Roles.check("role", roles),
		f.Items.check("tool, prompt or resource", items), f.Operations.check("operation", operations),
	)
}

// maxNearest bounds the search for a name that may have been meant.
const maxNearest = 10_000

func (g Globs) check(what string, names []string) error {
	var errs []error
	for _, p := range g {
		if slices.ContainsFunc(names, p.matches) {
			continue
		}
		hint := ""
		if !glob.Is(p.text) && len(names) <= maxNearest {
			hint = source.DidYouMean(p.text, names)
		}
		errs = append(errs, fmt.Errorf("no %s matches %q%s", what, p.text, visible(hint)))
	}
	return errors.Join(errs...)
}
