package solver

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// An Outcome says what an expression comes to for a request.
type Outcome uint8

// The outcomes. What is no boolean is unmet.
const (
	Unmet Outcome = iota
	Met
	Errored
)

// String returns unmet, met or error.
func (o Outcome) String() string { return [...]string{"unmet", "met", "error"}[o] }

// Outcomes is a set of outcomes.
type Outcomes uint8

// Only returns the set of some outcomes.
func Only(list ...Outcome) Outcomes {
	var s Outcomes
	for _, o := range list {
		s |= 1 << o
	}
	return s
}

// Has reports whether an outcome is in the set.
func (s Outcomes) Has(o Outcome) bool { return s&(1<<o) != 0 }

// A Formula is a condition that is asked about: an expression, or a list of formulas. The
// zero value is always met.
type Formula struct {
	kind   formulaKind
	text   string // of an expression
	list   []Formula
	strict bool
}

type formulaKind uint8

const (
	isAll formulaKind = iota
	isAny
	isNone
	isExpr
)

// Expr returns the formula of an expression in the words of policies. Variables,
// constants and globals have to be replaced.
func Expr(text string) Formula { return Formula{kind: isExpr, text: text} }

// All is met if all of a list are, as all of a policy's condition: each is evaluated by
// itself, and one that errs is not met.
func All(list ...Formula) Formula { return Formula{kind: isAll, list: list} }

// Any is met if one of a list is.
func Any(list ...Formula) Formula { return Formula{kind: isAny, list: list} }

// None is met if none of a list is.
func None(list ...Formula) Formula { return Formula{kind: isNone, list: list} }

// Strict returns the formula as strict evaluation has it: the first of a list that errs
// before the list is decided ends it as an error.
func (f Formula) Strict() Formula {
	f.strict = true
	f.list = slices.Clone(f.list)
	for i := range f.list {
		f.list[i] = f.list[i].Strict()
	}
	return f
}

// join returns what a list comes to.
func (f Formula) join(outcomes []Outcome) Outcome {
	stop, end := Unmet, Met // what decides the list, and what it comes to otherwise
	if f.kind != isAll {
		stop = Met
	}
	if f.kind == isAny {
		end = Unmet
	}
	for _, o := range outcomes {
		if o == Errored {
			if f.strict {
				return Errored
			}
			o = Unmet
		}
		if o == stop {
			return 1 - end
		}
	}
	return end
}

// texts yields the expressions of the formula.
func (f Formula) texts(yield func(string)) {
	if f.kind == isExpr {
		yield(f.text)
	}
	for _, x := range f.list {
		x.texts(yield)
	}
}

// outcome returns what the formula comes to where each expression comes to what of says.
func (f Formula) outcome(of func(text string) Outcome) Outcome {
	if f.kind == isExpr {
		return of(f.text)
	}
	outcomes := make([]Outcome, len(f.list))
	for i, x := range f.list {
		outcomes[i] = x.outcome(of)
	}
	return f.join(outcomes)
}

// Of returns the formula of the condition of a decision on a request. It is not ok for
// one that is not written down, or that speaks of what only its policy has. Whether
// the schemas of policies take the principal is not part of it: see [World].
func Of(c authz.Condition, r *authz.Request) (f Formula, ok bool) {
	if !c.Written() {
		return Formula{}, false
	}
	if alternatives := c.Alternatives(); len(alternatives) > 0 {
		list := make([]Formula, len(alternatives))
		for i, a := range alternatives {
			allows, known := ofClause(a.Allows, r)
			denies, also := ofClause(a.Denies, r)
			if !known || !also {
				return Formula{}, false
			}
			if list[i] = allows; !a.Denies.IsZero() {
				list[i] = All(allows, None(denies))
			}
		}
		return Any(list...), true
	}
	var list []Formula
	for _, part := range c.Parts() {
		f, ok := Of(part, r)
		if !ok {
			return Formula{}, false
		}
		list = append(list, f)
	}
	return All(list...), true
}

func ofClause(c authz.Clause, r *authz.Request) (Formula, bool) {
	if c.IsZero() {
		return Formula{}, true
	}
	parsed, err := expr.Parse(c.String())
	if err != nil || c.Reads().Policy {
		return Formula{}, false
	}
	ok := !slices.ContainsFunc(c.Reads().Resource, func(path []string) bool { return foundOut(r, path) })
	written := expr.Rewrite(parsed, func(x ast.Expr) (ast.Expr, bool) {
		of := expr.Validated(x)
		ok = ok && (of == "" || of == "principal")
		return fact.NewLiteral(0, types.True), of != ""
	})
	return Expr(expr.Print(expr.Lengthen(written, r.Unknown))), ok
}

var fact = ast.NewExprFactory()

// foundOut reports whether a path below the resource is what an enforcement point finds out by
// itself, as what identifies the server is behind COAZ-MCP: it is open, and has no place in the request
// that a value could be put at.
func foundOut(r *authz.Request, path []string) bool {
	if r.By == nil && !slices.Equal(r.Unknown, []string{authz.HiddenArguments, authz.LookedUp}) || len(path) < 2 || path[0] != "attr" {
		return false
	}
	made, _ := authz.MadeAt(r.Made, path)
	_, known := r.Resource.Attr[path[1]]
	return made == nil && !known
}

// of returns the formula in what parts of a request are made of, where it reads these.
func (f Formula) of(r *authz.Request) Formula {
	if r.Made == nil {
		return f
	}
	making := &expr.Making{Parts: r.Made, Arguments: r.Arguments}
	f.text = making.Text(f.text)
	list := make([]Formula, len(f.list))
	for i := range f.list {
		list[i] = f.list[i].of(r)
	}
	f.list = list
	return f
}
