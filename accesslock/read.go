package accesslock

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/source"
)

var written = source.Written{
	Noun: "lock", Command: "mcpolicy lock", Version: Version,
	Conflict: "settle the policies and the inventories, then write the lock anew with mcpolicy lock",
}

// Parse reads a lock. The name stands in positions. Its error is [source.ErrOtherVersion] for one of
// another version; otherwise it has all mistakes.
func Parse(name string, data []byte) (*Lock, error) {
	root, err := written.Parse(name, data)
	if err != nil {
		return nil, err
	}
	var f file
	decoded := source.Decode(root, &f)
	l, err := f.lock()
	if err := errors.Join(decoded, err); err != nil {
		return nil, err
	}
	l.Pos = source.Pos{File: name, Line: 1, Col: 1}
	l.sort()
	return l, nil
}

func (f *file) lock() (*Lock, error) {
	l := &Lock{}
	var errs []error
	fail := func(err error) { errs = append(errs, err) }
	for i := range f.Items {
		x := &f.Items[i]
		ref, err := x.ref(x.Pos)
		fail(err)
		if x.List != "" && x.List != authz.FilterPossible.String() {
			fail(source.Errorf(x.Pos, "list: want %s, have %q", authz.FilterPossible, x.List))
		}
		l.Items = append(l.Items, Item{x.Pos, ref, x.Hints.String(), x.Schema, x.List})
	}
	for _, x := range f.Schemas {
		fail(needs(x.Pos, "policy", x.Policy))
		l.Schemas = append(l.Schemas, PrincipalSchema{x.Pos, x.Policy, x.Schemas})
	}
	for _, x := range f.Kinds {
		kind, ok := authz.ParseKind(x.Kind)
		if !ok {
			fail(source.Errorf(x.Pos, "kind: want %s, have %q", strings.Join(authz.Kinds(), ", "), x.Kind))
		}
		if len(x.Holds) == 0 {
			fail(source.Errorf(x.Pos, "holds: want a list of roles"))
		}
		l.Kinds = append(l.Kinds, Holding{x.Pos, kind, sortedRoles(x.Holds)})
	}
	for i := range f.Access {
		a, err := f.Access[i].access()
		fail(err)
		l.Access = append(l.Access, a)
	}
	for i := range f.Unknown {
		x := &f.Unknown[i]
		ref, err := x.ref(x.Pos)
		ops, more := parseOperations(x.Pos, "operations", x.Operations)
		fail(errors.Join(err, more))
		l.Unknown = append(l.Unknown, Unknown{x.Pos, ref, ops, x.Because, x.Depends})
	}
	return l, errors.Join(errs...)
}

func needs(pos source.Pos, key, value string) error {
	if value == "" {
		return source.Errorf(pos, "%s is missing", key)
	}
	return nil
}

func (x *refLine) ref(pos source.Pos) (Ref, error) {
	r := Ref{Version: x.ItemVersion}
	n := 0
	for _, of := range []struct {
		t    authz.ItemType
		name *string
	}{{authz.ToolItem, x.Tool}, {authz.PromptItem, x.Prompt}, {authz.ResourceItem, x.Resource}, {authz.TemplateItem, x.ResourceTemplate}} {
		if of.name != nil {
			n++
			r.Type, r.Name = of.t, *of.name
		}
	}
	var errs []error
	if x.Server == nil {
		errs = append(errs, source.Errorf(pos, "server is missing"))
	} else {
		r.Server = *x.Server
	}
	if n != 1 {
		errs = append(errs, source.Errorf(pos, "want one of tool, prompt, resource and resourceTemplate, have %d", n))
	}
	return r, errors.Join(errs...)
}

