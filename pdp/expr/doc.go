// Package expr reads and writes the expressions of policies, which are CEL, as their
// authors wrote them: macros are not expanded. What an expression comes to is not its
// business, nor which rule it is of.
package expr
