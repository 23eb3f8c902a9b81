package accesslock

import (
	"context"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Example is a call that shows a difference.
type Example struct {
	Principal *authz.Principal
	Arguments map[string]any // nil where the operation has none
	Now       time.Time      // zero if that does not matter
}

// A relation says how what somebody may relates to what a lock says.
type relation struct {
	is      solver.Relation
	example *Example // of a call that is allowed, and not by the lock; or else the other way round
	open    []string // why it is not known
}

// same reports whether two values certainly say the same. Only conditions are compared at
// length.
func (b *builder) same(ctx context.Context, of *columnSet, w *who, was, is Value) (bool, error) {
	if was.Access != is.Access || was.Access != matrix.Conditional {
		return was.key() == is.key(), nil
	}
	r, err := b.relate(ctx, of, w, was, is)
	return r.is == solver.Equal, err
}

// relate says how what some may relates to what is said of them.
func (b *builder) relate(ctx context.Context, of *columnSet, w *who, was, is Value) (relation, error) {
	switch {
	case was.key() == is.key():
		return relation{is: solver.Equal}, nil
	case is.Access == matrix.Unguarded, !was.Access.Possible() && (is.Access == matrix.Allowed || is.Depends != ""):
		return relation{is: solver.Wider}, nil
	case was.Access == matrix.Unguarded, !is.Access.Possible() && (was.Access == matrix.Allowed || was.Depends != ""):
		return relation{is: solver.Narrower}, nil
	case was.Depends != "" || is.Depends != "":
		return relation{open: []string{"a condition that is not written down"}}, nil
	}
	world, request := b.world(of, w)
	first, ok := formula(is, request)
	second, known := formula(was, request)
	if !ok || !known {
		return relation{open: []string{"a condition that cannot be compared with another"}}, nil
	}
	c, err := b.Solver.Compare(ctx, world, 0, first, second)
	if err != nil {
		return relation{}, err
	}
	r := relation{is: c.Relation}
	switch {
	case c.First.Verdict == solver.Possible:
		r.example = shownBy(&c.First, request, was, is)
		if r.is == solver.Unrelated {
			r.is = solver.Wider // if not incomparable
		}
	case c.Second.Verdict == solver.Possible && r.is != solver.Unrelated:
		r.example = shownBy(&c.Second, request, was, is)
	}
	if r.is == solver.Unrelated {
		r.open = append(append(r.open, c.First.Open...), c.Second.Open...)
	}
	return r, nil
}

// world is where conditions on an operation are compared.
func (b *builder) world(of *columnSet, w *who) (*solver.World, *authz.Request) {
	col := of.columns[0]
	var r authz.Request
	if requests := col.Open(true, true).Question.Requests; len(requests) > 0 {
		r = requests[0]
	}
	r.Principal = w.principal()
	world := &solver.World{FixedID: w.id != "", Calls: []int{0}, Requests: []authz.Request{r}, Principal: b.attributes(col).Value()}
	if col.TakesArguments() {
		if schema := col.Item.ArgumentsSchema(); schema != nil {
			world.Arguments = []any{schema.Value()}
		}
	}
	return world, &world.Requests[0]
}

func (b *builder) attributes(col *matrix.Column) *source.Node {
	if b.Attributes == nil {
		return nil
	}
	return b.Attributes(col)
}

// formula returns what a value allows.
func formula(v Value, r *authz.Request) (solver.Formula, bool) {
	switch v.Access {
	case matrix.Denied, matrix.Refused:
		return solver.Any(), true
	case matrix.Allowed, matrix.Unguarded:
		return solver.All(), true
	case matrix.Conditional:
	}
	var list []solver.Formula
	for _, c := range v.Conditions {
		f, ok := solver.Of(c, r)
		if !ok || c.Reads().Policy {
			return solver.Formula{}, false
		}
		list = append(list, f)
	}
	return solver.Any(list...), true
}

// shownBy returns the call that an answer shows.
func shownBy(a *solver.Answer, asked *authz.Request, was, is Value) *Example {
	r := &a.Requests[0]
	x := &Example{Principal: r.Principal}
	if asked.Unknown != nil {
		x.Arguments = r.Resource.Mapping(asked.Unknown)
	}
	if slices.ContainsFunc(slices.Concat(was.Conditions, is.Conditions), func(c authz.Condition) bool { return c.Reads().Clock }) {
		x.Now = a.Now
	}
	return x
}
