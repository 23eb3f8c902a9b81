package pdp

import (
	"context"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A Decider answers requests.
type Decider interface {
	// Decide answers each request, in order. A request that could not be
	// decided fails the whole batch: an error is never a denial.
	Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error)
}

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

	whole bool // load everything, whatever requests are about
}
