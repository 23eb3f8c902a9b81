package testrunner

import (
	"errors"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/source"
)

// A Claim is said about everybody who could exist, not only about the principals
// that are declared.
type Claim struct {
	Kind       prove.Kind
	Pos        source.Pos         // of its key
	Who        *Population        // nil for everybody
	Delegates  *PrincipalSelector // of delegated, which is said of declared principals; nil for all
	Operations []Selection
	Then       []Selection // of implies; ThenList stands for the list that the same item is in
	ThenList   bool
	Condition  Name  // of needs
	Roles, Of  Names // of within
	AllowEmpty bool  // as of a test
	// IgnoreSchema says it of arguments that inputSchemas refuse, too.
	IgnoreSchema bool
	// AllowUnknown skips what cannot be told, instead of failing.
	AllowUnknown bool
}

// claimKeys are the keys of claims besides the operations.
var claimKeys = map[prove.Kind][]string{
	prove.Never: {"principals"}, prove.Always: {"principals"}, prove.Needs: {"principals", "condition"}, prove.Implies: {"principals", "then"},
	prove.Within: {"roles", "of"}, prove.Apart: {"principals"}, prove.Somebody: {"principals"}, prove.Delegated: {"principals"},
}

// readClaims reads prove.
func readClaims(f source.Field) ([]*Claim, error) {
	n := f.Value
	known := append(prove.Kinds(), "ignoreSchema", "allowUnknown", "allowEmpty")
	switch {
	case n.Is(source.Null): // reported
		return nil, nil
	case !n.Is(source.Mapping):
		return nil, wantAs(n, f.Name, "a mapping with "+strings.Join(prove.Kinds(), ", "))
	}
	errs := []error{blank(n), twice(n)}
	var list []*Claim
	set := map[string]bool{}
	for _, below := range n.Fields {
		kind, ok := prove.ParseKind(below.Name)
		switch {
		case ok:
			c, err := readClaim(below, kind)
			errs = append(errs, err)
			if c != nil {
				list = append(list, c)
			}
		case slices.Contains(known, below.Name):
			yes, err := boolean(below)
			errs = append(errs, err)
			set[below.Name] = yes != nil && *yes
		default:
			errs = append(errs, source.UnknownKey(below, known))
		}
	}
	if len(list) == 0 && absent(n, prove.Kinds()...) {
		errs = append(errs, source.Errorf(n.Pos, "prove: nothing is said: want %s", strings.Join(prove.Kinds(), ", ")))
	}
	for _, c := range list {
		c.IgnoreSchema, c.AllowUnknown, c.AllowEmpty = set["ignoreSchema"], set["allowUnknown"], set["allowEmpty"]
	}
	return list, errors.Join(errs...)
}

func readClaim(f source.Field, kind prove.Kind) (*Claim, error) {
	n := f.Value
	operations := []string{"list", "call", "get", "read"}
	known := append(slices.Clone(claimKeys[kind]), operations...)
	switch {
	case n.Is(source.Null): // reported
		return nil, nil
	case !n.Is(source.Mapping):
		return nil, wantAs(n, f.Name, "a mapping with "+strings.Join(known, ", "))
	}
	c := &Claim{Kind: kind, Pos: f.Pos}
	errs := []error{blank(n), twice(n)}
	of := &Property{}
	for _, below := range n.Fields {
		op, isOperation := authz.ParseOperation(below.Name)
		var err error
		switch {
		case !slices.Contains(known, below.Name):
			err = source.UnknownKey(below, known)
		case isOperation:
			err = of.operation(below, op)
		default:
			err = c.field(below)
		}
		errs = append(errs, err)
	}
	c.Operations = of.Operations
	if absent(n, operations...) {
		errs = append(errs, source.Errorf(n.Pos, "%s: nothing is said: want %s", f.Name, strings.Join(operations, ", ")))
	}
	for _, required := range claimKeys[kind] {
		if required != "principals" && absent(n, required) {
			errs = append(errs, source.Errorf(n.Pos, "%s without %s", f.Name, required))
		}
	}
	return c, errors.Join(errs...)
}

// field reads what is no operation.
func (c *Claim) field(f source.Field) error {
	switch f.Name {
	case "principals":
		if c.Kind == prove.Delegated {
			return source.Decode(f.Value, &c.Delegates)
		}
		return source.Decode(f.Value, &c.Who)
	case "condition":
		var err error
		c.Condition, err = expression(f, true)
		return err
	case "then":
		return c.then(f)
	case "roles":
		return errors.Join(source.Decode(f.Value, &c.Roles), notEmpty(f))
	}
	return errors.Join(source.Decode(f.Value, &c.Of), notEmpty(f))
}

