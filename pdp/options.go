package pdp

import "time"

// Enforcement says what the engine does about requests that the policies'
// schemas refuse.
type Enforcement uint8

// The levels of schema enforcement. EnforceNone is Cerbos's own default.
const (
	EnforceNone Enforcement = iota
	EnforceWarn
	EnforceReject
)

// Options set the engine as the PDP in production is set. The zero value is
// Cerbos's default configuration.
type Options struct {
	Schemas              Enforcement
	StrictEvaluation     bool // an expression that errors denies, instead of counting as not met
	DefaultPolicyVersion string
	DefaultScope         string
	LenientScopeSearch   bool
	Globals              map[string]any
	Now                  time.Time // what now() is; the time of Open when zero
	Workers              int       // requests decided at once; one a core when zero

	// Bounds are for policies that are not trusted.
	Bounds Bounds

	// Prefix stands in front of the file names in compile errors.
	Prefix string
}