// String writes hints as they stand in the file.
func (h *hintsLine) String() string {
	var parts []string
	for _, x := range []struct {
		name string
		hint *bool
	}{{"readOnly", h.ReadOnly}, {"destructive", h.Destructive}, {"idempotent", h.Idempotent}, {"openWorld", h.OpenWorld}} {
		if x.hint != nil {
			parts = append(parts, fmt.Sprintf("%s: %t", x.name, *x.hint))
		}
	}
	if h.Tasks != "" {
		parts = append(parts, "tasks: "+h.Tasks)
	}
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func parseOperations(pos source.Pos, key string, names []string) ([]authz.Operation, error) {
	var list []authz.Operation
	var errs []error
	for _, name := range names {
		o, ok := authz.ParseOperation(name)
		if !ok {
			errs = append(errs, source.Errorf(pos, "%s: want list, call, get or read, have %q", key, name))
		}
		list = append(list, o)
	}
	if len(names) == 0 {
		errs = append(errs, source.Errorf(pos, "%s: want a list of operations", key))
	}
	slices.Sort(list)
	return slices.Compact(list), errors.Join(errs...)
}

func (x *accessLine) access() (Access, error) {
	ref, err := x.ref(x.Pos)
	errs := []error{err}
	a := Access{Pos: x.Pos, Ref: ref, ID: x.ID, Scope: x.Scope, PolicyVersion: x.PolicyVersion}
	key, names := "may", x.May
	if len(x.MayNot) > 0 {
		key, names = "mayNot", x.MayNot
	}
	a.Operations, err = parseOperations(x.Pos, key, names)
	errs = append(errs, err)
	for _, r := range x.By {
		a.By = append(a.By, sortedRoles(r))
	}
	if len(x.By) == 0 {
		errs = append(errs, source.Errorf(x.Pos, "by: want a list of roles"))
	}
	slices.SortFunc(a.By, compareSets)
	conditions, err := x.conditions(x.Pos)
	errs = append(errs, err)
	a.Value = Value{Access: matrix.Allowed, Conditions: conditions, Depends: x.Depends}
	switch given := len(conditions) > 0; {
	case len(x.May) > 0 && len(x.MayNot) > 0:
		errs = append(errs, source.Errorf(x.Pos, "want may or mayNot, have both"))
	case given && (x.Unguarded || len(x.MayNot) > 0):
		errs = append(errs, source.Errorf(x.Pos, "a condition belongs to may alone"))
	case len(x.MayNot) > 0:
		a.Value.Access = matrix.Denied
	case x.Unguarded:
		a.Value.Access = matrix.Unguarded
	case given:
		a.Value.Access = matrix.Conditional
	}
	return a, errors.Join(errs...)
}

// conditions reads those of a line, any of which is enough.
func (x *conditionLine) conditions(pos source.Pos) ([]authz.Condition, error) {
	n := 0
	for _, has := range []bool{x.When != "" || x.Unless != "", len(x.Any) > 0, len(x.All) > 0, x.Unwritten} {
		if has {
			n++
		}
	}
	switch {
	case n > 1:
		return nil, source.Errorf(pos, "want one of when and unless, any, all and unwritten, have several")
	case x.Unwritten:
		return []authz.Condition{unwritten}, nil
	case len(x.All) > 0:
		var list []authz.Condition
		for i := range x.All {
			c, err := x.All[i].condition(pos)
			if err != nil {
				return nil, err
			}
			list = append(list, c)
		}
		return []authz.Condition{authz.AllOf(list...)}, nil
	case len(x.Any) > 0:
		return x.alternatives(pos)
	case n == 0:
		return nil, nil
	}
	return []authz.Condition{authz.AnyOf(x.alternative())}, nil
}

func (x *conditionLine) alternative() authz.Alternative {
	return authz.Alternative{Allows: expr.Clause(x.When), Denies: expr.Clause(x.Unless)}
}

// alternatives reads a list: one condition of alternatives, or several conditions.
func (x *conditionLine) alternatives(pos source.Pos) ([]authz.Condition, error) {
	var alternatives []authz.Alternative
	var list []authz.Condition
	for i := range x.Any {
		c, err := x.Any[i].condition(pos)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		alternatives = append(alternatives, c.Alternatives()...)
	}
	if len(alternatives) == len(list) {
		return []authz.Condition{authz.AnyOf(alternatives...)}, nil
	}
	slices.SortFunc(list, authz.Condition.Compare)
	return list, nil
}

// condition reads one condition.
func (x *conditionLine) condition(pos source.Pos) (authz.Condition, error) {
	list, err := x.conditions(pos)
	if err == nil && len(list) != 1 {
		err = source.Errorf(pos, "want a condition")
	}
	if err != nil {
		return authz.Condition{}, err
	}
	return list[0], nil
}

func sortedRoles(list []string) []string {
	list = slices.Clone(list)
	slices.SortFunc(list, compareRoles)
	return list
}

// compareRoles orders roles, "*" last.
func compareRoles(a, b string) int {
	return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), cmp.Compare(a, b))
}

func rankOf(role string) int {
	if role == anyRole {
		return 1
	}
	return 0
}
