package solver

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A Part says which arguments, attributes and claims are open, by name, of requests that
// leave all of them open. The others stand in the requests, and stay as they are there. Nil
// leaves all of a kind open.
type Part struct{ Arguments, Attributes, Claims []string }

// Impossible reports whether there is certainly no request for which all goals hold, and how
// many steps it took. It asks less than Solve does, which looks for a request, too.
func (s *Solver) Impossible(ctx context.Context, w *World, goals []Goal) (certain bool, steps int, err error) {
	a, err := s.analyse(ctx, w, goals, false)
	if err != nil {
		return false, 0, err
	}
	return a.impossible(), a.steps, nil
}

// names returns the names that are open below a root, unless all are.
func (w *World) names(root rootKind) (names []string, some bool) {
	if w.Only == nil {
		return nil, false
	}
	switch root { //nolint:exhaustive // the others have no names
	case isArguments:
		names = w.Only.Arguments
	case isAttributes:
		names = w.Only.Attributes
	case isClaims:
		names = w.Only.Claims
	}
	return names, names != nil
}

// fixes reports whether what has a name below a root stays as it is.
func (w *World) fixes(root rootKind, name string) bool {
	names, some := w.names(root)
	return some && !slices.Contains(names, name)
}

// within returns where a path below a root leads to, as resolve does.
func (a *analysis) within(root *place, path []string) (p *place, whole bool, s standing) {
	names, some := a.in.names(root.kind)
	switch {
	case !some:
		return a.under(root, path), false, isOpen
	case len(path) == 0:
		if len(names) == 0 {
			return nil, false, isFixed
		}
		return root, true, isOpen
	case a.in.fixes(root.kind, path[0]):
		return nil, false, isFixed
	}
	return a.under(root, path), false, isOpen
}

// kept returns what was made below a root together with what stays as it is.
func (a *analysis) kept(root rootKind, have, made map[string]any) map[string]any {
	if _, some := a.in.names(root); !some {
		return made
	}
	all := map[string]any{}
	for name, v := range have {
		if a.in.fixes(root, name) {
			all[name] = v
		}
	}
	maps.Copy(all, made)
	return all
}

// refused reports whether schemas refuse what stays as it is, so that no request fits.
func (a *analysis) refused() bool {
	for i := range a.in.Requests {
		r := &a.in.Requests[i]
		if r.AnyPrincipal && (a.refuses(a.roots["P.attr"], r.Principal.Attr) || a.refuses(a.roots["jwt"], r.Principal.AuxData)) {
			return true
		}
		if r.Unknown != nil && a.refuses(a.roots[callRoot(a.in.call(i))], r.Resource.Mapping(r.Unknown)) {
			return true
		}
	}
	return false
}

func (a *analysis) refuses(root *place, have map[string]any) bool {
	if _, some := a.in.names(root.kind); !some {
		return false
	}
	for name, v := range have {
		if a.in.fixes(root.kind, name) && slices.ContainsFunc(factsBelow(root.schemas, name), func(s *jsonschema.Schema) bool { return refuses(s, normal(v)) }) {
			return true
		}
	}
	for _, s := range root.schemas {
		for _, name := range s.Required {
			if _, there := have[name]; !there && a.in.fixes(root.kind, name) {
				return true
			}
		}
	}
	return false
}

// refuses reports whether a schema certainly refuses a value.
func refuses(s *jsonschema.Schema, v any) (certain bool) {
	defer func() {
		if recover() != nil {
			certain = false
		}
	}()
	if s.Always != nil {
		return !*s.Always
	}
	var invalid *jsonschema.ValidationError
	return errors.As(s.Validate(v), &invalid)
}

// ahead asks for what goals come to as a whole, too, where parts of the same requests are
// asked about one after the other: so the engine compiles all there is at once. What it
// says of these does not matter.
func (a *analysis) ahead(texts *texts) []Trial {
	if a.in.Only == nil {
		return nil
	}
	var trials []Trial
	for _, g := range a.goals {
		request, now := a.request(g.request, assignment{})
		g.source.texts(func(text string) {
			trials = append(trials, Trial{Text: texts.number(text), Request: request, Now: now})
		})
	}
	return trials
}