// then reads list, or operations.
func (c *Claim) then(f source.Field) error {
	n := f.Value
	switch {
	case n.Is(source.Null): // reported
		return nil
	case n.Str() == authz.List.String():
		c.ThenList = true
		return nil
	case !n.Is(source.Mapping) || len(n.Fields) == 0:
		return wantAs(n, f.Name, "list, for the same item, or a mapping with list, call, get or read")
	}
	of := &Property{}
	errs := []error{blank(n), twice(n)}
	for _, below := range n.Fields {
		op, ok := authz.ParseOperation(below.Name)
		if !ok {
			errs = append(errs, source.UnknownKey(below, []string{"list", "call", "get", "read"}))
			continue
		}
		errs = append(errs, of.operation(below, op))
	}
	c.Then = of.Operations
	return errors.Join(errs...)
}

// A Population is what principals are like of whom something is said. They meet each
// field, and a list by one of its elements.
type Population struct {
	Pos   source.Pos
	Roles Names
	Kinds []authz.Kind
	Where Name // an expression over principal
	Not   *Population
}

var populationKeys = source.Keys[writtenPopulation]()

// DecodeNode reads a mapping.
func (p *Population) DecodeNode(n *source.Node) error {
	p.Pos = n.Pos
	if !n.Is(source.Mapping) {
		return wantAs(n, "principals", "a selector ("+strings.Join(populationKeys, ", ")+"; {} is everybody)")
	}
	errs := []error{blank(n), twice(n), nothingExcluded(n)}
	for _, f := range n.Fields {
		var err error
		switch {
		case f.Name == "keys" || f.Name == "groups":
			err = source.Errorf(f.Pos, "%s: those are declared, and this is said of everybody who could exist: want %s", f.Name, strings.Join(populationKeys, ", "))
		case !slices.Contains(populationKeys, f.Name):
			err = unknownIn(f, populationKeys)
		case f.Value.Is(source.Null): // reported
		case f.Name == "roles":
			err = errors.Join(source.Decode(f.Value, &p.Roles), notEmpty(f))
		case f.Name == "kind":
			p.Kinds, err = principalKinds(f.Value)
			err = errors.Join(err, notEmpty(f))
		case f.Name == "where":
			p.Where, err = expression(f, false)
		default:
			p.Not = &Population{}
			err = p.Not.DecodeNode(f.Value)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// expression reads CEL over principal, and over arguments where there are any.
func expression(f source.Field, arguments bool) (Name, error) {
	x, reads, err := readCEL(f)
	if err != nil || x.Text == "" {
		return x, err
	}
	n := f.Value
	switch {
	case len(reads.Resource) > 0 || reads.Policy:
		return x, source.Errorf(n.Pos, "%s: want an expression over %s, have %q", f.Name, overWhat(arguments), n.Text)
	case len(reads.Arguments) > 0 && !arguments:
		return x, source.Errorf(n.Pos, "%s: it is about principals, and %q looks at arguments", f.Name, n.Text)
	case len(reads.Arguments)+len(reads.Principal) == 0:
		return x, source.Errorf(n.Pos, "%s: %q looks at nothing: want an expression over %s", f.Name, n.Text, overWhat(arguments))
	}
	return x, nil
}

// readCEL reads an expression, and says what it looks at.
func readCEL(f source.Field) (Name, authz.Reads, error) {
	n := f.Value
	switch {
	case n.Is(source.Null): // reported
		return Name{}, authz.Reads{}, nil
	case !n.Is(source.String) || strings.TrimSpace(n.Text) == "":
		return Name{}, authz.Reads{}, wantAs(n, f.Name, "an expression")
	}
	x := Name{Text: n.Text, Pos: n.Pos}
	parsed, err := expr.Parse(n.Text)
	switch {
	case err != nil:
		return x, authz.Reads{}, source.Errorf(n.Pos, "%s: %q is no expression of CEL: %s", f.Name, n.Text, syntaxError(err))
	case asksSchemas(parsed):
		return x, authz.Reads{}, source.Errorf(n.Pos, "%s: valid is what reports say of schemas, and no function of CEL", f.Name)
	}
	return x, expr.Clause(n.Text).Reads(), nil
}

// asksSchemas reports whether an expression says valid of something, as conditions in
// reports do.
func asksSchemas(e ast.Expr) bool {
	return expr.Validated(e) != "" || slices.ContainsFunc(expr.Children(e), asksSchemas)
}

// syntaxError returns what is wrong with an expression, on one line.
func syntaxError(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	if _, message, ok := strings.Cut(first, "Syntax error: "); ok {
		first = message
	}
	first, _, _ = strings.Cut(first, " expecting {")
	return first
}

func overWhat(arguments bool) string {
	if arguments {
		return "arguments and principal: arguments.amount <= 500"
	}
	return `principal: principal.suspended == true`
}
