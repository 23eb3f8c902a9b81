// Package rounds says how long the generating tests of the project run: shortly
// with every go test, and for figures that can be quoted with MCPOLICY_LONG set,
// as make oracle does.
package rounds

import (
	"os"
	"testing"
)

// longEnv names the variable that makes the tests run long.
const longEnv = "MCPOLICY_LONG"

// Of returns how many rounds a test makes: short ones, or long ones with
// MCPOLICY_LONG set, and a fifth of the short ones with -short, which is for what is slow
// anyway, such as the race detector. A test whose name begins with TestDifferential belongs to
// make oracle.
func Of(short, long int) int {
	if os.Getenv(longEnv) != "" {
		return long
	}
	if testing.Short() {
		return max(1, short/5)
	}
	return short
}
