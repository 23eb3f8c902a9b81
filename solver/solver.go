package solver

import (
	"context"
	"maps"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A World says which requests there are: what is known of each of some requests of one
// principal stays as it is, and what is open may be anything that the schemas allow.
type World struct {
	// Requests are all of the same principal as far as AnyPrincipal leaves it open; what
	// is known of it may differ from one to the other. Unknown leaves the arguments open, which
	// are a mapping; AnyPrincipal the principal's attributes, claims and id.
	Requests []authz.Request
	// Calls numbers the arguments of each request: those of one number are the same. Nil
	// gives each request its own, numbered as the requests are.
	Calls []int
	// Arguments are JSON schemas, decoded, of the arguments by number; nil allows all.
	Arguments []any
	// Principal is the JSON schema of the principal's attributes; nil allows all.
	Principal any
	Claims    any        // the JSON schema of the principal's claims; nil allows all
	FixedID   bool       // the id stays as it is in spite of AnyPrincipal
	Only      *Part      // what is open of all that the requests leave open; nil for all of it
	Now       *time.Time // nil leaves the clock open
}

// call returns the number of a request's arguments.
func (w *World) call(request int) int {
	if w.Calls == nil {
		return request
	}
	return w.Calls[request]
}

// schema returns the schema of the arguments of a number.
func (w *World) schema(call int) any {
	if call >= len(w.Arguments) {
		return nil
	}
	lookedUp := map[string]any{}
	for i := range w.Requests {
		if w.call(i) == call {
			w.Requests[i].LookedUp(lookedUp)
		}
	}
	if len(lookedUp) == 0 {
		return w.Arguments[call]
	}
	return besides(w.Arguments[call], authz.LookedUp, map[string]any{"type": "object", "properties": lookedUp})
}

// besides returns a schema that allows one more property, of which it says what another one
// does. What the schema says of properties in other ways than by their names is left out.
func besides(schema any, name string, of any) any {
	m, _ := schema.(map[string]any)
	for _, key := range []string{"$ref", "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas", "unevaluatedProperties", "propertyNames", "maxProperties", "enum", "const", "patternProperties"} {
		if _, there := m[key]; there {
			m = nil
		}
	}
	more := map[string]any{"type": "object"}
	maps.Copy(more, m)
	properties := map[string]any{}
	if known, ok := m["properties"].(map[string]any); ok {
		maps.Copy(properties, known)
	}
	properties[name] = of
	more["properties"] = properties
	return more
}

// A Goal is what a formula has to come to for one of a world's requests.
type Goal struct {
	Formula Formula
	Request int
	To      Outcomes
}

// A Verdict answers whether something is possible.
type Verdict uint8

// The verdicts.
const (
	Unknown    Verdict = iota
	Possible           // an answer has requests that show it
	Impossible         // for whatever is open
)

// String returns unknown, possible or impossible.
func (v Verdict) String() string { return [...]string{"unknown", "possible", "impossible"}[v] }

// An Answer says whether there are requests for which all of some goals hold.
type Answer struct {
	Verdict  Verdict
	Requests []authz.Request // of Possible: complete, and confirmed by the engine
	Now      time.Time       // what time it is then
	Open     []string        // of Unknown: what could not be treated
	Steps    int             // what it took
}

// A Trial asks what an expression comes to for a request of which nothing is open.
type Trial struct {
	Text    int // index of the expression
	Request *authz.Request
	Now     time.Time
}

// An Evaluator is an engine that evaluates expressions. Trials of one request are best
// asked in a row.
type Evaluator interface {
	// Evaluate returns what each trial came to, in order. An expression that does not
	// compile is an error.
	Evaluate(ctx context.Context, texts []string, trials []Trial) ([]Outcome, error)
}

// A Solver answers questions, and remembers what the engine said. It is not to be used
// from several goroutines at once.
type Solver struct {
	engine Evaluator
	known  map[string]Outcome // of rows; see table.go
	// schemas are those that were compiled, by their texts.
	schemas map[string]schemaResult
	Limits  Limits
	// Confirm, if set, has the last word on the requests of an answer.
	Confirm func(ctx context.Context, requests []authz.Request, now time.Time) (bool, error)
}

// Limits bound what a question may take. What goes beyond is unknown, and the same on
// every machine.
type Limits struct {
	Values int // of one place
	Rows   int // of the table of one leaf
	Total  int // of rows of a question
	Texts  int // steps of the search for texts
	Tries  int // models that are put to the engine
	Size   int // clauses
}

// DefaultLimits are those of a new solver.
var DefaultLimits = Limits{Values: 6_000, Rows: 40_000, Total: 120_000, Texts: 400_000, Tries: 40, Size: 1_000_000}

// New returns a solver that asks an engine.
func New(engine Evaluator) *Solver {
	return &Solver{engine: engine, known: map[string]Outcome{}, schemas: map[string]schemaResult{}, Limits: DefaultLimits}
}
