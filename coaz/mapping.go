package coaz

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
)

// A Mapping says which evaluations a point sends for a request: one that a tool declares,
// or the default of a method. It may be used from several goroutines.
type Mapping struct {
	Pos source.Pos

	entries   []*Entry
	malformed error // why every call is refused; the first of the reasons
	unclear   error // why nobody can tell what is sent
	semantic  *source.Node
	arguments arguments
	leaves    []*Value // all that are no objects
}

// An Entry is one evaluation of a mapping as it is written, with the defaults that it takes
// over. A part that is not there is nil.
type Entry struct {
	Subject, Action, Resource, Context *Value

	unknown []string // keys that AuthZEN has not
}

// A Value is one value of a mapping: an object, an expression, or what stands for itself.
type Value struct {
	Name    string // resource.id, evaluations[1].action.name
	Pos     source.Pos
	Literal any     // what is sent as it is
	Text    string  // the expression without its $
	Reads   []Read  // of the expression
	Fields  []Field // of an object
	// IsSubject says that the value is the claim that the point takes the subject's id from,
	// whatever the expression calls it.
	IsSubject bool

	object     bool
	dollar     bool        // it is an expression, of whatever sort
	expr       *expression // nil for one that does not compile
	typing     typing      // of an expression
	unclear    error       // of what implementations read in different ways
	mustBeText bool        // an id, a type or a name
}

// A Field is one entry of an object.
type Field struct {
	Name  string
	Value *Value
}

// An Evaluation is the body of an AuthZEN access evaluation request, as JSON.
type Evaluation map[string]any

// resolve returns the value for a request, and whether there is one: absent values leave
// their key out.
func (v *Value) resolve(in *inputs) (any, bool, error) {
	switch {
	case v == nil:
		return nil, false, nil
	case in.anybody && (v.unclear != nil || v.readsToken()):
		return openValue{v}, true, nil
	case v.unclear != nil:
		in.unclear = errors.Join(in.unclear, v.unclear)
		return nil, false, nil
	case v.IsSubject:
		id, there := in.token[in.subjectClaim]
		if !there {
			return nil, false, fmt.Errorf("%s: the token has no claim %q", v.Name, in.subjectClaim)
		}
		return id, true, nil
	case v.expr != nil && in.open && v.readsArguments():
		return openValue{v}, true, nil
	case v.expr != nil:
		x, there, err := v.expr.evaluate(in)
		if errors.Is(err, errUnknown) && !in.anybody {
			in.unclear = errors.Join(in.unclear, fmt.Errorf("%s: %w", v.Name, err))
			return nil, false, nil
		}
		if err != nil && in.anybody {
			return openValue{v}, true, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", v.Name, err)
		}
		return x, there, nil
	case !v.object:
		return v.Literal, true, nil
	}
	object := make(map[string]any, len(v.Fields))
	var errs []error
	for _, f := range v.Fields {
		x, there, err := f.Value.resolve(in)
		if err != nil {
			errs = append(errs, err)
		}
		if there {
			object[f.Name] = x
		}
	}
	return object, true, errors.Join(errs...)
}

func (v *Value) readsToken() bool {
	return v.IsSubject || slices.ContainsFunc(v.Reads, func(r Read) bool { return r.Path[0] == tokenName })
}

// Entries lists the evaluations of a mapping, as far as it could be read. They are not to
// be changed.
func (m *Mapping) Entries() []*Entry { return m.entries }

// ReadsArguments reports whether the arguments of a call make a difference to what is asked.
func (m *Mapping) ReadsArguments() bool {
	return slices.ContainsFunc(m.leaves, (*Value).readsArguments)
}

// Claims lists the paths below the token that a mapping reads; an empty one is all of it.
func (m *Mapping) Claims() [][]string {
	var list [][]string
	for _, v := range m.leaves {
		for _, r := range v.Reads {
			if r.Path[0] == tokenName {
				list = append(list, r.Path[1:])
			}
		}
	}
	return list
}

// inputs are what a mapping is resolved with.
type inputs struct {
	params, token map[string]any
	subjectClaim  string
	open          bool   // the arguments of the call are not known
	anybody       bool   // nor is the token
	unclear       error  // what could not be told
	cost          uint64 // of what was evaluated, as CEL counts it
}

// resolve returns the evaluations for a request, one after the other.
func (m *Mapping) resolve(in *inputs) ([]Evaluation, error) {
	in.unclear = m.unclear
	var list []Evaluation
	var errs []error
	for _, t := range m.entries {
		if in.cost > maxCost {
			break // which is unclear
		}
		e := Evaluation{}
		for _, part := range []struct {
			name     string
			value    *Value
			required []string
		}{
			{"subject", t.Subject, []string{"type", "id"}},
			{"action", t.Action, []string{"name"}},
			{"resource", t.Resource, []string{"type", "id"}},
			{"context", t.Context, nil},
		} {
			x, there, err := part.value.resolve(in)
			if err == nil && in.unclear == nil {
				err = complete(part.name, x, part.required)
			}
			if err != nil {
				errs = append(errs, err)
			}
			if there {
				e[part.name] = x
			}
		}
		for _, key := range t.unknown {
			e[key] = nil
		}
		list = append(list, e)
	}
	return list, errors.Join(errs...)
}

// complete reports what is missing in a part of an evaluation.
func complete(name string, x any, required []string) error {
	if len(required) == 0 {
		return nil
	}
	object, isObject := x.(map[string]any)
	if x == nil {
		return fmt.Errorf("%s: it is absent or null", name)
	}
	if !isObject {
		return nil // which Cerbos takes for invalid, or which is open
	}
	for _, key := range required {
		if object[key] == nil {
			return fmt.Errorf("%s.%s: it is absent or null", name, key)
		}
	}
	return nil
}
