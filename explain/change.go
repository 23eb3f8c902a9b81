package explain

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A ValueKind says where a value stands.
type ValueKind uint8

// The kinds of values, in the order in which changes of them are preferred.
const (
	Argument ValueKind = iota
	Attribute
	Claim
)

// String returns argument, attribute or claim.
func (k ValueKind) String() string { return [...]string{"argument", "attribute", "claim"}[k] }

// A Value is one that takes the place of another.
type Value struct {
	Kind    ValueKind
	Name    string
	To      any
	Removed bool // it has to be absent
}

// Place names where the value stands, as conditions do.
func (v *Value) Place() string {
	root := [...]string{"arguments", "principal", "request.auxData.jwt"}[v.Kind]
	if expr.IsIdentifier(v.Name) {
		return root + "." + v.Name
	}
	return fmt.Sprintf("%s[%q]", root, v.Name)
}

// String says the change: arguments.region = "EMEA", no arguments.force.
func (v *Value) String() string {
	if v.Removed {
		return "no " + v.Place()
	}
	return v.Place() + " = " + asJSON(v.To)
}

// A search is one for the smallest change.
type search struct {
	*Input
	solver     *solver.Solver
	world      solver.World
	goals      []solver.Goal
	conditions []authz.Condition
	fits       *witness.Schema // arguments that are changed
	places     []Value         // that may change, in order
	whole      []ValueKind     // of which others may matter, too: all of the kind is read
	because    string          // no rule comes to allow it; "" if that is not so
	result     Smallest
}

// open has the engine decide with arguments, attributes and claims left open, and takes
// down what of them it takes to be allowed. It is done where that says all.
func (s *search) open(ctx context.Context, x *Explanation) (done bool, err error) {
	requests := slices.Clone(s.Column.Question.Requests)
	for i := range requests {
		requests[i].Principal, requests[i].AnyPrincipal = s.Principal, true
	}
	decisions, err := s.Engine.Decide(ctx, requests)
	if err != nil {
		return true, err
	}
	s.world = solver.World{Requests: requests, Calls: make([]int, len(requests)), FixedID: true}
	if !s.Now.IsZero() {
		s.world.Now = &s.Now
	}
	for i := range decisions {
		d, r := &decisions[i], &requests[i]
		if d.Effect == authz.Deny {
			s.result.Verdict, s.result.InTheWay = solver.Impossible, distinct(s.settledBy(d, r))
			switch {
			case d.NoPolicy:
				s.because = "no policy covers it"
			case x.Requests[i].unallowed():
				s.because = "no rule allows it for " + roles(s.Principal.Roles)
			}
			return true, nil
		}
		if s.Arguments != nil {
			r.Resource.Attr = pep.Bind(*r, s.Arguments).Resource.Attr
		}
		if d.Condition.IsZero() {
			continue
		}
		condition := asked(d.Condition)
		s.conditions = append(s.conditions, condition)
		f, ok := solver.Of(condition, r)
		if !ok {
			s.result.Open = append(s.result.Open, d.Condition.String())
			continue
		}
		s.goals = append(s.goals, solver.Goal{Formula: f, Request: i, To: solver.Only(solver.Met)})
	}
	return len(s.result.Open) > 0, nil
}

// asked returns a condition as the solver is asked about it. The schemas of policies take
// everything there: whether they do is for the engine to say. And "name" in all
// arguments, attributes or claims is has(), which reads no more than it looks at.
func asked(c authz.Condition) authz.Condition {
	if parts := c.Parts(); len(parts) > 0 {
		all := make([]authz.Condition, len(parts))
		for i, p := range parts {
			all[i] = asked(p)
		}
		return authz.AllOf(all...)
	}
	if !c.Written() || c.IsZero() {
		return c
	}
	alternatives := slices.Clone(c.Alternatives())
	for i, a := range alternatives {
		alternatives[i] = authz.Alternative{Allows: askedClause(a.Allows), Denies: askedClause(a.Denies)}
	}
	return authz.AnyOf(alternatives...)
}

func askedClause(c authz.Clause) authz.Clause {
	e, err := expr.Parse(c.String())
	if err != nil || c.IsZero() {
		return c
	}
	return expr.Clause(expr.Print(expr.Rewrite(e, func(x ast.Expr) (ast.Expr, bool) {
		if expr.Validated(x) != "" {
			return fact.NewLiteral(0, types.True), true
		}
		if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != operators.In || x.AsCall().Args()[0].Kind() != ast.LiteralKind {
			return nil, false
		}
		name, isText := x.AsCall().Args()[0].AsLiteral().(types.String)
		if of := x.AsCall().Args()[1]; isText && expr.IsIdentifier(string(name)) && isRoot(of) {
			return fact.NewCall(0, operators.Has, fact.NewSelect(0, of, string(name))), true
		}
		return nil, false
	})))
}

// isRoot reports whether an expression is all arguments, attributes or claims.
func isRoot(e ast.Expr) bool {
	path, exact := expr.Path(e)
	return exact && !expr.IsOptional(e) && slices.ContainsFunc([][]string{
		{"arguments"}, {"principal"}, {"P", "attr"}, {"request", "auxData", "jwt"}, {"request", "aux_data", "jwt"},
	}, func(root []string) bool { return slices.Equal(root, path) })
}

var fact = ast.NewExprFactory()

// made returns the principal and the arguments of a request that the solver found.
func (s *search) made(requests []authz.Request) (*authz.Principal, map[string]any) {
	p := *s.Principal
	p.Attr, p.AuxData = requests[0].Principal.Attr, requests[0].Principal.AuxData
	for i := range requests {
		if path := s.world.Requests[i].Unknown; path != nil {
			return &p, requests[i].Resource.Mapping(path)
		}
	}
	return &p, s.Arguments
}

// confirm has the engine decide a request that the solver found.
func (s *search) confirm(ctx context.Context, requests []authz.Request, _ time.Time) (bool, error) {
	who, arguments := s.made(requests)
	for name, v := range who.AuxData {
		if seen, shown, err := authz.Claim(name, v); err != nil || !shown || asJSON(seen) != asJSON(v) {
			return false, nil // a PDP shows no such claim to conditions
		}
	}
	return s.allowed(ctx, who, arguments)
}

func (s *search) allowed(ctx context.Context, who *authz.Principal, arguments map[string]any) (bool, error) {
	cells, err := s.Matrix.Ask(ctx, []matrix.Attempt{{Principal: who, Column: s.Column, Arguments: arguments}})
	return err == nil && cells[0].Access == matrix.Allowed, err
}
