// Package rounds says how long the generating tests of the project run: shortly
// with every go test, and for figures that can be quoted with MCPOLICY_LONG set,
// as make oracle does.
package rounds

import "os"

// longEnv names the variable that makes the tests run long.
const longEnv = "MCPOLICY_LONG"

// Of returns how many rounds a test makes: short ones, or long ones with
// MCPOLICY_LONG set. A test whose name begins with TestDifferential belongs to
// make oracle.
func Of(short, long int) int {
	if os.Getenv(longEnv) != "" {
		return long
	}
	return short
}
