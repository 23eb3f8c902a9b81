package testgen

import (
	"context"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Input is what suites are made from.
type Input struct {
	Matrix *matrix.Matrix // decided
	// Groups are the keys of each group's principals.
	Groups map[string][]string
	// Now is what time it is, if conditions of the policies read the clock: the suites say so.
	Now time.Time
	// Reopen returns the engine with another clock; it is asked if Now is set.
	Reopen func(now time.Time, globals map[string]any) (pdp.Decider, error)
	// Unnoticed, if set, is asked which mistakes in the policies the suites would not notice,
	// after they have been run: for calls that tell them, and for those of which nothing is known.
	Unnoticed func(ctx context.Context, ran *testrunner.Result) (gaps []Gap, unknown []string, err error)
	// Intent, if set, says of principals what is meant, in comments above what the suites say
	// of their access.
	Intent func([]*authz.Principal) []string
	// RulesOnly makes suites of one case for each rule and nothing else. They show how little
	// that is.
	RulesOnly bool
}

// A Gap is a case that is missing.
type Gap struct {
	Why       string // what it is there for, in a few words
	Principal *authz.Principal
	Column    *matrix.Column
	Arguments map[string]any // nil for whatever arguments, and where the operation takes none
	Expect    authz.Effect   // Conditional without arguments only
}
