// Package accesslock makes and verifies a lock: a file that says what each server offers
// and who may list and use it, by role, so that a change of access is a change of a
// file that somebody reviews.
//
// A lock speaks of roles and not of people. What it says does not depend on the order of
// files or principals, nor on what time it is. Two conditions are compared as the sets of
// calls that they let through; what cannot be compared is unknown, and never the same.
package accesslock
