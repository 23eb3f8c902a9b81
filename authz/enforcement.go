package authz

import "github.com/mcpolicy/mcpolicy/source"

// A Filter says how an enforcement point narrows a list to what a principal may
// see.
type Filter uint8

// The filters.
const (
	FilterNone Filter = iota // not at all: everything shows to everyone
	FilterOwn                // by a decision of its own for each item
	FilterCall               // by the decision on the item's call, get or read, without arguments
	FilterGate               // by one decision for the whole list

	FilterPossible // by whether the item's call, get or read is allowed with some arguments
	FilterGrant    // by a list of names that was made beforehand: no policy is asked
)

var filterNames = []string{"none", "own", "call", "gate", "possible", "grant"}

// Filters lists the names of the filters in a configuration.
func Filters() []string { return append([]string(nil), filterNames...) }

// Asks reports whether a list that is filtered so has requests of its own.
func (f Filter) Asks() bool { return f == FilterOwn || f == FilterGate }

// String returns none, own, call, gate, possible or grant.
func (f Filter) String() string { return filterNames[f] }

// DecodeNode reads none, own, call, gate, possible or grant.
func (f *Filter) DecodeNode(n *source.Node) error {
	return source.DecodeWord(n, "filter", filterNames, f)
}

// A Fallback is what an enforcement point makes of a request that no decision is there for.
type Fallback uint8

// The fallbacks. The zero value is that it is not known.
const (
	NotKnown Fallback = iota
	Refuse
	Pass
)

var fallbackNames = []string{"unknown", "refuse", "pass"}

// Fallbacks lists the names of the fallbacks in a configuration.
func Fallbacks() []string { return append([]string(nil), fallbackNames...) }

// String returns unknown, refuse or pass.
func (f Fallback) String() string { return fallbackNames[f] }

// SchemaEnforcement says what becomes of a request that a policy's schemas
// refuse.
type SchemaEnforcement uint8

// What becomes of it. SchemaNone is Cerbos's own default.
const (
	SchemaNone   SchemaEnforcement = iota // schemas are not looked at
	SchemaWarn                            // it is decided all the same
	SchemaReject                          // it is denied
)

var enforcementNames = []string{"none", "warn", "reject"}

// SchemaEnforcements lists the names of what can become of it.
func SchemaEnforcements() []string { return append([]string(nil), enforcementNames...) }

// String returns none, warn or reject.
func (s SchemaEnforcement) String() string { return enforcementNames[s] }

// DecodeNode reads none, warn or reject.
func (s *SchemaEnforcement) DecodeNode(n *source.Node) error {
	return source.DecodeWord(n, "schemaEnforcement", enforcementNames, s)
}
