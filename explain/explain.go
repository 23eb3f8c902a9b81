package explain

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Engine decides and evaluates; embedded.Engine does.
type Engine interface {
	pdp.Decider
	pdp.Explainer
	pdp.Validator
}

// Input is what is to be explained: a cell, or a decision on known arguments.
type Input struct {
	Matrix    *matrix.Matrix // has Principal and Column
	Engine    Engine
	Policies  *policy.Set
	Principal *authz.Principal
	Column    *matrix.Column
	Arguments map[string]any // nil leaves them open

	// What the smallest change of a denial is looked for with. Attributes is the JSON
	// Schema that the engine holds whoever asks about the column to, nil for none.
	Attributes *source.Node
	Now        time.Time // the engine's; zero for any
}

// An Explanation says why a cell is what it is.
type Explanation struct {
	Principal *authz.Principal
	Column    *matrix.Column
	Arguments map[string]any
	Cell      matrix.Cell
	Sentence  string // the outcome, in one sentence
	// Shown is a use that the engine allows, of a list that shows what is possible; nil if
	// that is not what shows the item.
	Shown    map[string]any
	Requests []Request
	Ways     []Way     // what would allow what is denied, confirmed by the engine
	Smallest *Smallest // of what is denied; nil if the engine cannot be asked
}

// A Request is one that the enforcement point would make, and what came of it.
type Request struct {
	authz.Request
	Decision   authz.Decision
	Validation []authz.ValidationError // what the policies' schemas hold against it
	Enforced   bool                    // the engine refuses what the schemas do
	Roles      []pdp.RoleDecision      // what it comes to for each role alone
	Rules      []Rule                  // that are about its kind and action, those that apply first
	Derived    []*DerivedRole          // that those rules name
}

// A Way is a change that would allow what is denied.
type Way struct {
	Text      string          // "arguments.region = \"EMEA\"", "the role ADMIN"
	Condition authz.Condition // on which it would still depend, if any

	// The changed principal and arguments; no arguments if they are open.
	Principal *authz.Principal
	Arguments map[string]any
}

// Explain says why somebody may or may not use an item.
func Explain(ctx context.Context, q *Input) (*Explanation, error) {
	x := &Explanation{Principal: q.Principal, Column: q.Column, Arguments: q.Arguments}
	if q.Arguments == nil {
		x.Cell = *q.Matrix.Cell(q.Matrix.ClassOf(q.Principal.Key), q.Column)
	} else {
		cells, err := q.Matrix.Ask(ctx, []matrix.Attempt{{Principal: q.Principal, Column: q.Column, Arguments: q.Arguments}})
		if err != nil {
			return nil, err
		}
		x.Cell = cells[0]
	}
	if err := q.show(ctx, x); err != nil {
		return nil, err
	}
	for _, r := range q.Column.Question.Requests {
		r.Principal = q.Principal
		if q.Arguments != nil {
			r = pep.Bind(r, q.Arguments)
			r.Principal = q.Principal
		}
		sent, refusal := r.Sent() // what no engine takes is denied by the cell
		if refusal != nil && r.By != nil {
			continue
		}
		explained, err := q.request(ctx, sent)
		if err != nil {
			return nil, err
		}
		x.Requests = append(x.Requests, *explained)
	}
	if x.Cell.Access == matrix.Denied {
		ways, err := q.ways(ctx, x)
		if err != nil {
			return nil, err
		}
		x.Ways = ways
		if x.Smallest, err = q.smallest(ctx, x); err != nil {
			return nil, err
		}
	}
	x.Sentence = x.sentence()
	return x, nil
}

// show has the engine decide the use that shows the item.
func (q *Input) show(ctx context.Context, x *Explanation) error {
	shown := x.Cell.Settlement.Shown
	if shown == nil || q.Column.Twin == nil {
		return nil
	}
	cells, err := q.Matrix.Ask(ctx, []matrix.Attempt{{Principal: q.Principal, Column: q.Column.Twin, Arguments: shown}})
	if err == nil && cells[0].Access == matrix.Allowed {
		x.Shown = shown
	}
	return err
}

func (q *Input) request(ctx context.Context, r authz.Request) (*Request, error) {
	decisions, err := q.Engine.Decide(ctx, []authz.Request{r})
	if err != nil {
		return nil, err
	}
	found, err := q.Engine.Validate(ctx, []authz.Request{r})
	if err != nil {
		return nil, err
	}
	x := &Request{Request: r, Decision: decisions[0], Validation: certain(found[0], r.Unknown), Enforced: q.Engine.Rejects()}
	if x.Roles, err = q.Engine.ByRole(ctx, r); err != nil {
		return nil, err
	}
	if err := q.look(ctx, x); err != nil {
		return nil, err
	}
	for i := range x.Rules {
		x.judge(&x.Rules[i])
	}
	for i := range x.Rules {
		x.Rules[i].Note = x.note(&x.Rules[i])
	}
	x.sort()
	return x, nil
}

// refused reports whether a schema refuses the request, so that no rule is
// looked at.
func (x *Request) refused() bool {
	return x.Enforced && x.Decision.Effect == authz.Deny && len(x.Decision.Validation) > 0 && len(x.Decision.Rules) == 0
}

// certain leaves out what a schema holds against open arguments, which are taken
// to be empty where it is asked.
func certain(found []authz.ValidationError, unknown []string) []authz.ValidationError {
	if unknown == nil {
		return found
	}
	arguments := "/" + strings.Join(unknown, "/")
	return slices.DeleteFunc(slices.Clone(found), func(v authz.ValidationError) bool {
		return v.Source == "resource" && (v.Path == arguments || strings.HasPrefix(v.Path, arguments+"/"))
	})
}
