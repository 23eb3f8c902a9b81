package coaz

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// An openValue stands in an evaluation for what depends on arguments that are not known.
type openValue struct{ *Value }

// readsArguments reports whether the arguments of the call make a difference to a value.
func (v *Value) readsArguments() bool {
	return slices.ContainsFunc(v.Reads, func(r Read) bool {
		return r.Path[0] == paramsName && (len(r.Path) < 2 || r.Path[1] == argumentsName)
	})
}

// Open says what a point does with a request whose arguments are not known; the
// parameters are those beside them. Of what it asks about it returns the requests that Cerbos
// makes of it, in order, which say what of them is made of the arguments, and what has to
// be met for anything to be asked.
func (p Point) Open(declared *Mapping, method string, params, token map[string]any) ([]authz.Request, Outcome) {
	in := p.inputs(params, token)
	in.open = true
	outcome := p.evaluations(in, declared, method)
	return requestsOf(outcome, func(e Evaluation) (authz.Request, error) { return (&opening{in: in}).request(e) })
}

// Requests returns the requests that Cerbos makes of what a point asks about a request, in
// order.
func (p Point) Requests(declared *Mapping, method string, params, token map[string]any) ([]authz.Request, Outcome) {
	return requestsOf(p.Resolve(declared, method, params, token), Translate)
}

// requestsOf makes the requests of an outcome's evaluations. If Cerbos takes one of them for
// none, nothing is allowed, whatever becomes of the others.
func requestsOf(outcome Outcome, translate func(Evaluation) (authz.Request, error)) ([]authz.Request, Outcome) {
	var list []authz.Request
	var invalid, unclear error
	for _, e := range outcome.Evaluations {
		r, err := translate(e)
		if is := (*InvalidError)(nil); errors.As(err, &is) {
			invalid = err
		} else if err != nil {
			unclear = err
		}
		list = append(list, r)
	}
	switch {
	case unclear != nil:
		return nil, Outcome{Kind: Unknown, Cause: unclear}
	case invalid != nil:
		return nil, Outcome{Code: CodePDP, Cause: invalid}
	}
	return list, outcome
}

// Told returns what a point asks about a request of anybody, with any arguments, one for each
// evaluation: none if it never asks. What is made of the token, or cannot be told, is a value that is
// looked up. Of an evaluation of which less is known, or that Cerbos does not take, it is not said where it goes.
// Nothing is said of the principals, and nothing of what has to be met.
func (p Point) Told(declared *Mapping, method string, params map[string]any) []authz.Request {
	in := p.inputs(params, map[string]any{"aud": unknownServer})
	in.open, in.anybody = true, true
	var list []authz.Request
	for _, e := range p.evaluations(in, declared, method).Evaluations {
		e["subject"] = map[string]any{"type": defaultType, "id": defaultClaim}
		x := &opening{in: in}
		r, err := x.request(e)
		if err != nil {
			r = authz.Request{Action: method, Resource: authz.Resource{Kind: method, ID: method}, Made: []authz.Made{
				{At: []string{"action"}, Unclear: err.Error()}, {At: []string{"kind"}, Unclear: err.Error()},
			}}
		}
		r.Principal, r.Needs = nil, authz.Clause{}
		if p.Server != "" && serverMethods[method] != nil {
			r.Resource.ID, r.Made, r.Unknown, r.Arguments = p.Server, nil, nil, nil
		}
		list = append(list, r)
	}
	return list
}

// unknownServer stands for what identifies the server.
const unknownServer = "{token.aud}"

// lookedUp returns a part that may be any value.
func lookedUp(v *Value, path []string) authz.Made {
	of := authz.Made{From: authz.Origin{argumentsName, authz.LookedUp, v.Name}}
	if at := atOf(path); at != "" {
		of.At, of.Text, of.From = []string{at}, []authz.Piece{{From: of.From, Type: "string"}}, nil
		return of
	}
	of.At = append([]string{"attr"}, path[2:]...)
	return of
}

