// Package diff says what changed in access between two revisions of a workspace: not
// which lines, but who may do what they might not before, for the declared principals and
// for everybody who could exist.
//
// Two cells are compared as the sets of calls that they allow, by the solver; whatever it
// shows is put to both engines before it counts. What cannot be told is unknown, and
// never no difference.
package diff
