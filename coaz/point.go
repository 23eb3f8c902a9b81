package coaz

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The codes of JSON-RPC errors that a point refuses with.
const (
	CodeDenied  = -32001 // by a policy, or a method that the binding has not
	CodeMapping = -32602 // no evaluation can be made of the request
	CodePDP     = -32603 // no answer, or none that says anything: an invalid evaluation
)

// A Point is an enforcement point that follows the binding.
type Point struct {
	Server  string // its resource identifier; "" goes by the claim aud
	Subject string // the claim that the subject's id is; "" is sub
}

// An OutcomeKind is what a point does with a request.
type OutcomeKind uint8

// The kinds of an outcome.
const (
	Refused OutcomeKind = iota // without asking
	Asked
	Passed  // without asking
	Unknown // it depends on the implementation, or is beyond what is read here
)

// String returns the kind in one word.
func (k OutcomeKind) String() string { return [...]string{"refused", "asked", "passed", "unknown"}[k] }

// An Outcome is what a point does with a request before anybody decides. The zero value
// refuses.
type Outcome struct {
	Kind OutcomeKind
	// Evaluations are what is asked. The request is allowed if all of them are. They are to
	// be taken one by one.
	Evaluations []Evaluation
	Code        int   // of a refusal
	Cause       error // of a refusal, and of what is unknown
}

const defaultClaim, defaultType = "sub", "identity"

// Passes reports whether requests of a method go through unasked.
func Passes(method string) bool {
	return method == "ping" || strings.HasPrefix(method, "notifications/")
}

// Methods lists the methods that have a default mapping, sorted. What is neither among
// them nor [Passes] is refused.
func Methods() []string { return slices.Sorted(maps.Keys(defaultMappings())) }

// Default returns the mapping of a method without a declared one, or nil. In those about the
// server as a whole $token.aud stands for the server, whatever form the claim has.
func Default(method string) *Mapping { return defaultMappings()[method] }

// Resolve says what a point does with a request, given its parameters and the claims of the
// caller's token, which are values of JSON. Declared is the mapping that the called tool
// declares, nil for none, and for a point that does not know it.
func (p Point) Resolve(declared *Mapping, method string, params, token map[string]any) Outcome {
	return p.evaluations(p.inputs(params, token), declared, method)
}

// Refuses returns what a point does with all requests of a method, if that is to refuse them
// without asking whatever they are, and reports whether it is.
func (p Point) Refuses(declared *Mapping, method string) (Outcome, bool) {
	m := mappingOf(declared, method)
	switch {
	case Passes(method):
	case m == nil:
		return Outcome{Code: CodeDenied, Cause: fmt.Errorf("the binding has no mapping for %s", method)}, true
	case m.malformed != nil:
		return Outcome{Code: CodeMapping, Cause: m.malformed}, true
	}
	return Outcome{}, false
}

// mappingOf returns the mapping that counts, nil if the binding has none for the method.
func mappingOf(declared *Mapping, method string) *Mapping {
	if method == toolsCall && declared != nil {
		return declared
	}
	return Default(method)
}

func (p Point) inputs(params, token map[string]any) *inputs {
	in := &inputs{params: nonNil(params), token: nonNil(token), subjectClaim: p.Subject}
	if in.subjectClaim == "" {
		in.subjectClaim = defaultClaim
	}
	return in
}

// evaluations says what a point does with a request.
func (p Point) evaluations(in *inputs, declared *Mapping, method string) Outcome {
	if Passes(method) {
		return Outcome{Kind: Passed}
	}
	if refused, is := p.Refuses(declared, method); is {
		return refused
	}
	if serverMethods[method] != nil {
		with, unclear, err := p.withServer(in.token)
		switch {
		case err != nil:
			return Outcome{Code: CodeMapping, Cause: err}
		case unclear != nil:
			return Outcome{Kind: Unknown, Cause: unclear}
		}
		in.token = with
	}
	list, err := mappingOf(declared, method).resolve(in)
	switch {
	case err != nil:
		return Outcome{Code: CodeMapping, Cause: err}
	case in.unclear != nil:
		return Outcome{Kind: Unknown, Cause: in.unclear}
	}
	return Outcome{Kind: Asked, Evaluations: list}
}

func nonNil(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// withServer puts the one value that names the server in the place of aud.
func (p Point) withServer(token map[string]any) (with map[string]any, unclear, err error) {
	server := p.Server
	if server == "" {
		switch aud := token["aud"].(type) {
		case string:
			server = aud
		case []any:
			if len(aud) > 1 {
				return nil, errors.New("the token has several audiences, and which of them is this server is not known"), nil
			}
			if len(aud) == 1 {
				server, _ = aud[0].(string)
			}
		}
	}
	if server == "" {
		return nil, nil, errors.New("the token has no audience that names the server")
	}
	with = maps.Clone(token)
	with["aud"] = server
	return with, nil, nil
}