// atOf returns what a text of an evaluation is in a request, "" of what is none.
func atOf(path []string) string {
	if len(path) != 2 || path[1] == propertiesName {
		return ""
	}
	return map[string]string{"type": "kind", "id": "id", "name": "action"}[path[1]]
}

// An opening is an evaluation that is made into a request.
type opening struct {
	in    *inputs
	made  []authz.Made
	needs []ast.Expr
}

func (x *opening) request(e Evaluation) (authz.Request, error) {
	known := Evaluation{}
	for _, name := range slices.Sorted(maps.Keys(e)) {
		v, err := x.known(e[name], []string{name})
		if err != nil {
			return authz.Request{}, err
		}
		known[name] = v
	}
	r, err := Translate(known)
	if err != nil {
		return r, err
	}
	slices.SortFunc(x.made, func(a, b authz.Made) int { return slices.Compare(a.At, b.At) })
	r.Made = x.made
	if x.made != nil || x.needs != nil {
		var needs []string
		for _, need := range x.needs {
			if text := expr.Print(need); !slices.Contains(needs, text) {
				needs = append(needs, text)
			}
		}
		r.Needs = expr.Clause(expr.Joined(needs, operators.LogicalAnd))
		r.Unknown, r.Arguments = []string{authz.HiddenArguments}, []string{authz.HiddenArguments}
	}
	return r, nil
}

// known returns a part without what is open, which is made.
func (x *opening) known(v any, path []string) (any, error) {
	switch v := v.(type) {
	case openValue:
		return x.open(v.Value, path)
	case map[string]any:
		copied := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below, at := v[key], append(slices.Clone(path), key)
			of, err := x.known(below, at)
			if err != nil {
				return nil, err
			}
			if _, isOpen := below.(openValue); !isOpen || of != nil {
				copied[key] = of
			}
		}
		return copied, nil
	}
	return v, nil
}

// open notes what a value that is open is made of, and returns what people read in its
// place where there has to be a text.
func (x *opening) open(v *Value, path []string) (any, error) {
	unknown := func(why string) (any, error) { return nil, fmt.Errorf("%s: %s", v.Name, why) }
	part := path[0]
	if seen := part == "resource" || atOf(path) != ""; x.in.anybody && !seen {
		return nil, nil
	}
	w, err := x.write(v)
	if x.in.anybody && len(path) > 1 && (err != nil || v.unclear != nil || !v.readsArguments() || v.readsToken()) {
		of := lookedUp(v, path)
		x.made = append(x.made, of)
		if atOf(path) == "" {
			return nil, nil
		}
		return "{" + v.Text + "}", nil
	}
	if err != nil {
		return nil, err
	}
	switch {
	case part == "subject":
		return unknown("who asks depends on the arguments")
	case len(path) == 1, len(path) == 2 && path[1] == propertiesName:
		return unknown("it is made of the arguments as a whole")
	case part == "context" && path[1] == auxDataKey:
		return unknown("which tokens it takes is a setting of the PDP")
	case part == "context", part == "action" && path[1] == propertiesName: // nobody sees it
		x.needs = append(x.needs, w.needs...)
		return nil, nil
	case atOf(path) != "":
		at := atOf(path)
		x.made, x.needs = append(x.made, madeText(at, expr.Print(w.value))), append(x.needs, w.texts()...)
		return "{" + expr.Print(w.value) + "}", nil
	}
	of := authz.Made{At: append([]string{"attr"}, path[2:]...), From: w.from}
	if w.from == nil {
		of.Text = []authz.Piece{{Expr: expr.Print(w.value)}}
	}
	x.made, x.needs = append(x.made, of), append(x.needs, w.needs...)
	if at := map[string]string{scopeKey: "scope", versionKey: "policyVersion"}[path[2]]; at != "" && len(path) == 3 {
		x.made = append(x.made, madeText(at, w.textOrNone()))
	}
	return nil, nil
}

func madeText(at, expression string) authz.Made {
	return authz.Made{At: []string{at}, Text: []authz.Piece{{Expr: expression}}}
}
