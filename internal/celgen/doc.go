// Package celgen makes conditions, inputSchemas and requests at random, for
// tests that hold what is said of conditions against what the engine makes of
// them. The requests are made of the same constants as the conditions, so that
// they fall on either side of what these ask.
package celgen
