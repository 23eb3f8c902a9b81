package testrunner

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/source"
)

// conditional reads a list of names, and of items with a condition.
func (o *Operation) conditional(n *source.Node) error {
	switch {
	case n.Is(source.Null): // reported
		return nil
	case !n.Is(source.Sequence):
		return want(n, "a list of names")
	}
	var errs []error
	for _, item := range n.Items {
		switch {
		case item.Is(source.Mapping):
			w := When{Pos: item.Pos}
			errs = append(errs, w.read(item, o.Types, o.Operation))
			o.When = append(o.When, w)
		case item.Is(source.Null):
			errs = append(errs, want(item, "a name"))
		default:
			var name Name
			errs = append(errs, name.DecodeNode(item))
			o.Conditional = append(o.Conditional, name)
		}
	}
	return errors.Join(errs...)
}

// read reads a mapping. Its first key is tool, prompt or resource, depending on where it
// stands.
func (w *When) read(n *source.Node, types manifest.TypeSet, op authz.Operation) error {
	item := noun(types)
	errs := []error{blank(n), twice(n)}
	for _, f := range n.Fields {
		var err error
		switch {
		case f.Name == item:
			err = w.Item.DecodeNode(f.Value)
		case f.Name == "when" && !op.TakesArguments():
			err = source.Errorf(f.Pos, "when: a %s has no arguments", op)
		case f.Name == "when":
			w.Condition, err = condition(f)
		case slices.Contains(basisKeys, f.Name):
			err = w.Basis.field(f)
		default:
			err = source.UnknownKey(f, append([]string{item, "when"}, basisKeys...))
		}
		errs = append(errs, err)
	}
	if absent(n, item) {
		errs = append(errs, source.Errorf(n.Pos, "conditional: want a name, or %s and when; %s is missing", item, item))
	}
	if absent(n, append([]string{"when"}, basisKeys...)...) {
		errs = append(errs, source.Errorf(n.Pos, "conditional: want a name, or %s and when; when is missing", item))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return w.Basis.fits(authz.Conditional, n.Pos)
}

// condition reads CEL over the arguments of a call and its principal, as reports or as
// policies name them.
func condition(f source.Field) (Name, error) {
	x, reads, err := readCEL(f)
	switch {
	case err != nil || x.Text == "":
		return x, err
	case reads.Policy:
		return x, source.Errorf(x.Pos, "%s: variables, constants, globals and derived roles are the policies' own: write out what they stand for", f.Name)
	case reads.Clock:
		return x, source.Errorf(x.Pos, "%s: it looks at the clock, and a condition is held against one at the time of the run: want an expression over %s", f.Name, overWhat(true))
	case len(reads.Arguments)+len(reads.Resource) == 0:
		return x, source.Errorf(x.Pos, "%s: %q looks at no arguments: want an expression over %s", f.Name, x.Text, overWhat(true))
	}
	return x, nil
}

// looksAtPrincipals reports whether the condition is not the same for all principals.
func (w *When) looksAtPrincipals() bool {
	return len(expr.Clause(w.Condition.Text).Reads().Principal) > 0
}

// LooksAtPrincipals reports whether a suite looks at the attributes of principals by
// itself: those that policies cannot tell apart are not alike to it.
func (s *Suite) LooksAtPrincipals() bool {
	for i := range s.Tests {
		for _, o := range s.Tests[i].Operations {
			for j := range o.When {
				if o.When[j].Condition.Text != "" && o.When[j].looksAtPrincipals() {
					return true
				}
			}
		}
	}
	return false
}

// An expected condition is what a case says that the one of its cell is.
type expected struct {
	*When
	clause authz.Clause // over arguments and principal
}

// expected returns the condition in the words of reports, whatever the enforcement point
// calls the arguments.
func (w *When) expected(col *matrix.Column) (*expected, error) {
	e, err := expr.Parse(w.Condition.Text)
	if err != nil {
		return nil, source.Errorf(w.Condition.Pos, "when: %w", err) // never: it was read
	}
	var unknown []string
	if r := asksAbout(col); r != nil {
		unknown = r.Unknown
	}
	clause := expr.Clause(expr.Print(expr.Shorten(e, unknown)))
	if reads := clause.Reads(); len(reads.Resource) > 0 {
		at := strings.Join(append([]string{"R"}, reads.Resource[0]...), ".")
		return nil, source.Errorf(w.Condition.Pos, "when: %s is none of the arguments of %s: want an expression over %s", at, col.Item.Name, overWhat(true))
	}
	return &expected{w, clause}, nil
}

// inPolicies returns the condition in the words of policies.
func (x *expected) inPolicies(unknown []string) string {
	e, err := expr.Parse(x.clause.String())
	if err != nil {
		return x.clause.String() // never: it was printed
	}
	return expr.Print(expr.Lengthen(e, unknown))
}

// asksAbout returns the first request of a column that has the arguments, or nil.
func asksAbout(col *matrix.Column) *authz.Request {
	list := col.Question.Requests
	i := slices.IndexFunc(list, func(r authz.Request) bool { return r.Unknown != nil })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// when adds a case for each class of the test's principals, and apart for those of a
// class whom the condition tells apart.
func (e *expander) when(m mention, w *When) {
	if w.Condition.Text == "" {
		based(e.addFor(e.casts, m, conditional, "", nil, false), &w.Basis)
		return
	}
	x, err := w.expected(m.column)
	if err != nil {
		e.errs = append(e.errs, err)
		return
	}
	bounds := e.addFor(toldApart(e.casts, x.clause), m, conditional, "", nil, false)
	for i := range bounds {
		bounds[i].when, bounds[i].When = x, oneLine(w.Condition.Text)
	}
	based(bounds, &w.Basis)
}

// toldApart divides casts into those for whom a clause is the same.
func toldApart(casts []cast, clause authz.Clause) []cast {
	looks := clause.Reads().Principal
	if len(looks) == 0 {
		return casts
	}
	var list []cast
	for _, c := range casts {
		at := map[string]int{}
		for _, p := range c.principals {
			key := seenOf(p, looks)
			i, known := at[key]
			if !known {
				i = len(list)
				at[key] = i
				list = append(list, cast{class: c.class})
			}
			list[i].principals = append(list[i].principals, p)
		}
	}
	return list
}

// seenOf is the same for principals whom expressions that look at some places do not tell
// apart.
func seenOf(p *authz.Principal, looks [][]string) string {
	var seen []any
	for _, path := range looks {
		switch {
		case len(path) == 1 && path[0] == "id":
			seen = append(seen, p.ID)
		case len(path) == 1 && path[0] == "roles":
			seen = append(seen, p.Roles)
		case len(path) > 1 && path[0] == "attr":
			v, there := p.Attr[path[1]]
			seen = append(seen, there, v)
		default:
			seen = append(seen, p.ID, p.Roles, p.Attr, p.Scope, p.PolicyVersion, p.AuxData, p.JWTs, p.Claims)
		}
	}
	key, err := json.Marshal(seen)
	if err != nil {
		return fmt.Sprint(seen...) // never: attributes are JSON values
	}
	return string(key)
}
