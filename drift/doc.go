// Package drift compares what production decides with what the checkout does:
// two matrices of the same servers and principals, one decided by a running
// PDP, the other by the embedded engine over the policies at hand.
//
// A difference is shown by a call that both were asked about. That two
// conditional cells are the same is never taken from how their conditions read:
// both sides decide calls that meet and miss each of them, and where that does
// not settle it, the answer is that it is not known.
package drift
